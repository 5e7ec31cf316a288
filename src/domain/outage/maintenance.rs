//! Maintenance: planned, announced, reminded of, begun and completed by the clock, or moved and cancelled by people.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::said::Said;
use super::{Opening, Outage, Refused, State, checked_text};
use crate::domain::audit::Actor;
use crate::domain::ids::OutageId;

/// When maintenance is carried out, and what the clock has brought so far.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// When it begins.
    pub from: DateTime<Utc>,
    /// When it ends, as planned.
    pub until: DateTime<Utc>,
    /// Grows whenever its entry in a calendar has another time, is cancelled or corrected (`SEQUENCE`, RFC 5545 §3.8.7.4).
    pub sequence: u32,
    /// Somebody says when it is completed; else the clock does.
    pub by_hand: bool,
    /// The shortest time ahead, in minutes, at which it was told or could have been: only what is nearer is still to come.
    pub reminded: Option<u32>,
    /// It has been told that it takes longer than planned.
    pub overdue: bool,
}

/// From when until when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// The beginning.
    pub from: DateTime<Utc>,
    /// The end.
    pub until: DateTime<Utc>,
}

/// Why a time can't be that of maintenance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTime {
    /// It ends before it begins.
    #[error("it ends ({1}) before it begins ({0}), or at that moment")]
    Backwards(DateTime<Utc>, DateTime<Utc>),
    /// It takes longer than anything that is planned.
    #[error("it would take {0} days; maintenance may take up to {LONGEST_DAYS}")]
    Long(i64),
    /// It would be over before it is told.
    #[error(
        "it would have ended {0}, before now; open an outage with `budkavle outage open`, or give a time to come"
    )]
    Past(DateTime<Utc>),
    /// It has begun, so its beginning stays.
    #[error("it began {0} already: only its end can be moved (--until)")]
    Begun(DateTime<Utc>),
}

const LONGEST_DAYS: i64 = 60;

/// What a person does with maintenance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Begins it, before its time.
    Start,
    /// It is done.
    Complete,
    /// It won't be carried out, or is broken off.
    Cancel,
}

/// What the clock has made due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// It begins so many minutes from the moment that the reminder was due at.
    Remind(u32),
    /// It begins.
    Start,
    /// It ends.
    Complete,
    /// It should have ended, and nobody has said that it did.
    Overdue,
}

impl Outage {
    /// Plans maintenance, or notes that it is under way when its beginning is past. `remind`: so long before it begins it is told again;
    /// what is past of that is told by this announcement.
    ///
    /// # Errors
    /// [`Refused`], when it says nothing or too much, or when its time is none.
    pub fn plan(
        id: OutageId,
        opening: Opening,
        window: Window,
        by_hand: bool,
        remind: &[TimeDelta],
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<Outage, Refused> {
        check(window, now)?;
        let Window { from, until } = window;
        let reminded = passed(remind, from, now);
        let plan = Plan { from, until, sequence: 0, by_hand, reminded, overdue: false };
        let begun = Outage::begin(id, opening, ahead_or_begun(from, now), by, now)?;
        Ok(Outage { plan: Some(plan), ..begun })
    }

    /// Moves maintenance. What is under way can only end at another time. Without a text it is said when it was to be before, by the clocks of `zone`.
    ///
    /// # Errors
    /// [`Refused`], when it is none, when it is over, or when the time is none.
    pub fn move_to(
        &self,
        window: Window,
        (text, zone): (&str, Tz),
        remind: &[TimeDelta],
        by: Actor,
        now: DateTime<Utc>,
    ) -> Result<Outage, Refused> {
        let plan = self.planned()?;
        self.check_open()?;
        check(window, now)?;
        let begun = self.state() == State::Started;
        if begun && window.from != plan.from {
            return Err(BadTime::Begun(plan.from).into());
        }
        if (window.from, window.until) == (plan.from, plan.until) {
            return Err(Refused::Same(self.id));
        }
        let text = checked_text(text)?;
        let state = if begun { State::Started } else { ahead_or_begun(window.from, now) };
        let said = Said::Moved { from: plan.from, until: plan.until };
        let after = self.say(text, said, zone, state, by, now);
        let plan = Plan {
            from: window.from,
            until: window.until,
            sequence: plan.sequence.saturating_add(1),
            by_hand: plan.by_hand,
            reminded: passed(remind, window.from, now),
            overdue: false,
        };
        Ok(Outage { plan: Some(plan), ..after })
    }

    /// Begins, completes or cancels maintenance. What begins before its time has begun now, and only its end can be moved from then on.
    ///
    /// # Errors
    /// [`Refused`], when it is none, when it is over, or when it has begun already.
    pub fn step(&self, step: Step, text: &str, by: Actor, now: DateTime<Utc>) -> Result<Outage, Refused> {
        let plan = self.planned()?;
        self.check_open()?;
        let (state, usual) = match step {
            Step::Start if self.state() == State::Started => return Err(Refused::Same(self.id)),
            Step::Start => (State::Started, Said::Begun),
            Step::Complete => (State::Completed, Said::Done),
            Step::Cancel => (State::Cancelled, Said::Cancelled),
        };
        let text = checked_text(text)?;
        let from = if state == State::Started { plan.from.min(now) } else { plan.from };
        let other = u32::from(state == State::Cancelled || from != plan.from);
        let plan = Plan { from, sequence: plan.sequence.saturating_add(other), ..plan.clone() };
        Ok(Outage { plan: Some(plan), ..self.say(text, usual, Tz::UTC, state, by, now) })
    }

    /// What the clock has made due at `now`: of several things the last, so that who was away isn't told old news.
    pub fn due(&self, remind: &[TimeDelta], now: DateTime<Utc>) -> Option<Due> {
        let plan = self.plan.as_ref()?;
        let state = self.state();
        if state.is_end() {
            return None;
        }
        if plan.until <= now {
            return if plan.by_hand { (!plan.overdue).then_some(Due::Overdue) } else { Some(Due::Complete) };
        }
        if plan.from <= now {
            return (state != State::Started).then_some(Due::Start);
        }
        if state == State::Started {
            return None;
        }
        let lead = passed(remind, plan.from, now)?;
        plan.reminded.is_none_or(|told| lead < told).then_some(Due::Remind(lead))
    }

    /// When the clock makes something due next, after `now`.
    pub fn next_due(&self, remind: &[TimeDelta], now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let plan = self.plan.as_ref().filter(|_| !self.state().is_end())?;
        let reminders = remind.iter().filter_map(|lead| plan.from.checked_sub_signed(*lead));
        reminders.chain([plan.from, plan.until]).filter(|at| *at > now).min()
    }

    /// How it is once what is due has been told.
    #[must_use]
    pub fn by_clock(&self, due: Due, now: DateTime<Utc>) -> Outage {
        let Some(plan) = self.plan.clone() else { return self.clone() };
        let (state, said, plan) = match due {
            Due::Remind(lead) => (State::Reminded, Said::Reminder, Plan { reminded: Some(lead), ..plan }),
            Due::Start => (State::Started, Said::Begun, plan),
            Due::Complete => (State::Completed, Said::DoneAsPlanned, plan),
            Due::Overdue => (State::Started, Said::Late, Plan { overdue: true, ..plan }),
        };
        let after = self.say(String::new(), said, Tz::UTC, state, Actor::System, now);
        Outage { plan: Some(plan), ..after }
    }

    fn planned(&self) -> Result<&Plan, Refused> {
        self.plan.as_ref().ok_or(Refused::NotPlanned(self.id))
    }
}

fn check(window: Window, now: DateTime<Utc>) -> Result<(), BadTime> {
    let Window { from, until } = window;
    if until <= from {
        return Err(BadTime::Backwards(from, until));
    }
    if until <= now {
        return Err(BadTime::Past(until));
    }
    let days = (until - from).num_days();
    if days >= LONGEST_DAYS { Err(BadTime::Long(days)) } else { Ok(()) }
}

/// Where maintenance stands that begins at `from`.
fn ahead_or_begun(from: DateTime<Utc>, now: DateTime<Utc>) -> State {
    if from <= now { State::Started } else { State::Planned }
}

/// The shortest time ahead of `from`, in minutes, that is past.
fn passed(remind: &[TimeDelta], from: DateTime<Utc>, now: DateTime<Utc>) -> Option<u32> {
    let ahead = remind.iter().filter(|lead| from - **lead <= now);
    ahead.min().and_then(|lead| u32::try_from(lead.num_minutes()).ok())
}

#[cfg(test)]
mod tests;
