"""A provisioning stick as a blank box meets it: read, bounded, and compared with its signed table.

The box has no reason yet to trust who signed it: a person compares the `seal` with the centre's paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from firmware.box.init import DEVELOPMENT
from firmware.records.format import provision as form
from firmware.records.format.errors import SignatureRefused, StatementRefused
from firmware.records.format.provision import File, Provision
from firmware.records.format.warrants import PRODUCTION


class ProvisionRefused(Exception):
    """A box that cannot be provisioned so. `reason` is the key of a text; `detail` is nobody's data."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Delivery:
    """What one stick brings to one box. Every file was whole when it was read."""

    folder: Path
    table: Provision
    seal: str

    @classmethod
    def read(cls, stick: Path, box: str = "") -> Delivery:
        """The delivery for `box`, or the only one on the stick.

        Raises ProvisionRefused: stick_none, stick_several, stick_unreadable, stick_forged, stick_damaged,
        stick_of_development.
        """
        folder = _only(stick / form.FOLDER, box)
        manifest = _bytes(folder / form.MANIFEST, form.MAX_MANIFEST)
        orders = _certificate(_bytes(folder / form.ORDERS, form.MOST[form.ORDERS]))
        try:
            table = Provision.read(manifest, orders)
        except SignatureRefused as exc:
            raise ProvisionRefused("stick_forged") from exc
        except StatementRefused as exc:
            raise ProvisionRefused("stick_unreadable", str(exc)) from exc
        if table.box != folder.name:
            raise ProvisionRefused("stick_forged", f"the folder of {folder.name} is for {table.box}")
        made = cls(folder, table, form.seal(manifest))
        for name in table.files:
            made.file(name)
        _need_fitting(made)
        return made

    def file(self, name: str) -> bytes:
        """A file of the table, as it was signed. Raises ProvisionRefused(stick_damaged)."""
        data = _bytes(self.folder / name, form.MOST[name])
        if File.of(data) != self.table.files[name]:
            raise ProvisionRefused("stick_damaged", name)
        return data

    def has(self, name: str) -> bool:
        return name in self.table.files

    def certificate(self, name: str) -> x509.Certificate:
        return _certificate(self.file(name))

    @property
    def development(self) -> bool:
        """Whether a development centre made it: nothing of it is ever good for production."""
        return is_of_development(self.certificate("box-ca.pem"))


def is_of_development(certificate: x509.Certificate) -> bool:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
    return any(name.value == DEVELOPMENT for name in names)


def _need_fitting(made: Delivery) -> None:
    """A development centre makes no production box, and only it gives out keys."""
    if made.development and made.table.profile == PRODUCTION:
        raise ProvisionRefused("stick_of_development")
    if not made.development and (made.table.brings_key or made.has(form.CARD_KEYS)):
        raise ProvisionRefused("stick_forged", "a key that no production centre gives out")


def _only(root: Path, box: str) -> Path:
    try:
        there = sorted(path for path in root.iterdir() if (path / form.MANIFEST).is_file())
    except OSError:
        there = []
    if box:
        there = [path for path in there if path.name == box]
    if not there:
        raise ProvisionRefused("stick_none", box)
    if len(there) > 1:
        raise ProvisionRefused("stick_several", ", ".join(path.name for path in there)[:200])
    return there[0]


def _bytes(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as exc:
        raise ProvisionRefused("stick_damaged", f"{path.name}: {exc.strerror}") from exc
    if len(data) > most:
        raise ProvisionRefused("stick_damaged", f"{path.name} is too long")
    return data


def _certificate(data: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(data)
    except ValueError as exc:
        raise ProvisionRefused("stick_unreadable", "a certificate that is none") from exc
