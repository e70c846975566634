"""Document signers in the box: a token's key (SoftHSM 2), a virtual station's file, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)
from support.issue import IMAGE, ORDER, RECORD
from support.signer import NOW, Identity, csca, document_signer
from support.softhsm import SoftHsm, softhsm

from drivers.token.pkcs11 import Token
from firmware.document.passive import passive_authentication
from firmware.document.sod import parse
from firmware.issue.authority import signing_request
from firmware.issue.errors import SignerRefused, SignerUnavailable
from firmware.issue.ports import DocumentSigner, SigningRequest
from firmware.issue.signers import FileSigner, Pkcs11Signer, SignerNotAllowed

REQUEST = signing_request(RECORD, 1, IMAGE, ORDER)


@pytest.fixture(scope="module")
def hsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftHsm]:
    with softhsm(tmp_path_factory.mktemp("softhsm")) as made:
        made.ec_key("ds")
        made.ec_key("other")
        yield made


@pytest.fixture(scope="module")
def authority() -> Identity:
    return csca()


def always(_: SigningRequest) -> None:
    """This box may sign everything."""


def certificate_of(key: ec.EllipticCurvePublicKey, authority: Identity, folder: Path) -> Path:
    """The document signer's certificate for a key that is in a token."""

    class Held:
        def public_key(self) -> ec.EllipticCurvePublicKey:
            return key

    held: Any = Held()
    path = folder / "ds.pem"
    path.write_bytes(document_signer(authority, held).certificate.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def certificate(hsm: SoftHsm, authority: Identity, tmp_path: Path) -> Path:
    key = load_der_public_key(hsm.public_key("ds"))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return certificate_of(key, authority, tmp_path)


def in_token(hsm: SoftHsm, certificate: Path, label: str = "ds", leave: Any = always) -> Pkcs11Signer:
    return Pkcs11Signer(hsm.token(), label, certificate, lambda: NOW, leave)


def believed(sod: bytes, authority: Identity) -> bool:
    report = passive_authentication(parse(sod), IMAGE.files, [authority.certificate], NOW)
    return report.signed_at == NOW


def test_a_border_believes_what_a_token_signed(hsm: SoftHsm, certificate: Path, authority: Identity) -> None:
    signer = in_token(hsm, certificate)
    port: DocumentSigner = signer
    assert believed(port.sign(REQUEST), authority)
    assert believed(port.sign(replace(REQUEST, lds_version="0107")), authority)
    signer.close()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the library's, of the dead session
def test_a_token_that_was_away_is_opened_again(
    hsm: SoftHsm, certificate: Path, authority: Identity, tmp_path: Path
) -> None:
    token = hsm.token()
    token._module = tmp_path / "unplugged.so"
    signer = Pkcs11Signer(token, "ds", certificate, lambda: NOW, always)
    with pytest.raises(SignerUnavailable):
        signer.sign(REQUEST)
    token._module = hsm.module
    assert believed(signer.sign(REQUEST), authority)
    token._session.close()  # pulled out
    with pytest.raises(SignerUnavailable):
        signer.sign(REQUEST)
    assert believed(signer.sign(REQUEST), authority)
    signer.close()


@pytest.mark.parametrize("label", ["other", "nobody"])
def test_a_key_that_is_not_the_certificates_never_signs(hsm: SoftHsm, certificate: Path, label: str) -> None:
    signer = in_token(hsm, certificate, label)
    with pytest.raises(SignerUnavailable, match=label):
        signer.sign(REQUEST)
    signer.close()


def test_without_leave_nothing_is_signed(hsm: SoftHsm, certificate: Path, tmp_path: Path) -> None:
    def never(_: SigningRequest) -> None:
        raise SignerRefused("lease_over")

    in_file = FileSigner(tmp_path / "none", tmp_path / "none", lambda: NOW, never, "virtual")
    for signer in (in_token(hsm, certificate, leave=never), in_file):
        with pytest.raises(SignerRefused, match="lease_over"):
            signer.sign(REQUEST)


def test_a_token_without_its_certificate_is_not_even_opened(hsm: SoftHsm, tmp_path: Path) -> None:
    def asked() -> str:
        raise AssertionError("opened")

    (tmp_path / "text.pem").write_text("no certificate")
    token = Token(hsm.module, hsm.label, asked)
    for path in (tmp_path / "none.pem", tmp_path / "text.pem"):
        with pytest.raises(SignerUnavailable):
            Pkcs11Signer(token, "ds", path, lambda: NOW, always).sign(REQUEST)


# --- the virtual station's file ---


@pytest.fixture
def files(authority: Identity, tmp_path: Path) -> tuple[Path, Path]:
    ds = document_signer(authority)
    key, certificate = tmp_path / "ds.key.pem", tmp_path / "ds.crt.pem"
    key.write_bytes(ds.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(ds.certificate.public_bytes(Encoding.PEM))
    return key, certificate


def test_a_virtual_station_signs_with_a_file(files: tuple[Path, Path], authority: Identity) -> None:
    signer: DocumentSigner = FileSigner(*files, lambda: NOW, always, "virtual")
    assert believed(signer.sign(REQUEST), authority)


@pytest.mark.parametrize("profile", ["production", "training"])
def test_no_other_station_signs_with_a_file(files: tuple[Path, Path], profile: str) -> None:
    with pytest.raises(SignerNotAllowed, match=profile):
        FileSigner(*files, lambda: NOW, always, profile)


def test_a_file_that_is_no_key_or_another_signs_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    certificate = files[1]
    other = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "other").write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "text").write_text("no key")
    for wrong in (tmp_path / "other", tmp_path / "text", tmp_path / "none", certificate):
        with pytest.raises(SignerUnavailable):
            FileSigner(wrong, certificate, lambda: NOW, always, "virtual").sign(REQUEST)
