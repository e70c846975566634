"""From a blank box to one that may greet: everything of a provisioning stick, in steps that may be cut off.

Each step looks whether it is done and does it otherwise, whole or not at all: the same call goes on after a
cut. A box that is somebody already is left as it is.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from config.load import ConfigError, load
from config.schema import Config
from firmware.box import settings
from firmware.box.clock import BoxClock, system_time
from firmware.box.delivery import Delivery, ProvisionRefused
from firmware.box.identity import Identity, identity_of
from firmware.box.init import ABOUT, CERTIFICATE, InTpm, begin, enrol, take
from firmware.box.officers import Officer, OfficersError, officers_in
from firmware.box.warrants import PaperRefused, Papers
from firmware.records.format import provision as form
from firmware.records.format.warrants import PRODUCTION
from firmware.records.journal import Journal
from firmware.uplink import extract
from firmware.uplink.durable import replace_durably

CONFIG = Path("/etc/idkiosk/kiosk.toml")
STALE = "paper_stale"
"""The box has a newer one: it was provisioned before, and has heard of the centre since."""


class Step(StrEnum):
    """In their order; CARD_KEYS only for a training station's cards."""

    SETTINGS = "settings"
    ANCHORS = "anchors"
    KEYS = "keys"
    CERTIFICATE = "certificate"
    PAPERS = "papers"
    STAFF = "staff"
    CARD_KEYS = "card_keys"
    EXTRACT = "extract"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Done:
    """`new`: it was done just now, not before."""

    step: Step
    new: bool


@dataclass(frozen=True, slots=True)
class Site:
    """Where the box's files go; `data` None: where `config` says, or DATA. `tpm`: the key goes there."""

    config: Path = CONFIG
    data: Path | None = None
    tpm: bool = False


Asked = Callable[[], tuple[str, str]]
"""Asks for the badge and PIN of who unlocks the box: keys in a TPM only."""


def nobody() -> tuple[str, str]:
    raise ProvisionRefused("officer_needed")


def provision(
    delivery: Delivery, site: Site, officer: Asked = nobody, now: Callable[[], datetime] = system_time
) -> Iterator[Done]:
    """Make this machine the box of `delivery`, whose seal was compared; yield each step once it is durable.

    Raises ProvisionRefused: other_identity, other_centre, training_refused, production_needs_tpm,
    key_and_tpm, settings_bad, badge_unknown, pin_wrong, staff_bad, and a paper's reason; IdentityError,
    StoreError, UplinkError, UnlockRefused, OSError.
    """
    work = _Work(delivery, site, officer, now)
    work.need_fit()
    steps: dict[Step, Callable[[], bool]] = {
        Step.SETTINGS: work.settings, Step.ANCHORS: work.anchors, Step.KEYS: work.keys,
        Step.CERTIFICATE: work.certificate, Step.PAPERS: work.papers, Step.STAFF: work.staff,
        Step.CARD_KEYS: work.card_keys, Step.EXTRACT: work.extract, Step.OWNER: work.owner,
    }  # fmt: skip
    for step, act in steps.items():
        if step is not Step.CARD_KEYS or delivery.has(form.CARD_KEYS):
            yield Done(step, act())


@dataclass(frozen=True)
class _Work:
    """One method a step; each says whether there was anything to do."""

    delivery: Delivery
    site: Site
    officer: Asked
    now: Callable[[], datetime]

    # --- before anything is changed ------------------------------------------------------------------

    def need_fit(self) -> None:
        """Raise ProvisionRefused for a box that is somebody already, or that this stick is not for."""
        table = self.delivery.table
        if table.profile == PRODUCTION and not self.site.tpm:
            raise ProvisionRefused("production_needs_tpm")
        if table.brings_key and self.site.tpm:
            raise ProvisionRefused("key_and_tpm")
        try:
            former = settings.profile_of(self.site.config)
            self._text()
        except ConfigError as exc:
            raise ProvisionRefused("settings_bad", str(exc)) from exc
        if former == PRODUCTION and table.profile != PRODUCTION:
            raise ProvisionRefused("training_refused")
        self._need_same(self._wanted_data() / "identity")

    def _need_same(self, folder: Path) -> None:
        known, kind = Identity(folder), "tpm" if self.site.tpm else "file"
        if (folder / ABOUT).exists():
            who = known.box, known.about.get("keys", "file")
            if who != (self.delivery.table.box, kind):
                raise ProvisionRefused("other_identity", f"{who[0]}, {who[1]}")
        if not (folder / CERTIFICATE).exists():
            return  # nobody has heard of its keys yet
        if known.certificate("box-ca") != self.delivery.certificate("box-ca.pem"):
            raise ProvisionRefused("other_centre")
        if self.delivery.table.brings_key and _differs(folder / form.KEY, self.delivery.file(form.KEY)):
            raise ProvisionRefused("other_identity", "another key")

    # --- the steps ---------------------------------------------------------------------------------------

    def settings(self) -> bool:
        return settings.keep(self.site.config, self._text())

    def anchors(self) -> bool:
        """Whom the box trusts, before it asks anybody anything."""
        for folder in (self._data, self._folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return sum(map(self._install, form.ANCHORS)) > 0

    def keys(self) -> bool:
        """The box's own, or a training key; unlocked, if a cold boot lies between."""
        if self._enrolled:
            lock = self._identity.lock
            if lock is not None and lock.locked():
                lock.unlock(*self.officer())
            return False
        new = not (self._folder / ABOUT).exists()
        if self.delivery.table.brings_key:
            self._install(form.KEY)
        begin(self._folder, self.delivery.table.box, self._in_tpm() if self.site.tpm else None)
        return new

    def certificate(self) -> bool:
        """Enrolled: a certificate for this very key."""
        if self._enrolled and self._identity.epoch:
            return False
        if self.delivery.table.brings_key:
            take(self._identity, self.delivery.file(form.ENROLMENT))
        else:
            authority, code = self._folder / "tls-ca.pem", self.delivery.file(form.CODE).decode().strip()
            enrol(self._identity, self._config.centre.url, authority, code)
        return True

    def papers(self) -> bool:
        """Where the box stands, then what it may issue offline."""
        production = self._config.station.profile == PRODUCTION
        identity, clock = self._identity, BoxClock(self.now, kept=True)
        papers, names = Papers(identity, production), (form.ASSIGNMENT, form.LEASE)
        with Journal(self._data / "records", identity.keys(not production), clock.now) as journal:
            bodies = [self.delivery.file(name) for name in names if self.delivery.has(name)]
            return sum(_taken(papers, journal, body) for body in bodies) > 0

    def staff(self) -> bool:
        """The list, unless the box has one: later changes are made on the box."""
        identity = self._identity
        if identity.officers():
            return False
        identity.keep_officers(list(officers_of(self.delivery).values()))
        return True

    def card_keys(self) -> bool:
        return self._install(form.CARD_KEYS)

    def extract(self) -> bool:
        """The registry's, encrypted to this box; one that is there is newer or the same."""
        path, identity = self._data / form.EXTRACT, self._identity
        if path.exists():
            return False
        certificate, box = identity.certificate("extract"), identity.unlocking().to_public()
        extract.keep(self.delivery.file(form.EXTRACT), path, certificate, self.now(), box)
        return True

    def owner(self) -> bool:
        """Made by root, the files are the kiosk's user's, whose the data folder is."""
        owner = self._data.stat()
        if os.geteuid() != 0 or owner.st_uid == 0:
            return False
        roots = (self._data, Path(self._config.tpm.runtime))
        return (
            sum(_give(path, owner) for root in roots if root.exists() for path in (root, *root.rglob("*")))
            > 0
        )

    # --- what they share -----------------------------------------------------------------------------------

    def _text(self) -> bytes:
        return settings.merged(
            self.site.config, self.delivery.file(form.SETTINGS), self.site.data, self.site.tpm
        )

    @property
    def _config(self) -> Config:
        return load(self.site.config)

    @property
    def _data(self) -> Path:
        return Path(self._config.station.data)

    def _wanted_data(self) -> Path:
        return self.site.data or settings.data_of(self.site.config)

    @property
    def _folder(self) -> Path:
        return self._data / "identity"

    @property
    def _identity(self) -> Identity:
        """As it is now: what was read of it before a step is not what is true after it."""
        return identity_of(self._config)

    def _in_tpm(self) -> InTpm:
        """In the name of somebody of the box's own staff."""
        badge, pin = self.officer()
        person = officers_of(self.delivery).get(badge)
        if person is None:
            raise ProvisionRefused("badge_unknown")
        if not person.knows(pin):
            raise ProvisionRefused("pin_wrong")
        identity = self._identity
        return InTpm(self._config.tpm.tcti, identity.runtime, badge, pin)

    @property
    def _enrolled(self) -> bool:
        return (self._folder / CERTIFICATE).exists()

    def _install(self, name: str) -> bool:
        """Put a file of the stick into the identity's folder; an enrolled box keeps what it has."""
        path, data = self._folder / name, self.delivery.file(name)
        if not _differs(path, data) or (self._enrolled and path.exists()):
            return False
        replace_durably(path, data)
        return True


def officers_of(delivery: Delivery) -> Mapping[str, Officer]:
    """The staff on the stick, by badge. Raises ProvisionRefused(staff_bad)."""
    try:
        return officers_in(delivery.file(form.STAFF), delivery.folder / form.STAFF)
    except OfficersError as exc:
        raise ProvisionRefused("staff_bad") from exc


def _taken(papers: Papers, journal: Journal, body: bytes) -> bool:
    try:
        return papers.take(journal, body, "stick").new
    except PaperRefused as exc:
        if exc.reason == STALE:
            return False
        raise ProvisionRefused(exc.reason) from exc


def _differs(path: Path, data: bytes) -> bool:
    return not path.exists() or path.read_bytes() != data


def _give(path: Path, owner: os.stat_result) -> bool:
    if path.lstat().st_uid == owner.st_uid:
        return False
    os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    return True
