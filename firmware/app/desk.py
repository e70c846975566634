"""What jobs work with: the box's identity, its store, the rules, the gates and the line to the centre."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.rulepack import RulePack
from config.schema import Config
from drivers.api import Deadline
from drivers.chip.blocks import BlockMemory
from drivers.chip.key_store import KeyStore
from drivers.errors import DeviceGone
from drivers.token.pkcs11 import Token
from drivers.worker import Stop
from firmware.app.shift import Shift
from firmware.app.signer import HeldSigner, leases_of, open_signer
from firmware.app.store import Store
from firmware.app.visit import Seen
from firmware.box.adopt import place
from firmware.box.clock import BoxClock
from firmware.box.identity import Identity, IdentityError
from firmware.box.lease import Leases
from firmware.box.officers import Officer
from firmware.box.transcripts import Transcripts
from firmware.box.unlock import Unlocking
from firmware.box.warrants import Papers
from firmware.issue.card_keys import card_keys, token_of
from firmware.quality.best import FingerRules
from firmware.quality.nbis.client import FingerScorer
from firmware.quality.nbis.runtime import ScorerMissing, locate
from firmware.records.clock import stamp
from firmware.records.format.rules import local_day, pack_on
from firmware.records.format.warrants import Assignment
from firmware.records.journal import Journal
from firmware.uplink.client import CentreClient, Timeouts

if TYPE_CHECKING:
    from firmware.quality.portrait import PortraitGate

NEVER = float("inf")


def until(stop: Stop, seconds: float, clock: Callable[[], float]) -> Deadline:
    """A deadline that is also over as soon as the job is to stop."""
    return Deadline(clock() + seconds, lambda: NEVER if stop else clock())


def _place(config: Config, stands: Assignment | None) -> dict[str, str]:
    """As the assignment says; a spare that nobody needs yet has no place, and stands as configured."""
    if stands is None or not stands.capture_unit:
        station = config.station
        return {"home_unit": station.home_unit, "capture_unit": station.capture_unit, "team": station.team}
    place = {"home_unit": stands.home_unit, "capture_unit": stands.capture_unit, "team": stands.team}
    return {**place, "station": stands.station} if stands.station else place


@dataclass
class Desk:
    """Shared by the jobs; each part is made when first used and belongs to the thread that uses it."""

    config: Config
    identity: Identity
    store: Store
    show: Callable[[Seen], None]
    lamps: Callable[[float, float], None]
    clock: Callable[[], float]
    time: BoxClock
    shift: Shift = field(default_factory=Shift)
    reached: bool = False
    """Whether the centre answered when it was asked last."""
    transcripts: Transcripts = field(default_factory=Transcripts)

    def now(self) -> datetime:
        """The moment in UTC, never behind the journal."""
        return self.time.now()

    @property
    def finger_rules(self) -> FingerRules:
        return FingerRules.of(self.pack)

    @cached_property
    def scorer(self) -> FingerScorer | None:
        """NFIQ 2 in its child process; None where the set-up did not provide it. The finger worker's."""
        try:
            return FingerScorer(locate(Path(self.config.station.tools)))
        except ScorerMissing:
            return None

    @property
    def may_estimate(self) -> bool:
        """Whether a finger may be kept with an estimate for a score, and compared with none."""
        return self.config.station.profile != "production"

    def load_scorer(self) -> None:
        """Have the scorer loaded before a citizen waits for it. On the finger worker.

        Raises DeviceGone, the sensor's, where it does not load and nothing may be estimated; elsewhere the
        station goes on with estimates.
        """
        if self.scorer is not None and self.scorer.unavailable() is None:
            return
        if not self.may_estimate:
            raise DeviceGone("finger", "load NFIQ 2")
        self.scorer = None

    @cached_property
    def gate(self) -> PortraitGate:
        """The portrait's gate. The camera worker's. Raises ModelsMissingError."""
        from firmware.quality.portrait import PortraitGate
        from firmware.quality.portrait_models import FaceModels
        from firmware.quality.portrait_rules import PROFILES

        models = FaceModels(Path(self.config.station.tools) / "models")
        return PortraitGate(models, PROFILES[self.config.camera.profile])

    @cached_property
    def signer(self) -> HeldSigner:
        """The document signer of `[signer]`, over its own connection or session. The chip worker's."""
        return open_signer(self)

    @cached_property
    def card_keys(self) -> KeyStore | None:
        """The issuer's keys of cards; None where this box has none. The chip worker's."""
        return card_keys(self.identity.folder, self.token)

    @cached_property
    def token(self) -> Token | None:
        """The box's PKCS#11 token; None where it has none. The chip worker's."""
        return token_of(self.config)

    @cached_property
    def blocks(self) -> BlockMemory:
        """What each kind of card takes in one command. The chip worker's."""
        return BlockMemory()

    def centre(self) -> CentreClient:
        """A connection of the caller's own, for questions that a person waits for the answer of."""
        timeouts = Timeouts.within(self.config.centre.timeout_s)
        return CentreClient(self.config.centre.url, self.identity.tls(), timeouts)

    @property
    def unlocking(self) -> Unlocking:
        """What takes an officer's badge and PIN after a cold boot (the journal says `box_locked`).

        Raises IdentityError where the keys are files: these are never locked.
        """
        if self.identity.lock is None:
            raise IdentityError("the keys of this box lie in files: there is nothing to unlock")
        return self.identity.lock

    @cached_property
    def officers(self) -> Mapping[str, Officer]:
        return self.identity.officers()

    def close(self) -> None:
        """End what was made: the scorer's process, the signer's connection, the token. After the workers."""
        for made in map(vars(self).get, ("scorer", "signer", "token")):
            if made is not None:
                made.close()

    @property
    def pack(self) -> RulePack:
        """The rules of today; there are none unless `ruled`."""
        return pack_on(local_day(self.now()))

    @property
    def ruled(self) -> bool:
        """Whether today lies in the time of any rule pack."""
        try:
            return bool(self.pack)
        except LookupError:
            return False

    @property
    def distrust(self) -> str | None:
        """Why no card may be issued by the box's clock, as a key; None: it may."""
        return self.time.distrust(self.identity.certificate("box.crt"))

    @cached_property
    def papers(self) -> Papers:
        """What the centre signed for this box."""
        return Papers(self.identity, self.config.station.profile == "production")

    @cached_property
    def leases(self) -> Leases:
        """The right to issue without asking the centre."""
        return leases_of(self)

    def assignment(self, journal: Journal) -> dict[str, Any]:
        """Where and by whom a record is made that begins now (mission: the record). On the store's thread.

        The signed assignment says where, for a spare that of the box whose place it took; a box that has none
        stands where its configuration says.
        """
        here: dict[str, Any] = {"box": self.identity.box, "epoch": self.papers.epoch(journal), "officers": []}
        here["shift"] = local_day(self.now()).isoformat()
        stands = place(journal, self.papers) or self.papers.assignment(journal)
        return {**here, **_place(self.config, stands)}

    def stamp(self) -> str:
        """Now, as a record writes it."""
        return stamp(self.now())
