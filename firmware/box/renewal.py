"""Certificates that renew themselves, in the last third of their lives.

The identity is renewed for the same key. With keys in a TPM the line shows a short-lived certificate of a
software key that lies in memory: the TPM only signs the request for it.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from firmware.box.errors import IdentityError
from firmware.box.identity import Identity
from firmware.box.init import CERTIFICATE, request_for
from firmware.box.tpm_keys import TpmKeys
from firmware.box.unlock import write_privately
from firmware.records.errors import StoreError
from firmware.records.format.enrolment import IDENTITY, TLS, CertificateRequest
from firmware.uplink.client import CentreClient, Timeouts, anonymous_tls, check_status
from firmware.uplink.durable import replace_durably
from firmware.uplink.errors import CentreWrong, UplinkError

log = logging.getLogger("firmware.renewal")

PATIENCE = timedelta(minutes=5)
"""How long a certificate that could not be renewed is left alone, as long as there is one."""


class Renewal:
    """Keeps the certificates of one box. Lives on the courier's thread; `now` is the box's clock."""

    def __init__(self, identity: Identity, url: str, now: Callable[[], datetime]) -> None:
        self._identity, self._url, self._now = identity, url, now
        self._rest_until: datetime | None = None
        self.identity_is_new = False
        """The centre knows the former one no more: lines that are open must be opened again."""

    def keep(self) -> bool:
        """Fetch what runs out soon. False: something is due and could not be had now; the log says why."""
        if self._rest_until is not None and self._now() < self._rest_until:
            return True
        try:
            for kind in (IDENTITY, TLS):
                if self._is_due(kind):
                    self._renew(kind)
        except (UplinkError, StoreError, IdentityError, OSError) as exc:
            log.warning("a certificate is due and could not be renewed: %s", exc)
            self._rest_until = self._now() + PATIENCE if self._shown() else None
            return False
        self._rest_until = None
        return True

    def _is_due(self, kind: str) -> bool:
        if kind == IDENTITY:
            return is_due(self._identity.certificate("box.crt"), self._now())
        if not isinstance(self._identity.store, TpmKeys):
            return False
        shown = self._shown()
        return shown is None or is_due(shown, self._now())

    def _shown(self) -> x509.Certificate | None:
        """What the line shows to the centre."""
        store = self._identity.store
        if not isinstance(store, TpmKeys):
            return self._identity.certificate("box.crt")
        with suppress(OSError, ValueError):
            return x509.load_pem_x509_certificate(store.line.read_bytes())
        return None

    def _renew(self, kind: str) -> None:
        store, signer = self._identity.store, self._identity.signer()
        key = ec.generate_private_key(ec.SECP256R1()) if kind == TLS else signer.key
        request = request_for(self._identity.box, key).public_bytes(Encoding.DER)
        asked = CertificateRequest(kind, self._identity.box, request).signed(signer).to_json()
        certificate = self._asked(asked)
        if certificate.public_key() != key.public_key():
            raise CentreWrong("the centre certified another key")
        pem = certificate.public_bytes(Encoding.PEM)
        if kind == IDENTITY:
            replace_durably(self._identity.folder / CERTIFICATE, pem)
            self.identity_is_new = True
            if isinstance(store, TpmKeys):  # the centre lets TLS keys of a former identity in no more
                store.line.unlink(missing_ok=True)
            else:
                _show(store.tls(), self._identity.folder / CERTIFICATE, self._identity.folder / "box.key.pem")
        elif isinstance(store, TpmKeys):
            private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            write_privately(store.line, pem + private)
            _show(store.tls(), store.line)
        log.info("a certificate was renewed: %s", kind)

    def _asked(self, signed: bytes) -> x509.Certificate:
        tls = anonymous_tls(self._identity.folder / "tls-ca.pem")
        with CentreClient(self._url, tls, Timeouts()) as client:
            reply = client.ask("POST", "/v1/box/tls", {"Content-Type": "application/json"}, signed)
        check_status(reply.status, reply.body)
        return certificate_in(reply.body)


def is_due(certificate: x509.Certificate, now: datetime) -> bool:
    """Whether its last third has begun."""
    whole = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return now >= certificate.not_valid_after_utc - whole / 3


def certificate_in(body: bytes) -> x509.Certificate:
    """What the centre answers to a `CertificateRequest`. Raises CentreWrong."""
    try:
        return x509.load_pem_x509_certificate(json.loads(body)["certificate"].encode())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        raise CentreWrong("the centre's answer is no certificate") from exc


def _show(context: ssl.SSLContext, certificate: Path, key: Path | None = None) -> None:
    """From now on new connections of `context` show this certificate."""
    context.load_cert_chain(certificate, key)
