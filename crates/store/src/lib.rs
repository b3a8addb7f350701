//! Documents, names, blobs, pointers and the change log on SQLite or Postgres.
