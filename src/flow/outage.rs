//! Incidents and maintenance, as people order them; every word goes to those concerned in the transaction that notes it. What the clock
//! brings is in [`clock`].

pub mod clock;
pub mod inhibit;
mod leaving;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, Utc};

pub use self::leaving::Leaving;
use super::core::{Core, Settings, Turn, audit_entry};
use super::silence;
use crate::domain::audit::Actor;
use crate::domain::climb::Rung;
use crate::domain::ids::{OutageId, UnitId};
use crate::domain::intake;
use crate::domain::notice::{About, EventKey, Facts, Hush, NewNotice, Recipient, Replaces};
use crate::domain::outage::audience::{Audience, NotTold, Told, WhyNot};
use crate::domain::outage::edit::Correction;
use crate::domain::outage::inhibit::Held;
use crate::domain::outage::maintenance::{Step, Window};
use crate::domain::outage::policy::Policy;
use crate::domain::outage::said::Said;
use crate::domain::outage::{Opening, Outage, Refused, State};
use crate::domain::service::NoService;
use crate::domain::subscriber;
use crate::store::{Change, Committed, Event, Sequence, StoreError};

/// What somebody orders.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Order {
    /// Open an incident.
    Open(Opening),
    /// Plan maintenance.
    Plan {
        /// What it is.
        opening: Opening,
        /// When.
        window: Window,
        /// Whether somebody says when it is completed; None: as the configuration has it.
        by_hand: Option<bool>,
    },
    /// Say something new of one.
    Update {
        /// What.
        text: Box<str>,
        /// Where an incident stands from then on.
        state: Option<State>,
    },
    /// Move maintenance. Without an end it takes as long as before.
    Move {
        /// When it begins.
        from: Option<DateTime<Utc>>,
        /// When it ends.
        until: Option<DateTime<Utc>>,
        /// What there is to say.
        text: Box<str>,
    },
    /// Begin, complete or cancel maintenance.
    Step {
        /// Which of these.
        step: Step,
        /// What there is to say.
        text: Box<str>,
    },
    /// Correct what was said.
    Edit {
        /// What.
        correction: Correction,
        /// Whether it is told, too.
        tell: bool,
    },
}

/// What an order came to.
#[derive(Clone, Debug)]
pub struct Done {
    /// How the outage is after it, or would be.
    pub outage: Outage,
    /// Who is told of it, or would be.
    pub audience: Audience,
    /// Whether anybody is; a correction may be silent.
    pub tell: bool,
    /// None: nothing was done but to look.
    pub committed: Option<Committed>,
    /// What would be put into the outbox, when it was only looked at.
    pub leaving: Vec<Leaving>,
}

/// Why a word on an outage wasn't taken.
#[derive(Debug, thiserror::Error)]
pub enum OutageError {
    /// It makes no sense.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It names a unit that isn't there.
    #[error("there is no unit {0}")]
    NoUnit(UnitId),
    /// It names a service that isn't there.
    #[error(transparent)]
    NoService(#[from] NoService),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Carries out an order on a new outage, or on the one with the number `id`. With `preview` nothing is noted and nobody told: only who
/// would be, and why, is found, by the same decision.
///
/// # Errors
/// [`OutageError`].
pub async fn carry_out(
    core: &Core,
    id: Option<OutageId>,
    order: Order,
    by: &Actor,
    why: Option<&str>,
    preview: bool,
) -> Result<Done, OutageError> {
    act(core, id, order, by, Terms { why, preview, told: None, said: None }).await
}

/// As [`carry_out`], brought about by what others tell: `told` is kept of that in the same transaction. `said`: the word is one of the system's.
///
/// # Errors
/// [`OutageError`].
pub async fn carry_out_told(
    core: &Core,
    id: Option<OutageId>,
    order: Order,
    by: &Actor,
    told: intake::Changes,
    said: Option<Said>,
) -> Result<Done, OutageError> {
    act(core, id, order, by, Terms { why: None, preview: false, told: Some(told), said }).await
}

/// How an order is carried out.
struct Terms<'a> {
    why: Option<&'a str>,
    preview: bool,
    told: Option<intake::Changes>,
    said: Option<Said>,
}

async fn act(
    core: &Core,
    id: Option<OutageId>,
    order: Order,
    by: &Actor,
    terms: Terms<'_>,
) -> Result<Done, OutageError> {
    let Terms { why, preview, told: mut by_telling, said } = terms;
    let turn = core.turn().await;
    let before = match id {
        Some(id) => Some(match core.view().outages.get(&id) {
            Some(open) => open.clone(),
            None => core.store.outage(id).await?,
        }),
        None => None,
    };
    let settings = core.settings();
    let order = checked(core, order)?;
    let tell = !matches!(order, Order::Edit { tell: false, .. });
    // Tried before a number is drawn, so that a slip of the pen leaves no gap.
    let now = core.now();
    let mut outage = after(&settings, before.as_ref(), order.clone(), by, now)?;
    if let Some(said) = said {
        outage = outage.saying(said);
    }
    if before.is_none() && !preview {
        outage.id = OutageId(core.store.allocate(Sequence::Outage).await?);
        by_telling = by_telling.map(|told| told.numbered(outage.id));
    }
    let corrects = before.as_ref().filter(|_| matches!(order, Order::Edit { .. }));
    let audience = match corrects {
        Some(before) => {
            let all =
                Audience::of_correction(before, &outage, &core.view().organisation, &settings.outages, now);
            if tell {
                // Who asked for it from outside, and has had a word of it.
                let services = &settings.outages.services;
                all.with_subscribers(&subscriber::who_heard(&core.view().subscribers, before, services))
            } else {
                Audience { left: all.left, ..Audience::default() }
            }
        }
        None => audience(core, &outage, now),
    };
    let (audience, held) = match before {
        None => inhibit::begin(core, &outage, audience, now),
        Some(_) => inhibit::go_on(core, &outage, audience, now).await?,
    };
    let shown = silenced(core, &outage, audience.clone(), now);
    let speaks = tell && (before.is_none() || corrects.is_some());
    let hushes = if speaks { inhibit::hushes(core, &outage, &shown) } else { Vec::new() };
    let action = action(&order, &outage);
    let told = if tell { told(corrects, &outage, &audience) } else { Vec::new() };
    let (before, by_telling) = (before.as_ref(), by_telling.as_ref());
    let commit = Commit { before, outage: &outage, by, why, action, by_telling, now, held, hushes };
    let (committed, leaving) = if preview {
        (None, leaving::of(core, commit.notices(core, told), now))
    } else {
        (Some(commit.carry_out(core, &turn, told).await?), Vec::new())
    };
    Ok(Done { outage, audience: shown, tell, committed, leaving })
}

/// What is told, and to whom. Whom a correction doesn't concern any more is told that.
fn told(corrects: Option<&Outage>, outage: &Outage, audience: &Audience) -> Vec<(About, Vec<Recipient>)> {
    let Some(before) = corrects else { return vec![(About::Word, audience.recipients())] };
    let made = outage.edits.iter().skip(before.edits.len());
    let corrected = made.filter_map(|edit| edit.corrected(outage)).collect();
    let left: Vec<Recipient> = audience.left.iter().map(Told::recipient).collect();
    let left = (!left.is_empty()).then_some((About::Left, left));
    [(About::Corrected(corrected), audience.recipients())].into_iter().chain(left).collect()
}

/// Who is told of an outage at `now`.
pub fn audience(core: &Core, outage: &Outage, now: DateTime<Utc>) -> Audience {
    let (view, settings) = (core.view(), core.settings());
    let outside = subscriber::of_outage(&view.subscribers, outage, &settings.outages.services);
    Audience::of(outage, &view.organisation, &settings.outages, now).with_subscribers(&outside)
}

/// The audience without those for whom it is silenced.
fn silenced(core: &Core, outage: &Outage, all: Audience, now: DateTime<Utc>) -> Audience {
    let facts = word(core, outage);
    let Audience { mut told, mut not_told, mut left } = all;
    for people in [&mut told, &mut left] {
        people.retain(|one| {
            let silence = silence::of(core, &facts, &one.recipient(), now);
            not_told.extend(silence.map(|id| NotTold { name: one.name.clone(), why: WhyNot::Silenced(id) }));
            silence.is_none()
        });
    }
    Audience { told, not_told, left }
}

/// The order with services as they are named, and only units that are there.
fn checked(core: &Core, order: Order) -> Result<Order, OutageError> {
    let settings = core.settings();
    let policy: &Policy = &settings.outages;
    let view = core.view();
    let names = |services: Vec<Box<str>>| -> Result<Vec<Box<str>>, NoService> {
        if policy.services.is_empty() {
            return Ok(services);
        }
        let mut names: Vec<Box<str>> = Vec::new();
        for service in &services {
            let name = &*policy.services.find(service)?.name.0;
            if !names.iter().any(|known| **known == *name) {
                names.push(name.into());
            }
        }
        Ok(names)
    };
    let known = |units: &[UnitId]| {
        let unknown = units.iter().find(|unit| view.organisation.tree.index(**unit).is_none());
        unknown.map_or(Ok(()), |unit| Err(OutageError::NoUnit(*unit)))
    };
    let checked = |opening: Opening| -> Result<Opening, OutageError> {
        known(&opening.units)?;
        Ok(Opening { services: names(opening.services)?, ..opening })
    };
    Ok(match order {
        Order::Open(opening) => Order::Open(checked(opening)?),
        Order::Plan { opening, window, by_hand } => {
            Order::Plan { opening: checked(opening)?, window, by_hand }
        }
        Order::Edit { correction, tell } => {
            known(correction.units.as_deref().unwrap_or_default())?;
            let services = correction.services.map(names).transpose()?;
            Order::Edit { correction: Correction { services, ..correction }, tell }
        }
        other => other,
    })
}

/// How the outage is once the order is carried out.
fn after(
    settings: &Settings,
    before: Option<&Outage>,
    order: Order,
    by: &Actor,
    now: DateTime<Utc>,
) -> Result<Outage, OutageError> {
    let policy = &settings.outages;
    let by = by.clone();
    let known = || before.ok_or_else(|| StoreError::NotFound("outage".to_owned()));
    Ok(match order {
        Order::Open(opening) => Outage::open(OutageId(0), opening, by, now)?,
        Order::Plan { opening, window, by_hand } => {
            let by_hand = by_hand.unwrap_or(policy.by_hand);
            Outage::plan(OutageId(0), opening, window, by_hand, &policy.remind, by, now)?
        }
        Order::Update { text, state } => known()?.update(&text, state, by, now)?,
        Order::Step { step, text } => known()?.step(step, &text, by, now)?,
        Order::Edit { correction, .. } => known()?.edit(correction, &by, now)?,
        Order::Move { from, until, text } => {
            let outage = known()?;
            let plan = outage.plan.as_ref().ok_or(Refused::NotPlanned(outage.id))?;
            let begins = from.unwrap_or(plan.from);
            let window = Window { from: begins, until: until.unwrap_or(begins + (plan.until - plan.from)) };
            outage.move_to(window, (&text, settings.zone), &policy.remind, by, now)?
        }
    })
}

/// What the audit log calls it.
fn action(order: &Order, outage: &Outage) -> &'static str {
    match order {
        Order::Open(_) => "outage opened",
        Order::Plan { .. } => "maintenance planned",
        Order::Update { .. } if outage.plan.is_some() => "maintenance updated",
        Order::Update { .. } if outage.state() == State::Resolved => "outage resolved",
        Order::Update { .. } => "outage updated",
        Order::Move { .. } => "maintenance moved",
        Order::Step { step: Step::Start, .. } => "maintenance started",
        Order::Step { step: Step::Complete, .. } => "maintenance completed",
        Order::Step { step: Step::Cancel, .. } => "maintenance cancelled",
        Order::Edit { .. } => "outage corrected",
    }
}

/// A new version of an outage, on its way into the store.
struct Commit<'a> {
    before: Option<&'a Outage>,
    outage: &'a Outage,
    by: &'a Actor,
    why: Option<&'a str>,
    action: &'static str,
    /// What is kept of what brought it about.
    by_telling: Option<&'a intake::Changes>,
    now: DateTime<Utc>,
    /// Who isn't told, since another incident speaks for it.
    held: Option<Held>,
    /// For which incidents it speaks.
    hushes: Vec<Hush>,
}

impl Commit<'_> {
    /// What is told of it, and to whom.
    fn notices(&self, core: &Core, told: Vec<(About, Vec<Recipient>)>) -> Vec<NewNotice> {
        let Commit { before, outage, now, ref held, ref hushes, .. } = *self;
        let id = outage.id;
        let settings = core.settings();
        let (usual, true_until) = (now + settings.expires_after, true_until(outage, now));
        let notice = |(about, recipients): (About, Vec<Recipient>)| {
            let part = if about == About::Left { "/left" } else { "" };
            let event = EventKey(format!("outage/{id}/{}{part}", outage.version()).into());
            NewNotice {
                thread: inhibit::thread(id),
                inhibited: (outage.plan.is_none() && matches!(about, About::Word | About::Corrected(_)))
                    .then(|| (id, held.clone())),
                replaces: replaces(&settings, before, outage, &about),
                asks: outage.ack
                    && outage.ended_at().is_none()
                    && matches!(about, About::Word | About::Corrected(_)),
                true_until,
                hushes: if about == About::Left { Vec::new() } else { hushes.clone() },
                ..NewNotice::new(
                    event,
                    facts(core, outage, about),
                    recipients,
                    true_until.map_or(usual, |until| usual.min(until)),
                )
            }
        };
        told.into_iter().map(notice).collect()
    }

    /// Notes it, and with it what is told of it, and to whom.
    async fn carry_out(
        &self,
        core: &Core,
        turn: &Turn<'_>,
        told: Vec<(About, Vec<Recipient>)>,
    ) -> Result<Committed, StoreError> {
        let Commit { before, outage, by, why, action, by_telling, now, ref held, .. } = *self;
        let id = outage.id;
        let notices = self.notices(core, told);
        if held.is_none() && notices.iter().any(|notice| notice.recipients.is_empty()) {
            tracing::error!(
                outage = id.0,
                "Nobody is told of the outage: no contact for outage or global counts; assign one with `budkavle contacts assign outage`"
            );
        }
        let audit = audit_entry(now, by, action, format!("outage {id}"), before, Some(outage), why);
        let event = Event {
            at: now,
            change: match by_telling {
                None => Change::Outage(outage.clone()),
                Some(changes) => Change::OutageTold(outage.clone(), Box::new(changes.clone())),
            },
            notices,
            audit: Some(audit),
        };
        let committed = turn
            .commit(event, |view, _, _| {
                if outage.ended_at().is_some() {
                    view.outages.remove(&id);
                } else {
                    view.outages.insert(id, outage.clone());
                }
                if let Some(changes) = by_telling {
                    Arc::make_mut(&mut view.intake).apply(changes.clone());
                }
            })
            .await?;
        core.outages.notify_one();
        // What is over goes on no more.
        core.climbs.notify_one();
        let (messages, state) = (committed.messages, outage.state());
        tracing::info!(outage = id.0, messages, %state, "{}", sentence(action));
        Ok(committed)
    }
}

/// What of earlier words a new one takes the place of. Those on maintenance aren't true any more when its time or its state is another one. Of an incident
/// whoever gets the later one first would take an earlier one for the last; and the mail repeats what was said before.
fn replaces(settings: &Settings, before: Option<&Outage>, outage: &Outage, about: &About) -> Replaces {
    let other = |before: &&Outage| before.plan != outage.plan || before.state() != outage.state();
    match about {
        About::Word if before.filter(|before| before.plan.is_some()).filter(other).is_some() => {
            Replaces::Waiting
        }
        About::Word if before.is_some_and(|before| before.plan.is_none()) => Replaces::Waiting,
        About::Word | About::Left | About::Corrected(_) if settings.holds() => Replaces::Held,
        _ => Replaces::Nothing,
    }
}

/// Until when a word on it is so: what says that something will begin, until it does, and that it is under way, until the clock ends it.
fn true_until(outage: &Outage, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let plan = outage.plan.as_ref()?;
    let until = match outage.state() {
        State::Planned | State::Reminded => Some(plan.from),
        State::Started if !plan.by_hand => Some(plan.until),
        _ => None,
    };
    until.filter(|until| *until > now)
}

/// The way up that an outage would take if nobody of its audience took it on, with how many stand on each rung. None: it doesn't ask.
pub fn way(
    core: &Core,
    outage: &Outage,
    audience: &Audience,
    now: DateTime<Utc>,
) -> Option<Vec<(Rung, usize)>> {
    let event = inhibit::thread(outage.id);
    let asks = outage.ack && outage.ended_at().is_none();
    let notice = NewNotice { asks, ..NewNotice::new(event, word(core, outage), audience.recipients(), now) };
    let (view, settings) = (core.view(), core.settings());
    let climb = settings.climbing.begin(&notice, &view.organisation, now)?;
    Some(climb.way(&view.organisation, now))
}

/// What a notice says of an outage as it stands.
pub fn word(core: &Core, outage: &Outage) -> Facts {
    facts(core, outage, About::Word)
}

/// What a notice says of an outage.
fn facts(core: &Core, outage: &Outage, about: About) -> Facts {
    let (view, settings) = (core.view(), core.settings());
    Facts::OutageWord(Box::new(outage.word(&view.organisation, &settings.outages.services, about)))
}

fn sentence(action: &str) -> String {
    let mut letters = action.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
