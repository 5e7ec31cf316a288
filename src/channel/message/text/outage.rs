//! The words of an incident or of maintenance.

use minijinja::context;

use super::{AMBER, BLUE, GREEN, Page, RED, Writer, first_upper, texts};
use crate::domain::notice::{About, Corrected, OutageWord, PlanTold};
use crate::domain::outage::{Severity, State, Update};

impl Writer {
    pub(super) fn outage(&self, word: &OutageWord) -> Page {
        let OutageWord {
            id,
            title,
            severity,
            state,
            services,
            dependent,
            units,
            updates,
            earlier,
            plan,
            about,
        } = word;
        let update = |u: &Update| {
            context! {
                at => self.time(u.at),
                state => u.state.to_string(),
                by => u.by.to_string(),
                text => u.text.to_string(),
                lines => u.text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>(),
            }
        };
        let kind = word.kind();
        let note = match about {
            About::Word => None,
            About::Correction => Some(self.corrected(&[])),
            About::Corrected(of) => Some(self.corrected(of)),
            About::Left => Some(format!(
                "What was said before has been corrected: this {} isn't one that concerns you. Nothing more is told to you of it.",
                kind.to_lowercase()
            )),
            About::Silence(minutes) => Some(format!(
                "Nothing has been said of it for {}, and it is still open. Those who were told of it wait for a word: budkavle outage update {id} --text …, or, when it is over: budkavle {} {id}",
                span(*minutes),
                if plan.is_some() { "maintenance complete" } else { "outage resolve" },
            )),
        };
        Page {
            template: "outage",
            subject: match about {
                About::Silence(_) => format!("Not a word for long on {} {id}: {title}", kind.to_lowercase()),
                About::Word | About::Correction | About::Corrected(_) | About::Left => {
                    format!("{kind} {id}: {title}")
                }
            },
            heading: title.to_string(),
            label: label(word),
            colour: match (state, severity, plan) {
                (State::Resolved | State::Completed, ..) => GREEN,
                (State::Cancelled, ..) | (_, _, Some(_)) => BLUE,
                (_, Severity::Critical, _) => RED,
                (_, Severity::Major, _) => AMBER,
                (_, Severity::Minor, _) => BLUE,
            },
            content: context! {
                outage => context! { id => id.0, services => texts(services), kind => kind.to_lowercase() },
                dependent => texts(dependent),
                state => first_upper(&state.to_string()),
                severity => severity.to_string(),
                units => texts(units),
                window => plan.as_ref().map(|plan| self.window(plan)),
                note => note,
                updates => shown(updates, about).into_iter().map(update).collect::<Vec<_>>(),
                earlier => earlier,
            },
        }
    }

    /// That something was corrected, and what.
    fn corrected(&self, of: &[Corrected]) -> String {
        let what = |of: &Corrected| match of {
            Corrected::Text(at) => format!("the word of {}", self.time(*at)),
            Corrected::Title => "the title".to_owned(),
            Corrected::Severity => "the severity".to_owned(),
            Corrected::Services => "the services".to_owned(),
            Corrected::Units => "the units".to_owned(),
        };
        let what: Vec<String> = of.iter().map(what).collect();
        let what = if what.is_empty() { String::new() } else { format!(": {}", what.join(", ")) };
        format!("What was said before has been corrected{what}.")
    }

    /// From when until when, the day once when it is the same.
    fn window(&self, plan: &PlanTold) -> String {
        let [from, until] = [plan.from, plan.until].map(|at| at.with_timezone(&self.zone));
        let end = if from.date_naive() == until.date_naive() { "%H:%M %Z" } else { "%A %-d %b %Y %H:%M %Z" };
        format!("{} to {}", from.format("%A %-d %b %Y %H:%M %Z"), until.format(end))
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
        (About::Silence(_), _) => "Reminder",
        (_, State::Planned) => "Maintenance planned",
        (_, State::Reminded) => "Maintenance soon",
        (_, State::Started) => "Maintenance under way",
        (_, State::Completed) => "Maintenance completed",
        (_, State::Cancelled) => "Maintenance cancelled",
        (_, State::Resolved) => "Outage resolved",
        _ => "Outage",
    }
}

/// So many minutes, roughly.
fn span(minutes: u32) -> String {
    match minutes {
        0..=119 => format!("{minutes} minutes"),
        120..=2_879 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}
