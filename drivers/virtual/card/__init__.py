"""The virtual card: an ISO/IEC 7816-4 program, replaced at the card layer, in process or behind vpcd."""

from drivers.virtual.card.card import (
    ATR,
    CardLifted,
    CardMute,
    OfficerCard,
    VirtualCard,
    blank_card,
    foreign_card,
)
from drivers.virtual.card.reader import VirtualReader

__all__ = [
    "ATR",
    "CardLifted",
    "CardMute",
    "OfficerCard",
    "VirtualCard",
    "VirtualReader",
    "blank_card",
    "foreign_card",
]
