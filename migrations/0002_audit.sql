-- Who changed what, by which call: one row for each committed write. The table `change` holds the documents it touched.
CREATE TABLE audit (
    revision bigint NOT NULL PRIMARY KEY,
    at bigint NOT NULL,
    actor text NOT NULL,
    operation text NOT NULL,
    target text NOT NULL,
    root text NOT NULL,
    request_id text NOT NULL
);
CREATE INDEX audit_root ON audit (root, revision);
