"""The versions of the centre's database, and the steps from each to the next.

A new database is made as `tables` has it. An older one is brought up step by step, in the transaction of the
process that opens it first; one of a newer program is left alone. Version 1 is what carries no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, inspect, select, text, update

from centre.errors import CentreSetupError
from centre.tables import GENESIS, HEAD, ledger_head, metadata, schema_version


@dataclass(frozen=True, slots=True)
class Step:
    """What leads from the version before to this one. `{blob}` stands for the database's type of bytes."""

    statements: Sequence[str]
    sqlite: Sequence[str] = ()
    """Instead of `postgresql`: SQLite changes a constraint by making the table again."""
    postgresql: Sequence[str] = ()


def bring_up(connection: Connection) -> None:
    """Make the tables, or bring them to this version; the caller lets nobody else do so meanwhile.

    Raises CentreSetupError for a database of a newer version.
    """
    version = _version(connection)
    if version > NEWEST:
        raise CentreSetupError(
            f"the database has version {version}, this program knows {NEWEST}: "
            "use the newer kiosk-centre that made it; nothing was changed"
        )
    if version == 0:
        _make(connection)
    elif version < NEWEST:
        for step in STEPS[version - 1 :]:
            _take(connection, step)
        connection.execute(update(schema_version).values(version=NEWEST))


def _version(connection: Connection) -> int:
    """0: an empty database."""
    names = set(inspect(connection).get_table_names())
    if schema_version.name in names:
        return int(connection.execute(select(schema_version.c.version)).scalar_one())
    return 1 if ledger_head.name in names else 0


def _make(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(insert(schema_version).values(version=NEWEST))
    connection.execute(insert(ledger_head).values(id=HEAD, position=0, hash=GENESIS))


def _take(connection: Connection, step: Step) -> None:
    sqlite = connection.dialect.name == "sqlite"
    blob = "BLOB" if sqlite else "BYTEA"
    for statement in (*(step.sqlite if sqlite else step.postgresql), *step.statements):
        connection.execute(text(statement.format(blob=blob)))


_PAPERS_AND_SWAPS = Step(
    sqlite=(
        """CREATE TABLE grants_2 (
            sod_sha256 VARCHAR NOT NULL PRIMARY KEY, number VARCHAR NOT NULL, "case" VARCHAR NOT NULL,
            record_id VARCHAR NOT NULL, box VARCHAR NOT NULL, epoch INTEGER NOT NULL,
            attempt INTEGER NOT NULL, content_sha256 VARCHAR NOT NULL, ef_sod BLOB NOT NULL,
            state VARCHAR NOT NULL, settled_at VARCHAR NOT NULL, lease INTEGER, lease_n INTEGER)""",
        "INSERT INTO grants_2 SELECT *, NULL, NULL FROM grants",
        "DROP TABLE grants",
        "ALTER TABLE grants_2 RENAME TO grants",
        'CREATE INDEX grants_by_case ON grants (number, "case")',
        """CREATE UNIQUE INDEX one_open_issue ON grants (number, "case") WHERE state = 'OPEN'""",
    ),
    postgresql=(
        "ALTER TABLE grants DROP CONSTRAINT grants_record_id_attempt_key",
        "ALTER TABLE grants ADD COLUMN lease INTEGER, ADD COLUMN lease_n INTEGER",
    ),
    statements=(
        "CREATE UNIQUE INDEX one_signature_an_attempt ON grants (record_id, attempt) WHERE lease IS NULL",
        "ALTER TABLE epochs ADD COLUMN closed VARCHAR DEFAULT '' NOT NULL",
        "UPDATE epochs SET closed = 'known' WHERE closed_at_number IS NOT NULL",
        """CREATE TABLE warrants (
            serial INTEGER NOT NULL PRIMARY KEY, kind VARCHAR NOT NULL, holder VARCHAR NOT NULL,
            epoch INTEGER NOT NULL, pool VARCHAR NOT NULL, body {blob} NOT NULL, sha256 VARCHAR NOT NULL,
            made_at VARCHAR NOT NULL)""",
        "CREATE INDEX warrants_by_holder ON warrants (holder, kind, serial)",
        """CREATE TABLE lease_uses (
            record_digest VARCHAR NOT NULL PRIMARY KEY, serial INTEGER NOT NULL, n INTEGER NOT NULL,
            sod_sha256 VARCHAR NOT NULL, attempt INTEGER NOT NULL, doubts VARCHAR NOT NULL)""",
        "CREATE UNIQUE INDEX one_card_of_a_lease ON lease_uses (serial, n) WHERE doubts = ''",
        """CREATE TABLE swaps (
            sha256 VARCHAR NOT NULL PRIMARY KEY, box VARCHAR NOT NULL, epoch INTEGER NOT NULL,
            by VARCHAR NOT NULL, by_epoch INTEGER NOT NULL, closed_at INTEGER, known_by VARCHAR NOT NULL,
            conflict INTEGER NOT NULL, ledger_position INTEGER NOT NULL, adoption {blob} NOT NULL,
            handover {blob}, at VARCHAR NOT NULL)""",
        "CREATE INDEX swaps_by_adopter ON swaps (by)",
        "CREATE UNIQUE INDEX one_adoption ON swaps (box, epoch) WHERE conflict = 0",
        """CREATE TABLE retirements (
            box VARCHAR NOT NULL, at VARCHAR NOT NULL, proof {blob}, PRIMARY KEY (box, at))""",
        """CREATE TABLE decisions (
            record_digest VARCHAR NOT NULL PRIMARY KEY, verdict VARCHAR NOT NULL, by VARCHAR NOT NULL,
            why VARCHAR NOT NULL, body {blob} NOT NULL, at VARCHAR NOT NULL)""",
        "CREATE TABLE schema_version (version INTEGER NOT NULL PRIMARY KEY)",
        "INSERT INTO schema_version VALUES (1)",
    ),
)
_ENROLMENT = Step(
    statements=(
        """CREATE TABLE enrolment_codes (
            code_sha256 VARCHAR NOT NULL PRIMARY KEY, box VARCHAR NOT NULL, until VARCHAR NOT NULL,
            used_at VARCHAR NOT NULL, certificate {blob})""",
        """CREATE TABLE box_certificates (
            identity_sha256 VARCHAR NOT NULL, kind VARCHAR NOT NULL, key_sha256 VARCHAR NOT NULL,
            box VARCHAR NOT NULL, certificate_sha256 VARCHAR NOT NULL, certificate {blob} NOT NULL,
            until VARCHAR NOT NULL, PRIMARY KEY (identity_sha256, kind, key_sha256))""",
        "CREATE INDEX box_certificates_by_box ON box_certificates (box, certificate_sha256)",
    )
)
STEPS: tuple[Step, ...] = (_PAPERS_AND_SWAPS, _ENROLMENT)
"""In their order; what was released is never changed."""
NEWEST = len(STEPS) + 1
