"""What a box must have before it greets anybody: refusals with the reason and what to do.

Every profile needs an identity and the parts that the set-up fetches. A production box takes nothing
virtual, nothing of development, and no key that lies in a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from config.schema import Config, Station
from drivers.chip.dialects.profile import ProfileError, load_profile
from drivers.chip.key_store import KDD_SIZE
from drivers.errors import DeviceFault
from firmware.box.identity import IdentityError, identity_of
from firmware.box.officers import OfficersError
from firmware.box.warrants import PaperRefused, read
from firmware.issue.card_keys import CARD_KEYS, card_keys, token_of
from firmware.quality.nbis.runtime import ScorerMissing, locate
from firmware.records.errors import KeysGone, StoreError, StoreMissing
from firmware.records.format.warrants import ASSIGNMENT
from firmware.records.shelf import beside
from firmware.records.warrants import newest_of

FILE_KEYS = ("box.key.pem", CARD_KEYS)
STAFF_FILE = "officers.json"
KEYS_OF_PRODUCTION = "tpm"
NO_CARD_KEYS = f"there is neither a [token] nor {CARD_KEYS}"
VPCD = (Path("/etc/reader.conf.d/vpcd"), Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so"))
"""What the package vsmartcard-vpcd leaves: with it anybody on the network may put a card into a reader."""
LOOPBACK = {"localhost", "127.0.0.1", "::1", None}
MODELS = ("face_detection_short_range.tflite", "face_landmark.tflite", "selfie_segmentation.tflite")

SIGNERS = {
    "centre": (),
    "file": ("certificate", "key"),
    "pkcs11": ("certificate", "key"),
}
"""What each kind of document signer needs to be told."""


class Check(Protocol):
    """Yields what is wrong; its name is that of its entry in the error catalogue."""

    __name__: str

    def __call__(self, config: Config, /) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """`reason` is a key of the error catalogue, `text` what is wrong here."""

    reason: str
    text: str


def examine(config: Config) -> tuple[Refusal, ...]:
    """Why this box must not run as it is set up; empty when it may."""
    checks = (*EVERY_BOX, *PRODUCTION) if config.station.profile == "production" else EVERY_BOX
    return tuple(Refusal(f"preflight{check.__name__}", text) for check in checks for text in check(config))


def _identity(config: Config) -> Iterator[str]:
    """All that is read at the start or later, so that a missing file is said now and not in a visit."""
    try:
        identity_of(config).prove(simulated=config.station.profile != "production")
    except (IdentityError, OfficersError, KeysGone) as exc:
        yield str(exc)


def _models(config: Config) -> Iterator[str]:
    folder = Path(config.station.tools) / "models"
    missing = [name for name in MODELS if not (folder / name).is_file()]
    if missing:
        yield f"{folder} lacks {', '.join(missing)}: run deploy/models/fetch {folder}"


def _dialect(config: Config) -> Iterator[str]:
    """The card's words, and for a dialect with a secure channel the issuer's keys."""
    try:
        words = load_profile(config.chip.dialect).scp03
        with token_of(config) or nullcontext() as token:
            keys = card_keys(identity_of(config).folder, token)
            if words is not None and keys is None:
                yield f"[chip] dialect = {config.chip.dialect!r} needs the issuer's keys: {NO_CARD_KEYS}"
            elif words is not None and keys is not None:
                keys.static_keys(words.kvn, bytes(KDD_SIZE))
    except (ProfileError, DeviceFault) as exc:
        yield str(exc)


def _signer(config: Config) -> Iterator[str]:
    kind = config.signer.kind
    for name in SIGNERS[kind]:
        if not getattr(config.signer, name):
            yield f"[signer] kind = {kind!r} needs {name}"
    if kind == "pkcs11" and not config.token.module:
        yield "[signer] kind = 'pkcs11' needs a [token]"
    if kind == "file" and config.station.profile != "virtual":
        yield "[signer] kind = 'file': a document signer's key in a file is for a virtual station only"


def _token(config: Config) -> Iterator[str]:
    """Set whole or not at all."""
    lacking = [name for name in ("module", "label", "pin_file") if not getattr(config.token, name)]
    if 0 < len(lacking) < 3:
        yield f"[token] needs {' and '.join(lacking)}"


def _not_of_development(config: Config) -> Iterator[str]:
    try:
        if identity_of(config).development:
            yield "this box has a development identity: enrol it at the production centre"
    except IdentityError:
        return  # said already


def _no_key_in_a_file(config: Config) -> Iterator[str]:
    for name in FILE_KEYS:
        path = identity_of(config).folder / name
        if path.exists():
            yield f"{path}: a production box keeps its key in hardware, never in a file"


def _keys_in_a_tpm(config: Config) -> Iterator[str]:
    """And what unlocks them lies in memory alone."""
    try:
        folder, kind = identity_of(config).folder, identity_of(config).about.get("keys", "file")
    except IdentityError:
        return  # said already
    if kind != KEYS_OF_PRODUCTION:
        yield "the keys of this box lie in files: make them in its TPM, kiosk box init --tpm"
    elif kind == "tpm" and not in_memory(Path(config.tpm.runtime)):
        yield f"[tpm] runtime = {config.tpm.runtime!r} is on a disk, which keeps the secret: name a tmpfs"
    if kind == "tpm" and (folder / STAFF_FILE).exists():
        yield f"{folder / STAFF_FILE}: PINs can be guessed from it; see kiosk box officers staff"


def in_memory(folder: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Whether what is written into `folder` never reaches a disk."""
    kinds = {Path(line.split()[1]): line.split()[2] for line in mounts.read_text().splitlines()}
    place = folder.resolve()
    nearest = next(kinds[at] for at in (place, *place.parents) if at in kinds)
    return nearest in ("tmpfs", "ramfs")


def _real_scores(config: Config) -> Iterator[str]:
    try:
        locate(Path(config.station.tools))
    except ScorerMissing as exc:
        yield f"finger scores would be estimates: {exc}"


def _field_dialect(config: Config) -> Iterator[str]:
    try:
        lab = load_profile(config.chip.dialect).lab
    except ProfileError:
        return  # said already
    if lab:
        yield f"[chip] dialect = {config.chip.dialect!r} is for a lab's cards: name the real card's dialect"


def _real_devices(config: Config) -> Iterator[str]:
    if config.display.kind == "memory":
        yield "[display] kind = 'memory' shows nothing to anybody: set 'fb0'"
    if config.camera.driver == "pictures":
        yield "[camera] driver = 'pictures' is not a camera: set 'picamera2' or 'opencv'"
    for path in VPCD:
        if path.exists():
            yield f"{path}: virtual card readers are installed: apt-get purge vsmartcard-vpcd"


def _real_place(config: Config) -> Iterator[str]:
    template = Station()
    for key in () if _assigned(config) else ("home_unit", "capture_unit", "team"):
        if getattr(config.station, key) == getattr(template, key):
            still = f"[station] {key} is still {getattr(template, key)!r}"
            yield f"{still}: take this box's assignment, or write where it stands"
    url = urlsplit(config.centre.url)
    if url.scheme != "https" or url.hostname in LOOPBACK:
        yield f"[centre] url = {config.centre.url!r} is not a centre over TLS: write the centre's address"


def _assigned(config: Config) -> bool:
    """Whether a signed assignment says where this box stands. What cannot be read now, the start reads."""
    identity = identity_of(config)
    try:
        with beside(Path(config.station.data) / "records", identity.certificate("box.crt")) as shelf:
            body = newest_of(shelf.db, ASSIGNMENT, identity.box)
        return body is not None and bool(read(body, identity.certificate("orders")))
    except (StoreMissing, IdentityError, PaperRefused):
        return False
    except StoreError:
        return True


EVERY_BOX: tuple[Check, ...] = (_identity, _models, _token, _dialect, _signer)
PRODUCTION: tuple[Check, ...] = (
    _not_of_development,
    _no_key_in_a_file,
    _keys_in_a_tpm,
    _real_scores,
    _field_dialect,
    _real_devices,
    _real_place,
)
