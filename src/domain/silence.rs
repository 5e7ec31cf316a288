//! Silences: for a while nothing is told of what somebody knows of already.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::audit::Actor;
use super::ids::{DirectoryName, SilenceId, SubjectName, UnitId};
use super::mailbox::Address;
use super::notice::{Facts, NewNotice, NoticeKind, Recipient};
use super::organisation::Organisation;
use super::outage::Severity;
use super::service::Services;
use super::tree::Index;

/// Which notices are silenced: those that meet everything that is set.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Matcher {
    /// Of one of these kinds.
    pub kinds: BTreeSet<NoticeKind>,
    /// No worse than this.
    pub severity: Option<Severity>,
    /// Of outages: that concern one of these services, themselves.
    pub services: BTreeSet<SubjectName>,
    /// Of outages: that name a unit, and only such as are one of these or below.
    pub units: BTreeSet<UnitId>,
    /// Of alerts: of one of these directories.
    pub directories: BTreeSet<DirectoryName>,
    /// Only for these people; empty: for everybody.
    pub contacts: Vec<Address>,
}

/// For a while something isn't told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Silence {
    /// Its number.
    pub id: SilenceId,
    /// What isn't told.
    pub matcher: Matcher,
    /// From when on.
    pub from: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// Why.
    pub why: Box<str>,
    /// Who wants it so.
    pub by: Actor,
}

/// Why a silence isn't taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadSilence {
    /// It silences everything.
    #[error(
        "say what is to be silent: --kind, --service, --unit, --directory or --contact; without any of them, nobody would be told of anything"
    )]
    Everything,
    /// It ends before it starts.
    #[error("the silence ends before it starts; give an end that is later")]
    Backwards,
    /// It is over already.
    #[error("the silence would be over already; give an end that is to come")]
    Over,
    /// It lasts too long.
    #[error(
        "a silence may last up to {LONGEST_DAYS} days; whoever should never be told something gets a route of their own instead ([[route]])"
    )]
    TooLong,
}

/// So many days a silence may last: one that nobody remembers hides what it shouldn't.
const LONGEST_DAYS: i64 = 90;

/// What matchers are compared with beside the notice.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Where units are.
    pub organisation: &'a Organisation,
    /// What services are called.
    pub services: &'a Services,
}

impl Silence {
    /// Whether it can be one, made at `now`.
    ///
    /// # Errors
    /// [`BadSilence`].
    pub fn check(&self, now: DateTime<Utc>) -> Result<(), BadSilence> {
        let Matcher { kinds, services, units, directories, contacts, severity: _ } = &self.matcher;
        if kinds.is_empty()
            && services.is_empty()
            && units.is_empty()
            && directories.is_empty()
            && contacts.is_empty()
        {
            return Err(BadSilence::Everything);
        }
        if self.until <= self.from {
            return Err(BadSilence::Backwards);
        }
        if self.until <= now {
            return Err(BadSilence::Over);
        }
        if self.until - self.from > TimeDelta::days(LONGEST_DAYS) {
            return Err(BadSilence::TooLong);
        }
        Ok(())
    }

    /// Whether it holds at a time.
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether a recipient of a notice isn't told.
    pub fn silences(&self, facts: &Facts, to: &Recipient, known: Known<'_>, now: DateTime<Utc>) -> bool {
        self.meets(facts, known, now) && self.matcher.means(to)
    }

    /// Whether it silences a notice, for some or for all.
    fn meets(&self, facts: &Facts, known: Known<'_>, now: DateTime<Utc>) -> bool {
        self.holds(now) && self.matcher.matches(facts, known)
    }
}

impl Matcher {
    /// Whether a notice meets everything that is set, whoever gets it. What somebody asked for themselves is never silenced.
    pub fn matches(&self, facts: &Facts, known: Known<'_>) -> bool {
        // What goes on since nobody has it is about the same.
        let facts = match facts {
            Facts::Climbed(climbed) => &climbed.facts,
            facts => facts,
        };
        facts.kind() != NoticeKind::Test
            && (self.kinds.is_empty() || self.kinds.contains(&facts.kind()))
            && self.severity.is_none_or(|worst| facts.severity() <= worst)
            && (self.services.is_empty() || self.names_service(facts, known.services))
            && (self.units.is_empty() || self.names_unit(facts, known.organisation))
            && (self.directories.is_empty()
                || directory(facts).is_some_and(|of| self.directories.contains(of)))
    }

    fn means(&self, to: &Recipient) -> bool {
        let meant = |mail: &Address| to.mail.as_ref().is_some_and(|to| to.key() == mail.key());
        self.contacts.is_empty() || self.contacts.iter().any(meant)
    }

    fn names_service(&self, facts: &Facts, services: &Services) -> bool {
        let Facts::OutageWord(word) = facts else { return false };
        // A notice has what people call them.
        let name = |title: &str| {
            services.find(title).map_or_else(|_| SubjectName::from(title), |service| service.name.clone())
        };
        word.services.iter().any(|title| self.services.contains(&name(title)))
    }

    fn names_unit(&self, facts: &Facts, organisation: &Organisation) -> bool {
        let Facts::OutageWord(word) = facts else { return false };
        let tree = &organisation.tree;
        let silent: Vec<Index> = self.units.iter().filter_map(|unit| tree.index(*unit)).collect();
        let within = |path: &str| {
            let at = organisation.find_unit_by_path(path).ok();
            at.is_some_and(|at| silent.iter().any(|unit| tree.subtree(*unit).contains(&at)))
        };
        !word.units.is_empty() && word.units.iter().all(|path| within(path))
    }
}

/// The directory that a notice is about.
fn directory(facts: &Facts) -> Option<&DirectoryName> {
    match facts {
        Facts::SyncTrouble(trouble) => Some(&trouble.directory),
        Facts::Quarantine(facts) => Some(&facts.directory),
        Facts::SyncRecovered { directory, .. }
        | Facts::Ending { directory, .. }
        | Facts::QuarantineOver { directory, .. } => Some(directory),
        _ => None,
    }
}

/// The notice without those who aren't told, and the silences that did it.
pub fn apply<'s>(
    silences: impl IntoIterator<Item = &'s Silence>,
    notice: NewNotice,
    known: Known<'_>,
    now: DateTime<Utc>,
) -> (NewNotice, Vec<SilenceId>) {
    let mut did = Vec::new();
    let mut recipients = notice.recipients;
    for silence in silences {
        if !silence.meets(&notice.facts, known, now) {
            continue;
        }
        let before = recipients.len();
        recipients.retain(|to| !silence.matcher.means(to));
        if recipients.len() < before {
            did.push(silence.id);
        }
    }
    (NewNotice { recipients, ..notice }, did)
}

/// Whether places aren't told of a notice, either: a silence that names no people holds for them.
pub fn quiets_places<'s>(
    silences: impl IntoIterator<Item = &'s Silence>,
    facts: &Facts,
    known: Known<'_>,
    now: DateTime<Utc>,
) -> bool {
    let mut silences = silences.into_iter();
    silences.any(|silence| silence.matcher.contacts.is_empty() && silence.meets(facts, known, now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::Trouble;
    use crate::domain::notice::EventKey;
    use crate::domain::service::Service;
    use crate::domain::testing::{World, directory_of, hour, outage_word, service, unit, unit_id};

    fn silence(matcher: Matcher) -> Silence {
        let by = Actor::System;
        Silence { id: SilenceId(3), matcher, from: hour(8), until: hour(10), why: "known".into(), by }
    }

    fn outage(services: &[&str], units: &[&str], severity: Severity) -> Facts {
        let mut word = outage_word(1, "x", "", severity, hour(8));
        word.services = services.iter().map(|name| Box::from(*name)).collect();
        word.units = units.iter().map(|name| Box::from(*name)).collect();
        Facts::OutageWord(Box::new(word))
    }

    /// Whether a notice of these facts reaches nobody.
    fn silent(matcher: Matcher, facts: Facts, at: i64) -> bool {
        let world = World::new(directory_of([], [unit(1, 0), unit(2, 1), unit(3, 0)], []));
        let service = |name: &str, title: &str| Service { title: title.into(), ..service(name, &[]) };
        let services = [service("mail", "E-mail"), service("disk", "Disk")].into_iter().collect();
        let organisation = world.organisation();
        let known = Known { organisation: &organisation, services: &services };
        let to = Recipient::by_mail("Åsa", "asa@x.example".parse().unwrap(), "outage");
        let notice = NewNotice::new(EventKey("e".into()), facts, vec![to], hour(48));
        let (after, did) = apply([&silence(matcher)], notice, known, hour(at));
        assert_eq!(after.recipients.is_empty(), did == [SilenceId(3)]);
        after.recipients.is_empty()
    }

    #[test]
    fn everything_that_is_set_must_be_met_and_only_while_it_holds() {
        let mail = || Matcher { services: ["mail".into()].into(), ..Matcher::default() };
        let down = || outage(&["E-mail"], &[], Severity::Major);
        assert!(silent(mail(), down(), 8) && silent(mail(), down(), 9));
        assert!(!silent(mail(), down(), 7) && !silent(mail(), down(), 10));
        assert!(!silent(mail(), outage(&["Disk"], &[], Severity::Major), 9));
        assert!(!silent(mail(), outage(&[], &[], Severity::Major), 9), "what concerns all is told");
        let minor = Matcher { severity: Some(Severity::Minor), ..mail() };
        assert!(
            !silent(minor.clone(), down(), 9) && silent(minor, outage(&["mail"], &[], Severity::Minor), 9)
        );
        let coverage = Matcher { kinds: [NoticeKind::Coverage].into(), ..mail() };
        assert!(!silent(coverage, down(), 9));
        assert!(!silent(Matcher::default(), Facts::Test { by: "x".into(), at: hour(9) }, 9));
    }

    #[test]
    fn a_unit_stands_for_what_is_below_but_not_for_what_concerns_others_too() {
        let one = || Matcher { units: [unit_id(1)].into(), ..Matcher::default() };
        let at = |units: &[&str]| outage(&["Disk"], units, Severity::Critical);
        assert!(silent(one(), at(&["Unit 1"]), 9) && silent(one(), at(&["Unit 1 / Unit 2"]), 9));
        assert!(!silent(one(), at(&["Unit 1", "Unit 3"]), 9) && !silent(one(), at(&[]), 9));
    }

    #[test]
    fn alerts_are_silenced_by_directory_and_single_people_by_address() {
        let of = |directory: &str| Facts::SyncRecovered {
            directory: directory.into(),
            trouble: Trouble::Failing,
            since: hour(7),
            at: hour(9),
        };
        let main = Matcher { directories: ["main".into()].into(), ..Matcher::default() };
        assert!(silent(main.clone(), of("main"), 9) && !silent(main, of("school"), 9));
        let who = |mail: &str| Matcher { contacts: vec![mail.parse().unwrap()], ..Matcher::default() };
        assert!(silent(who("ASA@x.example"), of("main"), 9) && !silent(who("bo@x.example"), of("main"), 9));
    }

    #[test]
    fn a_silence_says_what_it_silences_and_ends() {
        let check = |matcher, from, until| Silence { from, until, ..silence(matcher) }.check(hour(9));
        let mail = || Matcher { services: ["mail".into()].into(), ..Matcher::default() };
        assert_eq!(check(mail(), hour(8), hour(10)), Ok(()));
        let severe = Matcher { severity: Some(Severity::Minor), ..Matcher::default() };
        assert_eq!(check(severe, hour(8), hour(10)), Err(BadSilence::Everything));
        assert_eq!(check(mail(), hour(10), hour(10)), Err(BadSilence::Backwards));
        assert_eq!(check(mail(), hour(7), hour(9)), Err(BadSilence::Over));
        assert_eq!(check(mail(), hour(8), hour(8 + 24 * 91)), Err(BadSilence::TooLong));
    }
}
