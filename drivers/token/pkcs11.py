"""One token over PKCS#11 2.40: ECDSA over a digest, AES-CMAC, small data objects. Keys stay inside.

Only the raw mechanisms are used: CKM_ECDSA over a digest that is computed here (many tokens refuse
CKM_ECDSA_SHA256), CKM_AES_CMAC. A library that hangs cannot be timed out from here: PKCS#11 has no word
for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from drivers.errors import DeviceGone, ProtocolError
from drivers.token.errors import TOKEN, TokenRefused, Why

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

T = TypeVar("T")
APPLICATION = "idkiosk"
"""CKA_APPLICATION of what this house keeps in a token."""

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
    """One token, logged into when first asked and again after it was gone. One thread at a time.

    Every call raises DeviceGone when library or token are not there, TokenRefused(why), ProtocolError. One
    object a process and token: a login is the whole process's. A PIN that was refused once is not tried
    again: a token locks itself after a few.
    """

    def __init__(self, module: Path, label: str, pin: Callable[[], str]) -> None:
        """The token called `label` through the PKCS#11 library `module`; `pin` is asked at each login."""
        self._module = module
        self._label = label
        self._pin = pin
        self._session: Any = None
        self._locked_out: TokenRefused | None = None

    def close(self) -> None:
        """Log out. Also of a token that is gone."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(DeviceGone, TokenRefused, ProtocolError):  # it is out, whatever it says
                _asked("close", session.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ec_key(self, label: str) -> EcKey:
        """The elliptic-curve key pair called `label`: both halves are in the token."""
        from pkcs11 import KeyType, ObjectClass

        kind = {"key_type": KeyType.EC, "label": label}
        private = self._find(object_class=ObjectClass.PRIVATE_KEY, **kind)
        public = self._find(object_class=ObjectClass.PUBLIC_KEY, **kind)
        return EcKey(self, private, _public_key(public, label), label)

    def aes_key(self, label: str) -> AesKey:
        """The AES key called `label`."""
        from pkcs11 import Attribute, KeyType, ObjectClass

        key = self._find(object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, label=label)
        return AesKey(self, key, int(self.ask(f"key {label}", lambda: key[Attribute.VALUE_LEN])))

    def data(self, label: str) -> list[bytes]:
        """The values of the private data objects of this house called `label`, in no order."""
        from pkcs11 import Attribute

        session = self._logged_in()

        def values() -> list[bytes]:
            return [bytes(found[Attribute.VALUE]) for found in session.get_objects(_data(label))]

        return self.ask(f"data {label}", values)

    def put_data(self, label: str, value: bytes) -> None:
        """Keep `value` in the token under `label`; only then are the former ones of that name removed."""
        from pkcs11 import Attribute

        self._logged_in()  # a login is the token's: the session that writes has it too

        def put() -> None:
            with self._slot_token().open(rw=True) as writing:
                former = list(writing.get_objects(_data(label)))
                writing.create_object(
                    {**_data(label), Attribute.TOKEN: True, Attribute.PRIVATE: True, Attribute.VALUE: value}
                )
                for old in former:
                    old.destroy()

        self.ask(f"write data {label}", put)

    def ask(self, doing: str, call: Callable[[], T]) -> T:
        """What `call` of python-pkcs11 answers; a session that failed is not used again."""
        try:
            return _asked(doing, call)
        except (DeviceGone, ProtocolError):
            self.close()
            raise

    def _find(self, **wanted: Any) -> Any:
        """The one key of this kind that cannot be taken out."""
        from pkcs11 import Attribute, ObjectClass

        doing = f"key {wanted['label']}"
        session = self._logged_in()
        key = self.ask(doing, lambda: session.get_key(**wanted))
        if wanted["object_class"] is not ObjectClass.PUBLIC_KEY and self.ask(
            doing, lambda: key[Attribute.EXTRACTABLE] or not key[Attribute.SENSITIVE]
        ):
            raise TokenRefused(doing, Why.KEY_CAN_LEAVE)
        return key

    def _logged_in(self) -> Any:
        if self._locked_out is not None:
            raise self._locked_out
        if self._session is None:
            try:
                self._session = self._opened()
            except TokenRefused as exc:
                if exc.why in (Why.PIN_WRONG, Why.PIN_LOCKED):
                    self._locked_out = exc
                raise
        return self._session

    def _opened(self) -> Any:
        if not self._module.is_file():
            raise DeviceGone(TOKEN, f"open: no library {self._module}")
        pin = self._pin()
        return _asked("open", lambda: self._slot_token().open(user_pin=pin))

    def _slot_token(self) -> Any:
        import pkcs11

        return pkcs11.lib(str(self._module)).get_token(token_label=self._label)


class EcKey:
    """A private key in the token. `sign_digest` answers r ‖ s, big-endian, of one length each."""

    def __init__(self, token: Token, private: Any, public_key: ec.EllipticCurvePublicKey, label: str) -> None:
        self._token = token
        self._private = private
        self.public_key = public_key
        self.label = label

    def sign_digest(self, digest: bytes) -> bytes:
        """The raw ECDSA signature over `digest` (PKCS#11 2.40 mechanisms, 2.3.6)."""
        from pkcs11 import Mechanism

        return bytes(self._token.ask("sign", lambda: self._private.sign(digest, mechanism=Mechanism.ECDSA)))


class AesKey:
    """A secret key in the token, of `size` bytes."""

    def __init__(self, token: Token, key: Any, size: int) -> None:
        self._token = token
        self._key = key
        self.size = size

    def cmac(self, message: bytes) -> bytes:
        """AES-CMAC (NIST SP 800-38B), all 16 bytes."""
        from pkcs11 import Mechanism

        return bytes(self._token.ask("CMAC", lambda: self._key.sign(message, mechanism=Mechanism.AES_CMAC)))


def pin_in(path: Path) -> Callable[[], str]:
    """The PIN in a file that the kiosk's user alone may read, without the end of its line."""

    def read() -> str:
        try:
            return path.read_text().strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise TokenRefused("open", Why.NO_PIN) from exc

    return read


def _data(label: str) -> dict[Any, Any]:
    from pkcs11 import Attribute, ObjectClass

    return {Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: label, Attribute.APPLICATION: APPLICATION}


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
