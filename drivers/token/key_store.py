"""The issuer's master keys of SCP03 in a token: `drivers.chip.key_store.KeyStore` in hardware.

The master key of a key version number never leaves the token; what comes out are the keys of one card,
derived by the same SP 800-108 as `FileKeyStore` derives them (`drivers.chip.sp800_108`).
"""

from __future__ import annotations

from drivers.chip.key_store import KDD_SIZE, KEY_SIZES, Constant, KeyStoreError, StaticKeys
from drivers.chip.sp800_108 import derive_by
from drivers.token.errors import TokenRefused
from drivers.token.pkcs11 import Token

PREFIX = "scp03-"


class TokenKeyStore:
    """Master keys by label: `scp03-30` is the one of KVN 30. Belongs to the thread that owns `token`."""

    def __init__(self, token: Token, prefix: str = PREFIX) -> None:
        self._token = token
        self._prefix = prefix

    def static_keys(self, kvn: int, kdd: bytes) -> StaticKeys:
        """K-ENC, K-MAC and K-DEK of the card with this KDD, as long as the master key.

        Raises KeyStoreError when the token has no such key or will not use it, DeviceGone.
        """
        label = f"{self._prefix}{kvn:02X}"
        if len(kdd) != KDD_SIZE:
            raise KeyStoreError(f"key diversification data has {KDD_SIZE} bytes, not {len(kdd)}")
        try:
            master = self._token.aes_key(label)
            if master.size not in KEY_SIZES:
                raise KeyStoreError(f"{label} is an AES key of {master.size} bytes")
            return StaticKeys(*(derive_by(master.cmac, one, kdd, master.size) for one in Constant))
        except TokenRefused as exc:
            raise KeyStoreError(str(exc)) from exc
