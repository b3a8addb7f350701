//! The queue of events: what asynchronous invocations left to be run, by whichever host is free.
//!
//! A claim is a lease. It is taken in one statement, so that an event has one holder; it runs out by itself, so that a host that
//! died holds nothing for ever. `claims` counts them: what a former holder still says of an event is not heard.

use std::sync::LazyLock;

use sqlx::Row;
use sqlx::any::AnyRow;

use crate::open::Engine;
use crate::read::{Query, collect};
use crate::rows::small;
use crate::{Store, StoreError, sql};

/// Ids of one statement.
const SOME: usize = 64;

static CLAIM_ON_SQLITE: LazyLock<String> = LazyLock::new(|| sql::CLAIM_EVENTS.replace("{skip}", ""));
static CLAIM_ON_POSTGRES: LazyLock<String> = LazyLock::new(|| sql::CLAIM_EVENTS.replace("{skip}", sql::SKIP_LOCKED));
static RENEW_EVENTS: LazyLock<String> = LazyLock::new(|| sql::any_of(sql::RENEW_EVENTS, SOME));

/// An event as it is accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewEvent {
    /// Request id.
    pub id: String,
    /// Name of the function.
    pub function: String,
    /// Version or alias as invoked; empty: none.
    pub qualifier: String,
    /// What the function gets.
    pub payload: Vec<u8>,
    /// The client's context, JSON; empty: none.
    pub client_context: String,
    /// Trace id; empty: none.
    pub trace_id: String,
    /// When it was accepted, Unix ms.
    pub accepted: i64,
}

/// An event that this host holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claimed {
    /// What was accepted.
    pub event: NewEvent,
    /// How it went so far.
    pub tried: Tried,
    /// Which claim of the event this is, from 1.
    pub claims: i64,
}

/// How often an event was tried in vain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Invocations that ended in the function's own error.
    pub failures: u32,
    /// Tries in which the function was not invoked: throttles, errors of the host. Starts over after a failure.
    pub refusals: u32,
}

/// A function with events in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its name.
    pub function: String,
    /// When the first of them may be claimed, Unix ms; claimed ones count with the end of their lease.
    pub due: i64,
}

/// A function's share of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Its name.
    pub function: String,
    /// Its events, running ones included.
    pub events: u64,
    /// When the oldest was accepted, Unix ms.
    pub oldest: i64,
}

impl Store {
    /// Accepts an event. With `holder` it is claimed at once until `due` (Unix ms); without, it may be claimed from `due` on.
    /// An id that is there already changes nothing.
    ///
    /// # Errors
    /// [`StoreError::Database`]; so for every function below.
    pub async fn add_event(&self, event: &NewEvent, holder: Option<&str>, due: i64) -> Result<(), StoreError> {
        self.lone(adding(event, holder, due)).await.map(drop)
    }

    /// Functions with events, and when each has its next. Costs the same for a long queue as for a short one.
    ///
    /// # Errors
    /// As [`Store::add_event`].
    pub async fn waiting_events(&self) -> Result<Vec<Waiting>, StoreError> {
        collect(&sqlx::query(sql::WAITING).fetch_all(&self.pool).await?, |row| {
            Ok(Waiting { function: row.try_get("function")?, due: row.try_get("due")? })
        })
    }

    /// Claims for `holder`, until `until`, at most `limit` of the function's events that are due at `now` (all Unix ms): the
    /// longest due first.
    ///
    /// # Errors
    /// As [`Store::add_event`].
    pub async fn claim_events(
        &self,
        holder: &str,
        function: &str,
        now: i64,
        until: i64,
        limit: u32,
    ) -> Result<Vec<Claimed>, StoreError> {
        let statement = match self.engine {
            Engine::Sqlite => CLAIM_ON_SQLITE.as_str(),
            Engine::Postgres => CLAIM_ON_POSTGRES.as_str(),
        };
        let query = sqlx::query(statement).bind(holder).bind(until).bind(function).bind(now).bind(i64::from(limit));
        collect(&self.lone_rows(query).await?, claimed)
    }

    /// Holds those of `ids` that `holder` still has until `until`.
    ///
    /// # Errors
    /// As [`Store::add_event`].
    pub async fn renew_events(&self, holder: &str, ids: &[String], until: i64) -> Result<(), StoreError> {
        for chunk in ids.chunks(SOME) {
            let mut query = sqlx::query(RENEW_EVENTS.as_str()).bind(until).bind(holder);
            // The statement has one shape: ids come again until it is full.
            for id in chunk.iter().cycle().take(SOME) {
                query = query.bind(id);
            }
            self.lone(query).await?;
        }
        Ok(())
    }

    /// Gives an event back, to be claimed from `due` on; false when the claim had run out and another has it.
    ///
    /// # Errors
    /// As [`Store::add_event`].
    pub async fn return_event(
        &self,
        holder: &str,
        id: &str,
        claims: i64,
        due: i64,
        tried: Tried,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query(sql::RETURN_EVENT).bind(id).bind(holder).bind(narrow(claims)).bind(due);
        let query = query.bind(narrow(tried.failures)).bind(narrow(tried.refusals));
        Ok(self.lone(query).await?.rows_affected() == 1)
    }

    /// Removes an event that is done with; false when the claim had run out and another has it.
    ///
    /// # Errors
    /// As [`Store::add_event`].
    pub async fn finish_event(&self, holder: &str, id: &str, claims: i64) -> Result<bool, StoreError> {
        let query = sqlx::query(sql::FINISH_EVENT).bind(id).bind(holder).bind(narrow(claims));
        Ok(self.lone(query).await?.rows_affected() == 1)
    }

    /// As [`Store::finish_event`], and with it queues `next`, an event that follows from it: both happen, or neither. False when
    /// the claim had run out, and nothing happened.
    ///
    /// # Errors
    /// As [`Store::add_event`].
    pub async fn replace_event(
        &self,
        holder: &str,
        id: &str,
        claims: i64,
        next: &NewEvent,
    ) -> Result<bool, StoreError> {
        let _turn = self.turn().await;
        let mut tx = self.pool.begin().await?;
        let query = sqlx::query(sql::FINISH_EVENT).bind(id).bind(holder).bind(narrow(claims));
        let ours = query.execute(&mut *tx).await?.rows_affected() == 1;
        if ours {
            adding(next, None, next.accepted).execute(&mut *tx).await?;
            tx.commit().await?;
        }
        Ok(ours)
    }

    /// Gives back all that `holder` has, or with `None` all that anybody has; they may be claimed from `due` on. Answers how
    /// many they were.
    ///
    /// # Errors
    /// As [`Store::add_event`].
    pub async fn release_events(&self, holder: Option<&str>, due: i64) -> Result<u64, StoreError> {
        let query = match holder {
            Some(holder) => sqlx::query(sql::RELEASE_EVENTS).bind(due).bind(holder),
            None => sqlx::query(sql::RELEASE_ALL_EVENTS).bind(due),
        };
        Ok(self.lone(query).await?.rows_affected())
    }

    /// How many events each function has. Reads the whole queue's index.
    ///
    /// # Errors
    /// As [`Store::add_event`].
    pub async fn event_backlog(&self) -> Result<Vec<Backlog>, StoreError> {
        collect(&sqlx::query(sql::EVENTS_BY_FUNCTION).fetch_all(&self.pool).await?, |row| {
            let events: i64 = row.try_get("events")?;
            let events = u64::try_from(events).unwrap_or_default();
            Ok(Backlog { function: row.try_get("function")?, events, oldest: row.try_get("oldest")? })
        })
    }
}

fn adding<'q>(event: &'q NewEvent, holder: Option<&'q str>, due: i64) -> Query<'q> {
    let query = sqlx::query(sql::ADD_EVENT).bind(&event.id).bind(&event.function).bind(&event.qualifier);
    let query = query.bind(&event.payload[..]).bind(&event.client_context).bind(&event.trace_id);
    let query = query.bind(event.accepted).bind(due).bind(i32::from(holder.is_some()));
    query.bind(holder.unwrap_or_default())
}

fn claimed(row: &AnyRow) -> Result<Claimed, StoreError> {
    Ok(Claimed {
        event: NewEvent {
            id: row.try_get("id")?,
            function: row.try_get("function")?,
            qualifier: row.try_get("qualifier")?,
            payload: row.try_get("payload")?,
            client_context: row.try_get("client_context")?,
            trace_id: row.try_get("trace_id")?,
            accepted: row.try_get("accepted")?,
        },
        tried: Tried { failures: count(row, "failures")?, refusals: count(row, "refusals")? },
        claims: small(row, "claims")?,
    })
}

fn count(row: &AnyRow, column: &str) -> Result<u32, StoreError> {
    let number = small(row, column)?;
    u32::try_from(number).map_err(|_| StoreError::Damaged(format!("{column} is {number}")))
}

/// A number for an `integer` column.
fn narrow(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
