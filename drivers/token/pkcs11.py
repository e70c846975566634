"""One token over PKCS#11 2.40: ECDSA over a digest, AES-CMAC. Keys stay inside.

Only the raw mechanisms are used: CKM_ECDSA over a digest that is computed here (many tokens refuse
CKM_ECDSA_SHA256), CKM_AES_CMAC. A library that hangs cannot be timed out from here: PKCS#11 has no word
for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from drivers.errors import DeviceGone, ProtocolError
from drivers.token.errors import TOKEN, TokenRefused, Why

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

T = TypeVar("T")

_GONE = frozenset(
    {
        "DeviceError", "DeviceRemoved", "NoSuchToken", "SessionClosed", "SessionHandleInvalid",
        "SlotIDInvalid",
        "TokenNotPresent", "TokenNotRecognised", "OperationNotInitialized", "HostMemory", "DeviceMemory",
        "GeneralError", "MultipleTokensReturned",
    }
)  # fmt: skip
_REFUSED = MappingProxyType(
    {
        "PinIncorrect": Why.PIN_WRONG,
        "PinInvalid": Why.PIN_WRONG,
        "PinLenRange": Why.PIN_WRONG,
        "PinExpired": Why.PIN_LOCKED,
        "PinLocked": Why.PIN_LOCKED,
        "UserPinNotInitialized": Why.PIN_LOCKED,
        "UserNotLoggedIn": Why.PIN_WRONG,
        "NoSuchKey": Why.NO_KEY,
        "KeyHandleInvalid": Why.NO_KEY,
        "MultipleObjectsReturned": Why.WRONG_KEY,
        "KeyTypeInconsistent": Why.WRONG_KEY,
        "MechanismInvalid": Why.WRONG_KEY,
        "KeySizeRange": Why.WRONG_KEY,
    }
)
"""By the names of python-pkcs11's exceptions, which are those of the standard (CKR_…)."""


class Token:
    """A logged-in session with one token. One thread at a time.

    Every call raises DeviceGone when module or token are not there (close this and open another),
    TokenRefused(why), ProtocolError. One session with a PIN a process and token: close it to open another.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._open = True

    @classmethod
    def open(cls, module: Path, label: str, pin: str) -> Self:
        """Log into the token called `label` through the PKCS#11 library `module`."""
        import pkcs11

        def opened() -> Any:
            return pkcs11.lib(str(module)).get_token(token_label=label).open(user_pin=pin)

        if not module.is_file():
            raise DeviceGone(TOKEN, f"open: no library {module}")
        return cls(_asked("open", opened))

    def close(self) -> None:
        """Log out. Also of a token that is gone."""
        if not self._open:
            return
        self._open = False
        try:
            _asked("close", self._session.close)
        except (DeviceGone, TokenRefused, ProtocolError):
            return  # it is out, whatever it says

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ec_key(self, label: str) -> EcKey:
        """The elliptic-curve key pair called `label`: both halves are in the token."""
        from pkcs11 import KeyType, ObjectClass

        def found() -> tuple[Any, Any]:
            kind = {"key_type": KeyType.EC, "label": label}
            private = self._find(object_class=ObjectClass.PRIVATE_KEY, **kind)
            return private, self._find(object_class=ObjectClass.PUBLIC_KEY, **kind)

        private, public = _asked(f"key {label}", found)
        _must_stay(private, label)
        return EcKey(private, _public_key(public, label), label)

    def aes_key(self, label: str) -> AesKey:
        """The AES key called `label`."""
        from pkcs11 import Attribute, KeyType, ObjectClass

        def found() -> tuple[Any, int]:
            wanted = {"object_class": ObjectClass.SECRET_KEY, "key_type": KeyType.AES, "label": label}
            key = self._find(**wanted)
            return key, int(key[Attribute.VALUE_LEN])

        key, size = _asked(f"key {label}", found)
        _must_stay(key, label)
        return AesKey(key, size)

    def _find(self, **wanted: Any) -> Any:
        if not self._open:
            raise DeviceGone(TOKEN, "the session is closed")
        return self._session.get_key(**wanted)


class AesKey:
    """A secret key in the token, of `size` bytes."""

    def __init__(self, key: Any, size: int) -> None:
        self._key = key
        self.size = size

    def cmac(self, message: bytes) -> bytes:
        """AES-CMAC (NIST SP 800-38B), all 16 bytes."""
        from pkcs11 import Mechanism

        return bytes(_asked("CMAC", lambda: self._key.sign(message, mechanism=Mechanism.AES_CMAC)))


class EcKey:
    """A private key in the token. `sign_digest` answers r ‖ s, big-endian, of one length each."""

    def __init__(self, private: Any, public_key: ec.EllipticCurvePublicKey, label: str) -> None:
        self._private = private
        self.public_key = public_key
        self.label = label

    def sign_digest(self, digest: bytes) -> bytes:
        """The raw ECDSA signature over `digest` (PKCS#11 2.40 mechanisms, 2.3.6)."""
        from pkcs11 import Mechanism

        return bytes(_asked("sign", lambda: self._private.sign(digest, mechanism=Mechanism.ECDSA)))


def _public_key(public: Any, label: str) -> ec.EllipticCurvePublicKey:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_der_public_key
    from pkcs11.util.ec import encode_ec_public_key

    encoded = _asked(f"key {label}", lambda: encode_ec_public_key(public))
    try:
        key = load_der_public_key(encoded)
    except ValueError as exc:
        raise ProtocolError(TOKEN, f"key {label}: not a public key") from exc
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TokenRefused(f"key {label}", Why.WRONG_KEY)
    return key


def _must_stay(key: Any, label: str) -> None:
    """Raise TokenRefused for a key that its owner could take out: it may be in a second place."""
    from pkcs11 import Attribute

    if _asked(f"key {label}", lambda: key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]):
        raise TokenRefused(f"key {label}", Why.KEY_CAN_LEAVE)


def _asked(doing: str, call: Callable[[], T]) -> T:
    with _translated(doing):
        return call()


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """python-pkcs11's exceptions as this house's (STYLE: once, at the link)."""
    from pkcs11.exceptions import PKCS11Error

    try:
        yield
    except PKCS11Error as exc:
        name = type(exc).__name__
        if name in _REFUSED:
            raise TokenRefused(doing, _REFUSED[name]) from exc
        if name in _GONE or type(exc) is PKCS11Error:  # the last: the library does not load
            raise DeviceGone(TOKEN, f"{doing}: {name}") from exc
        if name.startswith("Function") or name == "UserAlreadyLoggedIn":
            raise TokenRefused(doing, Why.REFUSED) from exc
        raise ProtocolError(TOKEN, f"{doing}: {name}") from exc
    except (ValueError, TypeError, KeyError) as exc:  # an attribute that is not what the standard has
        raise ProtocolError(TOKEN, doing) from exc
