"""A token of SoftHSM 2 in a folder of its own, and keys in it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.token.pkcs11 import Token

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
)
PIN, SO_PIN = "24680135", "97531086"


@dataclass(frozen=True)
class SoftHsm:
    """`softhsm2-util` made the token `label`; the folder is this process's own."""

    module: Path
    label: str

    def token(self, pin: str = PIN) -> Token:
        """As a box holds it; logged into when first asked."""
        return Token(self.module, self.label, lambda: pin)

    def ec_key(self, label: str, curve: str = "secp256r1", **template: Any) -> None:
        """A new key pair inside the token."""
        import pkcs11
        from pkcs11.util.ec import encode_named_curve_parameters

        with self._session() as session:
            named = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)}
            parameters = session.create_domain_parameters(pkcs11.KeyType.EC, named, local=True)
            parameters.generate_keypair(store=True, label=label, private_template=_attributes(template))

    def aes_key(self, label: str, value: bytes, **template: Any) -> None:
        """This key, imported: a test knows what it must derive."""
        import pkcs11

        with self._session() as session:
            session.create_object(
                {
                    pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY,
                    pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.AES,
                    pkcs11.Attribute.LABEL: label,
                    pkcs11.Attribute.VALUE: value,
                    pkcs11.Attribute.TOKEN: True,
                    pkcs11.Attribute.SIGN: True,
                    pkcs11.Attribute.SENSITIVE: True,
                    pkcs11.Attribute.EXTRACTABLE: False,
                    **_attributes(template),
                }
            )

    def public_key(self, label: str) -> bytes:
        """SubjectPublicKeyInfo of a key pair."""
        import pkcs11
        from pkcs11.util.ec import encode_ec_public_key

        with self._session() as session:
            found = session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=label)
            return bytes(encode_ec_public_key(found))

    @contextmanager
    def _session(self) -> Iterator[Any]:
        import pkcs11

        token = pkcs11.lib(str(self.module)).get_token(token_label=self.label)
        with token.open(user_pin=PIN, rw=True) as session:
            yield session


def _attributes(template: dict[str, Any]) -> dict[Any, Any]:
    import pkcs11

    return {pkcs11.Attribute[name.upper()]: value for name, value in template.items()}


@contextmanager
def softhsm(folder: Path) -> Iterator[SoftHsm]:
    """A fresh token under `folder`. One at a time in a process: the library is told once where it lives."""
    module = next((Path(each) for each in MODULES if Path(each).is_file()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM 2 is not installed: apt-get install softhsm2")
    import pkcs11

    (folder / "tokens").mkdir()
    conf = folder / "softhsm2.conf"
    conf.write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(conf)
    label = f"kiosk-{secrets.token_hex(4)}"
    made = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", PIN]
    subprocess.run(made, check=True, capture_output=True, timeout=60)
    pkcs11.unload(str(module))  # what an earlier test's folder said is forgotten
    try:
        yield SoftHsm(module, label)
    finally:
        with suppress(pkcs11.PKCS11Error):
            pkcs11.unload(str(module))
        os.environ.pop("SOFTHSM2_CONF")
        if before is not None:
            os.environ["SOFTHSM2_CONF"] = before
