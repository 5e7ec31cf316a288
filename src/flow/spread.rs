//! A notice on its way to the outbox: by which channels, to whom, when, and whether somebody must take it on.

use chrono::{DateTime, TimeDelta, Utc};

use super::core::Core;
use crate::domain::ids::SilenceId;
use crate::domain::notice::{Facts, NewNotice, NoticeKind};
use crate::domain::outage::Severity;
use crate::domain::outage::policy::Policy;
use crate::domain::silence::{self, Known};

impl Core {
    /// The notices as they are enqueued: with a recipient for each person and channel, as the routes say; without those for whom it is silenced;
    /// held while they sleep; and with the way up of those that ask to be taken on.
    pub fn spread(&self, notices: Vec<NewNotice>, at: DateTime<Utc>) -> Vec<NewNotice> {
        let arranged = self.arranged(notices, at).into_iter();
        let logged = arranged.map(|(notice, silenced)| {
            if !silenced.is_empty() {
                let silences: Vec<String> = silenced.iter().map(ToString::to_string).collect();
                tracing::info!(event = %notice.event, ?silences, "Not everybody is told: it is silenced");
            }
            notice
        });
        logged.collect()
    }

    /// The same, each with the silences that keep it from somebody.
    pub fn arranged(&self, notices: Vec<NewNotice>, at: DateTime<Utc>) -> Vec<(NewNotice, Vec<SilenceId>)> {
        let (settings, view) = (self.settings(), self.view());
        let known = Known { organisation: &view.organisation, services: &settings.outages.services };
        let one = |notice| {
            let (notice, silenced) = silence::apply(view.silences.values(), notice, known, at);
            let quiet = silence::quiets_places(view.silences.values(), &notice.facts, known, at);
            let notice = if quiet { notice } else { settings.routing.spread(notice, at) };
            let notice = gather(notice, &settings.outages, at);
            // What waits for more may wait into the night, and so for the morning.
            let notice = settings.quiet.hold(notice, |to| self.clocks_of(to), at);
            let per_hour = settings.quiet.limit(&notice.facts);
            let together = settings.quiet.gathers(&notice.facts);
            let climb = settings.climbing.begin(&notice, &view.organisation, at).map(Box::new);
            (NewNotice { climb, per_hour, together, ..notice }, silenced)
        };
        notices.into_iter().map(one).collect()
    }
}

/// A word on an outage waits for more, unless it is critical, the first for what it follows from: what comes meanwhile takes its place.
fn gather(mut notice: NewNotice, policy: &Policy, at: DateTime<Utc>) -> NewNotice {
    let facts = &notice.facts;
    let climbs = matches!(facts, Facts::Climbed(_));
    let word = facts.kind() == NoticeKind::Outage && !climbs;
    let wait = match facts {
        // It is told on the minute of its plan.
        Facts::OutageWord(word) if word.plan.is_some() => TimeDelta::zero(),
        _ if notice.thread != notice.event => policy.gather,
        Facts::OutageWord(_) => policy.first_waits,
        _ => TimeDelta::zero(),
    };
    let until = at.checked_add_signed(wait).filter(|until| *until < notice.expires);
    if let Some(until) = until.filter(|_| word && !wait.is_zero() && facts.severity() < Severity::Critical) {
        for recipient in &notice.recipients {
            notice.held.entry(recipient.key()).or_insert(until);
        }
    }
    notice
}

#[cfg(test)]
mod tests;
