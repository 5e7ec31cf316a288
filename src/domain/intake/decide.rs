//! What is done about what a teller says: a report becomes an outage once, its words follow, and what isn't told of any more is closed after
//! a while. All that isn't done has its reason.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Component, Followed, Over, Policy, Report, Teller};
use crate::domain::ids::OutageId;
use crate::domain::outage::{Severity, State};

/// A clock may be so far ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(15);
/// What is over and isn't told of any more is forgotten after so long.
const FORGET: TimeDelta = TimeDelta::days(30);

/// What a teller said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// All that it knows.
    All {
        /// What it says.
        reports: Vec<Report>,
        /// Whether it is the first time.
        first: bool,
    },
    /// Something; of the rest it doesn't speak.
    Some(Vec<Report>),
    /// The same as last time.
    Same,
}

/// Why nothing is done about a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// It is followed, and nothing new is said.
    Known,
    /// It is over.
    Over,
    /// It is something planned.
    Planned,
    /// The last word on it is too old.
    Old,
    /// It was said in the future.
    Future,
    /// It doesn't say when it was said, and was there when it was looked for the first time.
    Undated,
    /// It isn't bad enough.
    TooMinor,
    /// It concerns no component that counts.
    OtherComponent,
    /// Somebody here has closed the outage.
    ClosedByHand,
    /// With it too many outages would be open.
    TooMany,
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Why::Known => "nothing new",
            Why::Over => "it is over",
            Why::Planned => "it is planned, no incident",
            Why::Old => "said too long ago",
            Why::Future => "said in the future",
            Why::Undated => "there before the first look, without a time",
            Why::TooMinor => "not severe enough",
            Why::OtherComponent => "none of the components",
            Why::ClosedByHand => "closed here by hand",
            Why::TooMany => "too many at once",
        })
    }
}

/// Something that is done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// An outage is opened.
    Open {
        /// For this.
        report: Report,
        /// How bad it is.
        severity: Severity,
        /// Which services it concerns.
        services: Vec<Box<str>>,
        /// What is kept of it.
        followed: Followed,
    },
    /// Something new is said of one.
    Say {
        /// Of which.
        outage: OutageId,
        /// What.
        text: Box<str>,
        /// Where it stands.
        state: State,
        /// How bad it is, when that is something else than before.
        severity: Option<Severity>,
        /// What is kept of it; None: nothing.
        followed: (Box<str>, Option<Followed>),
    },
}

/// What is done about what was said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// What is done, in this order.
    pub steps: Vec<Step>,
    /// What is only kept in mind, and what is forgotten.
    pub notes: Vec<(Box<str>, Option<Followed>)>,
    /// What nothing is done about, and why.
    pub left: Vec<(Report, Why)>,
}

impl Plan {
    /// How many reports aren't opened since too many would be open.
    pub fn too_many(&self) -> usize {
        self.left.iter().filter(|(_, why)| *why == Why::TooMany).count()
    }

    /// Whether time alone may make something else of what was said.
    pub fn may_ripen(&self) -> bool {
        self.left.iter().any(|(_, why)| matches!(why, Why::TooMany | Why::Future))
    }
}

/// Decides what is done about what `teller` told at `now`, by what is followed of it and by which outages are `open`.
pub fn decide<'a>(
    teller: &Teller,
    policy: &Policy,
    followed: impl IntoIterator<Item = &'a Followed>,
    open: impl Fn(OutageId) -> bool,
    told: Told,
    now: DateTime<Utc>,
) -> Plan {
    let known: BTreeMap<&str, &Followed> = followed.into_iter().map(|f| (&*f.key, f)).collect();
    let running = known.values().filter(|f| f.over.is_none() && f.outage.is_some_and(&open)).count();
    let whole = !matches!(told, Told::Some(_));
    let decider = Decider { teller, policy, known, open: &open, whole, now };
    let mut plan = Plan::default();
    let (reports, first) = match told {
        Told::All { reports, first } => (reports, first),
        Told::Some(reports) => (reports, false),
        Told::Same => {
            decider.missing(&|followed| followed.missing.is_none(), &mut plan);
            return plan;
        }
    };
    let reports = newest_of_each(reports);
    let there: BTreeSet<Box<str>> = reports.iter().map(|report| report.key.clone()).collect();
    for report in reports {
        decider.one(report, first, &mut plan);
    }
    if whole {
        decider.missing(&|followed| there.contains(&followed.key), &mut plan);
    }
    let opens = |step: &Step| matches!(step, Step::Open { .. });
    let ends = |step: &&Step| matches!(step, Step::Say { state: State::Resolved, .. });
    let stays = running.saturating_sub(plan.steps.iter().filter(ends).count());
    if stays + plan.steps.iter().filter(|step| opens(step)).count() > policy.most {
        let (none, steps) = plan.steps.into_iter().partition(opens);
        plan.steps = steps;
        let none: Vec<Step> = none;
        plan.left.extend(none.into_iter().filter_map(|step| match step {
            Step::Open { report, .. } => Some((report, Why::TooMany)),
            Step::Say { .. } => None,
        }));
    }
    plan
}

/// Of reports with the same key the one that was said last; of those said at the same time the first.
fn newest_of_each(reports: Vec<Report>) -> Vec<Report> {
    let mut places: BTreeMap<Box<str>, usize> = BTreeMap::new();
    let mut kept: Vec<Report> = Vec::new();
    for report in reports {
        match places.get(&report.key).and_then(|place| kept.get_mut(*place)) {
            Some(before) if report.at > before.at => *before = report,
            Some(_) => {}
            None => {
                places.insert(report.key.clone(), kept.len());
                kept.push(report);
            }
        }
    }
    kept
}

struct Decider<'a, Open: Fn(OutageId) -> bool> {
    teller: &'a Teller,
    policy: &'a Policy,
    known: BTreeMap<&'a str, &'a Followed>,
    open: &'a Open,
    /// Whether what isn't told of is missing.
    whole: bool,
    now: DateTime<Utc>,
}

impl<Open: Fn(OutageId) -> bool> Decider<'_, Open> {
    fn one(&self, report: Report, first: bool, plan: &mut Plan) {
        let Some(known) = self.known.get(&*report.key).copied() else {
            return self.fresh(report, first, plan);
        };
        let is_over = report.state == State::Resolved;
        let digest = report.digest();
        let back = Followed { missing: None, ..known.clone() };
        // Who doesn't tell all it knows may never speak of it again, and needn't: it is over.
        let kept = |after: Followed| Some(after).filter(|_| self.whole || !is_over);
        let note = |plan: &mut Plan, after: Followed| {
            let after = kept(after);
            if after.as_ref() != Some(known) {
                plan.notes.push((known.key.clone(), after));
            }
        };
        match (known.outage, known.over) {
            (Some(outage), None) if (self.open)(outage) => {
                if known.said == digest {
                    note(plan, back);
                    plan.left.push((report, Why::Known));
                    return;
                }
                let worse = report.severity.filter(|severity| known.severity != Some(*severity));
                plan.steps.push(Step::Say {
                    outage,
                    text: report.said().into(),
                    state: report.state,
                    severity: worse.filter(|_| !is_over),
                    followed: (
                        known.key.clone(),
                        kept(Followed {
                            said: digest,
                            severity: report.severity.or(known.severity),
                            over: is_over.then_some(Over::Told),
                            ..back
                        }),
                    ),
                });
            }
            (Some(_), None | Some(Over::ByHand)) => {
                let over = Some(if is_over { Over::Told } else { Over::ByHand });
                note(plan, Followed { said: digest, over, ..back });
                plan.left.push((report, Why::ClosedByHand));
            }
            _ if is_over => {
                note(plan, Followed { said: digest, ..back });
                plan.left.push((report, Why::Over));
            }
            // What comes back with its time is judged by that.
            (_, over) if known.said == digest && !(over == Some(Over::Gone) && report.at.is_some()) => {
                note(plan, back);
                plan.left.push((report, if known.outage.is_none() { Why::Undated } else { Why::Known }));
            }
            _ => self.fresh(report, false, plan),
        }
    }

    /// About what isn't followed, or not any more.
    fn fresh(&self, report: Report, first: bool, plan: &mut Plan) {
        let severity = report.severity.unwrap_or(self.policy.severity);
        let concerned = self.concerned(&report);
        let followed = Followed {
            teller: self.teller.clone(),
            key: report.key.clone(),
            outage: None,
            said: report.digest(),
            severity: report.severity,
            missing: None,
            over: None,
        };
        let why = match report.at {
            _ if report.planned => Why::Planned,
            _ if report.state == State::Resolved => Why::Over,
            _ if severity < self.policy.least => Why::TooMinor,
            _ if concerned.is_none() => Why::OtherComponent,
            Some(at) if at - self.now > AHEAD => Why::Future,
            Some(at) if self.now - at > self.policy.max_age => Why::Old,
            None if first => {
                plan.notes.push((report.key.clone(), Some(followed)));
                Why::Undated
            }
            _ => {
                let services = concerned.unwrap_or_default();
                plan.steps.push(Step::Open { report, severity, services, followed });
                return;
            }
        };
        plan.left.push((report, why));
    }

    /// The services that a report concerns; None: nothing that counts.
    fn concerned(&self, report: &Report) -> Option<Vec<Box<str>>> {
        let Policy { components, services, .. } = self.policy;
        let named = |component: &&Component| {
            let name = component.name.to_lowercase();
            if report.components.is_empty() {
                // Most feeds name the component only in words.
                let text = format!("{}\n{}", report.title, report.text).to_lowercase();
                return text.contains(&name);
            }
            report.components.iter().any(|other| other.to_lowercase() == name)
        };
        let counting: Vec<&Component> = components.iter().filter(named).collect();
        if counting.is_empty() && !components.is_empty() {
            return None;
        }
        let mut mapped: Vec<Box<str>> = Vec::new();
        for service in counting.iter().filter_map(|component| component.service.as_ref()) {
            if !mapped.contains(service) {
                mapped.push(service.clone());
            }
        }
        Some(if mapped.is_empty() { services.clone() } else { mapped })
    }

    /// About what isn't told of any more.
    fn missing(&self, is_there: &dyn Fn(&Followed) -> bool, plan: &mut Plan) {
        for known in self.known.values().filter(|known| !is_there(known)) {
            let (key, since) = (known.key.clone(), known.missing.unwrap_or(self.now).min(self.now));
            let gone = Followed { missing: Some(since), ..(*known).clone() };
            let runs = known.outage.filter(|outage| known.over.is_none() && (self.open)(*outage));
            match runs {
                Some(outage) if self.now - since >= self.policy.grace => plan.steps.push(Step::Say {
                    outage,
                    text: format!("The {} doesn't list it any more.", self.teller).into(),
                    state: State::Resolved,
                    severity: None,
                    followed: (key, Some(Followed { over: Some(Over::Gone), ..gone })),
                }),
                None if self.now - since >= FORGET => plan.notes.push((key, None)),
                _ if gone != **known => plan.notes.push((key, Some(gone))),
                _ => {}
            }
        }
    }
}
