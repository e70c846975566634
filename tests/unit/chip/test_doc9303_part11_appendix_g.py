"""The worked example of PACE with ECDH generic mapping (Doc 9303-11, appendix G.1), the terminal's side.

The chip's private keys of the example are used as well: each value is computed from both ends, so a value
copied wrongly could not pass.
"""

from __future__ import annotations

from support.chip import MrzKeys
from support.chip_script import Script

from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.ec import BRAINPOOL_P256R1
from drivers.chip.ephemeral import EphemeralKey
from drivers.chip.kdf import Purpose, SessionCipher
from drivers.chip.pace import choose, open_pace
from drivers.chip.password import secret
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import AesSuite, pad
from drivers.chip.security_infos import PaceInfo, encode, parse

KEYS = MrzKeys("T22000129", "640812", "101031")
CARD_ACCESS = bytes.fromhex("31143012060A04007F0007020204020202010202010D")
K = bytes.fromhex("7E2D2A41C74EA0B38CD36F863939BFA8E9032AAD")
K_PI = bytes.fromhex("89DED1B26624EC1E634C1989302849DD")
Z = bytes.fromhex("95A3A016522EE98D01E76CB6B98B42C3")
S = bytes.fromhex("3F00C4D39D153F2B2A214A078D899B22")
SK_MAP_IFD = 0x7F4EF07B9EA82FD78AD689B38D0BC78CF21F249D953BC46F4C6E19259C010F99
SK_MAP_IC = 0x498FF49756F2DC1587840041839A85982BE7761D14715FB091EFA7BCE9058560
PK_MAP_IFD = bytes.fromhex(
    "047ACF3EFC982EC45565A4B155129EFBC74650DCBFA6362D896FC70262E0C2CC5E"
    "544552DCB6725218799115B55C9BAA6D9F6BC3A9618E70C25AF71777A9C4922D"
)
PK_MAP_IC = bytes.fromhex(
    "04824FBA91C9CBE26BEF53A0EBE7342A3BF178CEA9F45DE0B70AA601651FBA3F57"
    "30D8C879AAA9C9F73991E61B58F4D52EB87A0A0C709A49DC63719363CCD13C54"
)
H = bytes.fromhex(
    "0460332EF2450B5D247EF6D3868397D398852ED6E8CAF6FFEEF6BF85CA57057FD5"
    "0840CA7415BAF3E43BD414D35AA4608B93A2CAF3A4E3EA4E82C9C13D03EB7181"
)
MAPPED = bytes.fromhex(
    "048CED63C91426D4F0EB1435E7CB1D74A46723A0AF21C89634F65A9AE87A9265E2"
    "8C879506743F8611AC33645C5B985C80B5F09A0B83407C1B6A4D857AE76FE522"
)
SK_DH_IFD = 0xA73FB703AC1436A18E0CFA5ABB3F7BEC7A070E7A6788486BEE230C4A22762595
PK_DH_IFD = bytes.fromhex(
    "042DB7A64C0355044EC9DF190514C625CBA2CEA48754887122F3A5EF0D5EDD301C"
    "3556F3B3B186DF10B857B58F6A7EB80F20BA5DC7BE1D43D9BF850149FBB36462"
)
PK_DH_IC = bytes.fromhex(
    "049E880F842905B8B3181F7AF7CAA9F0EFB743847F44A306D2D28C1D9EC65DF6DB"
    "7764B22277A2EDDC3C265A9F018F9CB852E111B768B326904B59A0193776F094"
)
SHARED = bytes.fromhex("28768D20701247DAE81804C9E780EDE582A9996DB4A315020B2733197DB84925")
KS_ENC = bytes.fromhex("F5F0E35C0D7161EE6724EE513A0D9A7F")
KS_MAC = bytes.fromhex("FE251C7858B356B24514B3BD5F4297D1")
T_IFD = bytes.fromhex("C2B0BD78D94BA866")
T_IC = bytes.fromhex("3ABB9674BCE93C08")

EXCHANGES = (
    ("0022C1A40F800A04007F00070202040202830101", "9000"),
    ("10860000027C0000", f"7C128010{Z.hex()}9000"),
    (f"10860000457C438141{PK_MAP_IFD.hex()}00", f"7C438241{PK_MAP_IC.hex()}9000"),
    (f"10860000457C438341{PK_DH_IFD.hex()}00", f"7C438441{PK_DH_IC.hex()}9000"),
    (f"008600000C7C0A8508{T_IFD.hex()}00", f"7C0A8608{T_IC.hex()}9000"),
)


class Draws:
    """A random source that gives the example's private keys."""

    def __init__(self, *scalars: int) -> None:
        self._scalars = list(scalars)

    def __call__(self, size: int) -> bytes:
        return self._scalars.pop(0).to_bytes(size, "big")


def test_the_password_gives_the_key_and_the_key_opens_the_nonce() -> None:
    assert secret(KEYS) == K
    assert SessionCipher.AES_128.key(K, Purpose.PASSWORD) == K_PI
    assert SessionCipher.AES_128.decrypt_nonce(K, Z) == S


def test_the_nonce_is_mapped_from_both_ends() -> None:
    curve = BRAINPOOL_P256R1
    terminal, chip = (EphemeralKey(curve, Draws(scalar)) for scalar in (SK_MAP_IFD, SK_MAP_IC))
    assert curve.encode(terminal.public) == PK_MAP_IFD
    assert curve.encode(chip.public) == PK_MAP_IC
    assert terminal.agree(curve.decode(PK_MAP_IC)) == chip.agree(curve.decode(PK_MAP_IFD)) == H[1:33]
    nonce = int.from_bytes(S, "big")
    mapped = terminal.map_generator(nonce, curve.decode(PK_MAP_IC))
    assert curve.encode(mapped) == MAPPED
    assert curve.encode(chip.map_generator(nonce, curve.decode(PK_MAP_IFD))) == MAPPED
    agreeing = EphemeralKey(curve, Draws(SK_DH_IFD))
    assert curve.encode(agreeing.multiply(mapped)) == PK_DH_IFD
    assert agreeing.agree(curve.decode(PK_DH_IC)) == SHARED


def test_session_keys_and_suite_come_from_the_shared_secret() -> None:
    cipher = SessionCipher.AES_128
    assert (cipher.key(SHARED, Purpose.ENC), cipher.key(SHARED, Purpose.MAC)) == (KS_ENC, KS_MAC)


def test_the_terminals_apdus_are_the_standards() -> None:
    """The first command after it is the one that an independent implementation makes from these keys."""
    pace = choose(parse(CARD_ACCESS))
    assert pace is not None
    status = b"\x99\x02\x90\x00"
    mac = AesSuite(KS_ENC, KS_MAC).mac(pad((2).to_bytes(16, "big") + status, 16))
    select = "0CA4040C1D871101752F676B09FAC86A87D632749A49C7CC8E08C18BA1FCE707BD9F00"
    script = Script(*EXCHANGES, (select, (status + b"\x8e\x08" + mac).hex() + "9000"))
    channel = open_pace(Plain(script), KEYS, pace, random=Draws(SK_MAP_IFD, SK_DH_IFD))
    assert channel.protocol == "PACE ECDH-GM AES-CBC-CMAC-128 brainpoolP256r1 MRZ"
    application = bytes.fromhex("A0000002471001")
    assert channel.send(CommandApdu(Ins.SELECT, 0x04, 0x0C, application)).sw == Sw.OK
    assert script.finished


def test_ef_card_access_of_the_example_is_read_and_written() -> None:
    infos = parse(CARD_ACCESS)
    assert infos == (PaceInfo("0.4.0.127.0.7.2.2.4.2.2", 2, 13),)
    assert encode(infos) == CARD_ACCESS
