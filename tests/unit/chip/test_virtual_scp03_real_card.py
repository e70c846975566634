"""The card's side of SCP03 against a real card: exchanges of an eUICC's ISD-R at i = 70.

The bytes are as published with the tests of Osmocom's pySim; the plain commands and the keys with them.
"""

from __future__ import annotations

import pytest

from drivers.virtual.card.scp03 import KeySet, SecurityDomain
from drivers.virtual.card.words import parse

h = bytes.fromhex

ISD_R = h("A0000005591010FFFFFFFF8900000100")
EID = h("bf3e125a1089882119900000000000000000000005")
PLAIN = (
    "80E2910006BF3E035C015A00",
    "80F22002",
    "80CA006600",
    "80F220020A4F0212345C054F9F70C5",
    "80F28002024F0000",
)
REAL = {
    "aes128-03": (
        "80503000088e1552d0513c60f300",
        "0000000000000000000030037030760cd2c47c1dd395065fe5ead8a9d7000001",
        "8482030010fd4721a14d9b07003c451d2f8ae6bb21",
        (
            "84e2910018ca9c00f6713d79bc8baa642bdff51c3f6a4082d3bd9ad26c00",
            "84f2200208c9811b11f1264cf1",
            "84ca006608e10ab60b3054798800",
            "84f22002184e2908bdb48b2315a55482e9e936ca122d6ecfae7d17416e",
            "84f28002180dd10a6b6193e5340b9e77d32d5a179cd710ac2773aefb2800",
        ),
        EID.hex(),
    ),
    "aes128-33": (
        "8050300008fdf38259a1e0de4400",
        "000000000000000000003003703b1aca81e821f219081cdc01c26b372d000003",
        "84823300108c36f96bcc00724a4e13ad591d7da3f0",
        (
            "84e2910018267a85dfe4a98fca6fb0527e0dfecce4914e40401433c87f00",
            "84f2200208ac6a59024bed84cc",
            "84ca006608409912ad8fb7aed000",
            "84f22002185f3dafc3ac14c381536a488bf44e06d056df9d74dbd21e5a",
            "84f280021865165105be3373347d0424d4400af2ac393f569ec779389e00",
        ),
        "f3ba2b1013aa6224f5e1c138d71805c569e5439b47576260b75fc021b25097cb2e68f8a0144975b9",
    ),
    "aes256-03": (
        "8050320008c6066990fc426e1d00",
        "000000000000000000003203708682cd81bbd8919f2de3f2664581f118000001",
        "848203001077c493b632edadaf865a1e64acc07ce9",
        (
            "84e29100183ddaa60594963befaada3525b492ede23c2ab2c1ce3afe4400",
            "84f2200208480ddc8e419da38d",
            "84ca0066083e9d6a6c0b2d732000",
            "84f22002183ebfef2da8b04af2a85f491f299b76973df76ff08a4031be",
            "84f2800218783fff80990f5585b1055010ea95094a26e4a8f1ef4b18e100",
        ),
        EID.hex(),
    ),
    "aes256-33": (
        "805032000897b2055fe58599fd00",
        "00000000000000000000320370a8439a22cedf045fa9f1903b2834f26e000002",
        "8482330010508a0fd959d2e547c6b33154a6be2057",
        (
            "84e29100187a5ef717eaf1e135ae92fe54429d0e465decda65f5fe5aea00",
            "84f2200208bcc5c17275545d93",
            "84ca00660804806aba9d543bb600",
            "84f2200218717222491556ec81a45f49ce48be33320024801a1c4cb0e0",
            "84f2800218561f105bccd3a1642904b251ccc1228beb80a82370a8637000",
        ),
        "ea90dbfa648a67c5eb6abc57f8530b97d0cd5647c5e8732016b55203b078dd2ace7f8bc5d1c1cd99",
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_the_card_says_what_a_real_card_said_byte_for_byte(name: str) -> None:
    initialize, offer, authenticate, commands, answer = REAL[name]
    times = 1 if name.startswith("aes128") else 2
    keys = KeySet(*(bytes(range(first, first + 16)) * times for first in (0x00, 0x10, 0x20)))
    before = int(offer[-6:], 16) - 1
    domain = SecurityDomain(keys, bytes(10), ISD_R, parse(h(initialize)).p1, before)
    assert domain.initialize_update(parse(h(initialize))).hex() == offer
    session = domain.external_authenticate(parse(h(authenticate)))
    for number, (command, plain) in enumerate(zip(commands, PLAIN, strict=True)):
        inner, said = session.open(parse(h(command))), parse(h(plain))
        assert (inner.code, inner.p1p2, inner.data, inner.ne) == (said.code, said.p1p2, said.data, said.ne)
        if number == 0:
            assert session.seal(EID, 0x9000) == h(answer) + h("9000")
