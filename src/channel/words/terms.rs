//! What the domain names, in words: roles, states, reasons.
//!
//! Some facts were put into English when they were decided, and are stored so: why somebody gets a notice, why somebody doesn't answer. What is known of
//! these is said in the reader's language; what isn't, as it stands.

use chrono::{NaiveDate, NaiveDateTime};

use super::{Words, say};
use crate::domain::changes::{Loss, Why};
use crate::domain::delta::{ObjectChange, ObjectKind, What};
use crate::domain::guard::{HoldReason, Kind};
use crate::domain::outage::{Severity, State, Update};
use crate::domain::subscriber;

impl Words {
    /// A role as what somebody is: `local contact`.
    pub fn role(&self, name: &str) -> String {
        let id = format!("role-{name}");
        if name != "other" && self.knows(&id) {
            self.say(&id, &[])
        } else {
            say!(self, "role-other", role = name)
        }
    }

    /// What a role is for; of a role that was given another title, that one.
    pub fn role_title(&self, name: &str, title: &str) -> String {
        let id = format!("title-{name}");
        let english = Words::new(crate::domain::locale::Locale::default());
        if english.knows(&id) && english.say(&id, &[]) == title {
            self.say(&id, &[])
        } else {
            title.to_owned()
        }
    }

    /// A period that is watched; those that are brought along have a name in each language.
    pub fn period(&self, name: &str) -> String {
        match name {
            "summer" => say!(self, "period-summer"),
            "christmas" => say!(self, "period-christmas"),
            own => own.to_owned(),
        }
    }

    /// Somebody's name, perhaps with whose deputy they are ([`crate::domain::contacts::named`]).
    pub fn person(&self, name: &str) -> String {
        match deputy(name) {
            Some((name, absent)) => say!(self, "person-deputy", name = name, absent = absent),
            None => name.to_owned(),
        }
    }

    /// Names in a row, nobody when there are none.
    pub fn persons(&self, names: &[Box<str>]) -> String {
        let names: Vec<String> = names.iter().map(|name| self.person(name)).collect();
        if names.is_empty() { say!(self, "nobody") } else { self.all(&names) }
    }

    /// Why somebody gets a notice ([`crate::domain::notice::Recipient::why`]).
    pub fn why(&self, why: &str) -> String {
        // What is in parentheses already takes the deputy in.
        let inside = why.strip_suffix(')').and_then(|open| open.rsplit_once("; deputy for "));
        let inside = inside.map(|(open, absent)| (format!("{open})"), absent));
        match inside.or_else(|| deputy(why).map(|(why, absent)| (why.to_owned(), absent))) {
            Some((why, absent)) => {
                say!(self, "person-deputy", name = self.reason_to_tell(&why), absent = absent)
            }
            None => self.reason_to_tell(why),
        }
    }

    fn reason_to_tell(&self, why: &str) -> String {
        let between = |before: &str, after: &str| why.strip_prefix(before)?.strip_suffix(after);
        if let Some(role) = between("new ", " contact") {
            return say!(self, "why-new", role = self.role(role));
        }
        if let Some(role) = between("former ", " contact") {
            return say!(self, "why-former", role = self.role(role));
        }
        if let Some(role) = between("", " (there is no system owner)") {
            return say!(self, "why-no-owner", role = self.role(role));
        }
        if let Some((what, (on, _))) = between("", " depends)").and_then(|text| {
            let (what, outage) = text.split_once(" (outage of ")?;
            Some((what, outage.split_once(", on which ")?))
        }) {
            return say!(self, "why-depends", why = self.reason_to_tell(what), on = on);
        }
        if why.starts_with(subscriber::WHY) {
            return say!(self, "why-subscriber");
        }
        if let Some(absent) = why.strip_prefix("deputy for ") {
            return say!(self, "why-deputy", absent = absent);
        }
        if let Some(about) = why.strip_prefix("outage contact for ") {
            return say!(self, "why-outage-of", about = about);
        }
        if let Some((unit, service)) =
            why.strip_prefix("contact of ").and_then(|w| w.split_once(", which owns "))
        {
            return say!(self, "why-owner", unit = unit, service = service);
        }
        if let Some((role, (unit, service))) = why
            .split_once(", in place of ")
            .and_then(|(role, rest)| Some((role, rest.split_once(", which owns ")?)))
        {
            return say!(self, "why-for-owner", role = self.role(role), unit = unit, service = service);
        }
        match why {
            "" => say!(self, "why-unknown"),
            "test" => say!(self, "why-test"),
            "contact in several roles" => say!(self, "why-several"),
            "somebody who could be contact" => say!(self, "why-could"),
            "somebody who is told of this outage" => say!(self, "why-named"),
            "somebody who is told of all outages" => say!(self, "why-always"),
            "whoever opened the outage" => say!(self, "why-opened"),
            role if !role.contains(' ') => self.role(role),
            other => other.to_owned(),
        }
    }

    /// Why somebody doesn't answer ([`crate::domain::contacts::Skip::in_zone`]).
    pub fn skip(&self, skip: &str) -> String {
        if let Some((away, (name, reason))) =
            skip.split_once("; deputy ").and_then(|(away, rest)| Some((away, rest.split_once(": ")?)))
        {
            return say!(self, "skip-deputy", why = self.skip(away), name = name, reason = self.skip(reason));
        }
        let dated = |prefix: &str| Some(self.english_day(skip.strip_prefix(prefix)?));
        if let Some(day) = dated("away until ") {
            return say!(self, "skip-away", day = day);
        }
        if let Some(day) = dated("account expired ") {
            return say!(self, "skip-expired", day = day);
        }
        if let Some(day) = dated("ended ") {
            return say!(self, "skip-ended", day = day);
        }
        if let Some(day) = dated("from ") {
            return say!(self, "skip-not-yet", day = day);
        }
        if let Some(unit) = skip.strip_prefix("moved to ") {
            return say!(self, "skip-moved", unit = unit);
        }
        match skip {
            "disabled" => say!(self, "skip-disabled"),
            "no longer in the directory" => say!(self, "skip-gone"),
            "no mail address" => say!(self, "skip-no-address"),
            "is you" => say!(self, "skip-you"),
            "for another directory" => say!(self, "skip-directory"),
            "for another report or system" => say!(self, "skip-subject"),
            other => other.to_owned(),
        }
    }

    /// Somebody and why they aren't there: `Åsa Öberg: away until 25 Jul 2026`.
    pub fn missing(&self, missing: &str) -> String {
        match missing.split_once(": ") {
            Some((name, skip)) => format!("{}: {}", self.person(name), self.skip(skip)),
            None => missing.to_owned(),
        }
    }

    /// A day as English has it, in the reader's way.
    fn english_day(&self, day: &str) -> String {
        NaiveDate::parse_from_str(day, "%d %b %Y").map_or_else(|_| day.to_owned(), |day| self.date(day))
    }

    /// A time as English has it, by whatever clocks, in the reader's way.
    pub(super) fn english_time(&self, time: &str) -> Option<String> {
        let (time, zone) = time.rsplit_once(' ')?;
        Some(self.naive_time(NaiveDateTime::parse_from_str(time, "%d %b %Y %H:%M").ok()?, zone))
    }

    /// What a message was about ([`crate::domain::notice::Facts::about`]).
    pub fn about(&self, about: &str) -> String {
        self.known_about(about).unwrap_or_else(|| about.to_owned())
    }

    fn known_about(&self, about: &str) -> Option<String> {
        if let Some(about) = about.strip_prefix("nobody has it: ") {
            return Some(say!(self, "about-climbed", about = self.about(about)));
        }
        if let Some((what, title)) = about.split_once("): ") {
            let (kind, id) = what.split_once(" (")?.0.split_once(' ')?;
            let message = match kind {
                "outage" => "outage-subject",
                "maintenance" => "maintenance-subject",
                _ => return None,
            };
            return Some(say!(self, message, id = id, title = title));
        }
        let between = |before: &str, after: &str| about.strip_prefix(before)?.strip_suffix(after);
        let directory = [
            ("sync of ", " waits for approval", "sync-held"),
            ("sync of ", " is failing", "sync-failing"),
            ("data of ", " is getting old", "sync-stale"),
            ("sync of ", " is well again", "recovered-subject"),
        ];
        let directory = directory.iter().find_map(|(before, after, id)| Some((between(before, after)?, *id)));
        if let Some((directory, id)) = directory {
            return Some(say!(self, id, directory = directory));
        }
        if let Some((period, places)) =
            between("", " places").and_then(|text| text.split_once(" isn't covered in "))
        {
            let places: u64 = places.parse().ok()?;
            return Some(say!(self, "about-gaps", period = self.period(period), n = places));
        }
        if let Some(period) = between("", " is covered") {
            return Some(say!(self, "about-covered", period = self.period(period)));
        }
        if let Some(units) = between("other contacts of ", " units") {
            let units: u64 = units.parse().ok()?;
            return Some(say!(self, "summary-title", n = units));
        }
        if let Some(directory) = between("many more objects of ", " are set aside") {
            return Some(say!(self, "quarantine-title", directory = directory));
        }
        if let Some(directory) = between("not so many objects of ", " are set aside any more") {
            return Some(say!(self, "quarantine-over-title", directory = directory));
        }
        if let Some(things) = between("", " small things that last") {
            let things: u64 = things.parse().ok()?;
            return Some(say!(self, "about-lasting", n = things));
        }
        if let Some((directory, _)) =
            about.strip_prefix("something that ").and_then(|text| text.split_once(" needs: "))
        {
            return Some(say!(self, "about-ending", directory = directory));
        }
        let id = match about {
            "the store was rebuilt" => "rebuilt-title",
            "other contacts" => "news-changed",
            "what they are contact for" => "duties-title-theirs",
            "whether they want to be told of outages" => "about-subscribe",
            _ => return None,
        };
        Some(self.say(id, &[]))
    }

    /// What an update of an outage says.
    pub fn word(&self, update: &Update) -> String {
        match &update.said {
            Some(said) => self.said(said),
            None => self.update(&update.text),
        }
    }

    /// What Budkavle itself says in an update; what people say, as they said it. So it was stored before there was [`Said`](crate::domain::outage::said::Said).
    pub fn update(&self, text: &str) -> String {
        if let Some(state) = text.strip_prefix("Now ").and_then(|text| text.strip_suffix('.'))
            && let id = format!("state-{state}")
            && self.knows(&id)
        {
            return say!(self, "update-now", state = self.say(&id, &[]));
        }
        let between = |before: &str, after: &str| text.strip_prefix(before)?.strip_suffix(after);
        if let Some((from, until)) =
            between("It has been moved; before, it was ", ".").and_then(|times| times.split_once(" to "))
            && let Some((from, until)) = self.english_time(from).zip(self.english_time(until))
        {
            return say!(self, "update-moved-from", from = from, until = until);
        }
        let id = match text {
            "It has been moved." => "update-moved",
            "This is a reminder." => "update-reminder",
            "It has begun." => "update-begun",
            "It is done." => "update-done",
            "It is done, as planned." => "update-done-planned",
            "It is cancelled." => "update-cancelled",
            "It should have been done by now, and isn't yet: it takes longer than planned." => "update-late",
            other => return self.told(other).unwrap_or_else(|| other.to_owned()),
        };
        self.say(id, &[])
    }

    /// Where an outage stands.
    pub fn state(&self, state: State) -> String {
        self.say(&format!("state-{state}"), &[])
    }

    /// How bad it is.
    pub fn severity(&self, severity: Severity) -> String {
        self.say(&format!("severity-{severity}"), &[])
    }

    /// Why contacts changed ([`Why::in_zone`]).
    pub fn change(&self, why: &Why) -> String {
        match why {
            Why::Lost { name, reason } => {
                let name = &**name;
                match reason {
                    Loss::Disabled => say!(self, "lost-disabled", name = name),
                    Loss::Expired => say!(self, "lost-expired", name = name),
                    Loss::Gone => say!(self, "lost-gone", name = name),
                    Loss::NoAddress => say!(self, "lost-no-address", name = name),
                    Loss::Away { until } => say!(self, "lost-away", name = name, day = self.day_of(*until)),
                    Loss::Moved { to } => say!(self, "lost-moved", name = name, unit = &**to),
                    Loss::Ended => say!(self, "lost-ended", name = name),
                    Loss::Elsewhere => say!(self, "lost-elsewhere", name = name),
                }
            }
            Why::Revoked { name } => say!(self, "change-revoked", name = &**name),
            Why::Gained { name } => say!(self, "change-gained", name = &**name),
            Why::UnitMoved => say!(self, "change-unit-moved"),
            Why::UserMoved => say!(self, "change-user-moved"),
        }
    }

    /// Why a run is held.
    pub fn hold(&self, reason: &HoldReason) -> String {
        let (kind, fate) = (|kind| self.kind(kind), |kind| self.fate(kind));
        match *reason {
            HoldReason::TooMany { kind: k, removed, of, limit } => say!(
                self,
                "held-too-many",
                removed = removed,
                of = of,
                kind = kind(k),
                fate = fate(k),
                count = limit.count,
                percent = limit.percent
            ),
            HoldReason::All { kind: k, of } => {
                say!(self, "held-all", of = of, kind = kind(k), fate = fate(k))
            }
            HoldReason::ScopeChanged { removed } => say!(self, "held-scope", removed = removed),
            HoldReason::Undone { run, changes } => {
                say!(self, "held-undone", changes = changes, run = run.to_string())
            }
            HoldReason::Gradually { kind: k, removed, before, of, limit } => say!(
                self,
                "held-gradually",
                removed = removed,
                before = before,
                of = of,
                kind = kind(k),
                count = limit.count,
                percent = limit.percent
            ),
        }
    }

    fn kind(&self, kind: Kind) -> String {
        match kind {
            Kind::Users => say!(self, "kind-users"),
            Kind::Units => say!(self, "kind-units"),
            Kind::Memberships => say!(self, "kind-memberships"),
            Kind::Holders => say!(self, "kind-holders"),
            Kind::Mails => say!(self, "kind-mails"),
            Kind::Phones => say!(self, "kind-phones"),
            Kind::Moves => say!(self, "kind-moves"),
            Kind::Absences => say!(self, "kind-absences"),
        }
    }

    fn fate(&self, kind: Kind) -> String {
        match kind {
            Kind::Users => say!(self, "fate-users"),
            Kind::Holders => say!(self, "fate-holders"),
            Kind::Units | Kind::Memberships => say!(self, "fate-lost"),
            Kind::Mails => say!(self, "fate-mails"),
            Kind::Phones => say!(self, "fate-phones"),
            Kind::Moves => say!(self, "fate-moves"),
            Kind::Absences => say!(self, "fate-absences"),
        }
    }

    /// What a run would do to one object.
    pub fn object(&self, change: &ObjectChange) -> String {
        let kind = match change.kind {
            ObjectKind::User => say!(self, "object-user"),
            ObjectKind::Unit => say!(self, "object-unit"),
            ObjectKind::Group => say!(self, "object-group"),
        };
        let name = &*change.name;
        match change.what {
            What::Added | What::CameBack => say!(self, "object-add", kind = kind, name = name),
            What::Changed => say!(self, "object-change", kind = kind, name = name),
            What::Removed => say!(self, "object-remove", kind = kind, name = name),
        }
    }
}

/// What stands before ` (deputy for NAME)`, and the name.
fn deputy(text: &str) -> Option<(&str, &str)> {
    text.strip_suffix(')')?.rsplit_once(" (deputy for ")
}
