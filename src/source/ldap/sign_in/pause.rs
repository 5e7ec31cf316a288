//! After a refused sign-in the same credentials aren't tried again for a while: many servers lock an account after a few wrong passwords,
//! and a sync every quarter of an hour makes a hundred of them a day.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Mutex as AsyncMutex;

use super::Credentials;
use crate::source::{Ask, SourceError};

/// What is remembered of refused sign-ins: one for all directories, shared by its clones. Several of them may be read with one account, and its
/// server counts the wrong passwords of all.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    pause: Mutex<Pause>,
    /// Who signs in with the same credentials waits until it is known what became of the one before.
    gates: Mutex<BTreeMap<[u8; 32], Arc<Gate>>>,
}

type Gate = AsyncMutex<()>;

/// What a person asks for within this time is one request, though it reads several directories.
const ONE_REQUEST: TimeDelta = TimeDelta::seconds(10);

/// The credentials that were refused last time, by their digests.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pause(BTreeMap<[u8; 32], Paused>);

/// Why a sign-in isn't tried now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paused {
    /// When it was refused.
    pub since: DateTime<Utc>,
    /// When it is tried again.
    pub until: DateTime<Utc>,
    /// What was said then.
    pub first: Box<str>,
}

/// What became of a sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome<'a> {
    /// It succeeded.
    Accepted,
    /// The credentials were refused, with these words.
    Refused(&'a str),
    /// It didn't come to that.
    Unknown,
}

impl Pause {
    /// Whether credentials with this digest may be tried now. A person who asks may, once per request, and so may other credentials.
    ///
    /// # Errors
    /// When they were refused too shortly ago.
    pub fn may_try(&self, now: DateTime<Utc>, by_hand: bool, digest: &[u8; 32]) -> Result<(), Paused> {
        match self.0.get(digest) {
            Some(paused) if paused.holds(now) && (!by_hand || now - paused.since < ONE_REQUEST) => {
                Err(paused.clone())
            }
            _ => Ok(()),
        }
    }

    /// Takes note of a try.
    pub fn note(&mut self, now: DateTime<Utc>, digest: &[u8; 32], outcome: Outcome<'_>, pause: TimeDelta) {
        match outcome {
            Outcome::Accepted => {
                self.0.remove(digest);
            }
            Outcome::Unknown => {}
            Outcome::Refused(words) => {
                let until = now.checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC);
                // Passwords that were replaced long ago are not kept.
                self.0.retain(|_, paused| paused.holds(now));
                self.0.insert(*digest, Paused { since: now, until, first: words.into() });
            }
        }
    }
}

impl Paused {
    fn holds(&self, now: DateTime<Utc>) -> bool {
        self.since <= now && now < self.until
    }
}

impl Refusals {
    /// Takes over what another one remembers, as after a reload of the configuration.
    pub fn inherit(&self, other: &Refusals) {
        if !Arc::ptr_eq(&self.0, &other.0) {
            let remembered = other.lock().clone();
            *self.lock() = remembered;
        }
    }

    pub(in crate::source::ldap) fn may_try(
        &self,
        ask: &Ask<'_>,
        credentials: &Credentials,
    ) -> Result<(), SourceError> {
        let tried = self.lock().may_try(ask.now, ask.by_hand, &credentials.digest());
        tried.map_err(|Paused { since, until, first }| SourceError::SignInPaused {
            account: credentials.account(),
            since,
            until,
            first,
        })
    }

    /// Tries the credentials by `sign_in`, unless they were refused. One after the other: what is refused to the first isn't tried by the others.
    pub(in crate::source::ldap) async fn heed(
        &self,
        ask: &Ask<'_>,
        credentials: &Credentials,
        pause: TimeDelta,
        sign_in: impl Future<Output = Result<(), SourceError>>,
    ) -> Result<(), SourceError> {
        let digest = credentials.digest();
        let gate = self.gate(digest);
        let _turn = gate.lock().await;
        self.may_try(ask, credentials)?;
        let done = sign_in.await;
        let words;
        let outcome = match &done {
            Ok(()) => Outcome::Accepted,
            Err(error) if error.refuses_credentials() => {
                words = error.to_string();
                Outcome::Refused(&words)
            }
            Err(_) => Outcome::Unknown,
        };
        self.lock().note(ask.now, &digest, outcome, pause);
        done
    }

    fn gate(&self, digest: [u8; 32]) -> Arc<Gate> {
        let mut gates = self.0.gates.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody waits at are made anew.
        gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        Arc::clone(gates.entry(digest).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Pause> {
        self.0.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_AN_HOUR: TimeDelta = TimeDelta::minutes(30);
    const MINE: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minute)
    }

    fn refused_at(minute: i64) -> Pause {
        let mut pause = Pause::default();
        pause.note(at(minute), &MINE, Outcome::Refused("wrong password"), HALF_AN_HOUR);
        pause
    }

    #[test]
    fn the_same_credentials_wait_their_time() {
        assert_eq!(Pause::default().may_try(at(0), false, &MINE), Ok(()));
        let pause = refused_at(0);
        let paused = Paused { since: at(0), until: at(30), first: "wrong password".into() };
        assert_eq!(pause.may_try(at(0), false, &MINE), Err(paused.clone()));
        assert_eq!(pause.may_try(at(29), false, &MINE), Err(paused));
        assert_eq!(pause.may_try(at(30), false, &MINE), Ok(()));
        assert_eq!(
            pause.may_try(at(-1), false, &MINE),
            Ok(()),
            "a clock that was set back must not stop it for days"
        );
    }

    #[test]
    fn other_credentials_and_people_do_not_wait() {
        let pause = refused_at(0);
        assert_eq!(pause.may_try(at(1), false, &NEW), Ok(()));
        assert_eq!(pause.may_try(at(1), true, &MINE), Ok(()));
        assert!(pause.may_try(at(0), true, &MINE).is_err(), "another directory of the same request");
    }

    #[test]
    fn what_becomes_of_a_try_counts() {
        let mut pause = refused_at(0);
        pause.note(at(10), &MINE, Outcome::Unknown, HALF_AN_HOUR);
        assert!(
            pause.may_try(at(15), false, &MINE).is_err(),
            "a try by hand that reached nobody proves nothing"
        );
        pause.note(at(20), &MINE, Outcome::Refused("again"), HALF_AN_HOUR);
        assert_eq!(pause.may_try(at(40), false, &MINE).unwrap_err().until, at(50));
        pause.note(at(45), &MINE, Outcome::Accepted, HALF_AN_HOUR);
        assert_eq!(pause, Pause::default());
        // Others that are refused, too, are another account, or a new password.
        let mut pause = refused_at(0);
        pause.note(at(5), &NEW, Outcome::Refused("wrong as well"), HALF_AN_HOUR);
        assert!(pause.may_try(at(6), false, &NEW).is_err());
        assert!(pause.may_try(at(6), false, &MINE).is_err());
        pause.note(at(7), &MINE, Outcome::Accepted, HALF_AN_HOUR);
        assert!(pause.may_try(at(8), false, &NEW).is_err());
        pause.note(at(5), &NEW, Outcome::Refused("for ever"), TimeDelta::MAX);
        assert!(pause.may_try(at(60 * 24 * 365), false, &NEW).is_err());
    }

    #[test]
    fn a_reload_forgets_nothing() {
        let (old, new) = (Refusals::default(), Refusals::default());
        *old.lock() = refused_at(0);
        new.inherit(&old);
        new.inherit(&new.clone());
        assert!(new.lock().may_try(at(1), false, &MINE).is_err());
    }
}
