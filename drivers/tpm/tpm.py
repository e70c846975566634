"""One TPM 2.0: ECDSA P-256 keys that stay inside, and small secrets that it gives out for an auth value.

Everything lies under the storage root key at 0x81000001 (TCG TPM v2.0 Provisioning Guidance, 7.5.1). The
TPM is opened for each call and closed again: other programs, and a kiosk's own threads, take turns. Auth
values and unsealed bytes cross the bus encrypted (a session salted to the storage root key, AES-128-CFB).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.tpm import templates
from drivers.tpm.blob import Blob
from drivers.tpm.errors import TpmRefused, Why
from drivers.tpm.link import opened, translated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

STORAGE_ROOT = 0x81000001
MOST_SEALED = 128  # MAX_SYM_DATA: TPM 2.0 Library, part 2, 11.1.14
AUTH_BYTES = 32
MOST_TRIES = 10
RECOVERY_S, LOCKOUT_RECOVERY_S = 600, 86_400
_LOCKOUT_COUNTER, _MAX_AUTH_FAIL, _LOCKOUT_INTERVAL = 0x20E, 0x20F, 0x210  # part 2, 6.13


@dataclass(frozen=True, slots=True)
class Tries:
    """How many wrong auth values the TPM still takes, and after how many seconds it forgives one."""

    left: int
    forgives_s: int


class Tpm:
    """The TPM behind `tcti`, as in `device:/dev/tpmrm0`; any thread may ask, one at a time.

    Every call raises DeviceGone when it is not there, TpmRefused(why), ProtocolError.
    """

    def __init__(self, tcti: str) -> None:
        self._tcti = tcti
        self._lock = threading.Lock()

    def prepare(self, lockout_auth: bytes) -> None:
        """Make the storage root key, if there is none, and arm the protection against guessing.

        From now on only `lockout_auth` (32 random bytes) makes the TPM forget wrong tries. It is set last:
        cut before that, the same call does it all. Raises TpmRefused(OWNED) when somebody has set it already.
        """
        with self._session("prepare") as session:
            session.keep_storage_root()
            session.guard(lockout_auth)

    def is_prepared(self) -> bool:
        """Whether a `lockout_auth` is set: ours, or another owner's."""
        with self._session("look at the protection") as session:
            return session.is_guarded()

    def new_key(self, auth: bytes) -> Blob:
        """A new ECDSA P-256 key that signs for `auth`: 32 random bytes, which nobody guesses."""
        with self._session("make a key") as session:
            return session.create(templates.signing_key(), auth)

    def key(self, blob: Blob, auth: Callable[[], bytes]) -> TpmKey:
        """The key in `blob`; `auth` is asked for each signature."""
        return TpmKey(self, blob, auth, templates.public_key(blob.public))

    def seal(self, data: bytes, auth: bytes, *, guarded: bool) -> Blob:
        """At most 128 bytes that only this TPM gives out, and only for `auth`.

        `guarded`: `auth` can be guessed, so wrong tries are counted (TPMA_OBJECT_NODA clear).
        """
        if not 0 < len(data) <= MOST_SEALED:
            raise ValueError(f"a TPM seals 1 to {MOST_SEALED} bytes")
        with self._session("seal") as session:
            return session.create(templates.sealed(guarded), auth, data)

    def unseal(self, blob: Blob, auth: bytes) -> bytes:
        with self._session("unseal") as session, session.loaded(blob, auth) as handle:
            return bytes(session.esapi.unseal(handle, session1=session.handle))

    def prove(self, blob: Blob) -> None:
        """Raise TpmRefused(FOREIGN) unless this TPM made the object; needs no auth value."""
        with self._session("look at an object") as session, session.loaded(blob, b""):
            pass

    def sign(self, blob: Blob, auth: bytes, digest: bytes) -> bytes:
        """r ‖ s, 32 bytes each, over a SHA-256 digest."""
        with self._session("sign") as session, session.loaded(blob, auth) as handle:
            asked = templates.to_be_signed(digest)
            signature = session.esapi.sign(handle, *asked, session1=session.handle)  # owns what is read below
            halves = signature.signature.ecdsa.signatureR, signature.signature.ecdsa.signatureS
            return b"".join(bytes(half).rjust(32, b"\0") for half in halves)

    def tries(self) -> Tries:
        """The state of the protection against guessing, over all guarded objects of this TPM."""
        with self._session("count tries") as session:
            counts = session.properties()
        most, failed = counts.get(_MAX_AUTH_FAIL, 0), counts.get(_LOCKOUT_COUNTER, 0)
        return Tries(max(0, most - failed), counts.get(_LOCKOUT_INTERVAL, 0))

    def forgive(self, lockout_auth: bytes) -> None:
        """Forget the wrong tries."""
        with self._session("forgive") as session:
            session.forgive(lockout_auth)

    def clear(self, lockout_auth: bytes) -> None:
        """Destroy the seed of all that was ever made here: nothing of it is opened or signs again."""
        with self._session("clear") as session:
            session.clear(lockout_auth)

    @contextmanager
    def _session(self, doing: str) -> Iterator[_Session]:
        with self._lock, translated(doing), ExitStack() as stack:
            yield _Session(stack.enter_context(opened(self._tcti)), stack)


class TpmKey:
    """A signing key in the TPM, as `firmware.records.format.signing.ExternalKey` takes it."""

    def __init__(
        self, tpm: Tpm, blob: Blob, auth: Callable[[], bytes], public_key: ec.EllipticCurvePublicKey
    ) -> None:
        self._tpm, self._blob, self._auth = tpm, blob, auth
        self.public_key = public_key

    def sign_digest(self, digest: bytes) -> bytes:
        """r ‖ s over a SHA-256 digest. Raises ValueError for another length."""
        if len(digest) != 32:
            raise ValueError("this key signs SHA-256 digests")
        return self._tpm.sign(self._blob, self._auth(), digest)


class _Session:
    """An open TPM, its storage root key, and an encrypting session; all that is loaded goes out again."""

    def __init__(self, esapi: Any, stack: ExitStack) -> None:
        self.esapi = esapi
        self._root = self._storage_root(stack)
        self.handle = esapi.start_auth_session(**templates.encrypting(self._root))
        stack.callback(esapi.flush_context, self.handle)
        esapi.trsess_set_attributes(self.handle, templates.session_attributes())

    def _storage_root(self, stack: ExitStack) -> Any:
        """The persistent one, or the same key made for this call: its seed is the TPM's."""
        self._persistent = STORAGE_ROOT in templates.persistent(self.esapi)
        if self._persistent:
            return self.esapi.tr_from_tpmpublic(STORAGE_ROOT)
        made = self.esapi.create_primary(*templates.storage_root())[0]
        stack.callback(self.esapi.flush_context, made)
        return made

    def keep_storage_root(self) -> None:
        """Making it takes a real TPM up to a second; kept, it is there at once."""
        from tpm2_pytss import ESYS_TR

        if not self._persistent:
            self.esapi.evict_control(ESYS_TR.OWNER, self._root, STORAGE_ROOT)

    def guard(self, lockout_auth: bytes) -> None:
        from tpm2_pytss import ESYS_TR

        if self.is_guarded():
            raise TpmRefused("guard", Why.OWNED)
        self.esapi.dictionary_attack_parameters(
            MOST_TRIES, RECOVERY_S, LOCKOUT_RECOVERY_S, ESYS_TR.LOCKOUT, session1=self.handle
        )
        self.esapi.hierarchy_change_auth(ESYS_TR.LOCKOUT, lockout_auth, session1=self.handle)

    def is_guarded(self) -> bool:
        return bool(self.properties()[templates.PERMANENT] & templates.LOCKOUT_AUTH_SET)

    def forgive(self, lockout_auth: bytes) -> None:
        from tpm2_pytss import ESYS_TR

        self._lockout(lockout_auth)
        self.esapi.dictionary_attack_lock_reset(ESYS_TR.LOCKOUT, session1=self.handle)

    def clear(self, lockout_auth: bytes) -> None:
        from tpm2_pytss import ESYS_TR

        self._lockout(lockout_auth)
        self.esapi.clear(ESYS_TR.LOCKOUT, session1=self.handle)

    def _lockout(self, auth: bytes) -> None:
        from tpm2_pytss import ESYS_TR

        self.esapi.tr_set_auth(ESYS_TR.LOCKOUT, auth)

    def create(self, template: Any, auth: bytes, data: bytes = b"") -> Blob:
        private, public, *_ = self.esapi.create(
            self._root, templates.sensitive(auth, data), template, session1=self.handle
        )
        return Blob(public.marshal(), private.marshal())

    @contextmanager
    def loaded(self, blob: Blob, auth: bytes) -> Iterator[Any]:
        private, public = templates.parsed(blob)
        handle = self.esapi.load(self._root, private, public, session1=self.handle)
        try:
            self.esapi.tr_set_auth(handle, auth)
            yield handle
        finally:
            self.esapi.flush_context(handle)

    def properties(self) -> dict[int, int]:
        return templates.variable_properties(self.esapi)
