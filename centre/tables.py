"""The centre's tables as this version uses them; `migrations` brings an older database here."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    JSON,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)

from firmware.records.format.data_quality import VIRTUES

GENESIS: Final = "0" * 64
HEAD: Final = 1
"""The key of the only row of `ledger_head`."""

metadata = MetaData()

boxes = Table(
    "boxes",
    metadata,
    Column("box", String, primary_key=True),
    Column("certificate_sha256", String, nullable=False),
    Column("enrolled_at", String, nullable=False),
)

enrolment_codes = Table(  # one-time codes by which a new box enrols itself; kept as their hash
    "enrolment_codes",
    metadata,
    Column("code_sha256", String, primary_key=True),
    Column("box", String, nullable=False),
    Column("until", String, nullable=False),
    Column("used_at", String, nullable=False),
    Column("certificate", LargeBinary),
)

box_certificates = Table(  # what enrolled boxes asked for themselves, by the identity that asked
    "box_certificates",
    metadata,
    Column("identity_sha256", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("key_sha256", String, primary_key=True),
    Column("box", String, nullable=False),
    Column("certificate_sha256", String, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("until", String, nullable=False),
    Index("box_certificates_by_box", "box", "certificate_sha256"),
)

epochs = Table(  # DESIGN section 7: epoch n is accepted up to its closing number k
    "epochs",
    metadata,
    Column("box", String, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("closed_at_number", Integer),
    Column("closed", String, nullable=False, server_default=""),  # "", known, unknown
)

persons = Table(
    "persons",
    metadata,
    Column("number", String, primary_key=True),
    Column("fields", JSON, nullable=False),
    Column("fingers", JSON, nullable=False),
)

lookups = Table(  # Decree 13/2023: who asked for whom
    "lookups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", String, nullable=False),
    Column("box", String, nullable=False),
    Column("number", String, nullable=False),
)

grants = Table(  # the right to make one card: one signed SOD
    "grants",
    metadata,
    Column("sod_sha256", String, primary_key=True),
    Column("number", String, nullable=False),
    Column("case", String, nullable=False),
    Column("record_id", String, nullable=False),
    Column("box", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("content_sha256", String, nullable=False),
    Column("ef_sod", LargeBinary, nullable=False),
    Column("state", String, nullable=False),
    Column("settled_at", String, nullable=False),
    Column("lease", Integer),  # the serial of the lease that it was issued under, and which card of it
    Column("lease_n", Integer),
    Index("grants_by_case", "number", "case"),
    # the database itself holds the rule: at most one open issue for a (number, case)
    Index(
        "one_open_issue",
        "number",
        "case",
        unique=True,
        sqlite_where=text("state = 'OPEN'"),
        postgresql_where=text("state = 'OPEN'"),
    ),
    # the centre signs an attempt once; a box that heard no answer may have issued it under its lease
    Index(
        "one_signature_an_attempt",
        "record_id",
        "attempt",
        unique=True,
        sqlite_where=text("lease IS NULL"),
        postgresql_where=text("lease IS NULL"),
    ),
)

ledger = Table(  # append only, chained by hash: each grant, void and issue in the order it happened
    "ledger",
    metadata,
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("act", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("record_id", String, nullable=False),
    Column("box", String, nullable=False),
    Column("previous", String, nullable=False),
    Column("hash", String, nullable=False),
)

ledger_head = Table(  # one row: the end of the chain, and the place in line of who decides
    "ledger_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
    Column("hash", String, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("record_digest", String, primary_key=True),
    Column("record_id", String, nullable=False),
    Column("box", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("previous", String, nullable=False),
    Column("number", String, nullable=False),
    Column("case", String, nullable=False),
    Column("unit", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("ledger_position", Integer, nullable=False),
    Column("received_at", String, nullable=False),
    Index("records_by_sequence", "box", "sequence"),
    Index("records_by_case", "number", "case"),
    Index("records_by_id", "record_id"),
    # the database itself holds the rules: of what is accepted, a record is there once, each number of a
    # box is used once, and a person has one first issue
    *(
        Index(name, *columns, unique=True, sqlite_where=text(where), postgresql_where=text(where))
        for name, columns, where in (
            ("one_accepted_record", ("record_id",), "status = 'ACCEPTED'"),
            ("one_accepted_sequence", ("box", "sequence"), "status = 'ACCEPTED'"),
            ("one_first_issue", ("number",), "status = 'ACCEPTED' AND \"case\" = 'first_issue'"),
        )
    ),
)

measures = Table(  # what a record counts for in the league table; rebuilt from the sealed files
    "measures",
    metadata,
    Column("record_digest", String, primary_key=True),
    Column("unit", String, nullable=False),
    Column("day", String, nullable=False),
    *(Column(f"{virtue}_{part}", Integer, nullable=False) for virtue in VIRTUES for part in ("made", "held")),
    Index("measures_by_day", "day", "unit"),
)

receipts = Table(  # a record sealed twice has one verdict and a receipt for each sealed file
    "receipts",
    metadata,
    Column("record_digest", String, primary_key=True),
    Column("sealed_digest", String, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Index("receipts_by_file", "sealed_digest"),
)

warrants = Table(  # every assignment and lease, as it was signed; serials grow over all of them
    "warrants",
    metadata,
    Column("serial", Integer, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("holder", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("pool", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("sha256", String, nullable=False),
    Column("made_at", String, nullable=False),
    Index("warrants_by_holder", "holder", "kind", "serial"),
)

lease_uses = Table(  # each card that a box says it issued under a lease
    "lease_uses",
    metadata,
    Column("record_digest", String, primary_key=True),
    Column("serial", Integer, nullable=False),
    Column("n", Integer, nullable=False),
    Column("sod_sha256", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("doubts", String, nullable=False),
    # the database itself holds the rule: each card of a lease is taken once
    Index(
        "one_card_of_a_lease",
        "serial",
        "n",
        unique=True,
        sqlite_where=text("doubts = ''"),
        postgresql_where=text("doubts = ''"),
    ),
)

swaps = Table(  # each adoption of a closed (box, epoch); a second one is a conflict
    "swaps",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("box", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("by", String, nullable=False),
    Column("by_epoch", Integer, nullable=False),
    Column("closed_at", Integer),
    Column("known_by", String, nullable=False),
    Column("conflict", Integer, nullable=False),
    Column("ledger_position", Integer, nullable=False),
    Column("adoption", LargeBinary, nullable=False),
    Column("handover", LargeBinary),
    Column("at", String, nullable=False),
    Index("swaps_by_adopter", "by"),
    Index(
        "one_adoption",
        "box",
        "epoch",
        unique=True,
        sqlite_where=text("conflict = 0"),
        postgresql_where=text("conflict = 0"),
    ),
)

retirements = Table(  # boxes whose certificate opens nothing any more, and their last word if there is one
    "retirements",
    metadata,
    Column("box", String, primary_key=True),
    Column("at", String, primary_key=True),
    Column("proof", LargeBinary),
)

decisions = Table(  # what a person made of a record that was held
    "decisions",
    metadata,
    Column("record_digest", String, primary_key=True),
    Column("verdict", String, nullable=False),
    Column("by", String, nullable=False),
    Column("why", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at", String, nullable=False),
)

schema_version = Table(  # one row
    "schema_version",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
)
