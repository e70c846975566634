"""What the card of a record will hold: its dialect says what the chip can take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drivers.chip.dialects.profile import load_profile
from firmware.app.desk import Desk
from firmware.app.jobs.fingers import scores_of
from firmware.document.errors import DataGroupError
from firmware.document.fingers import Compression, Finger
from firmware.document.image import CardImage
from firmware.issue.features import features_of
from firmware.quality.best import Score, for_chip
from firmware.records.format import finger_image
from firmware.records.format.check import parse_moment
from firmware.records.format.finger_image import FingerImageError, FingerRecord
from firmware.records.format.schema import FINGERS
from firmware.records.journal import Journal

FINGER = "finger/"
COMPRESSIONS = {
    finger_image.Compression.NONE: Compression.RAW,
    finger_image.Compression.WSQ: Compression.WSQ,
    finger_image.Compression.PNG: Compression.PNG,
}
"""The record's edition of the standard (2011) counts otherwise than the chip's (2005)."""


def card_image(desk: Desk, journal: Journal, record_id: str, subject: Mapping[str, str]) -> CardImage:
    """The image of this person's card, with new chip keys. Raises DocumentError for what none can carry."""
    parts = journal.draft(record_id).parts
    portrait = parts["portrait"]
    features = features_of(load_profile(desk.config.chip.dialect))
    return CardImage.of(
        subject,
        journal.blob(record_id, portrait["image"]),
        parse_moment(portrait["at"]) or desk.now(),
        features,
        _fingers(desk, journal, record_id, parts) if features.dg3 else (),
    )


def _fingers(
    desk: Desk, journal: Journal, record_id: str, parts: Mapping[str, Mapping[str, Any]]
) -> tuple[Finger, ...]:
    """The best finger of each hand, as the rule pack ranks them; fewer where a hand gave none."""
    kept = {
        name.removeprefix(FINGER): part
        for name, part in parts.items()
        if name.startswith(FINGER) and part["image"]
    }
    scores = {finger: _score(part) for finger, part in kept.items()}
    chosen = for_chip(scores, desk.finger_rules, desk.pack.fingers.alternatives)
    return tuple(_finger(journal.blob(record_id, kept[each]["image"])) for each in chosen if each)


def _score(part: Mapping[str, Any]) -> Score:
    """Of the picture that was kept."""
    return Score(part["score"], scores_of(part)[-1].measure)


def _finger(data: bytes) -> Finger:
    try:
        record = FingerRecord.from_bytes(data)
    except FingerImageError as exc:
        raise DataGroupError("DG3", str(exc)) from exc
    position = FINGERS.index(record.position) + 1
    compression = COMPRESSIONS[record.compression]
    return Finger(position, record.picture, record.width_px, record.height_px, compression, record.ppi)
