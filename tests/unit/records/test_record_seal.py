"""The sealed record opens with our own reader and with stock tools, and nothing else is taken for one."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest
from asn1crypto import cms as asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from support import record

from firmware.records.format import cms, signing
from firmware.records.format.errors import FormatError, SealRefused, SignatureRefused
from firmware.records.format.manifest import canonical, record_digest
from firmware.records.format.seal import (
    MAX_SEALED_BYTES,
    _zip,
    encrypt,
    open_package,
    open_sealed,
    package,
    seal,
)

KEYS = record.keys()
TO = [str(KEYS.centre.to_public()), str(KEYS.recovery.to_public())]


def sealed(**changes: object) -> bytes:
    return seal(record.manifest(**changes), record.files(), KEYS.box, TO).data


def opened(data: bytes) -> object:
    return open_sealed(data, [KEYS.centre], KEYS.box_ca, record.NOW)


def test_a_sealed_record_opens_to_what_was_sealed() -> None:
    made = seal(record.manifest(), record.files(), KEYS.box, TO)
    got = open_sealed(made.data, [KEYS.centre], KEYS.box_ca, record.NOW)
    assert got.manifest == record.manifest()
    assert got.files == record.files()
    assert got.record_digest == made.record_digest == record_digest(canonical(record.manifest()))
    assert got.box == record.BOX


def test_stock_tools_open_a_sealed_record(tmp_path: Path) -> None:
    for tool in ("age", "unzip", "openssl"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    (tmp_path / "key.txt").write_text(f"{KEYS.centre}\n")
    (tmp_path / "record.age").write_bytes(sealed())
    (tmp_path / "ca.crt").write_bytes(KEYS.box_ca.public_bytes(Encoding.PEM))

    def run(*command: str) -> None:
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=20)

    run("age", "-d", "-i", "key.txt", "-o", "record.zip", "record.age")
    run("unzip", "-q", "record.zip", "-d", "out")
    verify = "openssl cms -verify -binary -inform DER -in out/manifest.p7s -content out/manifest.json"
    when = str(int(record.NOW.timestamp()))
    run(*verify.split(), "-CAfile", "ca.crt", "-purpose", "any", "-attime", when, "-out", "signed")
    assert (tmp_path / "signed").read_bytes() == canonical(record.manifest())
    for name, data in record.files().items():
        assert (tmp_path / "out" / name).read_bytes() == data


def test_the_zip_is_the_same_but_for_the_signature() -> None:
    content, signature = canonical(record.manifest()), b"s"
    once = _zip(content, signature, record.files())
    assert once == _zip(content, signature, dict(reversed(record.files().items())))


def test_a_stranger_cannot_open_it() -> None:
    with pytest.raises(SealRefused, match="does not open"):
        open_sealed(sealed(), [pyrage.x25519.Identity.generate()], KEYS.box_ca, record.NOW)


def test_the_box_itself_cannot_open_it() -> None:
    with pytest.raises(SealRefused):
        open_sealed(sealed(), [KEYS.station], KEYS.box_ca, record.NOW)


@pytest.mark.parametrize("at", [0, 30, 400, -1])
def test_a_flipped_byte_is_refused(at: int) -> None:
    data = bytearray(sealed())
    data[at] ^= 1
    with pytest.raises(SealRefused):
        opened(bytes(data))


def test_a_truncated_file_is_refused() -> None:
    data = sealed()
    for length in (0, 1, len(data) // 2, len(data) - 1):
        with pytest.raises(SealRefused):
            opened(data[:length])


def test_a_file_above_the_bound_is_refused_unopened() -> None:
    with pytest.raises(SealRefused, match="longer"):
        opened(bytes(MAX_SEALED_BYTES + 1))


def repacked(change: str) -> bytes:
    """A package that someone changed after it was signed."""
    manifest = canonical(record.manifest())
    signature = signing.sign_detached(manifest, KEYS.box)
    files = record.files()
    match change:
        case "file":
            files["portrait.jp2"] += b"!"
        case "missing":
            del files["portrait.jp2"]
        case "extra":
            files["fingers/eleventh.png"] = b"x"
        case "manifest":
            manifest = manifest.replace(b"unit-9", b"unit-8")
        case "path":
            files["../evil.png"] = b"x"
        case "trailing":
            return _zip(manifest, signature, files) + b"x"
        case "prefix":
            return b"x" + _zip(manifest, signature, files)
        case "compressed":
            target = io.BytesIO()
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("manifest.json", manifest)
                archive.writestr("manifest.p7s", signature)
                archive.writestr("portrait.jp2", bytes(1 << 20))
            return target.getvalue()
        case "not canonical":
            manifest = manifest.replace(b'{"', b'{ "', 1)
            signature = signing.sign_detached(manifest, KEYS.box)
    return _zip(manifest, signature, files)


@pytest.mark.parametrize(
    "change",
    [
        "file",
        "missing",
        "extra",
        "manifest",
        "path",
        "trailing",
        "prefix",
        "compressed",
        "not canonical",
    ],
)
def test_a_repacked_record_is_refused(change: str) -> None:
    made = encrypt(repacked(change), "0" * 64, TO)
    with pytest.raises(FormatError):
        opened(made.data)


def test_a_certificate_of_another_authority_is_refused() -> None:
    other_ca, _ = record.issue("Test box CA", ca=True)
    with pytest.raises(SignatureRefused, match="not from this box authority"):
        open_sealed(sealed(), [KEYS.centre], other_ca, record.NOW)


def test_a_certificate_that_has_ended_is_refused() -> None:
    with pytest.raises(SignatureRefused, match="not valid"):
        open_sealed(sealed(), [KEYS.centre], KEYS.box_ca, record.NOW + timedelta(days=900))


def test_a_box_cannot_sign_for_another() -> None:
    with pytest.raises(SealRefused, match="another box"):
        sealed(assignment=record.assignment("BOX-02"))
    other = signing.Signer(*reversed(record.issue("BOX-02", (KEYS.box_ca, KEYS.box_ca_key))))
    content = canonical(record.manifest())
    with pytest.raises(SignatureRefused, match="another box"):
        open_package(
            _zip(content, signing.sign_detached(content, other), record.files()), KEYS.box_ca, record.NOW
        )


def test_the_signature_itself_is_judged() -> None:
    content = canonical(record.manifest())
    _, stranger = record.issue("stranger")
    under_our_name = signing.sign_detached(content, signing.Signer(KEYS.box.key, KEYS.box.certificate))
    cms.verify(under_our_name, content, KEYS.box_ca, record.NOW)
    broken = bytearray(under_our_name)
    broken[-1] ^= 1
    for forged in (bytes(broken), cms_by(stranger, content)):
        with pytest.raises(SignatureRefused):
            cms.verify(forged, content, KEYS.box_ca, record.NOW)


def cms_by(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    """The box's certificate over a stranger's signature."""
    info = asn1.ContentInfo.load(signing.sign_detached(content, KEYS.box))
    signer = info["content"]["signer_infos"][0]
    attributes = b"\x31" + signer["signed_attrs"].dump()[1:]
    signer["signature"] = key.sign(attributes, ec.ECDSA(hashes.SHA256()))
    forged: bytes = info.dump(force=True)
    return forged


def test_no_recipient_is_an_error() -> None:
    with pytest.raises(SealRefused):
        seal(record.manifest(), record.files(), KEYS.box, [])
    with pytest.raises(SealRefused):
        seal(record.manifest(), record.files(), KEYS.box, ["age1nonsense"])


def test_package_then_encrypt_is_what_seal_does() -> None:
    zipped = package(record.manifest(), record.files(), KEYS.box)
    assert open_package(zipped, KEYS.box_ca, record.NOW).files == record.files()
