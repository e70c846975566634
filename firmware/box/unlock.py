"""After a cold boot the box is locked: an officer's badge and PIN give it back its secret.

The secret U is 32 random bytes, the auth value of all keys in the TPM. On the disk it lies only sealed in
the TPM, once for each officer who may unlock (`unlock.json`), for scrypt(PIN, salt); the TPM counts wrong
PINs. In memory it lies in a folder of tmpfs, so that a restart of the process asks nobody and one of the
machine does. U also makes the TPM forget earlier wrong PINs and unclean ends.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from drivers.errors import DeviceFault
from drivers.tpm.blob import Blob
from drivers.tpm.errors import TpmRefused, Why
from drivers.tpm.tpm import AUTH_BYTES, Tpm
from firmware.box.errors import BadgeUnknown, IdentityError, LockedOut, PinWrong
from firmware.records.errors import KeysGone, StoreLocked
from firmware.uplink.durable import replace_durably

log = logging.getLogger("firmware.unlock")

UNLOCK = "unlock.json"
UNFIT = MappingProxyType(
    {
        Why.FOREIGN: "another box's TPM made these keys, or it was cleared: here they neither sign nor read",
        Why.OWNED: "this TPM has an owner: clear it in the machine's set-up, then make the keys again",
    }
)
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
N, R, P = 2**14, 8, 1  # RFC 7914; the TPM's count is what protects a PIN, this slows the rest
SALT_BYTES = 16


def boot_id() -> str:
    """Another one after each start of the machine."""
    return BOOT_ID.read_text().strip()


@contextmanager
def tpm_trouble() -> Iterator[None]:
    """A TPM that fails is the store's failure; one that never made these keys is a wrong box."""
    try:
        yield
    except TpmRefused as exc:
        if exc.why in UNFIT:
            raise IdentityError(UNFIT[exc.why]) from exc
        raise KeysGone(str(exc)) from exc
    except DeviceFault as exc:
        raise KeysGone(str(exc)) from exc


@dataclass(frozen=True)
class Unlocking:
    """Whether the box of `folder` is locked, and how it is unlocked. Any thread may ask.

    `runtime` is a folder in memory. Every call to the TPM may raise KeysGone, and IdentityError when the
    folder is another box's.
    """

    folder: Path
    tpm: Tpm
    runtime: Path
    boot: Callable[[], str] = boot_id

    def locked(self) -> bool:
        return self._kept() is None

    def secret(self) -> bytes:
        """U. Raises StoreLocked."""
        kept = self._kept()
        if kept is None:
            raise StoreLocked("use the box's keys")
        return kept

    def badges(self) -> tuple[str, ...]:
        """Who may unlock."""
        return tuple(self._officers())

    def left(self) -> int:
        """How many more wrong PINs the TPM takes, over all officers."""
        with tpm_trouble():
            return self.tpm.tries().left

    def unlock(self, badge: str, pin: str) -> None:
        """Ask the TPM for U in the name of an officer. Raises BadgeUnknown, PinWrong, LockedOut.

        A TPM that was not armed when its keys were made is armed now.
        """
        officer = self._officers().get(badge)
        if officer is None:
            raise BadgeUnknown(badge)
        with tpm_trouble():
            self._keep(self._asked(officer, pin))
            if self.tpm.is_prepared():
                self._forgive()
            else:
                self.arm()

    def lock(self) -> None:
        """Forget U."""
        self._place.unlink(missing_ok=True)

    def admit(self, badge: str, pin: str) -> None:
        """Let an officer unlock from now on, with this PIN; not with an earlier one. Raises StoreLocked."""
        with tpm_trouble():
            sealed = self._sealed(self.secret(), pin)
        self._write({**self._officers(), badge: sealed})

    def dismiss(self, badge: str) -> None:
        """Let an officer unlock no more. Raises BadgeUnknown; ValueError for the last one."""
        officers = self._officers()
        if badge not in officers:
            raise BadgeUnknown(badge)
        if len(officers) == 1:
            raise ValueError("somebody must be able to unlock the box")
        self._write({name: sealed for name, sealed in officers.items() if name != badge})

    # --- the first time ------------------------------------------------------------------------------

    @classmethod
    def begin(cls, folder: Path, tpm: Tpm, runtime: Path, badge: str, pin: str) -> Unlocking:
        """A new secret that `badge` unlocks; the box is unlocked. Nothing of the TPM is armed yet."""
        made = cls(folder, tpm, runtime)
        secret = secrets.token_bytes(AUTH_BYTES)
        with tpm_trouble():
            sealed = made._sealed(secret, pin)
        made._write({badge: sealed})
        made._keep(secret)
        return made

    def go_on(self, badge: str, pin: str) -> None:
        """After `begin` was cut off: the box is unlocked, its TPM armed. Raises as `unlock`."""
        if self.locked():
            self.unlock(badge, pin)
        with tpm_trouble():
            prepared = self.tpm.is_prepared()
        if not prepared:
            self.arm()

    def arm(self) -> None:
        """From now on wrong PINs are counted and only U makes the TPM forget them."""
        with tpm_trouble():
            self.tpm.prepare(lockout_auth(self.secret()))

    def clear(self) -> None:
        """Destroy all that was made in this TPM. Raises StoreLocked."""
        with tpm_trouble():
            self.tpm.clear(lockout_auth(self.secret()))

    # --- inside --------------------------------------------------------------------------------------

    def _asked(self, officer: Mapping[str, Any], pin: str) -> bytes:
        try:
            return self.tpm.unseal(Blob.from_json(officer["sealed"]), _auth(pin, officer["salt"]))
        except TpmRefused as exc:
            if exc.why is Why.AUTH_WRONG:
                raise PinWrong(self.tpm.tries().left) from exc
            if exc.why is Why.LOCKED_OUT:
                raise LockedOut(self.tpm.tries().forgives_s) from exc
            raise

    def _forgive(self) -> None:
        try:
            self.tpm.forgive(lockout_auth(self.secret()))
        except TpmRefused as exc:  # unlocked all the same; the count goes down by itself
            log.warning("the TPM does not forget wrong PINs: %s", exc)

    def _sealed(self, secret: bytes, pin: str) -> dict[str, Any]:
        if len(pin) != 6 or not (pin.isascii() and pin.isdigit()):
            raise ValueError("a PIN has six digits")
        salt = secrets.token_hex(SALT_BYTES)
        return {"salt": salt, "sealed": self.tpm.seal(secret, _auth(pin, salt), guarded=True).to_json()}

    def _officers(self) -> dict[str, Mapping[str, Any]]:
        path = self.folder / UNLOCK
        try:
            return {str(row["badge"]): {"salt": row["salt"], "sealed": row["sealed"]} for row in _rows(path)}
        except (OSError, ValueError, TypeError, KeyError) as exc:
            raise IdentityError(f"{path} cannot be read: enrol this box at the centre") from exc

    def _write(self, officers: Mapping[str, Mapping[str, Any]]) -> None:
        rows = [{"badge": badge, **officer} for badge, officer in officers.items()]
        replace_durably(self.folder / UNLOCK, json.dumps(rows, indent=1).encode())

    def beside(self, what: str) -> Path:
        """A file in memory; of several boxes on one desk, each has its own."""
        return self.runtime / f"{what}-{hashlib.sha256(str(self.folder.resolve()).encode()).hexdigest()[:16]}"

    @property
    def _place(self) -> Path:
        return self.beside("unlocked")

    def _kept(self) -> bytes | None:
        try:
            kept = json.loads(self._place.read_bytes())
            secret = base64.b64decode(kept["secret"], validate=True)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return secret if kept["boot"] == self.boot() and len(secret) == AUTH_BYTES else None

    def _keep(self, secret: bytes) -> None:
        kept = {"boot": self.boot(), "secret": base64.b64encode(secret).decode()}
        write_privately(self._place, json.dumps(kept).encode())


def lockout_auth(secret: bytes) -> bytes:
    """What the TPM's lockout hierarchy asks for: whoever stole the box must not reset the count."""
    return hmac.digest(secret, b"idkiosk lockout", hashlib.sha256)


def write_privately(path: Path, data: bytes) -> None:
    """Write a file in memory that this user alone reads, whole or not at all. Raises IdentityError."""
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        beside.replace(path)
    except OSError as exc:
        raise IdentityError(f"{path.parent} cannot be written ({exc.strerror}): see [tpm] runtime") from exc


def _auth(pin: str, salt: str) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=bytes.fromhex(salt), n=N, r=R, p=P, dklen=AUTH_BYTES)


def _rows(path: Path) -> list[dict[str, Any]]:
    rows = json.loads(path.read_bytes())
    if not isinstance(rows, list) or not rows:
        raise ValueError("no officers")
    return rows
