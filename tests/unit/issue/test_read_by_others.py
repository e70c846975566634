"""A card of each dialect, read as a guard reads it, and verified by programs that know nothing of us."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from support.dialects import NAMES
from support.issue import Desk, FakeAttempt, FakeJournal, new_card
from support.people import CAPTURED, PERSON
from support.signer import NOW, TestSigner, state

from drivers.api import Deadline
from drivers.chip.dialects.profile import load_profile
from firmware.document.fingers import Compression, Finger
from firmware.document.image import CardImage
from firmware.document.lds import DG_TAGS, Fid, dg_number
from firmware.issue.features import features_of
from firmware.issue.inspect import Inspection, inspect
from firmware.quality.portrait_crop import encode_jp2
from firmware.records.format.signing import Signer, ef_sod

JP2_SIGNATURE = bytes.fromhex("0000000C6A5020200D0A870A")  # ISO/IEC 15444-1, I.5.1
OTHER_TAGS: dict[int, int] = {Fid.COM: 0x60, Fid.SOD: 0x77, Fid.CARD_ACCESS: 0x31}
SHAPE = (531, 413, 3)

openssl = pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
opj = pytest.mark.skipif(not shutil.which("opj_decompress"), reason="libopenjp2-tools is not installed")


class HouseSigner(TestSigner):
    """The document signer's own code, over the keys of a made-up state."""

    def sign(self, request: Any) -> bytes:
        ds = state()[1]
        return ef_sod(request.data_group_hashes, Signer(ds.key, ds.certificate), NOW, request.lds_version)  # type: ignore[arg-type]


@cache
def read(kind: str) -> Inspection:
    """What a guard reads from a card that went through the whole transaction."""
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    picture = np.dstack([x * 255 // 412, y * 255 // 530, (x + y) % 256]).astype(np.uint8)
    fingers = [Finger(2, bytes(64 * 64), 64, 64, Compression.RAW)]
    image = CardImage.of(PERSON, encode_jp2(picture), CAPTURED, features_of(load_profile(kind)), fingers)
    desk = Desk(journal=FakeJournal(FakeAttempt(image=image.to_bytes())), signer=HouseSigner(), kind=kind)
    desk.reader.put(new_card(kind))
    desk.issue()
    found = inspect(desk.reader, image.access, [state()[0].certificate], NOW, Deadline.after(60))
    assert found.good, found.why
    return found


@pytest.fixture(params=NAMES)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> dict[int, Path]:
    """The files that the guard read, each as a file of the disk."""
    contents = read(request.param).contents
    paths = {fid: tmp_path / f"{fid:04x}.bin" for fid in contents}
    for fid, path in paths.items():
        path.write_bytes(contents[fid])
    return paths


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert b"Error" not in done.stderr
    return done.stdout.decode(errors="replace")


def asn1parse(path: Path, *more: str) -> str:
    return run(path.parent, "openssl", "asn1parse", "-inform", "DER", "-in", path.name, *more)


@openssl
def test_openssl_parses_every_file_that_a_guard_reads(files: dict[int, Path]) -> None:
    assert {Fid.DG1, Fid.DG2, Fid.DG13, Fid.DG15, Fid.COM, Fid.SOD} <= files.keys()
    assert Fid.DG3 not in files, "without Terminal Authentication nobody reads it"
    for fid, path in files.items():
        number = dg_number(fid)
        tag = (
            {Fid.COM: 0x60, Fid.SOD: 0x77, Fid.CARD_ACCESS: 0x31}[Fid(fid)] if not number else DG_TAGS[number]
        )
        named = "SET" if tag == 0x31 else f"appl [ {tag & 0x1F} ]"
        first = asn1parse(path).splitlines()[0]
        assert "d=0" in first and named in first and "cons" in first


@openssl
def test_openssl_believes_the_signature_and_finds_in_it_the_hash_of_every_file(
    files: dict[int, Path],
) -> None:
    """`cms -verify` up to the CSCA, and `dgst` of each data group against what was signed."""
    folder = files[Fid.SOD].parent
    wrapped = asn1parse(files[Fid.SOD]).splitlines()[0]
    head = int(wrapped.split("hl=")[1].split()[0])
    (folder / "sod.cms").write_bytes(files[Fid.SOD].read_bytes()[head:])
    (folder / "csca.pem").write_bytes(state()[0].certificate.public_bytes(Encoding.PEM))
    at = str(int(NOW.timestamp()))
    verify = ["openssl", "cms", "-verify", "-inform", "DER", "-in", "sod.cms", "-CAfile", "csca.pem"]
    run(folder, *verify, "-attime", at, "-out", "lds.der")
    signed = asn1parse(folder / "lds.der")
    groups = {fid: path for fid, path in files.items() if dg_number(fid)}
    for path in groups.values():
        digest = run(folder, "openssl", "dgst", "-sha256", "-r", path.name).split()[0]
        assert digest.upper() in signed
    withheld = Fid.CARD_ACCESS in files  # the field's cards: DG3 is signed for as well
    assert signed.count("OCTET STRING") == len(groups) + withheld


@openssl
def test_openssl_finds_the_key_of_active_authentication(files: dict[int, Path]) -> None:
    folder = files[Fid.DG15].parent
    head = int(asn1parse(files[Fid.DG15]).splitlines()[0].split("hl=")[1].split()[0])
    (folder / "dg15.der").write_bytes(files[Fid.DG15].read_bytes()[head:])
    said = run(folder, "openssl", "pkey", "-pubin", "-inform", "DER", "-in", "dg15.der", "-noout", "-text")
    assert ("256 bit" if Fid.CARD_ACCESS in files else "1024 bit") in said


@opj
def test_opj_decompress_opens_the_portrait_that_a_guard_reads(files: dict[int, Path]) -> None:
    folder, content = files[Fid.DG2].parent, files[Fid.DG2].read_bytes()
    (folder / "dg2.jp2").write_bytes(content[content.index(JP2_SIGNATURE) :])
    run(folder, "opj_decompress", "-i", "dg2.jp2", "-o", "dg2.ppm")
    opened = cv2.imread(str(folder / "dg2.ppm"))
    assert opened is not None and opened.shape == SHAPE
