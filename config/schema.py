"""What can be set on a box, with units, defaults and limits. What nobody can set sensibly is not settable.

Each class is a table of the TOML file; `limits` in a field's metadata bound a number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


def _within(low: float, high: float, default: Any) -> Any:
    return field(default=default, metadata={"limits": (low, high)})


@dataclass(frozen=True, slots=True)
class Station:
    """Where the box stands; `virtual` and `training` make simulated records, `production` nothing virtual."""

    profile: Literal["virtual", "training", "production"] = "virtual"
    home_unit: str = "UNIT-00"
    capture_unit: str = "UNIT-00"
    team: str = "TEAM-0"
    data: str = "var/box"
    """Folder of the journal, the outbox and the box's certificate."""
    second_copy: str = ""
    """Folder on a second medium, as a mounted stick, for a copy of each unsent record; empty: none."""
    sticks: str = "/media/idkiosk"
    """Folder at or below which sticks are mounted."""
    language: Literal["vi", "en"] = "vi"
    tools: str = ".tools"
    """Folder of what the set-up fetched: face models and the NFIQ 2 scorer."""


@dataclass(frozen=True, slots=True)
class Display:
    kind: Literal["fb0", "memory"] = "memory"
    device: str = "/dev/fb0"
    width_px: int = _within(640, 3840, 800)
    height_px: int = _within(400, 2160, 480)


@dataclass(frozen=True, slots=True)
class Touch:
    device: str = ""
    """Path of the evdev node; empty: the first touch screen found."""


@dataclass(frozen=True, slots=True)
class Finger:
    serial: str = ""
    """Serial number of the sensor; empty: the first of the family."""
    ppi: int = _within(425, 575, 500)
    """Its true resolution, by `kiosk doctor --calibrate finger`; pictures are brought to 500."""
    wait_s: float = _within(5, 300, 40)


@dataclass(frozen=True, slots=True)
class Chip:
    reader: str = ""
    """Part of the PC/SC reader's name; empty: the first reader."""
    dialect: str = "iso7816-scp03"
    """Name of a file in config/cards."""
    issues_here: bool = True
    """Whether cards are made at this station; else a record is complete without one."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs documents: the centre, a key in a PKCS#11 token of the box, or a file (a virtual station)."""

    kind: Literal["centre", "pkcs11", "file"] = "centre"
    certificate: str = ""
    """Path of the document signer's certificate (PEM), for pkcs11 and file."""
    key: str = ""
    """pkcs11: label of the key pair in the token; file: path of the key (PEM, not encrypted)."""


@dataclass(frozen=True, slots=True)
class Token:
    """The box's PKCS#11 token: the issuer's keys of cards (`scp03-30`), the document signer's key."""

    module: str = ""
    """Path of the PKCS#11 library; empty: there is no token."""
    label: str = ""
    pin_file: str = ""
    """Path of a file with the token's PIN, readable by the kiosk's user alone."""


@dataclass(frozen=True, slots=True)
class Tpm:
    """The TPM 2.0 that holds the box's keys, where its identity says so (`kiosk box init --tpm`)."""

    tcti: str = ""
    """How the TSS reaches it, as "device:/dev/tpmrm0"; empty: there is none."""
    runtime: str = "/run/idkiosk"
    """Folder in memory (tmpfs) for what an officer's PIN unlocked; gone with the power."""


@dataclass(frozen=True, slots=True)
class Badge:
    reader: str = ""
    """Part of the name of the staff's PC/SC reader; empty: there is none."""


@dataclass(frozen=True, slots=True)
class Camera:
    driver: Literal["picamera2", "opencv", "pictures"] = "picamera2"
    source: str = "0"
    """Index or path for opencv, folder for pictures."""
    wait_s: float = _within(5, 300, 60)
    profile: Literal["standing", "seated"] = "standing"
    """What the portrait's gate allows: `seated` for visits at people's homes."""


@dataclass(frozen=True, slots=True)
class Panel:
    driver: Literal["gpio", "none"] = "none"
    lamp_pwm: str = ""
    """Hardware PWM of the lamps, as /sys/class/pwm/pwmchip0: channel 0 left, 1 right; empty: pins."""
    lamp_left_pin: int = _within(0, 27, 12)
    lamp_right_pin: int = _within(0, 27, 13)
    tray_lock_pin: int = _within(0, 27, 17)
    buzzer_pin: int = _within(0, 27, 27)
    tray_closed_pin: int = _within(0, 27, 22)
    door_closed_pin: int = _within(0, 27, 23)
    tamper_pin: int = _within(0, 27, 24)


@dataclass(frozen=True, slots=True)
class Centre:
    url: str = "https://localhost:8443"
    timeout_s: float = _within(1, 60, 8)
    retry_most_s: float = _within(10, 3600, 300)
    """Longest pause between two tries to deliver a record."""
    most_kbit_s: int = _within(0, 10_000_000, 0)
    """What sending records may take of a line that others need too; 0: all of it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What `kiosk doctor` measures against."""

    disk_free_mb: int = _within(100, 10_000_000, 2000)
    temperature_c: float = _within(40, 110, 80)
    oldest_unsent_h: float = _within(1, 720, 72)


@dataclass(frozen=True, slots=True)
class Config:
    station: Station = Station()
    display: Display = Display()
    touch: Touch = Touch()
    finger: Finger = Finger()
    chip: Chip = Chip()
    signer: Signer = Signer()
    token: Token = Token()
    tpm: Tpm = Tpm()
    badge: Badge = Badge()
    camera: Camera = Camera()
    panel: Panel = Panel()
    centre: Centre = Centre()
    limits: Limits = Limits()
