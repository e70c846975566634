"""A dialect's data, from config/cards/NAME.toml; a key nobody reads is an error."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

import config
from drivers.chip.apdu import Sw
from drivers.chip.scp03 import R_ENCRYPTS, Level

CARDS = Path(config.__file__).parent / "cards"


class ProfileError(ValueError):
    """A card profile that says something else than it may: names the file and the key."""


class Kind(StrEnum):
    """Which class speaks it, and so which words it may use."""

    LDS_PLAIN = "lds-plain"
    ISO7816_SCP03 = "iso7816-scp03"
    STORE_DATA = "store-data"


class Serial(StrEnum):
    """Where an identifier comes from that outlives a power cycle."""

    CPLC = "cplc"  # IC fabricator, type, batch and serial number of the production life cycle data
    KDD = "kdd"  # key diversification data of INITIALIZE UPDATE; unknown once the card is locked
    NONE = "none"


class LastBlock(StrEnum):
    """When STORE DATA says that a block is the last one: b8 of P1 (GlobalPlatform 2.3.1, 11.11.2)."""

    GROUPING = "grouping"  # of every data grouping
    NEVER = "never"  # for cards to which it is the end of personalisation, as in EMV CPS


ACCESS = ("PACE", "BAC")
PLAIN_KEYS = frozenset({"aa:rsa1024"})
FIELD_KEYS = frozenset({"can", "aa:p256", "ca:p256", "ca:brainpoolP256r1"})
PLAIN_TAGS = frozenset({"access_keys", "aa_modulus", "aa_exponent"})
FIELD_TAGS = frozenset({"access_keys", "can", "aa", "ca"})
WORDS_OF = {  # tables that only some kinds have
    Kind.LDS_PLAIN: frozenset[str](),
    Kind.ISO7816_SCP03: frozenset({"scp03"}),
    Kind.STORE_DATA: frozenset({"scp03", "store_data"}),
}
OF_KINDS = frozenset({"scp03", "store_data"})


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for one APDU of each sort."""

    apdu: float
    create_file: float
    write: float
    authenticate: float
    lock: float


@dataclass(frozen=True, slots=True)
class Scp03Words:
    """The channel of personalisation: key version number, security level, AES key length in bits.

    `locked`: the status bytes by which a locked card refuses INITIALIZE UPDATE.
    """

    kvn: int
    level: Level
    aes: int
    locked: frozenset[int] = frozenset({Sw.CONDITIONS_OF_USE})


@dataclass(frozen=True, slots=True)
class StoreDataWords:
    """What cards that take STORE DATA differ in."""

    last_block: LastBlock = LastBlock.GROUPING


@dataclass(frozen=True, slots=True)
class Profile:
    """`config/cards/NAME.toml`. `tags` are the words of PUT DATA or the DGIs of keys, by what they carry.

    `write_block` is the most that one command carries, `read_blocks` what to ask for one after the
    other; empty where the card's own word or trial decides. `lab`: not for cards of the field.
    `proof_before_lock`: the chip proves its private keys while it may still be written.
    """

    name: str
    kind: Kind
    lab: bool
    serial: Serial
    access: tuple[str, ...]
    keys: frozenset[str]
    aid: bytes
    select_p2: int
    largest_file: int
    write_block: int
    read_blocks: tuple[int, ...]
    proof_before_lock: bool
    unreadable: frozenset[int]
    guarded: frozenset[int]
    tags: Mapping[str, int]
    timeouts_s: Timeouts
    scp03: Scp03Words | None = None
    store_data: StoreDataWords | None = None


def load_profile(name: str, folder: Path = CARDS) -> Profile:
    """Read the profile `name`. Raises ProfileError for a missing, unknown or impossible key."""
    path = folder / f"{name}.toml"
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        known = ", ".join(sorted(each.stem for each in folder.glob("*.toml")))
        raise ProfileError(f"no card profile {path}; there are: {known}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ProfileError(f"{path}: {exc}") from exc
    try:
        return _profile(raw)
    except (TypeError, ValueError) as exc:
        raise ProfileError(f"{path}: {exc}") from exc


def _profile(raw: Mapping[str, Any]) -> Profile:
    kind = _word(raw, "kind", tuple(Kind)) if "kind" in raw else Kind.LDS_PLAIN
    plain = kind == Kind.LDS_PLAIN
    values = _exactly(_names(Profile) - OF_KINDS | WORDS_OF[Kind(kind)], raw, "")
    profile = Profile(
        name=_text(values, "name"),
        kind=Kind(kind),
        lab=_flag(values, "lab"),
        serial=Serial(_word(values, "serial", (Serial.NONE,) if plain else tuple(Serial))),
        access=_words(values, "access", ACCESS),
        keys=frozenset(_words(values, "keys", PLAIN_KEYS if plain else FIELD_KEYS)),
        aid=bytes.fromhex(_text(values, "aid")),
        select_p2=_number(values, "select_p2", 0, 0xFF),
        largest_file=_number(values, "largest_file", 1, 32767),
        write_block=_number(values, "write_block", 1, 255 if plain else 65535),
        read_blocks=_numbers(values, "read_blocks", 1, 256 if plain else 65535),
        proof_before_lock=_flag(values, "proof_before_lock"),
        unreadable=frozenset(_numbers(values, "unreadable", 0, 0xFFFF)),
        guarded=frozenset(_numbers(values, "guarded", 0, 0xFFFF)),
        tags=_tags(_exactly(PLAIN_TAGS if plain else FIELD_TAGS, values["tags"], "tags."), plain),
        timeouts_s=_timeouts(_exactly(_names(Timeouts), values["timeouts_s"], "timeouts_s.")),
        scp03=_scp03(values["scp03"]) if "scp03" in values else None,
        store_data=_store_data(values["store_data"]) if "store_data" in values else None,
    )
    for must, said in RULES:
        if not must(profile):
            raise ValueError(said)
    return profile


RULES: tuple[tuple[Callable[[Profile], bool], str], ...] = (
    (lambda p: 5 <= len(p.aid) <= 16, "aid has 5 to 16 bytes"),
    (lambda p: bool(p.read_blocks) or p.scp03 is not None, "read_blocks has at least one size"),
    (lambda p: bool(p.access), "access names at least one protocol"),
    (lambda p: p.lab or p.scp03 is not None, "lab must be true: this kind personalises in the clear"),
    (lambda p: not p.guarded & p.unreadable, "a file is guarded or unreadable, not both"),
    (lambda p: p.scp03 is not None or not p.guarded, "guarded: this kind has no channel of the issuer"),
    (
        lambda p: not p.guarded or p.scp03 is None or bool(p.scp03.level & R_ENCRYPTS),
        "scp03.level must be 0x33: guarded files would be read back in the clear",
    ),
)


def _scp03(raw: Any) -> Scp03Words:
    values = _exactly(_names(Scp03Words), raw, "scp03.")
    level = _number(values, "level", 1, 0x33)
    if level not in tuple(Level):
        raise ValueError(f"scp03.level is 0x01, 0x03 or 0x33, not {level:#04x}")
    if values["aes"] not in (128, 256):
        raise ValueError(f"scp03.aes is 128 or 256, not {values['aes']!r}")
    locked = frozenset(_numbers(values, "locked", 0x6400, 0x6FFF))
    if not locked:
        raise ValueError("scp03.locked has at least one status word")
    return Scp03Words(_number(values, "kvn", 1, 0x7F), Level(level), values["aes"], locked)


def _store_data(raw: Any) -> StoreDataWords:
    values = _exactly(_names(StoreDataWords), raw, "store_data.")
    return StoreDataWords(LastBlock(_word(values, "last_block", tuple(LastBlock))))


def _tags(values: Mapping[str, Any], plain: bool) -> Mapping[str, int]:
    return {name: _number(values, name, 1, 0xFF if plain else 0xFFFF) for name in values}


def _timeouts(values: Mapping[str, Any]) -> Timeouts:
    for key, value in values.items():
        if not isinstance(value, int | float) or not 0 < value <= 60:
            raise ValueError(f"timeouts_s.{key} is a number of seconds up to 60, not {value!r}")
    return Timeouts(**values)


# --- values ---


def _names(kind: type) -> set[str]:
    return {field.name for field in fields(kind)}


def _exactly(wanted: Collection[str], raw: Any, prefix: str) -> Mapping[str, Any]:
    """The table `raw`, once it has exactly these keys."""
    if not isinstance(raw, Mapping):
        raise ValueError(f"{prefix.rstrip('.')} must be a table")
    for key in sorted(set(wanted) ^ raw.keys()):
        fault = "missing" if key in wanted else f"unknown (known: {', '.join(sorted(wanted))})"
        raise ValueError(f"key {prefix}{key} is {fault}")
    return raw


def _text(values: Mapping[str, Any], key: str) -> str:
    if not isinstance(values[key], str):
        raise ValueError(f"{key} is text, not {values[key]!r}")
    return str(values[key])


def _flag(values: Mapping[str, Any], key: str) -> bool:
    if not isinstance(values[key], bool):
        raise ValueError(f"{key} is true or false, not {values[key]!r}")
    return bool(values[key])


def _word(values: Mapping[str, Any], key: str, known: Collection[str]) -> str:
    if values[key] not in known:
        raise ValueError(f"{key} is one of {', '.join(sorted(known))}, not {values[key]!r}")
    return str(values[key])


def _words(values: Mapping[str, Any], key: str, known: Collection[str]) -> tuple[str, ...]:
    if not isinstance(values[key], list):
        raise ValueError(f"{key} is a list")
    return tuple(_word({key: each}, key, known) for each in values[key])


def _number(values: Mapping[str, Any], key: str, least: int, most: int) -> int:
    value = values[key]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{key} is a whole number from {least} to {most}, not {value!r}")
    return value


def _numbers(values: Mapping[str, Any], key: str, least: int, most: int) -> tuple[int, ...]:
    if not isinstance(values[key], list):
        raise ValueError(f"{key} is a list of whole numbers")
    return tuple(_number({key: each}, key, least, most) for each in values[key])
