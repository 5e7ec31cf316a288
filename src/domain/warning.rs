//! What will go wrong on a known day if nobody does anything: passwords, accounts and certificates that end.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// How long before the day it is worth telling somebody, when nothing else is wanted.
pub const BEFORE: TimeDelta = TimeDelta::days(14);

/// Something that ends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Warning {
    /// What ends.
    pub kind: WarningKind,
    /// Whose: the account's distinguished name, the certificate's subject with the server's URL.
    pub about: Box<str>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What can end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// The password of the account that reads the directory.
    Password,
    /// That account itself.
    Account,
    /// The certificate of a directory's server.
    ServerCertificate,
    /// The certificate that Budkavle signs in with.
    ClientCertificate,
}

/// A warning that somebody should be told of now, and why now.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Due {
    /// Of what.
    pub warning: Warning,
    /// Why now.
    pub reason: DueReason,
}

/// Why a warning is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DueReason {
    /// It has ended.
    Over,
    /// It ends in so many whole days, 0 being within a day.
    Soon {
        /// How many.
        days: i64,
    },
}

/// Which of the warnings are due at `now`, the first to end first: those whose day is past or no farther than `before` away.
#[must_use]
pub fn due(now: DateTime<Utc>, warnings: &[Warning], before: TimeDelta) -> Vec<Due> {
    let reason = |warning: &Warning| {
        let left = warning.at - now;
        match left {
            left if left <= TimeDelta::zero() => Some(DueReason::Over),
            left if left <= before => Some(DueReason::Soon { days: left.num_days() }),
            _ => None,
        }
    };
    let mut due: Vec<Due> =
        warnings.iter().filter_map(|w| Some(Due { reason: reason(w)?, warning: w.clone() })).collect();
    due.sort_by_key(|due| (due.warning.at, due.warning.kind));
    due
}

impl Due {
    /// How pressing it is. Each stage is told once.
    pub fn stage(&self) -> &'static str {
        match self.reason {
            DueReason::Over => "over",
            DueReason::Soon { days: ..=1 } => "1 day",
            DueReason::Soon { days: ..=3 } => "3 days",
            DueReason::Soon { days: ..=7 } => "7 days",
            DueReason::Soon { .. } => "14 days",
        }
    }
}

impl fmt::Display for Due {
    /// A sentence with what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Warning { kind, about, at } = &self.warning;
        let (what, todo) = match kind {
            WarningKind::Password => (
                "the password of the account",
                "set a new one and give it to Budkavle, or let it never expire",
            ),
            WarningKind::Account => ("the account", "extend it"),
            WarningKind::ServerCertificate => ("the server's certificate", "have it renewed"),
            WarningKind::ClientCertificate => ("the certificate that Budkavle signs in with", "renew it"),
        };
        let day = at.format("%-d %b %Y %H:%M UTC");
        match self.reason {
            DueReason::Over => write!(f, "{what} {about} ended on {day}; {todo}"),
            DueReason::Soon { days: 0 } => write!(f, "{what} {about} ends within a day, on {day}; {todo}"),
            DueReason::Soon { days: 1 } => write!(f, "{what} {about} ends in 1 day, on {day}; {todo}"),
            DueReason::Soon { days } => write!(f, "{what} {about} ends in {days} days, on {day}; {todo}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(kind: WarningKind, days: i64) -> Warning {
        Warning { kind, about: "CN=reader".into(), at: now() + TimeDelta::days(days) }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    #[test]
    fn a_warning_is_due_when_its_day_comes_near_and_stays_so() {
        let warnings = [
            warning(WarningKind::ServerCertificate, 14),
            warning(WarningKind::Account, 400),
            warning(WarningKind::Password, -3),
            warning(WarningKind::ClientCertificate, 1),
        ];
        let told = |now| {
            due(now, &warnings, BEFORE).into_iter().map(|d| (d.warning.kind, d.reason)).collect::<Vec<_>>()
        };
        let over = (WarningKind::Password, DueReason::Over);
        let soon = |kind, days| (kind, DueReason::Soon { days });
        assert_eq!(
            told(now()),
            [over, soon(WarningKind::ClientCertificate, 1), soon(WarningKind::ServerCertificate, 14)]
        );
        assert_eq!(
            told(now() - TimeDelta::seconds(1)),
            [over, soon(WarningKind::ClientCertificate, 1)],
            "a second more than 14 days is not yet near"
        );
        let ended = (WarningKind::ClientCertificate, DueReason::Over);
        assert_eq!(told(now() + TimeDelta::days(1)), [over, ended, soon(WarningKind::ServerCertificate, 13)]);
    }

    #[test]
    fn it_becomes_more_pressing_in_five_stages() {
        let at = warning(WarningKind::Password, 0).at;
        let stage = |hours: i64| {
            let now = at - TimeDelta::hours(hours);
            due(now, &[warning(WarningKind::Password, 0)], BEFORE).first().map(Due::stage)
        };
        let mut stages: Vec<_> = (-48..20 * 24).rev().map(stage).collect();
        stages.dedup();
        let told = ["14 days", "7 days", "3 days", "1 day", "over"].map(Some);
        assert_eq!(stages, [&[None], &told[..]].concat());
    }

    #[test]
    fn it_says_when_and_what_to_do() {
        let said = |days| {
            due(now(), &[warning(WarningKind::Password, days)], BEFORE)
                .first()
                .map_or_else(String::new, ToString::to_string)
        };
        assert_eq!(
            said(3),
            "the password of the account CN=reader ends in 3 days, on 18 Jan 2027 08:00 UTC; set a new one and give \
             it to Budkavle, or let it never expire"
        );
        assert!(said(-1).contains("ended on 14 Jan 2027"), "{}", said(-1));
        assert!(said(1).contains("in 1 day,"));
        assert_eq!(said(15), "");
    }
}
