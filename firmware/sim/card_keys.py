"""The issuer's keys of virtual cards: the key that GlobalPlatform publishes for tests, no secret at all."""

from __future__ import annotations

from pathlib import Path

from firmware.issue.card_keys import CARD_KEYS

GP_TEST_KEY = bytes(range(0x40, 0x50)).hex().upper()
TEXT = f"""# Master key of blank virtual cards (KVN 30): GlobalPlatform's public test key, no secret.

[master]
30 = "{GP_TEST_KEY}"
"""


def write_card_keys(identity: Path) -> None:
    """Give the box whose identity lies in this folder the keys of the virtual cards."""
    (identity / CARD_KEYS).write_text(TEXT, encoding="utf-8")
