"""What a card holds, as programs read it that know nothing of this house: openssl, opj_decompress."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from support.people import CAPTURED, PERSON
from support.signer import NOW, csca, document_signer

from firmware.document import der
from firmware.document.chip_keys import Features
from firmware.document.data_groups import decode_dg2
from firmware.document.fingers import Compression, Finger
from firmware.document.image import CardImage
from firmware.document.lds import DG_TAGS, Fid, dg_number
from firmware.document.passive import passive_authentication
from firmware.document.sod import parse
from firmware.quality.portrait_crop import encode_jp2
from firmware.records.format.signing import Signer, ef_sod, lds_security_object

openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
opj = pytest.mark.skipif(not shutil.which("opj_decompress"), reason="libopenjp2-tools is not installed")

FEATURES = {
    "lds-plain": Features(aa="rsa1024"),
    "field": Features(aa="p256", ca="p256", pace=True, can=True, dg3=True),
    "field, LDS 1.8": Features(aa="p256", ca="brainpoolP256r1", pace=True, can=True, lds_version="0108"),
}


def portrait() -> bytes:
    """A JPEG 2000 portrait by the kiosk's own encoder, of a picture that nobody has."""
    y, x = np.mgrid[0:531, 0:413]
    picture = np.dstack([x * 255 // 412, y * 255 // 530, (x + y) % 256]).astype(np.uint8)
    return encode_jp2(cv2.GaussianBlur(picture, (9, 9), 0))


@pytest.fixture(scope="module", params=FEATURES)
def card(request: pytest.FixtureRequest) -> CardImage:
    finger = Finger(2, bytes(64 * 64), 64, 64, Compression.RAW)
    return CardImage.of(PERSON, portrait(), CAPTURED, FEATURES[request.param], [finger])


def asn1parse(path: Path, *more: str) -> str:
    command = ["openssl", "asn1parse", "-inform", "DER", "-in", str(path), *more]
    done = subprocess.run(command, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert b"Error" not in done.stderr
    return done.stdout.decode()


@openssl
def test_openssl_parses_every_file(card: CardImage, tmp_path: Path) -> None:
    for fid, content in card.files.items():
        path = tmp_path / f"{fid:04x}.bin"
        path.write_bytes(content)
        first = asn1parse(path).splitlines()[0]
        number = dg_number(fid)
        tag = {Fid.COM: 0x60, Fid.CARD_ACCESS: 0x31}.get(Fid(fid)) if number is None else DG_TAGS[number]
        assert tag is not None
        named = "SET" if tag == 0x31 else f"appl [ {tag & 0x1F} ]"
        assert "d=0" in first and named in first and "cons" in first


@openssl
def test_openssl_finds_in_dg15_a_key_and_in_dg14_the_identifiers(card: CardImage, tmp_path: Path) -> None:
    dg15 = tmp_path / "dg15.der"
    dg15.write_bytes(der.one(card.files[Fid.DG15], 0x6F).value)
    command = ["openssl", "pkey", "-pubin", "-inform", "DER", "-in", str(dg15), "-noout", "-text"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert ("1024 bit" if Fid.DG14 not in card.files else "256 bit") in done.stdout
    if Fid.DG14 in card.files:
        (tmp_path / "dg14.bin").write_bytes(card.files[Fid.DG14])
        said = asn1parse(tmp_path / "dg14.bin")
        for oid in ("0.4.0.127.0.7.2.2.4.2.2", "0.4.0.127.0.7.2.2.3.2.2", "0.4.0.127.0.7.2.2.1.2"):
            assert oid in said


@openssl
def test_openssl_verifies_the_sod_and_finds_the_hashes_in_it(card: CardImage, tmp_path: Path) -> None:
    authority = csca()
    ds = document_signer(authority)
    assert isinstance(ds.key, ec.EllipticCurvePrivateKey)
    hashes = card.data_group_hashes()
    sod = ef_sod(hashes, Signer(ds.key, ds.certificate), NOW, card.lds_version)
    (tmp_path / "sod.cms").write_bytes(der.one(sod, 0x77).value)
    (tmp_path / "csca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    command = [
        "openssl",
        "cms",
        "-verify",
        "-inform",
        "DER",
        "-in",
        "sod.cms",
        "-CAfile",
        "csca.pem",
        "-out",
        "lds.der",
    ]
    at = ["-attime", str(int(NOW.timestamp()))]
    done = subprocess.run([*command, *at], cwd=tmp_path, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lds.der").read_bytes() == lds_security_object(hashes, card.lds_version)
    assert all(value.hex().upper() in asn1parse(tmp_path / "lds.der") for value in hashes.values())
    report = passive_authentication(parse(sod), card.files, [authority.certificate], NOW)
    assert report.data_groups == tuple(sorted(hashes)) and report.unread == ()


@opj
def test_opj_decompress_opens_the_portrait(card: CardImage, tmp_path: Path) -> None:
    found = decode_dg2(card.files[Fid.DG2])
    (tmp_path / "dg2.jp2").write_bytes(found.image)
    command = ["opj_decompress", "-i", "dg2.jp2", "-o", "dg2.ppm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    opened = cv2.imread(str(tmp_path / "dg2.ppm"))
    assert opened is not None
    assert opened.shape == (found.height_px, found.width_px, 3)
