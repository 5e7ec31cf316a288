//! The words of an incident or of maintenance.

use minijinja::context;

use super::{AMBER, BLUE, GREEN, Page, RED, Writer, first_upper, texts};
use crate::domain::notice::{About, OutageWord, PlanTold};
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
            About::Correction => Some("What was said before has been corrected.".to_owned()),
            About::Silence(minutes) => Some(format!(
                "Nothing has been said of it for {}, and it is still open. Those who were told of it wait for a word: budkavle outage update {id} --text …, or, when it is over: budkavle outage resolve {id}",
                span(*minutes)
            )),
        };
        Page {
            template: "outage",
            subject: match about {
                About::Silence(_) => format!("Not a word for long on {} {id}: {title}", kind.to_lowercase()),
                About::Word | About::Correction => format!("{kind} {id}: {title}"),
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
                // The latest word first: it is what the reader came for.
                updates => updates.iter().rev().map(update).collect::<Vec<_>>(),
                earlier => earlier,
            },
        }
    }

    /// From when until when, the day once when it is the same.
    fn window(&self, plan: &PlanTold) -> String {
        let [from, until] = [plan.from, plan.until].map(|at| at.with_timezone(&self.zone));
        let end = if from.date_naive() == until.date_naive() { "%H:%M %Z" } else { "%A %-d %b %Y %H:%M %Z" };
        format!("{} to {}", from.format("%A %-d %b %Y %H:%M %Z"), until.format(end))
    }
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
