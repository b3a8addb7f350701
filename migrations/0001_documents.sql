-- One text for SQLite and Postgres: text, bigint, integer and bytea only, NOT NULL everywhere, times as Unix ms.

-- One row: the write lock and the clock of the control plane's history.
CREATE TABLE head (
    one integer NOT NULL PRIMARY KEY,
    revision bigint NOT NULL,
    epoch text NOT NULL
);

CREATE TABLE doc (
    kind text NOT NULL,
    parent text NOT NULL,
    id text NOT NULL,
    root text NOT NULL,
    revision bigint NOT NULL,
    version integer NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (kind, parent, id)
);
CREATE INDEX doc_root ON doc (root, kind);

-- Uniqueness and secondary look-up.
CREATE TABLE name (
    kind text NOT NULL,
    value text NOT NULL,
    root text NOT NULL,
    parent text NOT NULL,
    id text NOT NULL,
    PRIMARY KEY (kind, value)
);
CREATE INDEX name_root ON name (root);

CREATE TABLE blob (
    digest text NOT NULL PRIMARY KEY,
    size bigint NOT NULL,
    bytes bytea NOT NULL,
    created bigint NOT NULL
);

CREATE TABLE pointer (
    kind integer NOT NULL,
    name text NOT NULL,
    revision bigint NOT NULL,
    removed integer NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (kind, name)
);
CREATE INDEX pointer_revision ON pointer (revision);

CREATE TABLE change (
    revision bigint NOT NULL,
    seq integer NOT NULL,
    kind text NOT NULL,
    parent text NOT NULL,
    id text NOT NULL,
    verb text NOT NULL,
    actor text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (revision, seq)
);

CREATE TABLE worker (
    id text NOT NULL,
    control_id text NOT NULL,
    incarnation text NOT NULL,
    watermark bigint NOT NULL,
    rejected text NOT NULL,
    seen bigint NOT NULL,
    PRIMARY KEY (id, control_id)
);

CREATE TABLE lease (
    name text NOT NULL PRIMARY KEY,
    holder text NOT NULL,
    until bigint NOT NULL
);

CREATE TABLE secret (
    name text NOT NULL PRIMARY KEY,
    bytes bytea NOT NULL
);

CREATE TABLE access_key (
    id text NOT NULL PRIMARY KEY,
    secret text NOT NULL,
    description text NOT NULL,
    created bigint NOT NULL,
    revoked integer NOT NULL
);
