"""A PKCS#11 token as the travelling right to issue (SoftHSM 2): its count moves with it from box to box."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from support import box, record
from support.issue import IMAGE, ORDER
from support.papers import ASSIGNMENT, TOKEN_LEASE, papers, signed
from support.signer import NOW, csca, document_signer
from support.softhsm import SoftHsm, softhsm

from drivers.errors import DeviceGone, ProtocolError
from drivers.token.pkcs11 import Token
from firmware.box.lease import Here, LeaseRefused, Leases, Mark
from firmware.box.token_marks import LABEL, TokenMarks
from firmware.box.warrants import token_of
from firmware.document.passive import passive_authentication
from firmware.document.sod import parse
from firmware.issue.authority import signing_request
from firmware.issue.errors import SignerUnavailable
from firmware.issue.ports import SigningRequest
from firmware.issue.signers import Pkcs11Signer, signer_sha256
from firmware.records.journal import Journal

T = TypeVar("T")
CSCA = csca()


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    with softhsm(tmp_path_factory.mktemp("softhsm")) as made:
        made.ec_key("ds")
        yield made


@pytest.fixture
def token(hsm: SoftHsm) -> Iterator[Token]:
    with hsm.token() as opened:
        remove_all(hsm)
        yield opened


@pytest.fixture(scope="module")
def certificate(hsm: SoftHsm, tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = load_der_public_key(hsm.public_key("ds"))
    assert isinstance(key, ec.EllipticCurvePublicKey)

    class Held:
        def public_key(self) -> ec.EllipticCurvePublicKey:
            return key

    held: Any = Held()
    path = tmp_path_factory.mktemp("ds") / "ds.pem"
    path.write_bytes(document_signer(CSCA, held).certificate.public_bytes(Encoding.PEM))
    return path


def remove_all(hsm: SoftHsm) -> None:
    import pkcs11

    with hsm._session() as session:
        for found in session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.DATA}):
            found.destroy()


def leave_behind(hsm: SoftHsm, value: bytes) -> None:
    """What a power cut between writing the new mark and removing the old one leaves."""
    import pkcs11

    with hsm._session() as session:
        session.create_object(
            {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.DATA,
                pkcs11.Attribute.LABEL: LABEL,
                pkcs11.Attribute.APPLICATION: "idkiosk",
                pkcs11.Attribute.TOKEN: True,
                pkcs11.Attribute.PRIVATE: True,
                pkcs11.Attribute.VALUE: value,
            }
        )


def test_the_count_stays_in_the_token_and_only_the_newest(hsm: SoftHsm, token: Token) -> None:
    assert TokenMarks(token).mark() is None
    for used in (1, 2, 3):
        TokenMarks(token).put(Mark(9, used))
        assert TokenMarks(token).mark() == Mark(9, used)
        assert len(token.data(LABEL)) == 1
    token.close()
    assert TokenMarks(token).mark() == Mark(9, 3), "after the token was pulled out and came back"
    assert token.ec_key("ds").sign_digest(bytes(32)), "writing a mark logs nobody out"


def test_nobody_reads_the_count_without_the_pin(hsm: SoftHsm, token: Token) -> None:
    import pkcs11

    TokenMarks(token).put(Mark(9, 1))
    token.close()
    with pkcs11.lib(str(hsm.module)).get_token(token_label=hsm.label).open() as session:
        assert list(session.get_objects({pkcs11.Attribute.LABEL: LABEL})) == []


def test_after_a_power_cut_in_between_the_higher_count_holds(hsm: SoftHsm, token: Token) -> None:
    TokenMarks(token).put(Mark(9, 12))
    token.close()
    leave_behind(hsm, b'{"serial":9,"used":11}')
    assert TokenMarks(token).mark() == Mark(9, 12)
    TokenMarks(token).put(Mark(9, 13))
    assert len(token.data(LABEL)) == 1


@pytest.mark.parametrize(
    "value", [b"", b"{}", b"[1]", b'{"serial":"9","used":1}', b'{"serial":9,"used":-1}', b"\xff"]
)
def test_a_count_that_cannot_be_read_gives_no_right(hsm: SoftHsm, token: Token, value: bytes) -> None:
    leave_behind(hsm, value)
    with pytest.raises(ProtocolError):
        TokenMarks(token).mark()


def test_a_token_that_is_away_has_no_count(hsm: SoftHsm, token: Token, tmp_path: Path) -> None:
    token._module = tmp_path / "unplugged.so"
    with pytest.raises(DeviceGone):
        TokenMarks(token).mark()


# --- from box to box ---


class Station:
    """A box with its journal; the token is plugged in for as long as it signs."""

    def __init__(self, folder: Path, certificate: Path, token: Token, count: int) -> None:
        folder.mkdir()
        self.journal: Journal = box.open_journal(folder)
        its, sha256 = papers(), signer_sha256(certificate)
        lease = replace(TOKEN_LEASE, holder=token_of(sha256), signer_sha256=sha256, count=count)
        its.take(self.journal, signed(ASSIGNMENT))
        its.take(self.journal, signed(lease))
        here = Here(record.NOW, None, sha256, ("renewal",))
        leases = Leases(its, lambda: here, TokenMarks(token))

        def ask(question: Callable[[Journal], T]) -> T:
            return question(self.journal)

        def leave(request: SigningRequest) -> None:
            self.numbers.append(leases.count(ask, request).n)

        self.numbers: list[int] = []
        self.signer = Pkcs11Signer(token, "ds", certificate, lambda: NOW, leave)

    def sign(self, n: int) -> bytes:
        order = replace(ORDER, box=record.BOX, epoch=3, case="renewal")
        return self.signer.sign(signing_request(f"{n:032x}", 1, IMAGE, order))


def test_a_token_moves_to_the_spare_and_goes_on_counting(
    tmp_path: Path, certificate: Path, token: Token
) -> None:
    first, spare = (Station(tmp_path / name, certificate, token, count=3) for name in ("first", "spare"))
    with first.journal, spare.journal:
        for sod in (first.sign(1), first.sign(2), spare.sign(3)):
            passive_authentication(parse(sod), IMAGE.files, [CSCA.certificate], NOW)
        with pytest.raises(LeaseRefused, match="lease_used_up"):
            spare.sign(4)
        with pytest.raises(LeaseRefused, match="lease_used_up"):
            first.sign(5)  # the token came back, with the count
        assert first.sign(2)
    assert (first.numbers, spare.numbers) == ([1, 2, 2], [3])
    assert TokenMarks(token).mark() == Mark(9, 3)


def test_a_token_that_is_pulled_before_it_counts_signs_nothing(
    tmp_path: Path, certificate: Path, token: Token, hsm: SoftHsm
) -> None:
    station = Station(tmp_path / "first", certificate, token, count=3)
    with station.journal:
        token._module = tmp_path / "unplugged.so"
        with pytest.raises(SignerUnavailable):
            station.sign(1)
        assert station.journal.warrants.used(token_of(signer_sha256(certificate)), 9) == 0
        token._module = hsm.module
        assert station.sign(1)
    assert station.numbers == [1]
