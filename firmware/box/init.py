"""A box's first keys: made here, certified by the centre, and never seen by anybody else.

`begin` makes keys and a request (PKCS #10); a person carries it to the centre and the answer back (`take`),
or the box asks itself with a one-time code (`enrol`). Each step may be done again after a crash.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from drivers.tpm.tpm import Tpm
from firmware.box.errors import IdentityError
from firmware.box.file_keys import KEY as FILE_KEY
from firmware.box.file_keys import FileKeys
from firmware.box.identity import Identity
from firmware.box.tpm_keys import KEYS as TPM_KEYS
from firmware.box.tpm_keys import TpmKeys
from firmware.records.format.enrolment import Enrolment
from firmware.records.format.errors import StatementRefused
from firmware.records.format.signing import common_name
from firmware.uplink.client import CentreClient, anonymous_tls
from firmware.uplink.durable import replace_durably

REQUEST, CERTIFICATE, ABOUT = "box.csr.pem", "box.crt.pem", "identity.json"
ANCHORS = frozenset("tls-ca.pem csca.pem box-ca.pem receipt.pem extract.pem orders.pem".split())  # noqa: SIM905
RECIPIENTS = frozenset({"recipients.txt", "recovery.txt", "service.txt"})
DEVELOPMENT = "DEVELOPMENT (SIMULATED)"
"""The organisation in every certificate of a development centre (`centre.pki`)."""


@dataclass(frozen=True)
class InTpm:
    """Keys go into this TPM, and this officer unlocks them first."""

    tcti: str
    runtime: Path
    badge: str
    pin: str


def begin(folder: Path, box: str, where: InTpm | None = None) -> bytes:
    """Make the keys of `box` in `folder`, or in a TPM, and return the request for its certificate (PEM).

    Again for the same box: the same keys, and the TPM armed if it was not. Raises IdentityError, KeysGone,
    UnlockRefused when a cold boot lies between and badge or PIN are others than the first time.
    """
    kind = "tpm" if where else "file"
    _need_no_other(folder, box, kind)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = _keys(folder, where)
    request = request_for(box, store.private_key()).public_bytes(Encoding.PEM)
    replace_durably(folder / REQUEST, request)
    if not (folder / ABOUT).exists():
        _write_about(folder, {"box": box, "epoch": 0, "development": True, "keys": kind})
    return request


def take(identity: Identity, data: bytes) -> Enrolment:
    """Install what the centre answered to this box's request. The same again does nothing new.

    Raises IdentityError: unreadable, for another key or box, incomplete, or of another centre than before.
    """
    try:
        made = Enrolment.read(data)
    except StatementRefused as exc:
        raise IdentityError(str(exc)) from exc
    missing = sorted((ANCHORS | RECIPIENTS | {CERTIFICATE}) - set(made.files))
    if missing or set(made.files) - ANCHORS - RECIPIENTS - {CERTIFICATE}:
        raise IdentityError(f"the enrolment is not whole: {', '.join(missing) or 'files that no box has'}")
    authority = _checked(identity, made)
    for name in sorted(made.files, key=lambda name: name == CERTIFICATE):  # the certificate last: it opens
        replace_durably(identity.folder / name, made.files[name].encode())
    kind = identity.about.get("keys", "file")
    about = {"box": made.box, "epoch": made.epoch, "development": _is_development(authority), "keys": kind}
    _write_about(identity.folder, about)
    return made


def enrol(identity: Identity, url: str, authority: Path, code: str) -> Enrolment:
    """Ask the centre behind `url`, known by its TLS CA in `authority`, with a one-time code; take the answer.

    Raises IdentityError and UplinkError.
    """
    try:
        request = x509.load_pem_x509_csr((identity.folder / REQUEST).read_bytes())
        tls = anonymous_tls(authority)
    except (OSError, ValueError) as exc:
        raise IdentityError(f"first `kiosk box init --box {identity.box}`, and name the centre's CA") from exc
    body = {"code": code, "request": base64.b64encode(request.public_bytes(Encoding.DER)).decode()}
    with CentreClient(url, tls) as client:
        return take(identity, client.post("/v1/box/enrol", body))


def request_for(box: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateSigningRequest:
    """PKCS #10 for `box`, signed by its key, wherever that is."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, box)])
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())


def _need_no_other(folder: Path, box: str, kind: str) -> None:
    if not (folder / ABOUT).exists():
        if (folder / (FILE_KEY if kind == "tpm" else TPM_KEYS)).exists():
            raise IdentityError(f"{folder} holds keys of another kind: nothing was changed")
        return
    known = Identity(folder)
    if (known.box, known.about.get("keys", "file")) != (box, kind):
        raise IdentityError(f"{folder} is {known.box} with its keys in a {known.about.get('keys', 'file')}")
    if (folder / CERTIFICATE).exists():
        raise IdentityError(f"{folder} is enrolled as {box} already: it renews its certificate itself")


def _keys(folder: Path, where: InTpm | None) -> FileKeys | TpmKeys:
    if where is None:
        return FileKeys(folder) if (folder / FILE_KEY).exists() else FileKeys.make(folder)
    tpm = Tpm(where.tcti)
    if (folder / TPM_KEYS).exists():
        made = TpmKeys(folder, tpm, where.runtime)
        made.unlocking.go_on(where.badge, where.pin)
        return made
    return TpmKeys.make(folder, tpm, where.runtime, where.badge, where.pin)


def _checked(identity: Identity, made: Enrolment) -> x509.Certificate:
    """The box CA of an enrolment that is for this box's own key, and of the centre that it knows."""
    try:
        own = x509.load_pem_x509_certificate(made.files[CERTIFICATE].encode())
        anchors = {name: x509.load_pem_x509_certificate(made.files[name].encode()) for name in ANCHORS}
        own.verify_directly_issued_by(anchors["box-ca.pem"])
    except (ValueError, TypeError, InvalidSignature) as exc:
        raise IdentityError("the enrolment holds a certificate that is none, or not of its box CA") from exc
    if own.public_key() != identity.store.private_key().public_key():
        raise IdentityError("the certificate is for another box's key")
    if {common_name(own), made.box} != {identity.box}:
        raise IdentityError(f"the certificate is for {common_name(own)}, this box is {identity.box}")
    known = identity.folder / "box-ca.pem"
    if known.exists() and identity.certificate("box-ca") != anchors["box-ca.pem"]:
        raise IdentityError("this box belongs to another centre: retire it there first")
    return anchors["box-ca.pem"]


def _is_development(authority: x509.Certificate) -> bool:
    names = authority.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return any(name.value == DEVELOPMENT for name in names)


def _write_about(folder: Path, about: dict[str, object]) -> None:
    replace_durably(folder / ABOUT, (json.dumps(about) + "\n").encode())
