"""A centre's database as it was before it carried a version number: SQL of both databases, frozen."""

from __future__ import annotations

from sqlalchemy import Engine, text

DDL = """\
CREATE TABLE boxes (
    box VARCHAR NOT NULL,
    certificate_sha256 VARCHAR NOT NULL,
    enrolled_at VARCHAR NOT NULL,
    PRIMARY KEY (box)
);
CREATE TABLE epochs (
    box VARCHAR NOT NULL,
    epoch INTEGER NOT NULL,
    closed_at_number INTEGER,
    PRIMARY KEY (box, epoch)
);
CREATE TABLE grants (
    sod_sha256 VARCHAR NOT NULL,
    number VARCHAR NOT NULL,
    "case" VARCHAR NOT NULL,
    record_id VARCHAR NOT NULL,
    box VARCHAR NOT NULL,
    epoch INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    content_sha256 VARCHAR NOT NULL,
    ef_sod {blob} NOT NULL,
    state VARCHAR NOT NULL,
    settled_at VARCHAR NOT NULL,
    PRIMARY KEY (sod_sha256),
    UNIQUE (record_id, attempt)
);
CREATE INDEX grants_by_case ON grants (number, "case");
CREATE UNIQUE INDEX one_open_issue ON grants (number, "case") WHERE state = 'OPEN';
CREATE TABLE ledger (
    position INTEGER NOT NULL,
    at VARCHAR NOT NULL,
    act VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    record_id VARCHAR NOT NULL,
    box VARCHAR NOT NULL,
    previous VARCHAR NOT NULL,
    hash VARCHAR NOT NULL,
    PRIMARY KEY (position)
);
CREATE TABLE ledger_head (
    id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash VARCHAR NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE lookups (
    id {serial} NOT NULL,
    at VARCHAR NOT NULL,
    box VARCHAR NOT NULL,
    number VARCHAR NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE measures (
    record_digest VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    day VARCHAR NOT NULL,
    right_made INTEGER NOT NULL,
    right_held INTEGER NOT NULL,
    complete_made INTEGER NOT NULL,
    complete_held INTEGER NOT NULL,
    clean_made INTEGER NOT NULL,
    clean_held INTEGER NOT NULL,
    alive_made INTEGER NOT NULL,
    alive_held INTEGER NOT NULL,
    PRIMARY KEY (record_digest)
);
CREATE INDEX measures_by_day ON measures (day, unit);
CREATE TABLE persons (
    number VARCHAR NOT NULL,
    fields JSON NOT NULL,
    fingers JSON NOT NULL,
    PRIMARY KEY (number)
);
CREATE TABLE receipts (
    record_digest VARCHAR NOT NULL,
    sealed_digest VARCHAR NOT NULL,
    body {blob} NOT NULL,
    PRIMARY KEY (record_digest, sealed_digest)
);
CREATE INDEX receipts_by_file ON receipts (sealed_digest);
CREATE TABLE records (
    record_digest VARCHAR NOT NULL,
    record_id VARCHAR NOT NULL,
    box VARCHAR NOT NULL,
    epoch INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    previous VARCHAR NOT NULL,
    number VARCHAR NOT NULL,
    "case" VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    status VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    ledger_position INTEGER NOT NULL,
    received_at VARCHAR NOT NULL,
    PRIMARY KEY (record_digest)
);
CREATE UNIQUE INDEX one_accepted_record ON records (record_id) WHERE status = 'ACCEPTED';
CREATE UNIQUE INDEX one_accepted_sequence ON records (box, sequence) WHERE status = 'ACCEPTED';
CREATE UNIQUE INDEX one_first_issue ON records (number) WHERE status = 'ACCEPTED' AND "case" = 'first_issue';
CREATE INDEX records_by_case ON records (number, "case");
CREATE INDEX records_by_id ON records (record_id);
CREATE INDEX records_by_sequence ON records (box, sequence)
"""
ROWS = (
    "INSERT INTO boxes VALUES ('BOX-01', 'ab', '2026-03-01T00:00:00+00:00')",
    "INSERT INTO epochs VALUES ('BOX-01', 1, 7)",
    "INSERT INTO epochs VALUES ('BOX-01', 2, NULL)",
    "INSERT INTO grants VALUES "
    "('cd', '001304000017', 'first_issue', 'r', 'BOX-01', 1, 1, 'ef', 'sod', 'OPEN', '')",
    "INSERT INTO ledger_head VALUES (1, 0, '" + "0" * 64 + "')",
)


def make(engine: Engine) -> None:
    """Tables of version 1 and a few rows in them."""
    sqlite = engine.dialect.name == "sqlite"
    types = {"blob": "BLOB", "serial": "INTEGER"} if sqlite else {"blob": "BYTEA", "serial": "SERIAL"}
    with engine.begin() as connection:
        for statement in (*DDL.format(**types).split(";\n"), *ROWS):
            connection.execute(text(statement))
