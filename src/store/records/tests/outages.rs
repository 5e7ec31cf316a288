//! Outages of every shape.

use super::*;

pub(super) fn outage() -> Outage {
    use crate::domain::outage::edit::{Edit, Was};
    let was = [
        Was::Text { update: 1, text: "Od.".into() },
        Was::Title("Mail".into()),
        Was::Severity(Severity::Minor),
        Was::Services(vec!["post".into()]),
        Was::Units(vec![UnitId(guid(3))]),
    ];
    let edits = was.map(|was| Edit { at: at(5), by: local(), was }).into();
    Outage { also: vec![mail()], edits, silent: 300, nags: 2, ..incident().into() }
}

/// The system has said all that it says.
pub(super) fn said() -> Outage {
    let states = [State::Investigating, State::Identified, State::Monitoring, State::Resolved].into_iter();
    let of_maintenance =
        [State::Planned, State::Reminded, State::Started, State::Completed, State::Cancelled];
    let (job, last): (Box<str>, _) = ("lön".into(), Some(at(3)));
    let rest = [
        Said::Moved { from: at(1), until: at(2) },
        Said::Reminder,
        Said::Begun,
        Said::Done,
        Said::DoneAsPlanned,
        Said::Cancelled,
        Said::Late,
        Said::NoSign { job: job.clone(), every: 300, last, since: at(4) },
        Said::NoSign { job: job.clone(), every: 300, last: None, since: at(4) },
        Said::Sign { job: job.clone(), before: last },
        Said::Sign { job, before: None },
        Said::Unlisted { feed: "cloud".into() },
    ];
    let said = states.chain(of_maintenance).map(Said::Now).chain(rest);
    let update = |said| Update {
        at: at(0),
        by: local(),
        state: State::Started,
        text: "Ord.".into(),
        said: Some(said),
    };
    Outage { updates: said.map(update).collect(), ..also() }
}

pub(super) fn also() -> Outage {
    use crate::domain::outage::edit::{Edit, Was};
    let edit = Edit { at: at(5), by: local(), was: Was::Also(vec![mail()]) };
    Outage { edits: vec![edit], silent: 1, ..incident().into() }
}

pub(super) fn maintenance() -> Outage {
    use crate::domain::outage::maintenance::Plan;
    let states = [State::Planned, State::Reminded, State::Started, State::Completed, State::Cancelled];
    let update = |(n, state)| Update { at: at(n), by: local(), state, text: "Ord.".into(), said: None };
    let plan =
        Plan { from: at(1), until: at(2), sequence: 300, by_hand: true, reminded: Some(1440), overdue: true };
    let updates = (0..).zip(states).map(update).collect();
    Outage { plan: Some(plan), updates, ..outage() }
}

pub(super) fn incident() -> Incident {
    let states = [State::Investigating, State::Identified, State::Monitoring, State::Resolved];
    let update = |(n, state)| PlainUpdate { at: at(n), by: local(), state, text: "Ord.".into() };
    Incident {
        id: OutageId(3),
        title: "Mail is down".into(),
        severity: Severity::Critical,
        services: vec!["mail".into()],
        units: vec![UnitId(guid(2))],
        updates: (0..).zip(states).map(update).collect(),
    }
}
