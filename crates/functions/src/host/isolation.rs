//! How far functions are kept from the machine and from each other: what an operator chooses.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// What separates an environment from the rest of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// `process`: a process group of its own with limits. It sees the machine as its user does. A process that leaves session
    /// and parents and clears its variables outlives its environment; it is found where environments have [`Users`] of their own.
    #[default]
    Process,
    /// `bubblewrap`: a sandbox made by the program `bwrap`. It sees its own processes only; the system's programs, its code
    /// (`/var/task`) and its layers (`/opt`), none of which it can change; and a `/tmp` of its own. It has no capabilities.
    /// The network is the machine's, because the Runtime API is reached over it.
    Bubblewrap,
}

const LEVELS: [(Isolation, &str); 2] = [(Isolation::Process, "process"), (Isolation::Bubblewrap, "bubblewrap")];

/// The text names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("isolation is `process` or `bubblewrap`, not `{0}`")]
pub struct UnknownIsolation(pub String);

impl FromStr for Isolation {
    type Err = UnknownIsolation;

    fn from_str(text: &str) -> Result<Self, UnknownIsolation> {
        let found = LEVELS.iter().find(|(_, name)| *name == text);
        found.map(|(level, _)| *level).ok_or_else(|| UnknownIsolation(text.to_owned()))
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = LEVELS.iter().find(|(level, _)| level == self);
        out.write_str(found.map_or("", |(_, name)| name))
    }
}

/// The users that functions run as, by number; the group has the user's number. Written `1500` (one for all environments) or
/// `20000-20999` (one for each environment: as many environments as users at most). The host has to run as root. The Runtime
/// API of an environment answers its user only; without users of their own, functions on one host can reach each other's over the
/// loopback interface, in sandboxes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Users {
    first: u32,
    last: u32,
}

/// The text names no users.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("users are a number above 0, or two with a `-` between them, the smaller one first (20000-20999), not `{0}`")]
pub struct UnknownUsers(pub String);

impl FromStr for Users {
    type Err = UnknownUsers;

    fn from_str(text: &str) -> Result<Self, UnknownUsers> {
        let wrong = || UnknownUsers(text.to_owned());
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |text: &str| text.parse::<u32>().ok().filter(|number| (1..u32::MAX).contains(number));
        let users = Self { first: number(first).ok_or_else(wrong)?, last: number(last).ok_or_else(wrong)? };
        if users.first <= users.last { Ok(users) } else { Err(wrong()) }
    }
}

impl fmt::Display for Users {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(out, "{}", self.first)
        } else {
            write!(out, "{}-{}", self.first, self.last)
        }
    }
}

/// Hands users out.
#[derive(Debug, Default)]
pub(super) struct Register {
    users: Option<Users>,
    taken: Arc<Mutex<BTreeSet<u32>>>,
}

/// The user of one environment, until it is dropped.
#[derive(Debug)]
pub(super) struct User {
    /// Its number, and that of its group.
    pub(super) id: u32,
    /// No other environment has it meanwhile.
    pub(super) exclusive: bool,
    taken: Arc<Mutex<BTreeSet<u32>>>,
}

impl Register {
    pub(super) fn new(users: Option<Users>) -> Self {
        Self { users, taken: Arc::default() }
    }

    /// A user for another environment, if they have users of their own.
    ///
    /// # Errors
    /// All users are taken; says so.
    pub(super) fn take(&self) -> Result<Option<User>, String> {
        let Some(users) = self.users else { return Ok(None) };
        let exclusive = users.first < users.last;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let free = (users.first..=users.last).find(|id| !exclusive || !taken.contains(id));
        let id =
            free.ok_or_else(|| format!("all of the users {users} have an environment: give the host more users"))?;
        if exclusive {
            taken.insert(id);
        }
        Ok(Some(User { id, exclusive, taken: self.taken.clone() }))
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_and_users_are_read_as_they_are_written() {
        for text in ["process", "bubblewrap"] {
            assert_eq!(text.parse::<Isolation>().unwrap().to_string(), text);
        }
        for text in ["1500", "20000-20999"] {
            assert_eq!(text.parse::<Users>().unwrap().to_string(), text);
        }

        assert!("docker".parse::<Isolation>().unwrap_err().to_string().contains("bubblewrap"));
        for wrong in ["", "0", "root", "5-", "-5", "9-8", "0-5", "4294967295", "1-2-3"] {
            assert_eq!(wrong.parse::<Users>(), Err(UnknownUsers(wrong.to_owned())));
        }
    }

    #[test]
    fn a_user_of_a_range_has_one_environment_at_a_time() {
        let register = Register::new(Some("7-8".parse().unwrap()));

        let (first, second) = (register.take().unwrap().unwrap(), register.take().unwrap().unwrap());
        let refused = register.take().unwrap_err();
        drop(first);
        let again = register.take().unwrap().unwrap();

        assert_eq!((second.id, again.id, again.exclusive), (8, 7, true));
        assert!(refused.contains("users 7-8"), "{refused}");
        assert!(!Register::new(Some("7".parse().unwrap())).take().unwrap().unwrap().exclusive);
        assert!(Register::default().take().unwrap().is_none());
    }
}
