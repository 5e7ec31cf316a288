//! What is done about what a teller says: a report becomes an outage once, its words follow, and what isn't told of any more is closed after
//! a while. All that isn't done has its reason.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Component, Followed, Listed, Over, Pace, Policy, Report, Teller};
use crate::domain::ids::OutageId;
use crate::domain::outage::said::Said;
use crate::domain::outage::{Severity, State};

/// A clock may be so far ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(15);
/// What is over and isn't told of any more is forgotten after so long.
const FORGET: TimeDelta = TimeDelta::days(30);

/// What isn't listed any more is gone when so many looks at least agree on it.
const MISSES: u32 = 3;
/// When all that is open goes at once, it may be the list that is wrong: it is waited so many times as long.
const ALL_AT_ONCE: i32 = 4;
/// Other words alone are told no sooner after the last ones.
const PAUSE: TimeDelta = TimeDelta::minutes(15);
/// So many words of one outage are told at once when it becomes better or worse; later ones are spaced as well.
const PROMPT: u32 = 20;
/// After so many words of one outage only its end is told.
const WORDS: u32 = 200;
/// What comes back so soon after its end is held back, each time twice as long, until it was quiet for a day.
const REST: TimeDelta = TimeDelta::minutes(30);
const DAY: TimeDelta = TimeDelta::days(1);
/// What was closed by hand, and of which who doesn't tell all it knows never speaks again, is forgotten after so long.
const YEAR: TimeDelta = TimeDelta::days(365);
/// So many times `most` are opened in a day at most.
pub const DAILY: usize = 5;

/// What a teller said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Told {
    /// All that it knows.
    All {
        /// What it says.
        listed: Listed,
        /// Whether it is the first time.
        first: bool,
    },
    /// Something; of the rest it doesn't speak.
    Some(Vec<Report>),
    /// The same as last time.
    Same,
    /// Nothing that could be read.
    Nothing,
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
    /// Something was said of it, or it was over, only a short while ago.
    Soon,
    /// So much was said of it already that only its end is told.
    Enough,
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
            Why::Soon => "so soon after the last word or the end it is held back for a while",
            Why::Enough => "too many words already, only its end is told",
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
        /// The same, when nobody told it.
        said: Option<Said>,
        /// Where it stands; None: where it stood before, or where an operator says.
        state: Option<State>,
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
    /// How many that are open aren't listed any more, when that is all of several.
    pub vanished: usize,
    /// Which services are named for outages that are open: those that come later are concerned as well.
    pub concerns: Vec<(OutageId, Vec<Box<str>>)>,
}

impl Plan {
    /// How many reports aren't opened since too many would be open.
    pub fn too_many(&self) -> usize {
        self.left.iter().filter(|(_, why)| *why == Why::TooMany).count()
    }

    /// Whether time alone may make something else of what was said.
    pub fn may_ripen(&self) -> bool {
        self.left.iter().any(|(_, why)| matches!(why, Why::TooMany | Why::Future | Why::Soon))
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
    let names = policy.components.iter().map(|component| component.name.to_lowercase()).collect();
    let decider = Decider { teller, policy, names, known, open: &open, now };
    let mut plan = Plan::default();
    let (listed, first) = match told {
        Told::All { listed, first } => (listed, first),
        Told::Some(reports) => (Listed { reports, ..Listed::default() }, false),
        Told::Same => {
            decider.missing(&|followed| followed.missing.is_none(), &mut plan);
            return plan;
        }
        Told::Nothing => {
            decider.interrupted(&|_| true, &mut plan);
            return plan;
        }
    };
    let Listed { reports, unread, lost } = listed;
    let reports = newest_of_each(reports);
    let read: BTreeSet<Box<str>> = reports.iter().map(|report| report.key.clone()).collect();
    let unread: BTreeSet<Box<str>> = unread.into_iter().filter(|key| !read.contains(key)).collect();
    for report in reports {
        decider.one(report, first, &mut plan);
    }
    if !whole {
        decider.put_away(&read, &mut plan);
    } else if lost == 0 {
        decider.interrupted(&|followed| unread.contains(&followed.key), &mut plan);
        decider
            .missing(&|followed| read.contains(&followed.key) || unread.contains(&followed.key), &mut plan);
    } else {
        // Any of them may be the one that can't be read.
        decider.interrupted(&|followed| !read.contains(&followed.key), &mut plan);
    }
    let opens = |step: &Step| matches!(step, Step::Open { .. });
    let ends = |step: &&Step| matches!(step, Step::Say { state: Some(State::Resolved), .. });
    let stays = running.saturating_sub(plan.steps.iter().filter(ends).count());
    let is_of_today = |known: &&&Followed| known.pace.opened.is_some_and(|at| (now - at).abs() < DAY);
    let today = decider.known.values().filter(is_of_today).count();
    let new = plan.steps.iter().filter(|step| opens(step)).count();
    if stays + new > policy.most || (new > 0 && today + new > policy.most.saturating_mul(DAILY)) {
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
    /// Those of the components, in small letters.
    names: Vec<String>,
    known: BTreeMap<&'a str, &'a Followed>,
    open: &'a Open,
    now: DateTime<Utc>,
}

impl<Open: Fn(OutageId) -> bool> Decider<'_, Open> {
    fn one(&self, report: Report, first: bool, plan: &mut Plan) {
        let Some(known) = self.known.get(&*report.key).copied() else {
            return self.fresh(report, None, first, plan);
        };
        let is_over = report.state == State::Resolved;
        let digest = report.digest();
        let back = Followed { missing: None, misses: 0, ..known.clone() };
        let note = |plan: &mut Plan, after: Followed| {
            if after != *known {
                plan.notes.push((known.key.clone(), Some(after)));
            }
        };
        // What it said last; the end counts as a word.
        let said = Pace { state: Some(report.state), spoke: Some(self.now), ..known.pace };
        match (known.outage, known.over) {
            (Some(outage), None) if (self.open)(outage) => {
                let named = self.counting(&report).map(|counting| services_of(&counting)).unwrap_or_default();
                if !is_over && !named.is_empty() {
                    plan.concerns.push((outage, named));
                }
                if known.said == digest {
                    note(plan, back);
                    plan.left.push((report, Why::Known));
                    return;
                }
                let worse = report.severity.filter(|severity| known.severity != Some(*severity));
                let turned = Some(report.state).filter(|state| known.pace.state != Some(*state));
                if let Some(why) =
                    self.unsaid(known, turned.is_some() || worse.is_some()).filter(|_| !is_over)
                {
                    note(plan, back);
                    plan.left.push((report, why));
                    return;
                }
                plan.steps.push(Step::Say {
                    outage,
                    text: report.said().into(),
                    said: None,
                    state: if is_over { Some(State::Resolved) } else { turned },
                    severity: worse.filter(|_| !is_over),
                    followed: (
                        known.key.clone(),
                        Some(Followed {
                            said: digest,
                            severity: report.severity.or(known.severity),
                            over: is_over.then_some(Over::Told),
                            pace: Pace { words: known.pace.words.saturating_add(1), ..said },
                            ..back
                        }),
                    ),
                });
            }
            (Some(_), None | Some(Over::ByHand)) => {
                let (over, pace) = if is_over { (Over::Told, said) } else { (Over::ByHand, known.pace) };
                note(plan, Followed { said: digest, over: Some(over), pace, ..back });
                plan.left.push((report, Why::ClosedByHand));
            }
            _ if is_over => {
                note(plan, Followed { said: digest, over: Some(Over::Told), ..back });
                plan.left.push((report, Why::Over));
            }
            // It was away, and is back.
            (_, Some(Over::Gone | Over::Lapsed)) => self.fresh(report, Some(known), false, plan),
            _ if known.said == digest => {
                note(plan, back);
                plan.left.push((report, if known.outage.is_none() { Why::Undated } else { Why::Known }));
            }
            _ => self.fresh(report, Some(known), false, plan),
        }
    }

    /// Why something new isn't said of what is open; `turned`: it stands elsewhere, or is better or worse.
    fn unsaid(&self, known: &Followed, turned: bool) -> Option<Why> {
        let Pace { spoke, words, .. } = known.pace;
        if words >= WORDS {
            return Some(Why::Enough);
        }
        let soon = spoke.is_some_and(|spoke| (self.now - spoke).abs() < PAUSE);
        (soon && (!turned || words >= PROMPT)).then_some(Why::Soon)
    }

    /// Whether what was over is held back since it comes back so soon; and how often it has.
    fn returns(&self, known: &Followed) -> (bool, u32) {
        let Pace { spoke: Some(ended), turns, .. } = known.pace else { return (false, 0) };
        let since = (self.now - ended).abs();
        if since >= DAY || known.over.is_none() {
            return (false, 0);
        }
        let rest = REST * (1 << turns.min(4));
        // Of a list that was wrong once its incidents are taken up again at once.
        let spared = known.over != Some(Over::Told) && turns == 0;
        (since < rest && !spared, turns.saturating_add(1))
    }

    /// About what isn't followed, or not any more.
    fn fresh(&self, report: Report, known: Option<&Followed>, first: bool, plan: &mut Plan) {
        let (held, turns) = known.map(|known| self.returns(known)).unwrap_or_default();
        // It had been opened, and nobody said that it was over.
        let again = known.is_some_and(|known| known.over == Some(Over::Gone));
        let pace = Pace {
            state: Some(report.state),
            spoke: Some(self.now),
            opened: Some(self.now),
            words: 1,
            turns,
        };
        let severity = report.severity.unwrap_or(self.policy.severity);
        let concerned = self.concerned(&report);
        let followed = Followed {
            teller: self.teller.clone(),
            key: report.key.clone(),
            outage: None,
            said: report.digest(),
            severity: report.severity,
            missing: None,
            misses: 0,
            pace,
            over: None,
        };
        let why = match report.at {
            _ if report.planned => Why::Planned,
            _ if report.state == State::Resolved => Why::Over,
            _ if severity < self.policy.least => Why::TooMinor,
            _ if concerned.is_none() => Why::OtherComponent,
            Some(at) if at - self.now > AHEAD => Why::Future,
            Some(at) if !again && self.now - at > self.policy.max_age => Why::Old,
            None if first => {
                let followed = Followed { pace: Pace::default(), ..followed };
                plan.notes.push((report.key.clone(), Some(followed)));
                Why::Undated
            }
            _ if held => Why::Soon,
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
        let mapped = services_of(&self.counting(report)?);
        Some(if mapped.is_empty() { self.policy.services.clone() } else { mapped })
    }

    /// The components that a report names; None: there are some, and it names none of them.
    fn counting(&self, report: &Report) -> Option<Vec<&Component>> {
        let components = &self.policy.components;
        if components.is_empty() {
            return Some(Vec::new());
        }
        let given: BTreeSet<String> = report.components.iter().map(|name| name.to_lowercase()).collect();
        // Most feeds name the component only in words.
        let words = given.is_empty().then(|| format!("{}\n{}", report.title, report.text).to_lowercase());
        let named = |name: &String| match &words {
            Some(words) => words.contains(name),
            None => given.contains(name),
        };
        let counting: Vec<&Component> =
            components.iter().zip(&self.names).filter(|(_, name)| named(name)).map(|(of, _)| of).collect();
        (!counting.is_empty()).then_some(counting)
    }

    /// About what isn't told of any more.
    fn missing(&self, is_there: &dyn Fn(&Followed) -> bool, plan: &mut Plan) {
        let runs =
            |known: &Followed| known.outage.filter(|outage| known.over.is_none() && (self.open)(*outage));
        let running = self.known.values().filter(|known| runs(known).is_some()).count();
        let gone: Vec<&Followed> = self.known.values().copied().filter(|known| !is_there(known)).collect();
        let grace = self.policy.grace;
        let at_once = running > 1 && gone.iter().filter(|known| runs(known).is_some()).count() == running;
        plan.vanished = if at_once { running } else { 0 };
        let grace = if at_once { grace.checked_mul(ALL_AT_ONCE).unwrap_or(grace) } else { grace };
        for known in gone {
            let (key, since) = (known.key.clone(), known.missing.unwrap_or(self.now).min(self.now));
            let misses =
                if is_settled(known) { known.misses } else { known.misses.saturating_add(1).min(MISSES) };
            let after = Followed { missing: Some(since), misses, ..known.clone() };
            let is_gone = !is_settled(known) && misses >= MISSES && self.now - since >= grace;
            match runs(known) {
                Some(outage) if is_gone => {
                    let pace = Pace { spoke: Some(self.now), ..after.pace };
                    plan.steps.push(Step::Say {
                        outage,
                        text: format!("The {} doesn't list it any more.", self.teller).into(),
                        said: self.teller.unlisted(),
                        state: Some(State::Resolved),
                        severity: None,
                        followed: (key, Some(Followed { over: Some(Over::Gone), pace, ..after })),
                    });
                }
                None if is_gone => {
                    plan.notes.push((key, Some(Followed { over: Some(Over::Lapsed), ..after })));
                }
                None if self.now - since >= FORGET => plan.notes.push((key, None)),
                _ if after != *known => plan.notes.push((key, Some(after))),
                _ => {}
            }
        }
    }

    /// Of these it isn't known whether they are there: what isn't told of is counted anew.
    fn interrupted(&self, of: &dyn Fn(&Followed) -> bool, plan: &mut Plan) {
        for known in self.known.values().filter(|known| known.missing.is_some() && !is_settled(known)) {
            if of(known) {
                let after = Followed { missing: None, misses: 0, ..(*known).clone() };
                plan.notes.push((known.key.clone(), Some(after)));
            }
        }
    }

    /// Who doesn't tell all it knows may never speak of what is over again.
    fn put_away(&self, spoken_of: &BTreeSet<Box<str>>, plan: &mut Plan) {
        let is_past = |known: &&&Followed| {
            let since = known.pace.spoke.map_or(TimeDelta::MAX, |spoke| self.now - spoke);
            let is_open = known.over.is_none() && known.outage.is_some_and(self.open);
            since >= if known.over == Some(Over::Told) { DAY } else { YEAR } && !is_open
        };
        let past = self.known.values().filter(is_past).filter(|known| !spoken_of.contains(&known.key));
        plan.notes.extend(past.map(|known| (known.key.clone(), None)));
    }
}

/// The services that components are, each once.
fn services_of(components: &[&Component]) -> Vec<Box<str>> {
    let mut services: Vec<Box<str>> = Vec::new();
    for service in components.iter().filter_map(|component| component.service.as_ref()) {
        if !services.contains(service) {
            services.push(service.clone());
        }
    }
    services
}

/// Whether it is over, and noted so.
fn is_settled(known: &Followed) -> bool {
    matches!(known.over, Some(Over::Told | Over::Gone | Over::Lapsed))
}
