"""The error tree of chip content: what cannot be encoded, decoded or believed."""

from __future__ import annotations

from enum import StrEnum


class DocumentError(Exception):
    """Whatever this package raises for content."""


class NotDerError(DocumentError):
    """The bytes are not one strict DER object within bounds (ITU-T X.690, 10)."""


class KeyFormatError(DocumentError):
    """A key that is not RSA or on a known curve, or not in the form it should have."""


class MrzError(DocumentError):
    """A subject that no MRZ can name, or an MRZ that contradicts itself (`field` says where)."""

    def __init__(self, field: str, detail: str = "") -> None:
        super().__init__(f"{field}: {detail}" if detail else field)
        self.field = field


class DataGroupError(DocumentError):
    """A file that is not the data group it should be."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name


class ImageError(DocumentError):
    """A card image that is damaged or contradicts itself."""


class Check(StrEnum):
    """The checks of passive authentication, by name (Doc 9303-11, 5.1; 9303-12, 7)."""

    SOD = "sod_well_formed"
    ALGORITHM = "algorithms_allowed"
    ONE_SIGNER = "exactly_one_signer"
    CONTENT_TYPE = "content_type"
    MESSAGE_DIGEST = "message_digest"
    DS = "ds_certificate"
    KEY_USAGE = "ds_key_usage"
    CHAIN = "ds_chain_to_csca"
    VALIDITY = "certificates_valid"
    SIGNATURE = "sod_signature"
    HASHES = "data_group_hashes"
    COM = "ef_com_agrees"
    CARD_ACCESS = "card_access_agrees"
    CHIP_KEY = "chip_authentication_key"


class NotAuthenticError(DocumentError):
    """Passive authentication failed at `check`."""

    def __init__(self, check: Check, detail: str) -> None:
        super().__init__(f"{check}: {detail}")
        self.check = check
