//! Absences that an attribute of the directory says of its user: `2026-07-06..2026-07-31 deputy=soren.odegard`.
//!
//! A value has one period, or several with commas or semicolons between. What can't be read is left out and told, each by itself. Which moments
//! days mean, and who a deputy is, is seen only when absences are made of it: [`follow`].

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::import::{Replacement, replace};
use super::{Absence, Origin};
use crate::domain::delta::Delta;
use crate::domain::directory::{Quarantined, User};
use crate::domain::ids::{AbsenceId, DirectoryName, UserId};
use crate::domain::moment;
use crate::domain::organisation::Organisation;
use crate::domain::shape::BETWEEN;

/// So many periods are read of one person.
const MOST: usize = 100;
/// A name of an account has no more characters.
const LONGEST: usize = 256;
/// Of so many deputies who can't be found it is said whom they may be.
const SUGGESTED: usize = 10;

/// From when to when.
type Period = (DateTime<Utc>, DateTime<Utc>);

/// What is said of one period, as it was written.
struct Said<'t> {
    from: &'t str,
    until: &'t str,
    deputy: Option<&'t str>,
}

impl<'t> Said<'t> {
    fn parse(text: &'t str) -> Result<Said<'t>, String> {
        let wrong = || {
            "is no absence; write 2026-07-06..2026-07-31 or 2026-07-06T13:00..2026-07-06, and behind it deputy=ACCOUNT if wanted"
                .to_owned()
        };
        let (period, deputy) = match text.split_once(char::is_whitespace) {
            None => (text, None),
            Some((period, more)) => (period, Some(more.trim().strip_prefix("deputy=").ok_or_else(wrong)?)),
        };
        let fits = |name: &str| {
            !name.is_empty() && name.chars().count() <= LONGEST && !name.contains(char::is_whitespace)
        };
        if deputy.is_some_and(|name| !fits(name)) {
            return Err(wrong());
        }
        let (from, until) = period.split_once("..").ok_or_else(wrong)?;
        let said = Said { from, until, deputy };
        // In any zone: an hour that some zone skips is no mistake of the directory's.
        let (from, until) = said.period(&Tz::UTC).ok_or_else(wrong)?;
        if until <= from {
            return Err("is an absence that ends before it starts".to_owned());
        }
        Ok(said)
    }

    fn period(&self, zone: &Tz) -> Option<Period> {
        let from = moment::parse(self.from, zone).ok()?;
        let until = moment::parse_end(self.until, zone).ok()?;
        (from < until).then_some((from, until))
    }

    fn written(&self) -> String {
        let deputy = self.deputy.map(|name| format!(" deputy={name}")).unwrap_or_default();
        format!("{}..{}{deputy}", self.from, self.until)
    }
}

/// What values say, in order of time, fit for [`User::away`]; None when they say nothing. Beside it: what can't be read of them.
pub fn read<'v>(values: impl IntoIterator<Item = &'v str>) -> (Option<Box<str>>, Vec<String>) {
    let (mut wrong, mut read) = (Vec::new(), BTreeSet::new());
    let parts = values.into_iter().flat_map(|value| value.split([',', ';', BETWEEN])).map(str::trim);
    for text in parts.filter(|part| !part.is_empty()) {
        match Said::parse(text) {
            Ok(said) => read.extend(said.period(&Tz::UTC).map(|period| (period, said.written()))),
            Err(what) => wrong.push(format!("has {text:?}, which {what}")),
        }
        if read.len() > MOST {
            wrong.push(format!("says more than {MOST} absences"));
            break;
        }
    }
    let mut kept: Vec<(Period, String)> = Vec::new();
    for (period, text) in read.into_iter().take(MOST) {
        match kept.last().filter(|((_, until), _)| period.0 < *until) {
            Some((_, other)) => wrong.push(format!("says {text}, which overlaps {other}")),
            None => kept.push((period, text)),
        }
    }
    let texts: Vec<String> = kept.into_iter().map(|(_, text)| text).collect();
    let text = texts.join(BETWEEN.encode_utf8(&mut [0; 4]));
    (Some(text.into_boxed_str()).filter(|text| !text.is_empty()), wrong)
}

/// What it takes for the absences by attribute to be as the directory `name` says after `delta`, and what deputies of users that are in it
/// can't be found.
///
/// Those who had such absences are looked at, too: their deputies may be others now.
pub fn follow(
    before: &Organisation,
    after: &Organisation,
    delta: &Delta,
    name: &DirectoryName,
    zone: &Tz,
    now: DateTime<Utc>,
) -> (Replacement, Vec<Quarantined>) {
    let origin = Origin::Directory(name.clone());
    let had: Vec<&Absence> = before.absences.values().flatten().filter(|a| a.origin == origin).collect();
    let changed = delta.users.changed.iter().filter(|(before, after)| before.away() != after.away());
    let told = delta.users.added.iter().chain(changed.map(|(_, after)| after)).filter(|u| u.away().is_some());
    let told: BTreeSet<UserId> = told.map(|u| u.id).collect();
    let users: BTreeSet<UserId> = had.iter().map(|a| a.user).chain(told.iter().copied()).collect();
    let (mut wanted, mut unknown) = (Vec::new(), Vec::new());
    for user in users.into_iter().filter_map(|id| after.user(id)).filter(|user| user.directory == *name) {
        let told = told.contains(&user.id).then_some(&mut unknown);
        wanted.extend(absences_of(user, after, zone, told));
    }
    (replace(had, wanted, now), unknown)
}

/// The absences of a user; `unknown` is told which deputies can't be found.
fn absences_of(
    user: &User,
    organisation: &Organisation,
    zone: &Tz,
    mut unknown: Option<&mut Vec<Quarantined>>,
) -> Vec<Absence> {
    let mut absences = Vec::new();
    let Some(away) = user.away() else { return absences };
    for said in away.split(BETWEEN).filter_map(|text| Said::parse(text).ok()) {
        let Some((from, until)) = said.period(zone) else { continue };
        let deputy = said.deputy.and_then(|name| {
            let found = organisation.user_called(name).map(|found| found.id);
            if let (Some(unknown), true) = (&mut unknown, found.is_none_or(|id| id == user.id)) {
                // To look for whom it may mean takes a look at everybody.
                let near = || organisation.find_user(name).err().map(|error| error.to_string());
                let wrong = match found {
                    Some(_) => Some("nobody can be their own deputy".to_owned()),
                    None if unknown.len() < SUGGESTED => near(),
                    None => None,
                };
                let wrong = wrong.unwrap_or_else(|| format!("{name:?} names nobody, or several"));
                let reason = format!("The deputy of its absence from {} can't be taken: {wrong}.", said.from);
                unknown.push(Quarantined { id: None, dn: user.name().into(), reason: reason.into() });
            }
            found.filter(|id| *id != user.id)
        });
        let origin = Origin::Directory(user.directory.clone());
        absences.push(Absence { id: AbsenceId(0), user: user.id, from, until, deputy, note: None, origin });
    }
    absences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delta::{Changes, apply};
    use crate::domain::directory::UserFields;
    use crate::domain::testing::{World, directory_of, unit, user, user_id};
    use proptest::prelude::*;
    use std::sync::Arc;

    fn said(values: &[&str]) -> (String, usize) {
        let (text, wrong) = read(values.iter().copied());
        (text.unwrap_or_default().replace(BETWEEN, " | "), wrong.len())
    }

    #[test]
    fn what_is_written_strictly_is_read_and_the_rest_is_told() {
        for (values, text, wrong) in [
            (&["2026-07-06..2026-07-31"][..], "2026-07-06..2026-07-31", 0),
            (
                &["2026-12-21..2027-01-06", " 2026-07-06..2026-07-31  deputy=soren "],
                "2026-07-06..2026-07-31 deputy=soren | 2026-12-21..2027-01-06",
                0,
            ),
            (
                &["2026-07-06..2026-07-31, 2026-12-21..2027-01-06; 2026-07-06..2026-07-31"],
                "2026-07-06..2026-07-31 | 2026-12-21..2027-01-06",
                0,
            ),
            (&["2026-07-06T13:00..2026-07-06"], "2026-07-06T13:00..2026-07-06", 0),
            (&["", " , ;"], "", 0),
            (
                &[
                    "summer",
                    "2026-07-06",
                    "2026-07-31..2026-07-06",
                    "2026-07-06..2026-07-31 deputy=",
                    "2026-07-06..2026-07-31 for ever",
                ],
                "",
                5,
            ),
            (&["2026-07-06..2026-07-31 deputy=a b"], "", 1),
            (
                &["2026-07-06..2026-07-31", "2026-07-31..2026-08-02", "2026-08-01..2026-08-02"],
                "2026-07-06..2026-07-31 | 2026-08-01..2026-08-02",
                1,
            ),
            (&["2026-07-06..2026-07-31", "2026-07-06..2026-07-31 deputy=x"], "2026-07-06..2026-07-31", 1),
        ] {
            assert_eq!(said(values), (text.to_owned(), wrong), "{values:?}");
        }
        let many: Vec<String> = (0..200).map(|n| format!("{}-01-01..{}-01-02", 2000 + n, 2000 + n)).collect();
        let (text, wrong) = read(many.iter().map(String::as_str));
        assert_eq!((text.unwrap().split(BETWEEN).count(), wrong.len()), (MOST, 1));
    }

    proptest! {
        #[test]
        fn what_was_read_reads_as_itself(values in prop::collection::vec("(2026-0[1-9]-[012][0-9]|x)?(\\.\\.)?(2026-0[1-9]-[012][0-9])?( deputy=[a-z]{0,2})?", 0..5)) {
            let (first, _) = read(values.iter().map(String::as_str));
            let (again, wrong) = read(first.iter().map(|t| &**t));
            prop_assert_eq!((again, wrong), (first, Vec::<String>::new()));
        }

        #[test]
        fn whatever_comes_it_is_read_or_told(value: String) {
            let _ = read([value.as_str()]);
        }
    }

    fn with(n: u8, away: Option<&str>) -> UserFields {
        UserFields { away: away.map(Box::from), ..user(n, 1) }
    }

    /// What becomes of the absences when user 1 changes from the first to the second.
    fn followed(first: Option<&str>, second: Option<UserFields>, now: &str) -> (Vec<String>, usize) {
        let make = |fields: Option<UserFields>| {
            directory_of(fields.into_iter().chain([user(2, 1)]), [unit(1, 0)], [])
        };
        let mut world = World::new(make(Some(with(1, first))));
        let nothing = world.organisation();
        let all = Delta {
            users: Changes {
                added: nothing.directory.users.values().cloned().collect(),
                ..Changes::default()
            },
            ..Delta::default()
        };
        let now: DateTime<Utc> = now.parse().unwrap();
        let name = nothing.user(user_id(1)).unwrap().directory.clone();
        let (taken, _) = follow(&nothing, &nothing, &all, &name, &Tz::UTC, now);
        world.absences = (1..).zip(taken.put).map(|(n, a)| Absence { id: AbsenceId(n), ..a }).collect();
        let before = world.organisation();
        let mut users = Changes::default();
        let old = Arc::clone(before.user(user_id(1)).unwrap());
        match second {
            Some(fields) => users.changed.push((old, Arc::new(fields.into()))),
            None => users.removed.push(old),
        }
        let delta = Delta { users, ..Delta::default() };
        let mut after = before.updated(&delta);
        assert_eq!(after.directory, apply(&before.directory, &delta));
        let (done, unknown) = follow(&before, &after, &delta, &name, &Tz::UTC, now);
        after.replace_absences(&done);
        let all = after.absences.values().flatten();
        (
            all.map(|a| {
                format!("{}–{} {:?}", a.from.format("%m-%d"), a.until.format("%m-%d"), a.deputy.is_some())
            })
            .collect(),
            unknown.len(),
        )
    }

    #[test]
    fn absences_follow_the_attribute() {
        let summer = Some("2026-07-06..2026-07-31");
        let during = "2026-07-10T00:00:00Z";
        assert_eq!(followed(summer, Some(with(1, summer)), during).0, ["07-06–08-01 false"]);
        assert_eq!(
            followed(summer, Some(with(1, Some("2026-07-06..2026-08-02 deputy=u2"))), during),
            (vec!["07-06–08-03 true".to_owned()], 0)
        );
        assert_eq!(
            followed(summer, Some(with(1, Some("2026-07-06..2026-08-02 deputy=nobody"))), during),
            (vec!["07-06–08-03 false".to_owned()], 1)
        );
        assert_eq!(
            followed(summer, Some(with(1, Some("2026-07-06..2026-08-02 deputy=u1"))), during),
            (vec!["07-06–08-03 false".to_owned()], 1)
        );
        assert_eq!(followed(summer, Some(with(1, None)), during), (vec![], 0));
        assert_eq!(followed(summer, None, during), (vec![], 0));
        // What is over is history.
        assert_eq!(followed(summer, Some(with(1, None)), "2026-08-10T00:00:00Z").0, ["07-06–08-01 false"]);
    }
}
