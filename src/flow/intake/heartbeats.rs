//! Signs of life of jobs: taken when they come, and an incident when one doesn't.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::{RESOLVED, note, told, units};
use crate::domain::audit::Actor;
use crate::domain::ids::{HeartbeatName, OutageId};
use crate::domain::intake::Changes;
use crate::domain::intake::heartbeat::{Beat, Job, Life, Listening};
use crate::domain::outage::Opening;
use crate::domain::outage::said::Said;
use crate::flow::core::Core;
use crate::flow::outage::{Order, OutageError, carry_out_told};
use crate::store::StoreError;

/// A sign of life so soon after another says nothing new, and isn't written down.
const TOO_SOON: TimeDelta = TimeDelta::seconds(1);

/// A job and how it is doing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HeartbeatLine {
    /// What it is called.
    pub name: HeartbeatName,
    /// What people call it.
    pub title: Box<str>,
    /// How often it gives a sign of life, in seconds.
    pub every: i64,
    /// How much later it may come, in seconds.
    pub grace: i64,
    /// The last sign of life.
    pub last: Option<DateTime<Utc>>,
    /// How it is doing.
    pub life: Life,
    /// The outage that is open since none came.
    pub outage: Option<OutageId>,
}

/// Why a sign of life wasn't taken.
#[derive(Debug, thiserror::Error)]
pub enum HeartbeatError {
    /// There is no such job.
    #[error("there is no [[heartbeat]] {0}; {1}")]
    NoJob(String, String),
    /// The outage.
    #[error(transparent)]
    Outage(#[from] OutageError),
}

impl From<StoreError> for HeartbeatError {
    fn from(error: StoreError) -> Self {
        HeartbeatError::Outage(error.into())
    }
}

/// The configured jobs.
pub struct Heartbeats {
    jobs: ArcSwap<BTreeMap<HeartbeatName, Job>>,
    /// Since when signs of life are taken.
    listening: Mutex<Listening>,
    /// One decision at a time: a sign of life mustn't cross with its being missed.
    one: tokio::sync::Mutex<()>,
    /// Woken when there are other jobs.
    pub changed: Notify,
}

impl Heartbeats {
    /// These jobs, listened to from now on.
    pub fn new(jobs: BTreeMap<HeartbeatName, Job>, now: DateTime<Utc>) -> Heartbeats {
        Heartbeats {
            jobs: ArcSwap::from_pointee(jobs),
            listening: Mutex::new(Listening { since: now, deaf: None }),
            one: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Takes those of another configuration.
    pub fn replace(&self, jobs: BTreeMap<HeartbeatName, Job>) {
        self.jobs.store(Arc::new(jobs));
        self.changed.notify_one();
    }

    /// Nobody is heard at `now`, since nobody gets through: what is expected now may come later.
    pub fn deaf(&self, now: DateTime<Utc>) {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).deaf = Some(now);
    }

    /// Since when signs of life are taken; a clock that was ahead at the start doesn't count.
    fn listening(&self, now: DateTime<Utc>) -> Listening {
        let mut kept = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Listening { since: kept.since.min(now), deaf: kept.deaf.map(|deaf| deaf.min(now)) };
        *kept
    }

    /// All of them, and how they are doing.
    pub fn list(&self, core: &Core) -> Vec<HeartbeatLine> {
        let (view, now) = (core.view(), core.now());
        let line = |job: &Job| {
            let beat = view.intake.beats.get(&job.name).cloned();
            let beat = beat.unwrap_or_else(|| Beat::first(job.name.clone(), now));
            HeartbeatLine {
                name: job.name.clone(),
                title: job.title.clone(),
                every: job.every.num_seconds(),
                grace: job.grace.num_seconds(),
                last: beat.last,
                life: beat.life(job, self.listening(now), now),
                outage: beat.outage.filter(|outage| view.outages.contains_key(outage)),
            }
        };
        self.jobs.load().values().map(line).collect()
    }

    /// Takes a sign of life, and resolves the incident that there was without it.
    ///
    /// # Errors
    /// [`HeartbeatError`].
    pub async fn heard(&self, core: &Core, name: &str) -> Result<HeartbeatLine, HeartbeatError> {
        let _alone = self.one.lock().await;
        // Another node may have opened an incident for it.
        core.follow().await?;
        let jobs = self.jobs.load_full();
        let name = HeartbeatName::from(name);
        let Some(job) = jobs.get(&name) else {
            let all: Vec<String> = jobs.keys().map(ToString::to_string).collect();
            let all = if all.is_empty() {
                "none is configured".into()
            } else {
                format!("there are: {}", all.join(", "))
            };
            return Err(HeartbeatError::NoJob(name.to_string(), all));
        };
        let (view, now) = (core.view(), core.now());
        let before = view.intake.beats.get(&name).cloned().unwrap_or_else(|| Beat::first(name.clone(), now));
        let after = before.heard(now);
        let changes = Changes::beat(after.clone());
        match before.outage.filter(|outage| view.outages.contains_key(outage)) {
            Some(outage) => {
                let said = Said::Sign { job: job.title.clone(), before: before.last };
                let text = said.text(core.settings().zone).into();
                let order = Order::Update { text, state: RESOLVED };
                carry_out_told(core, Some(outage), order, &author(&name), changes, Some(said)).await?;
            }
            None if before.outage.is_none()
                && before.last.is_some_and(|last| (now - last).abs() < TOO_SOON) => {}
            None => note(core, changes).await?,
        }
        Ok(HeartbeatLine {
            name,
            title: job.title.clone(),
            every: job.every.num_seconds(),
            grace: job.grace.num_seconds(),
            last: after.last,
            life: after.life(job, self.listening(now), now),
            outage: None,
        })
    }

    /// Opens an incident for each job whose sign of life is overdue, and forgets those that are no longer waited for. One of which that
    /// can't be noted holds up no other.
    ///
    /// # Errors
    /// The first that failed.
    pub async fn tick(&self, core: &Core) -> Result<(), OutageError> {
        let _alone = self.one.lock().await;
        core.follow().await?;
        let jobs = self.jobs.load_full();
        let left: Vec<_> =
            core.view().intake.beats.keys().filter(|n| !jobs.contains_key(*n)).cloned().collect();
        if !left.is_empty() {
            for name in &left {
                tracing::info!(heartbeat = %name, "A job is no longer in the configuration; an outage that it opened is closed by hand now");
            }
            let beats = left.into_iter().map(|name| (name, None)).collect();
            note(core, Changes { beats, ..Changes::default() }).await?;
        }
        let mut all = Ok(());
        for job in jobs.values() {
            let one = self.tick_one(core, job).await;
            all = all.and(one);
        }
        all
    }

    async fn tick_one(&self, core: &Core, job: &Job) -> Result<(), OutageError> {
        let (view, now) = (core.view(), core.now());
        let Some(beat) = view.intake.beats.get(&job.name) else {
            note(core, Changes::beat(Beat::first(job.name.clone(), now))).await?;
            return Ok(());
        };
        let right = beat.noted(job, self.listening(now), now);
        if right != *beat {
            note(core, Changes::beat(right.clone())).await?;
        }
        let beat = &right;
        // Once is enough, also when somebody has closed it by hand.
        if beat.outage.is_some() || matches!(beat.life(job, self.listening(now), now), Life::Due(_)) {
            return Ok(());
        }
        let (units, unknown) = units(core, &job.units);
        for trouble in unknown {
            tracing::warn!(heartbeat = %job.name, "[[heartbeat]] {}: {trouble}", job.name);
        }
        let every = u64::try_from(job.every.num_seconds()).unwrap_or_default();
        let said = Said::NoSign { job: job.title.clone(), every, last: beat.last, since: beat.since };
        let opening = Opening {
            title: format!("No sign of life from {}", job.title).into(),
            text: said.text(core.settings().zone).into(),
            severity: job.severity,
            services: job.services.clone(),
            units,
            also: Vec::new(),
            ack: false,
        };
        let changes = Changes::beat(beat.clone());
        let (by, order) = (author(&job.name), Order::Open(opening));
        let done = carry_out_told(core, None, order, &by, changes, Some(said)).await?;
        tracing::warn!(heartbeat = %job.name, outage = done.outage.id.0, messages = told(&done), "No sign of life has come");
        Ok(())
    }

    /// When the next is overdue, after now.
    pub fn next(&self, core: &Core) -> Option<DateTime<Utc>> {
        let (view, now) = (core.view(), core.now());
        let jobs = self.jobs.load();
        let due = jobs.values().filter_map(|job| match view.intake.beats.get(&job.name) {
            Some(beat) if beat.outage.is_none() => match beat.life(job, self.listening(now), now) {
                Life::Due(at) | Life::Missing(at) => Some(at),
            },
            _ => None,
        });
        due.filter(|at| *at > now).min()
    }
}

fn author(name: &HeartbeatName) -> Actor {
    Actor::Source(format!("heartbeat {name}").into())
}
