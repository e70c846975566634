"""OpenPACE (libeac of Debian): PACE and secure messaging that strangers wrote, as either end of the wire.

It works on another OpenSSL than `cryptography` does, the system's own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_ulong, c_void_p
from functools import cache
from typing import Any

MRZ, CAN = 1, 2  # enum s_type
PACE_CHANNEL, CA_CHANNEL = 0, 1  # EAC_ID_PACE, EAC_ID_CA
CA_PROTOCOLS = {
    1: b"id-CA-ECDH-3DES-CBC-CBC",
    2: b"id-CA-ECDH-AES-CBC-CMAC-128",
    3: b"id-CA-ECDH-AES-CBC-CMAC-192",
    4: b"id-CA-ECDH-AES-CBC-CMAC-256",
}
MAC_SIZE = 8


class Buffer(ctypes.Structure):
    """OpenSSL's BUF_MEM."""

    _fields_ = (("length", c_size_t), ("data", c_void_p), ("max", c_size_t), ("flags", c_ulong))


class CaContext(ctypes.Structure):
    """The beginning of CA_CTX (eac/eac.h)."""

    _fields_ = (
        ("version", ctypes.c_ubyte),
        ("protocol", c_int),
        ("id", c_int),
        ("flags", c_int),
        ("agreement", c_void_p),
    )


class Context(ctypes.Structure):
    """The beginning of EAC_CTX (eac/eac.h)."""

    _fields_ = (
        ("tr_version", c_int),
        ("numbers", c_void_p),
        ("digests", c_void_p),
        ("ciphers", c_void_p),
        ("pace", c_void_p * 2),
        ("ri", c_void_p * 2),
        ("ta", c_void_p),
        ("ca", POINTER(CaContext)),
    )


Given = POINTER(Buffer)
MAKES: dict[str, tuple[Any, ...]] = {
    "PACE_STEP1_enc_nonce": (c_void_p, c_void_p),
    "PACE_STEP3A_generate_mapping_data": (c_void_p,),
    "PACE_STEP3B_generate_ephemeral_key": (c_void_p,),
    "PACE_STEP3D_compute_authentication_token": (c_void_p, Given),
    "KA_CTX_generate_key": (c_void_p, c_void_p),
    "EAC_encrypt": (c_void_p, Given),
    "EAC_decrypt": (c_void_p, Given),
    "EAC_authenticate": (c_void_p, Given),
}
TAKES: dict[str, tuple[Any, ...]] = {
    "EAC_CTX_init_ef_cardaccess": (c_char_p, c_size_t, c_void_p),
    "PACE_STEP2_dec_nonce": (c_void_p, c_void_p, Given),
    "PACE_STEP3A_map_generator": (c_void_p, Given),
    "PACE_STEP3B_compute_shared_secret": (c_void_p, Given),
    "PACE_STEP3C_derive_keys": (c_void_p,),
    "PACE_STEP3D_verify_authentication_token": (c_void_p, Given),
    "EAC_CTX_init_ca": (c_void_p, c_int, c_int),
    "KA_CTX_compute_key": (c_void_p, Given, c_void_p),
    "KA_CTX_derive_keys": (c_void_p, c_void_p, c_void_p),
    "EAC_CTX_set_encryption_ctx": (c_void_p, c_int),
    "EAC_increment_ssc": (c_void_p,),
}


@cache
def libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    """libeac and the libcrypto that it works on. Raises OSError where they are not installed."""
    eac, crypto = ctypes.CDLL("libeac.so.3"), ctypes.CDLL("libcrypto.so.3")
    for name in ("EAC_CTX_new", "PACE_SEC_new"):
        getattr(eac, name).restype = c_void_p
    eac.EAC_OBJ_txt2nid.argtypes = (c_char_p,)
    eac.PACE_SEC_new.argtypes = c_char_p, c_size_t, c_int
    for name, arguments in MAKES.items():
        getattr(eac, name).restype = Given
        getattr(eac, name).argtypes = arguments
    for name, arguments in TAKES.items():
        getattr(eac, name).restype = c_int
        getattr(eac, name).argtypes = arguments
    eac.EAC_CTX_clear_free.argtypes = eac.PACE_SEC_clear_free.argtypes = (c_void_p,)
    crypto.BUF_MEM_free.argtypes = (Given,)
    for provider in (b"default", b"legacy"):  # DES by itself, for the Retail MAC
        crypto.OSSL_PROVIDER_load.argtypes = c_void_p, c_char_p
        crypto.OSSL_PROVIDER_load(None, provider)
    eac.EAC_init()
    return eac, crypto


class Refused(Exception):
    """OpenPACE does not take what it was given; says the function."""


class End:
    """The chip's or the terminal's end: the protocol's steps, then the channel's cipher and MAC.

    Every method raises Refused.
    """

    def __init__(self, card_access: bytes, password: str, kind: int) -> None:
        """`kind` MRZ: all of a TD1's machine readable zone in one line; CAN: six digits."""
        self._eac, self._crypto = libraries()
        self._context = self._eac.EAC_CTX_new()
        self._secret = self._eac.PACE_SEC_new(password.encode(), len(password), kind)
        self._take("EAC_CTX_init_ef_cardaccess", card_access, len(card_access), self._context)

    def close(self) -> None:
        self._eac.PACE_SEC_clear_free(self._secret)
        self._eac.EAC_CTX_clear_free(self._context)

    # --- PACE ---

    def conceal_nonce(self) -> bytes:
        return self._make("PACE_STEP1_enc_nonce", self._context, self._secret)

    def reveal_nonce(self, cryptogram: bytes) -> None:
        self._take("PACE_STEP2_dec_nonce", self._context, self._secret, _given(cryptogram))

    def mapping_key(self) -> bytes:
        return self._make("PACE_STEP3A_generate_mapping_data", self._context)

    def map(self, theirs: bytes) -> None:
        self._take("PACE_STEP3A_map_generator", self._context, _given(theirs))

    def ephemeral_key(self) -> bytes:
        return self._make("PACE_STEP3B_generate_ephemeral_key", self._context)

    def agree(self, theirs: bytes) -> None:
        self._take("PACE_STEP3B_compute_shared_secret", self._context, _given(theirs))
        self._take("PACE_STEP3C_derive_keys", self._context)

    def token(self, theirs: bytes) -> bytes:
        return self._make("PACE_STEP3D_compute_authentication_token", self._context, _given(theirs))

    def check(self, token: bytes) -> None:
        self._take("PACE_STEP3D_verify_authentication_token", self._context, _given(token))
        self._take("EAC_CTX_set_encryption_ctx", self._context, PACE_CHANNEL)

    # --- Chip Authentication, version 1 ---

    def chip_authentication_key(self, cipher: int, curve: int) -> bytes:
        """The public key of a new pair: the chip's for ever, or the terminal's for once."""
        self._take("EAC_CTX_init_ca", self._context, self._eac.EAC_OBJ_txt2nid(CA_PROTOCOLS[cipher]), curve)
        return self._make("KA_CTX_generate_key", *self._agreement)

    def authenticate_chip(self, theirs: bytes) -> None:
        """From the next step on the channel is that of the agreed keys."""
        agreement, numbers = self._agreement
        self._take("KA_CTX_compute_key", agreement, _given(theirs), numbers)
        self._take("KA_CTX_derive_keys", agreement, None, self._fields.digests)
        self._take("EAC_CTX_set_encryption_ctx", self._context, CA_CHANNEL)

    @property
    def _fields(self) -> Context:
        return ctypes.cast(self._context, POINTER(Context)).contents

    @property
    def _agreement(self) -> tuple[int, int]:
        return self._fields.ca.contents.agreement, self._fields.numbers

    # --- secure messaging ---

    def step(self) -> None:
        """Another command or answer: the counter goes on."""
        self._take("EAC_increment_ssc", self._context)

    def encrypt(self, blocks: bytes) -> bytes:
        return self._make("EAC_encrypt", self._context, _given(blocks))

    def decrypt(self, blocks: bytes) -> bytes:
        return self._make("EAC_decrypt", self._context, _given(blocks))

    def mac(self, blocks: bytes) -> bytes:
        """Over the counter and `blocks`."""
        return self._make("EAC_authenticate", self._context, _given(blocks))[:MAC_SIZE]

    def _take(self, name: str, *arguments: Any) -> None:
        if getattr(self._eac, name)(*arguments) != 1:
            raise Refused(name)

    def _make(self, name: str, *arguments: Any) -> bytes:
        make: Callable[..., Any] = getattr(self._eac, name)
        made = make(*arguments)
        if not made:
            raise Refused(name)
        data = ctypes.string_at(made.contents.data, made.contents.length)
        self._crypto.BUF_MEM_free(made)
        return data


def _given(data: bytes) -> Any:
    memory = ctypes.create_string_buffer(data, len(data))
    buffer = Buffer(len(data), ctypes.cast(memory, c_void_p), len(data), 0)
    buffer.memory = memory  # lives as long
    return ctypes.byref(buffer)
