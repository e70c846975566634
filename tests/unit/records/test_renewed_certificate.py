"""A journal that stays open signs under the certificate that the box has now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from support import box, record

from drivers.errors import DeviceGone
from firmware.app.courier import Line
from firmware.records.format.errors import SignatureRefused
from firmware.records.format.seal import open_sealed
from firmware.records.format.signing import Signer
from firmware.records.journal import Journal
from firmware.records.keys import BoxKeys

CA = record.issue("Box CA", ca=True, days=4000)
DAYS = 10


def short_lived() -> BoxKeys:
    """A box whose certificate ends in DAYS."""
    certificate, key = record.issue(record.BOX, CA, days=DAYS)
    return replace(box.box_keys(), signer=Signer(key, certificate), box_ca=CA[0])


def renewed(signer: Signer, name: str = record.BOX) -> Signer:
    """The same key, certified for another year."""
    former = signer.certificate
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(former.issuer)
        .public_key(former.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(former.not_valid_before_utc)
        .not_valid_after(former.not_valid_after_utc + timedelta(days=365))
    )
    for extension in former.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return Signer(signer.key, builder.sign(CA[1], hashes.SHA256()))


def test_a_journal_that_stays_open_seals_under_the_renewed_certificate(tmp_path: Path) -> None:
    keys, clock = short_lived(), box.Clock()
    with Journal(tmp_path / "data", keys, clock) as journal:
        record_id = box.completed(journal)
        clock.pass_time(days=DAYS + 1)
        with pytest.raises(SignatureRefused):
            journal.seal(record_id)
        journal.certify(renewed(keys.signer))
        sealed = journal.seal(record_id)
        assert journal.audit.verify() == []
    opened = open_sealed(sealed.read_bytes(), [record.keys().centre], CA[0], clock())
    assert (opened.box, opened.manifest["record_id"]) == (record.BOX, record_id)


def test_only_the_same_key_of_the_same_box_is_taken(tmp_path: Path) -> None:
    keys = short_lived()
    certificate, key = record.issue(record.BOX, CA)
    with Journal(tmp_path / "data", keys, box.Clock()) as journal:
        for other in (Signer(key, certificate), renewed(keys.signer, "BOX-77")):
            with pytest.raises(ValueError, match="same key"):
                journal.certify(other)


@pytest.mark.parametrize("is_open", [True, False])
def test_the_courier_hands_the_new_certificate_to_the_journal_and_opens_its_line_again(is_open: bool) -> None:
    """A journal that is closed just then reads it when it opens."""
    new = object()
    taken: list[Any] = []

    def call(ask: Any) -> None:
        if not is_open:
            raise DeviceGone("store", "answer")
        ask(SimpleNamespace(certify=taken.append))

    desk: Any = SimpleNamespace(
        identity=SimpleNamespace(signer=lambda: new), store=SimpleNamespace(call=call)
    )
    anything: Any = None
    renewal: Any = SimpleNamespace(keep=lambda: True, identity_is_new=True)
    with pytest.raises(DeviceGone, match="courier"):
        Line(anything, anything, anything, anything, renewal).keep_certified(desk)
    assert taken == ([new] if is_open else [])
