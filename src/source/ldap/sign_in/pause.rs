//! After a refused sign-in the same credentials aren't tried again for a while: many servers lock an account after a few wrong passwords,
//! and a sync every quarter of an hour makes a hundred of them a day.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::Credentials;
use crate::source::{Ask, SourceError};

/// What is remembered of refused sign-ins: one of a directory, shared by its clones.
#[derive(Clone, Debug, Default)]
pub struct Refusals(Arc<Mutex<Pause>>);

/// The last refused sign-in, if none succeeded since.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pause {
    refused: Option<Refusal>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Refusal {
    /// Of what was refused.
    digest: [u8; 32],
    paused: Paused,
}

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
    /// Whether credentials with this digest may be tried now. A person who asks may always, and so may other credentials.
    ///
    /// # Errors
    /// When they were refused too shortly ago.
    pub fn may_try(&self, now: DateTime<Utc>, by_hand: bool, digest: &[u8; 32]) -> Result<(), Paused> {
        match &self.refused {
            Some(Refusal { digest: refused, paused })
                if refused == digest && !by_hand && paused.since <= now && now < paused.until =>
            {
                Err(paused.clone())
            }
            _ => Ok(()),
        }
    }

    /// Takes note of a try.
    pub fn note(&mut self, now: DateTime<Utc>, digest: &[u8; 32], outcome: Outcome<'_>, pause: TimeDelta) {
        match outcome {
            Outcome::Accepted => self.refused = None,
            Outcome::Unknown => {}
            Outcome::Refused(words) => {
                let until = now.checked_add_signed(pause).unwrap_or(DateTime::<Utc>::MAX_UTC);
                let paused = Paused { since: now, until, first: words.into() };
                self.refused = Some(Refusal { digest: *digest, paused });
            }
        }
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

    pub(in crate::source::ldap) fn note<T>(
        &self,
        ask: &Ask<'_>,
        credentials: &Credentials,
        done: &Result<T, SourceError>,
        pause: TimeDelta,
    ) {
        let words;
        let outcome = match done {
            Ok(_) => Outcome::Accepted,
            Err(error) if error.refuses_credentials() => {
                words = error.to_string();
                Outcome::Refused(&words)
            }
            Err(error) if error.is_after_sign_in() => Outcome::Accepted,
            Err(_) => Outcome::Unknown,
        };
        self.lock().note(ask.now, &credentials.digest(), outcome, pause);
    }

    fn lock(&self) -> MutexGuard<'_, Pause> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
        // New credentials that are refused, too, take the place of the old ones.
        let mut pause = refused_at(0);
        pause.note(at(5), &NEW, Outcome::Refused("wrong as well"), HALF_AN_HOUR);
        assert!(pause.may_try(at(6), false, &NEW).is_err());
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
