//! The words of an incident or of maintenance.

use minijinja::context;

use super::{AMBER, BLUE, GREEN, Page, RED, texts};
use crate::channel::words::{Words, first_upper, say};
use crate::domain::notice::{About, Corrected, OutageWord};
use crate::domain::outage::calendar::Entry;
use crate::domain::outage::{Severity, State, Update};

impl Words {
    pub(super) fn outage(&self, word: &OutageWord) -> Page {
        let OutageWord { title, severity, state, services, dependent, units, updates, plan, about, .. } =
            word;
        let (id, title) = (word.id.to_string(), self.outage_title(title));
        let update = |u: &Update| {
            let text = self.word(u);
            context! {
                at => self.time(u.at),
                state => self.state(u.state),
                by => u.by.to_string(),
                lines => text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>(),
                text => text,
            }
        };
        let (number, subject) = match (plan, about) {
            (None, About::Silence(_)) => ("outage-number", "outage-silent-subject"),
            (None, _) => ("outage-number", "outage-subject"),
            (Some(_), About::Silence(_)) => ("maintenance-number", "maintenance-silent-subject"),
            (Some(_), _) => ("maintenance-number", "maintenance-subject"),
        };
        let note = self.note(word);
        Page {
            template: "outage",
            subject: say!(self, subject, id = id.as_str(), title = title.as_str()),
            heading: title.clone(),
            label: label(word),
            colour: match (state, severity, plan) {
                (State::Resolved | State::Completed, ..) => GREEN,
                (State::Cancelled, ..) | (_, _, Some(_)) => BLUE,
                (_, Severity::Critical, _) => RED,
                (_, Severity::Major, _) => AMBER,
                (_, Severity::Minor, _) => BLUE,
            },
            preheader: match note {
                None => updates.last().map(|u| self.word(u)),
                Some(_) => None,
            },
            content: context! {
                outage => context! {
                    id => word.id.0,
                    title => title,
                    number => say!(self, number, id = id.as_str()),
                    services => texts(services),
                },
                dependent => texts(dependent),
                state => first_upper(&self.state(*state)),
                severity => self.severity(*severity),
                units => texts(units),
                window => plan.as_ref().map(|plan| first_upper(&self.window(plan.from, plan.until))),
                note => note,
                updates => shown(updates, about).into_iter().map(update).collect::<Vec<_>>(),
                earlier => word.earlier,
            },
        }
    }

    /// What there is to say before anything else.
    fn note(&self, word: &OutageWord) -> Option<String> {
        let is_maintenance = word.plan.is_some();
        match &word.about {
            About::Word => None,
            About::Correction => Some(self.corrected(&[])),
            About::Corrected(of) => Some(self.corrected(of)),
            About::Left if is_maintenance => Some(say!(self, "maintenance-left")),
            About::Left => Some(say!(self, "outage-left")),
            About::Silence(minutes) => {
                let end = if is_maintenance { "maintenance complete" } else { "outage resolve" };
                Some(say!(
                    self,
                    "outage-silent",
                    span = self.minutes(*minutes),
                    update = format!("budkavle outage update {} --text …", word.id),
                    end = format!("budkavle {end} {}", word.id),
                ))
            }
        }
    }

    /// That something was corrected, and what.
    fn corrected(&self, of: &[Corrected]) -> String {
        let what = |of: &Corrected| match of {
            Corrected::Text(at) => say!(self, "corrected-text", at = self.time(*at)),
            Corrected::Title => say!(self, "corrected-title"),
            Corrected::Severity => say!(self, "corrected-severity"),
            Corrected::Services => say!(self, "corrected-services"),
            Corrected::Units => say!(self, "corrected-units"),
        };
        let what: Vec<String> = of.iter().map(what).collect();
        match what.is_empty() {
            true => say!(self, "outage-corrected"),
            false => say!(self, "outage-corrected-what", what = self.all(&what)),
        }
    }

    /// Where an outage stands and what was said of it last, for a text message.
    pub(in crate::channel) fn brief(&self, word: &OutageWord) -> String {
        let said = word.updates.last().map(|update| self.word(update)).unwrap_or_default();
        format!("{}, {}. {said}", self.state(word.state), self.severity(word.severity))
    }

    /// What stands in the calendar of whoever maintenance concerns.
    pub(in crate::channel) fn calendar_entry(&self, word: &OutageWord) -> Entry {
        let list = |id: &str, of: &[Box<str>]| {
            (!of.is_empty()).then(|| self.say(id, &[("names", of.join(", ").into())]))
        };
        let lines = [
            word.updates.last().map(|update| self.word(update)),
            list("outage-services", &word.services),
            list("outage-dependent", &word.dependent),
            list("outage-units", &word.units),
        ];
        Entry {
            summary: say!(self, "calendar-summary", title = &*word.title),
            description: lines.into_iter().flatten().collect::<Vec<_>>().join("\n"),
            zone: self.locale.zone,
        }
    }
}

/// What was corrected first, then the latest: it is what the reader came for.
fn shown<'a>(updates: &'a [Update], about: &About) -> Vec<&'a Update> {
    let mut shown: Vec<&Update> = updates.iter().rev().collect();
    shown.sort_by_key(|update| !about.corrects(update));
    shown
}

fn label(word: &OutageWord) -> &'static str {
    match (&word.about, word.state) {
        (About::Silence(_), _) => "label-reminder",
        (_, State::Planned) => "label-maintenance-planned",
        (_, State::Reminded) => "label-maintenance-soon",
        (_, State::Started) => "label-maintenance-started",
        (_, State::Completed) => "label-maintenance-completed",
        (_, State::Cancelled) => "label-maintenance-cancelled",
        (_, State::Resolved) => "label-outage-resolved",
        _ => "label-outage",
    }
}
