//! Every statement, one constant each; the same text runs on SQLite and Postgres.

pub(crate) const BUMP: &str = "UPDATE head SET revision = revision + 1 WHERE one = 1 RETURNING revision";
pub(crate) const HEAD: &str = "SELECT revision FROM head WHERE one = 1";
pub(crate) const EPOCH: &str = "SELECT epoch FROM head WHERE one = 1";
pub(crate) const FIRST_HEAD: &str =
    "INSERT INTO head (one, revision, epoch) VALUES (1, 0, $1) ON CONFLICT (one) DO NOTHING";

pub(crate) const GET_DOC: &str =
    "SELECT kind, parent, id, root, revision, version, body FROM doc WHERE kind = $1 AND parent = $2 AND id = $3";
pub(crate) const LIST_DOCS: &str = "SELECT kind, parent, id, root, revision, version, body FROM doc \
     WHERE kind = $1 AND parent = $2 AND id > $3 ORDER BY id LIMIT $4";
pub(crate) const TREE: &str =
    "SELECT kind, parent, id, root, revision, version, body FROM doc WHERE root = $1 ORDER BY kind, parent, id";
pub(crate) const INSERT_DOC: &str = "INSERT INTO doc (kind, parent, id, root, revision, version, body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, parent, id) DO NOTHING";
pub(crate) const PUT_DOC: &str = "INSERT INTO doc (kind, parent, id, root, revision, version, body) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (kind, parent, id) \
     DO UPDATE SET revision = excluded.revision, version = excluded.version, body = excluded.body";
pub(crate) const REPLACE_DOC: &str = "UPDATE doc SET revision = $4, version = $5, body = $6 \
     WHERE kind = $1 AND parent = $2 AND id = $3 AND revision = $7";
pub(crate) const DELETE_DOC: &str = "DELETE FROM doc WHERE kind = $1 AND parent = $2 AND id = $3";
pub(crate) const DELETE_TREE: &str = "DELETE FROM doc WHERE root = $1";
pub(crate) const DELETE_TREE_NAMES: &str = "DELETE FROM name WHERE root = $1";

pub(crate) const CLAIM: &str = "INSERT INTO name (kind, value, root, parent, id) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (kind, value) DO NOTHING";
pub(crate) const RELEASE: &str = "DELETE FROM name WHERE kind = $1 AND value = $2";
pub(crate) const BY_NAME: &str = "SELECT kind, value, root, parent, id FROM name WHERE kind = $1 AND value = $2";

pub(crate) const PUT_BLOB: &str =
    "INSERT INTO blob (digest, size, bytes, created) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO NOTHING";
pub(crate) const BLOB: &str = "SELECT size, bytes FROM blob WHERE digest = $1";
pub(crate) const DELETE_BLOB: &str = "DELETE FROM blob WHERE digest = $1";
pub(crate) const HAS_BLOB: &str = "SELECT size FROM blob WHERE digest = $1";

pub(crate) const POINT: &str = "INSERT INTO pointer (kind, name, revision, removed, body) VALUES ($1, $2, $3, $4, $5) \
     ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision, removed = excluded.removed, body = excluded.body";
pub(crate) const UNPOINT: &str = "UPDATE pointer SET revision = $3, removed = 1 WHERE kind = $1 AND name = $2";
pub(crate) const UNPOINT_ALL: &str = "UPDATE pointer SET revision = $1, removed = 1 WHERE removed = 0";
pub(crate) const POINTER: &str =
    "SELECT kind, name, revision, removed, body FROM pointer WHERE kind = $1 AND name = $2";
pub(crate) const POINTERS_SINCE: &str = "SELECT kind, name, revision, removed, body FROM pointer \
     WHERE revision > $1 ORDER BY revision, kind, name LIMIT $2";

pub(crate) const CHANGE: &str = "INSERT INTO change (revision, seq, kind, parent, id, verb, actor, at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

pub(crate) const CHANGES_BETWEEN: &str = "SELECT revision, seq, kind, parent, id, verb, actor, at FROM change \
     WHERE revision >= $1 AND revision <= $2 ORDER BY revision, seq";

pub(crate) const AUDIT: &str = "INSERT INTO audit (revision, at, actor, operation, target, root, request_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)";
pub(crate) const AUDIT_SINCE: &str = "SELECT revision, at, actor, operation, target, root, request_id FROM audit \
     WHERE revision > $1 ORDER BY revision LIMIT $2";
pub(crate) const AUDIT_OF_ROOT: &str = "SELECT revision, at, actor, operation, target, root, request_id FROM audit \
     WHERE revision > $1 AND root = $3 ORDER BY revision LIMIT $2";

pub(crate) const REPORT_WORKER: &str = "INSERT INTO worker (id, control_id, incarnation, watermark, rejected, seen) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (id, control_id) DO UPDATE SET incarnation = excluded.incarnation, watermark = excluded.watermark, \
     rejected = excluded.rejected, seen = excluded.seen";
pub(crate) const WORKERS: &str =
    "SELECT id, control_id, incarnation, watermark, rejected, seen FROM worker ORDER BY id";
pub(crate) const FORGET_WORKERS: &str = "DELETE FROM worker WHERE seen < $1";

pub(crate) const TAKE_LEASE: &str = "INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3) ON CONFLICT (name) \
     DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE lease.holder = $2 OR lease.until <= $4";

pub(crate) const SECRET: &str = "SELECT bytes FROM secret WHERE name = $1";
pub(crate) const PUT_SECRET: &str = "INSERT INTO secret (name, bytes) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";

pub(crate) const ACCESS_KEY: &str = "SELECT id, secret, description, created, revoked FROM access_key WHERE id = $1";
pub(crate) const ACCESS_KEYS: &str =
    "SELECT id, secret, description, created, revoked FROM access_key ORDER BY created, id";
pub(crate) const PUT_ACCESS_KEY: &str =
    "INSERT INTO access_key (id, secret, description, created, revoked) VALUES ($1, $2, $3, $4, 0)";
pub(crate) const REVOKE_ACCESS_KEY: &str = "UPDATE access_key SET revoked = 1 WHERE id = $1";

/// An event whose id is there already changes nothing: accepting it again after a lost answer is harmless.
pub(crate) const ADD_EVENT: &str = "INSERT INTO event (id, function, qualifier, payload, client_context, trace_id, accepted, due, \
     failures, refusals, claims, claimed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, $9, $10) ON CONFLICT (id) DO NOTHING";
/// Functions with events, each with when its next one is due: one look into the index per function, however long the queue is.
pub(crate) const WAITING: &str = "WITH RECURSIVE named (function) AS (SELECT min(function) FROM event UNION ALL \
     SELECT (SELECT min(function) FROM event WHERE function > named.function) FROM named WHERE named.function IS NOT NULL) \
     SELECT function, (SELECT min(due) FROM event WHERE event.function = named.function) AS due FROM named \
     WHERE function IS NOT NULL";
/// `{skip}`: how claims pass rows that another transaction is claiming; Postgres' own words, nothing on SQLite, where one
/// statement writes at a time.
pub(crate) const CLAIM_EVENTS: &str = "WITH next AS MATERIALIZED (SELECT id FROM event WHERE function = $3 AND due <= $4 \
     ORDER BY due LIMIT $5{skip}) UPDATE event SET claimed_by = $1, due = $2, claims = claims + 1 FROM next \
     WHERE event.id = next.id RETURNING event.id AS id, function, qualifier, payload, client_context, trace_id, accepted, \
     failures, refusals, claims";
pub(crate) const SKIP_LOCKED: &str = " FOR UPDATE SKIP LOCKED";
pub(crate) const RENEW_EVENTS: &str = "UPDATE event SET due = $1 WHERE claimed_by = $2 AND id = $3";
pub(crate) const RETURN_EVENT: &str = "UPDATE event SET claimed_by = '', due = $4, failures = $5, refusals = $6 \
     WHERE id = $1 AND claimed_by = $2 AND claims = $3";
pub(crate) const FINISH_EVENT: &str = "DELETE FROM event WHERE id = $1 AND claimed_by = $2 AND claims = $3";
/// `<> ''` is what the index of claims holds.
pub(crate) const RELEASE_EVENTS: &str =
    "UPDATE event SET claimed_by = '', due = $1 WHERE claimed_by = $2 AND claimed_by <> ''";
pub(crate) const RELEASE_ALL_EVENTS: &str = "UPDATE event SET claimed_by = '', due = $1 WHERE claimed_by <> ''";
pub(crate) const DROP_EVENTS: &str = "DELETE FROM event WHERE function = $1";
pub(crate) const EVENTS_BY_FUNCTION: &str =
    "SELECT function, count(*) AS events, min(accepted) AS oldest FROM event GROUP BY function";

/// What a reset empties; secrets, access keys and pointers (as tombstones) stay.
pub(crate) const RESET: &[&str] = &[
    "DELETE FROM doc",
    "DELETE FROM name",
    "DELETE FROM lease",
    "DELETE FROM change",
    "DELETE FROM audit",
    "DELETE FROM event",
];

/// SQLite: the database's file.
pub(crate) const SQLITE_FILE: &str = "SELECT file FROM pragma_database_list WHERE name = 'main'";

pub(crate) const MIGRATIONS: &str = "CREATE TABLE IF NOT EXISTS migration (number integer NOT NULL PRIMARY KEY)";
pub(crate) const APPLIED: &str = "SELECT number FROM migration";
pub(crate) const APPLY: &str = "INSERT INTO migration (number) VALUES ($1)";
/// Postgres: migrations of two replicas starting together take turns.
pub(crate) const LOCK_MIGRATIONS: &str = "LOCK TABLE migration IN EXCLUSIVE MODE";
/// Postgres: last statement of a write; the payload is empty, the pointer table is the truth.
pub(crate) const NOTIFY: &str = "SELECT 1 FROM (SELECT pg_notify('stagecoach_head', '')) AS notified";

/// A statement with `VALUES ($1, …)` as one for many rows.
pub(crate) fn many(statement: &str, rows: usize) -> String {
    let Some((head, rest)) = statement.split_once("VALUES (") else { return statement.to_owned() };
    let Some((values, tail)) = rest.split_once(')') else { return statement.to_owned() };
    let width = values.split(',').count();
    let row = |row: usize| format!("({})", numbered(row * width, width));
    let all: Vec<String> = (0..rows).map(row).collect();
    format!("{head}VALUES {}{tail}", all.join(", "))
}

/// A statement that ends in `id = $3` as one for many ids.
pub(crate) fn any_of(statement: &str, ids: usize) -> String {
    statement.replace("id = $3", &format!("id IN ({})", numbered(2, ids)))
}

fn numbered(after: usize, count: usize) -> String {
    let all: Vec<String> = (after + 1..=after + count).map(|number| format!("${number}")).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_text_serves_one_row_and_many() {
        let text = many("INSERT INTO t (a, b) VALUES ($1, $2) ON CONFLICT (a) DO NOTHING", 2);

        assert_eq!(text, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4) ON CONFLICT (a) DO NOTHING");
        assert!(any_of(DELETE_DOC, 2).ends_with("parent = $2 AND id IN ($3, $4)"));
    }
}
