"""The stick that makes a blank box a box of this centre (`firmware.records.format.provision`)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from centre import boxes, db, pki, registry
from centre.enrolment import anchors
from centre.errors import CentreSetupError
from centre.files import make_folder, sync_folder, write_whole
from centre.papers import Place, Terms
from centre.pki import Role
from centre.station import Station
from firmware.records.format import provision as form
from firmware.records.format import staff
from firmware.records.format.enrolment import Enrolment
from firmware.records.format.errors import StatementRefused
from firmware.records.format.provision import File, Provision

TRAINING_STAFF = {"NV-0001": staff.OFFICER, "NV-0002": staff.OFFICER, "KT-0001": staff.TECHNICIAN}
"""Made-up people, for a training box whose list of staff nobody gave."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the stick is for. `officers`: the list of staff (JSON), or empty on a training centre.

    `terms`: with a lease. `training_key`: the box's key is made here; otherwise a code of `code_hours`.
    """

    box: str
    place: Place
    url: str
    dialect: str
    officers: bytes = b""
    terms: Terms | None = None
    training_key: bool = False
    code_hours: float = 72
    card_keys: bytes = b""


@dataclass(frozen=True, slots=True)
class Written:
    """`seal` goes beside the stick, on paper; `pins` by badge are said once and kept nowhere."""

    folder: Path
    seal: str
    pins: Mapping[str, str]


def write(station: Station, wanted: Wanted, stick: Path, now: datetime) -> Written:
    """Write everything that a blank box needs onto `stick`, whose manifest comes last.

    Again for the same box: a new code or key, and the stick of before is of no use any more.
    Raises CentreSetupError.
    """
    _need_allowed(station, wanted)
    officers, pins = _staff(station, wanted)
    files = {name: text.encode() for name, text in anchors(station.pki).items()}
    files |= {form.STAFF: officers, form.SETTINGS: settings(wanted).encode()}
    files |= _way_in(station, wanted, now)
    files[form.ASSIGNMENT] = station.assign(wanted.box, wanted.place, now=now)
    if wanted.terms is not None:
        files[form.LEASE] = station.lease(wanted.box, wanted.terms, now=now)
    if wanted.card_keys:
        files[form.CARD_KEYS] = wanted.card_keys
    files[form.EXTRACT] = _extract(station, now)
    made = Provision(
        wanted.box, wanted.place.profile, {name: File.of(data) for name, data in files.items()}, now
    )
    manifest = made.signed(station.pki.credential(Role.ORDERS).key).to_json()
    folder = stick / form.FOLDER / wanted.box
    _write(folder, files, manifest)
    return Written(folder, form.seal(manifest), pins)


def settings(wanted: Wanted) -> str:
    """The site's TOML: what the centre knows of it. What a machine has, its own file says."""
    place = wanted.place
    station = {"profile": place.profile}
    if place.capture_unit:
        station |= {"home_unit": place.home_unit, "capture_unit": place.capture_unit}
    if place.team:
        station["team"] = place.team
    tables = {"station": station, "centre": {"url": wanted.url}, "chip": {"dialect": wanted.dialect}}
    return "\n".join(line for name, table in tables.items() for line in _table(name, table))


def _table(name: str, table: Mapping[str, str]) -> Iterator[str]:
    yield f"[{name}]"
    for key, value in table.items():
        yield f"{key} = {json.dumps(value, ensure_ascii=False)}"
    yield ""


def _need_allowed(station: Station, wanted: Wanted) -> None:
    development = station.pki.is_development
    if wanted.training_key and not development:
        raise CentreSetupError("a production box makes its own key: no --training-key at this centre")
    if wanted.card_keys and not development:
        raise CentreSetupError("the issuer's keys of production cards never lie on a stick")
    if not pki.BOX_ID.fullmatch(wanted.box):
        raise CentreSetupError(f"{wanted.box!r} is no box id: use A-Z, 0-9 and hyphens, as in BOX-01")
    if not wanted.url.startswith("https://"):
        raise CentreSetupError(f"the centre's address begins with https://, not {wanted.url!r}")


def _staff(station: Station, wanted: Wanted) -> tuple[bytes, Mapping[str, str]]:
    """The list as it was given, or a made-up one with its PINs."""
    if wanted.officers:
        try:
            staff.staff_in(wanted.officers)
        except StatementRefused as exc:
            raise CentreSetupError(str(exc)) from exc
        return wanted.officers, {}
    if not station.pki.is_development:
        raise CentreSetupError(
            "name the staff of this box with --officers: only a training box has made-up ones"
        )
    pins = {badge: f"{secrets.randbelow(10**6):06}" for badge in TRAINING_STAFF}
    rows = [
        {
            "badge": badge,
            "officer": badge,
            "name": f"Tập huấn {badge}",
            "role": role,
            "pin": staff.hashed(pins[badge]),
        }
        for badge, role in TRAINING_STAFF.items()
    ]
    return json.dumps(rows, ensure_ascii=False, indent=1).encode(), pins


def _way_in(station: Station, wanted: Wanted, now: datetime) -> dict[str, bytes]:
    """What the box enrols with: a one-time code, or a training key with its certificate."""
    if not wanted.training_key:
        return {form.CODE: f"{station.enrolment_code(wanted.box, wanted.code_hours, now)}\n".encode()}
    made = pki.issue_box(station.pki, wanted.box, now)
    with station.opened() as engine, db.writing(engine) as connection:
        epoch = boxes.enrol(connection, wanted.box, made.certificate, now)
    certificate = made.certificate.public_bytes(Encoding.PEM).decode()
    enrolment = Enrolment(wanted.box, epoch, {"box.crt.pem": certificate, **anchors(station.pki)})
    return {form.KEY: made.key_pem, form.ENROLMENT: enrolment.to_json()}


def _extract(station: Station, now: datetime) -> bytes:
    signer = station.pki.credential(Role.EXTRACT)
    with station.opened() as engine, db.reading(engine) as connection:
        return registry.make_extract(registry.everyone(connection), signer, now)


def _write(folder: Path, files: Mapping[str, bytes], manifest: bytes) -> None:
    """Without its manifest a stick counts for nothing: it goes first, and comes back last."""
    try:
        make_folder(folder, mode=0o700)
        for name in (form.MANIFEST, *form.MOST):
            (folder / name).unlink(missing_ok=True)
        sync_folder(folder)
        for name, data in files.items():
            write_whole(folder / name, data, mode=0o600)
        write_whole(folder / form.MANIFEST, manifest, mode=0o600)
    except OSError as exc:
        raise CentreSetupError(f"{folder} cannot be written: {exc.strerror}") from exc
