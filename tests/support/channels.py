"""A chip opened as it offers to be, in one call."""

from __future__ import annotations

import secrets

from drivers.chip.access import Offer, open_with, read_card_access
from drivers.chip.bac import Random
from drivers.chip.password import Password
from drivers.chip.processor import Plain
from drivers.chip.secure_messaging import SecureMessaging


def open_channel(plain: Plain, password: Password, random: Random = secrets.token_bytes) -> SecureMessaging:
    """Of a card that was just reset: read EF.CardAccess, and open with that."""
    return open_with(plain, password, Offer.of(read_card_access(plain)), random=random)
