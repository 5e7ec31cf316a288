//! The words of an outage.

use minijinja::context;

use super::{AMBER, BLUE, GREEN, Page, RED, texts};
use crate::channel::words::{Words, first_upper, say};
use crate::domain::outage::{Outage, Severity, State, Update};

impl Words {
    pub(super) fn outage(&self, outage: &Outage, earlier: u32, units: &[Box<str>]) -> Page {
        let state = outage.state();
        let update = |u: &Update| {
            let text = self.update(&u.text);
            context! {
                at => self.time(u.at),
                state => self.state(u.state),
                by => u.by.to_string(),
                lines => text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>(),
                text => text,
            }
        };
        let id = outage.id.0.to_string();
        Page {
            template: "outage",
            subject: say!(self, "outage-subject", id = id.as_str(), title = &*outage.title),
            heading: outage.title.to_string(),
            label: match state {
                State::Resolved => say!(self, "label-outage-resolved"),
                _ => say!(self, "label-outage"),
            },
            colour: match (state, outage.severity) {
                (State::Resolved, _) => GREEN,
                (_, Severity::Critical) => RED,
                (_, Severity::Major) => AMBER,
                (_, Severity::Minor) => BLUE,
            },
            preheader: outage.updates.last().map(|u| self.update(&u.text)),
            content: context! {
                outage => context! {
                    id => outage.id.0,
                    title => outage.title.to_string(),
                    number => say!(self, "outage-number", id = id.as_str()),
                    services => texts(&outage.services),
                },
                state => first_upper(&self.state(state)),
                severity => self.severity(outage.severity),
                units => texts(units),
                // The latest word first: it is what the reader came for.
                updates => outage.updates.iter().rev().map(update).collect::<Vec<_>>(),
                earlier => earlier,
            },
        }
    }
}
