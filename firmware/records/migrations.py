"""The database's schema, version by version. Each entry leads from its index to the next version.

No personal data stands in any table: what is personal lies encrypted in the vault; tables hold file names.
Moments are ISO 8601 UTC text; digests lower-case hexadecimal.
"""

from __future__ import annotations

MIGRATIONS: tuple[str, ...] = (
    """
CREATE TABLE record (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    kind TEXT NOT NULL,                 -- the case: first_issue, renewal, …
    rule_pack TEXT NOT NULL,
    assignment TEXT NOT NULL,           -- JSON
    started_at TEXT NOT NULL,
    completed_at TEXT,
    step TEXT,
    is_open INTEGER NOT NULL DEFAULT 1, -- the one at the kiosk now
    issued_here INTEGER,
    image TEXT,                         -- vault file of the frozen card image
    waiting_reason TEXT,
    waiting_until TEXT,
    ticket TEXT UNIQUE,
    ended_reason TEXT
) STRICT;
CREATE UNIQUE INDEX one_open_record ON record (is_open) WHERE is_open = 1;

CREATE TABLE part (
    record_id TEXT NOT NULL REFERENCES record (id),
    name TEXT NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (record_id, name)
) STRICT;

CREATE TABLE blob (
    record_id TEXT NOT NULL,
    name TEXT NOT NULL,
    part TEXT NOT NULL,
    file TEXT NOT NULL,
    PRIMARY KEY (record_id, name),
    FOREIGN KEY (record_id, part) REFERENCES part (record_id, name)
) STRICT;

CREATE TABLE step (
    n INTEGER PRIMARY KEY,
    record_id TEXT NOT NULL REFERENCES record (id),
    name TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE INDEX steps_of_record ON step (record_id);

CREATE TABLE attempt (
    record_id TEXT NOT NULL REFERENCES record (id),
    number INTEGER NOT NULL,
    stage TEXT NOT NULL DEFAULT '',
    sod TEXT,                           -- vault file
    sod_sha256 TEXT,
    issuing_at TEXT,
    report TEXT,                        -- vault file
    completed_at TEXT,
    lost_at TEXT,
    officers TEXT,                      -- JSON: who confirmed the loss
    PRIMARY KEY (record_id, number)
) STRICT;

CREATE TABLE stock (
    n INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    move TEXT NOT NULL CHECK (move IN ('in', 'spoiled')),
    count INTEGER NOT NULL,
    officers TEXT NOT NULL
) STRICT;

CREATE TABLE sealed (
    sequence INTEGER PRIMARY KEY,
    record_id TEXT NOT NULL UNIQUE REFERENCES record (id),
    record_digest TEXT NOT NULL UNIQUE,
    previous_digest TEXT NOT NULL,
    sealed_digest TEXT NOT NULL,
    audit_head TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sealed_at TEXT NOT NULL,
    rebuilt INTEGER NOT NULL DEFAULT 0,
    refused_reason TEXT,
    receipt BLOB,
    acked_at TEXT
) STRICT;

CREATE TABLE audit (
    n INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    record_id TEXT,
    detail TEXT NOT NULL,
    previous TEXT NOT NULL,
    digest TEXT NOT NULL
) STRICT;

CREATE TABLE checkpoint (
    n INTEGER PRIMARY KEY,              -- of the audit row it signs
    digest TEXT NOT NULL,
    at TEXT NOT NULL,
    signature BLOB NOT NULL
) STRICT;

CREATE TABLE tries (
    officer TEXT PRIMARY KEY,
    failed INTEGER NOT NULL
) STRICT;
""",
    """
ALTER TABLE sealed ADD COLUMN quality TEXT NOT NULL DEFAULT '{}';  -- JSON: percent by virtue
""",
    """
ALTER TABLE attempt ADD COLUMN image TEXT;  -- vault file of the card image of this attempt alone
""",
    """
ALTER TABLE sealed ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;  -- the highest is sent first
CREATE INDEX unsent ON sealed (priority DESC, sequence) WHERE acked_at IS NULL AND refused_reason IS NULL;
""",
    """
CREATE TABLE audit_tip (                -- the newest row of the log, so that its loss is noticed
    one INTEGER PRIMARY KEY CHECK (one = 1),
    n INTEGER NOT NULL,
    digest TEXT NOT NULL
) STRICT;
INSERT INTO audit_tip SELECT 1, n, digest FROM audit ORDER BY n DESC LIMIT 1;
""",
    """
CREATE TABLE warrant (                  -- what the centre signed for this box, as it came
    kind TEXT NOT NULL CHECK (kind IN ('assignment', 'lease')),
    holder TEXT NOT NULL,               -- this box, or `token:…`: serials grow for each
    serial INTEGER NOT NULL,
    body BLOB NOT NULL,
    taken_at TEXT NOT NULL,
    PRIMARY KEY (kind, holder, serial)
) STRICT;

CREATE TABLE lease_use (                -- counted down before a card is signed
    holder TEXT NOT NULL,
    lease INTEGER NOT NULL,
    n INTEGER NOT NULL,
    record_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (holder, lease, n),
    UNIQUE (record_id, attempt)
) STRICT;

CREATE TABLE handover (                 -- what this box signed about its own and other boxes' epochs
    n INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('given', 'adopted', 'retired')),
    box TEXT NOT NULL,                  -- whose epoch it closes
    epoch INTEGER NOT NULL,
    body BLOB NOT NULL,
    evidence BLOB,                      -- of an adoption: the handover or order it rests on
    place BLOB,                         -- of an adoption: the other box's signed assignment
    at TEXT NOT NULL,
    reported_at TEXT,
    UNIQUE (kind, box, epoch)
) STRICT;

CREATE TABLE carried (                  -- other boxes' sealed records that this one delivers
    box TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    record_id TEXT NOT NULL,
    record_digest TEXT NOT NULL UNIQUE,
    sealed_digest TEXT NOT NULL,
    audit_head TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sealed_at TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 0,
    refused_reason TEXT,
    receipt BLOB,
    acked_at TEXT,
    PRIMARY KEY (box, sequence)
) STRICT;

ALTER TABLE attempt ADD COLUMN elsewhere INTEGER NOT NULL DEFAULT 0;  -- 1: its blank was another box's

CREATE TABLE stock_new (
    n INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    move TEXT NOT NULL CHECK (move IN ('in', 'spoiled', 'out', 'counted')),
    count INTEGER NOT NULL,
    officers TEXT NOT NULL,
    missing INTEGER NOT NULL DEFAULT 0  -- of a count: how many fewer there were than should be left
) STRICT;
INSERT INTO stock_new (n, at, move, count, officers) SELECT n, at, move, count, officers FROM stock;
DROP TABLE stock;
ALTER TABLE stock_new RENAME TO stock;
""",
)
