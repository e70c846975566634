"""The worked examples of Doc 9303-11, appendix D, both sides."""

from __future__ import annotations

from support.chip import DOC_9303_KEYS

from drivers.chip.apdu import CommandApdu, Ins, Sw
from drivers.chip.bac import derive_keys, key_seed, mrz_information, open_bac
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import SecureMessaging, TripleDesSuite
from drivers.virtual.card import channel
from drivers.virtual.card.words import parse

SEED = bytes.fromhex("239AB9CB282DAF66231DC5A4DF6BFBAE")
K_ENC = bytes.fromhex("AB94FDECF2674FDFB9B391F85D7F76F2")
K_MAC = bytes.fromhex("7962D9ECE03D1ACD4C76089DCE131543")
RND_IC = bytes.fromhex("4608F91988702212")
RND_IFD = bytes.fromhex("781723860C06C226")
K_IFD = bytes.fromhex("0B795240CB7049B01C19B33E32804F0B")
K_IC = bytes.fromhex("0B4F80323EB3191CB04970CB4052790B")
TOKEN_IFD = bytes.fromhex("72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F25F1448EEA8AD90A7")
TOKEN_IC = bytes.fromhex("46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D7449")
SESSION_SEED = bytes.fromhex("0036D272F5C350ACAC50C3F572D23600")
KS_ENC = bytes.fromhex("979EC13B1CBFE9DCD01AB0FED307EAE5")
KS_MAC = bytes.fromhex("F1CB1F1FB5ADF208806B89DC579DC1F8")
SSC = bytes.fromhex("887022120C06C226")

SELECT_COM = CommandApdu(Ins.SELECT, 0x02, 0x0C, b"\x01\x1e")
READ_4 = CommandApdu(Ins.READ_BINARY, 0x00, 0x00, ne=4)
READ_18 = CommandApdu(Ins.READ_BINARY, 0x00, 0x04, ne=18)
EXCHANGES = (
    (
        SELECT_COM,
        "0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800",
        "990290008E08FA855A5D4C50A8ED9000",
        "",
    ),
    (
        READ_4,
        "0CB000000D9701048E08ED6705417E96BA5500",
        "8709019FF0EC34F9922651990290008E08AD55CC17140B2DED9000",
        "60145F01",
    ),
    (
        READ_18,
        "0CB000040D9701128E082EA28A70F3C7B53500",
        "871901FB9235F4E4037F2327DCC8964F1F9B8C30F42C8E2FFF224A990290008E08C8B2787EAEA07D749000",
        "04303130365F36063034303030305C026175",
    ),
)


class Script:
    """A link that expects these commands and gives these answers."""

    def __init__(self, *exchanges: tuple[str, str]) -> None:
        self._exchanges = list(exchanges)

    def transmit(self, apdu: bytes, timeout_s: float = 0.5) -> bytes:
        wanted, answer = self._exchanges.pop(0)
        assert apdu.hex().upper() == wanted
        return bytes.fromhex(answer)


def test_keys_are_derived_from_the_mrz() -> None:
    assert mrz_information(DOC_9303_KEYS) == "L898902C<369080619406236"
    assert key_seed(DOC_9303_KEYS) == SEED
    assert derive_keys(SEED) == (K_ENC, K_MAC)
    assert derive_keys(SESSION_SEED) == (KS_ENC, KS_MAC)


def test_bac_opens_the_channel_whose_first_command_is_the_standards() -> None:
    script = Script(
        ("0084000008", RND_IC.hex() + "9000"),
        ("0082000028" + TOKEN_IFD.hex().upper() + "28", TOKEN_IC.hex() + "9000"),
        EXCHANGES[0][1:3],
    )
    draws = {8: RND_IFD, 16: K_IFD}
    secure = open_bac(Plain(script), DOC_9303_KEYS, random=draws.__getitem__)
    assert secure.send(SELECT_COM).sw == Sw.OK


def test_the_terminal_wraps_and_unwraps_as_the_standard_does() -> None:
    script = Script(*((command, answer) for _, command, answer, _ in EXCHANGES))
    secure = SecureMessaging(Plain(script), TripleDesSuite(KS_ENC, KS_MAC), SSC)
    for command, _, _, data in EXCHANGES:
        response = secure.send(command)
        assert (response.data.hex().upper(), response.sw) == (data, Sw.OK)


def test_the_card_derives_and_authenticates_as_the_standard_does() -> None:
    assert channel.document_seed("L898902C<", "690806", "940623") == SEED
    answer, _ = channel.authenticate(SEED, RND_IC, TOKEN_IFD, own=K_IC)
    assert answer == TOKEN_IC


def test_the_card_opens_and_seals_as_the_standard_does() -> None:
    card = channel.Channel(SESSION_SEED, SSC)
    for command, wrapped, answer, data in EXCHANGES:
        inner = card.open(parse(bytes.fromhex(wrapped)))
        assert (inner.data, inner.ne) == (command.data, command.ne)
        assert card.seal(bytes.fromhex(data), 0x9000).hex().upper() == answer
