//! The channels and their senders; and what is told of them: that one works for nobody, that it works again, and what was given up.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use super::core::Core;
use super::deliver::Sender;
use crate::domain::contacts::Asker;
use crate::domain::delivery::{Condition, Word};
use crate::domain::ids::ChannelName;
use crate::domain::notice::{
    EventKey, Facts, Message, NewNotice, NoticeKind, Recipient, Undelivered, UndeliveredFacts, once_each,
};
use crate::domain::roles;
use crate::store::{BrokenChannel, Change, Event, Listed, NodeState, StoreError};

/// So many messages that were given up are read at once.
const READ_AT_ONCE: usize = 1_000;

/// The senders, by the name of their channel. Replaced as a whole on a reload.
#[derive(Default)]
pub struct Senders {
    all: ArcSwap<BTreeMap<ChannelName, Arc<Sender>>>,
    /// Woken when they are others.
    pub changed: Notify,
}

impl Senders {
    /// These.
    pub fn new(senders: Vec<Sender>) -> Senders {
        let new = Senders::default();
        new.replace(senders);
        new
    }

    /// Takes these instead.
    pub fn replace(&self, senders: Vec<Sender>) {
        let known = self.all();
        for sender in &senders {
            known.get(sender.name()).inspect(|before| sender.goes_on_from(before));
        }
        let named = senders.into_iter().map(|sender| (sender.name().clone(), Arc::new(sender)));
        let before = self.all.swap(Arc::new(named.collect()));
        // By the configuration as it was nothing more is sent.
        before.values().for_each(|sender| sender.retire());
        self.changed.notify_one();
    }

    /// All of them.
    pub fn all(&self) -> Arc<BTreeMap<ChannelName, Arc<Sender>>> {
        self.all.load_full()
    }

    /// Those that work for nobody.
    pub fn broken(&self) -> Vec<BrokenChannel> {
        let broken = |sender: &Arc<Sender>| match sender.condition() {
            Condition::Broken { since, reason } => {
                Some(BrokenChannel { channel: sender.name().clone(), since, reason })
            }
            _ => None,
        };
        self.all.load().values().filter_map(broken).collect()
    }

    /// Whether this one is still in use.
    pub fn has(&self, sender: &Arc<Sender>) -> bool {
        self.all.load().get(sender.name()).is_some_and(|now| Arc::ptr_eq(now, sender))
    }

    /// Something may have to be sent.
    pub fn wake(&self) {
        self.all.load().values().for_each(|sender| sender.wake.notify_one());
    }
}

/// So many messages are named in a notice.
const NAMED: usize = 20;

/// Tells what there is to tell of the channels, and gives up what has waited too long for one that the configuration doesn't know any more.
pub async fn tick(core: &Core, senders: &Senders) -> Result<(), StoreError> {
    let now = core.now();
    let known = senders.all();
    for channel in core.store.channel_counts().await?.into_keys().filter(|name| !known.contains_key(name)) {
        core.store.claim_due(&channel, now, now, 0).await?;
    }
    tell_conditions(core, senders, now).await?;
    tell_given_up(core, senders, now).await
}

/// Each channel that works for nobody is told once, by one that works; and once that it works again.
async fn tell_conditions(core: &Core, senders: &Senders, now: DateTime<Utc>) -> Result<(), StoreError> {
    let known = senders.all();
    let turn = core.turn().await;
    let delivery = Arc::clone(&core.view().delivery);
    let others = core.store.others();
    let condition = |(name, sender): (_, &Arc<Sender>)| (name, together(name, sender.condition(), &others));
    let mut words = delivery.decide(known.iter().map(condition));
    let mut notices = Vec::new();
    words.retain(|word| {
        let recipients = by_what_works(core, senders, &BTreeSet::new());
        if recipients.is_empty() {
            tracing::error!("Nobody can be told of a channel: {}", in_words(word));
            return false;
        }
        notices.push(notice(core, word, recipients, now));
        true
    });
    let after = delivery.told(&words, |name| known.contains_key(name));
    if after == *delivery {
        return Ok(());
    }
    let after = Arc::new(after);
    let event = Event { at: now, change: Change::Delivery(Arc::clone(&after)), notices, audit: None };
    turn.commit(event, |view, _, _| view.delivery = after).await?;
    Ok(())
}

/// How a channel is on all nodes: broken where it is on any.
fn together(name: &ChannelName, own: Condition, others: &[NodeState]) -> Condition {
    if own.is_broken() {
        return own;
    }
    let there = |node: &NodeState| {
        let broken = node.broken.iter().find(|broken| broken.channel == *name)?;
        let reason = format!("on the node {}: {}", node.name, broken.reason).into();
        Some(Condition::Broken { since: broken.since, reason })
    };
    others.iter().find_map(there).unwrap_or(own)
}

fn in_words(word: &Word) -> String {
    match word {
        Word::Broken { channel, reason, .. } => format!("{channel} works for nobody: {reason}"),
        Word::Works { channel, .. } => format!("{channel} works again"),
    }
}

fn notice(core: &Core, word: &Word, recipients: Vec<Recipient>, now: DateTime<Utc>) -> NewNotice {
    let (thread, event, facts) = match word.clone() {
        Word::Broken { channel, since, reason } => {
            let thread = format!("channel/{channel}/{}", since.timestamp_millis());
            (thread.clone(), thread, Facts::ChannelBroken { channel, since, reason })
        }
        Word::Works { channel, since, at } => {
            let thread = format!("channel/{channel}/{}", since.timestamp_millis());
            let event = format!("{thread}/works");
            (thread, event, Facts::ChannelWorks { channel, since, at })
        }
    };
    let expires = now + core.settings().expires_after;
    let thread = EventKey(thread.into());
    NewNotice { thread, ..NewNotice::new(EventKey(event.into()), facts, recipients, expires) }
}

/// Those who answer for notices, by the channels that notices of this kind go by; when none of these works, by the first that does. Not by those in
/// `but`.
fn by_what_works(core: &Core, senders: &Senders, but: &BTreeSet<ChannelName>) -> Vec<Recipient> {
    let (settings, known) = (core.settings(), senders.all());
    let works = |name: &ChannelName| {
        !but.contains(name) && known.get(name).is_some_and(|sender| !sender.condition().is_broken())
    };
    let people = responsible(core);
    let reached = |channels: Vec<ChannelName>| {
        let mut all = settings.routing.recipients(&people, &channels);
        all.retain(|recipient| works(&recipient.channel));
        all
    };
    let sample = Facts::Undelivered(UndeliveredFacts { since: core.now(), messages: Vec::new(), more: 0 });
    let usual = settings.routing.channels(&sample, false).into_iter().filter(works).collect();
    let usual = reached(usual);
    if !usual.is_empty() {
        return usual;
    }
    known
        .keys()
        .filter(|name| works(name))
        .map(|name| reached(vec![name.clone()]))
        .find(|all| !all.is_empty())
        .unwrap_or_default()
}

/// Those who answer for notices: the AD-sync and the global contacts.
fn responsible(core: &Core) -> Vec<Recipient> {
    let of = |role| core.recipients(role, &Asker::Organisation);
    once_each(of(roles::AD_SYNC).into_iter().chain(of(roles::GLOBAL)))
}

/// Stands at the end of the event of a notice that says that such a notice was given up: of that nothing more is told.
const AGAIN: &str = "/again";

/// What was given up since it was last told is told in one notice; that a word on such things was given up, once by a channel that it didn't go by.
async fn tell_given_up(core: &Core, senders: &Senders, now: DateTime<Utc>) -> Result<(), StoreError> {
    let delivery = Arc::clone(&core.view().delivery);
    let Some(horizon) = delivery.horizon(now) else { return Ok(()) };
    let Some(since) = delivery.given_up_told else {
        // What was given up before anybody was told of such things is no news.
        return note_told(core, horizon, Vec::new()).await;
    };
    let (ids, _) = core.store.given_up(since, usize::MAX).await?;
    let (mut given_up, mut words, mut overlooked) = (Lost::default(), Lost::default(), false);
    let mut parts = ids.chunks(READ_AT_ONCE);
    let mut listed = VecDeque::new();
    loop {
        if listed.is_empty() {
            let Some(part) = parts.next() else { break };
            listed.extend(core.store.listed(part).await?);
        }
        let Some(Listed { message, notice }) = listed.pop_front() else { continue };
        if message.changed > horizon {
            break;
        }
        match notice.facts.kind() {
            NoticeKind::Delivery if !notice.event.0.ends_with(AGAIN) => words.add(message, &notice.facts),
            NoticeKind::Delivery | NoticeKind::Test => overlooked = true,
            _ => given_up.add(message, &notice.facts),
        }
    }
    let mut notices = Vec::new();
    let event = format!("undelivered/{}", horizon.timestamp_millis());
    let none = BTreeSet::new();
    let again = (words.channels.clone(), format!("{event}{AGAIN}"), words);
    for (but, event, lost) in [(none, event, given_up), again] {
        if lost.messages.is_empty() {
            continue;
        }
        let (messages, channels) = (lost.messages.len(), &lost.channels);
        tracing::error!(messages, ?channels, "Messages were given up");
        let recipients = by_what_works(core, senders, &but);
        if recipients.is_empty() {
            tracing::error!(
                messages,
                "Messages were given up, and nobody can be told: no other channel works, or no ad-sync or global contact counts"
            );
            if but.is_empty() {
                return Ok(());
            }
            // Those who can be told of the others are.
            overlooked = true;
            continue;
        }
        let facts = Facts::Undelivered(UndeliveredFacts { since, messages: lost.messages, more: lost.more });
        let expires = now + core.settings().expires_after;
        notices.push(NewNotice::new(EventKey(event.into()), facts, recipients, expires));
    }
    // What needn't be told is looked at no more than once.
    if notices.is_empty() && !overlooked { Ok(()) } else { note_told(core, horizon, notices).await }
}

/// Messages that were given up.
#[derive(Default)]
struct Lost {
    /// The first of them.
    messages: Vec<Undelivered>,
    /// How many more there are.
    more: u32,
    /// By which channels all of them were to go.
    channels: BTreeSet<ChannelName>,
}

impl Lost {
    fn add(&mut self, message: Message, facts: &Facts) {
        self.channels.insert(message.recipient.channel.clone());
        if self.messages.len() >= NAMED {
            self.more = self.more.saturating_add(1);
            return;
        }
        self.messages.push(Undelivered {
            message: message.id,
            channel: message.recipient.channel.clone(),
            to: message.recipient.to_string().into(),
            about: facts.about().into(),
            state: message.state,
            answer: message.answer.unwrap_or_default(),
        });
    }
}

/// Notes up to when messages that were given up have been told.
async fn note_told(core: &Core, horizon: DateTime<Utc>, notices: Vec<NewNotice>) -> Result<(), StoreError> {
    let turn = core.turn().await;
    let mut after = (*core.view().delivery).clone();
    after.given_up_told = Some(horizon);
    let after = Arc::new(after);
    let change = Change::Delivery(Arc::clone(&after));
    let event = Event { at: core.now(), change, notices, audit: None };
    turn.commit(event, |view, _, _| view.delivery = after).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::ids::Generation;

    #[test]
    fn a_channel_is_broken_where_it_is_on_any_node() {
        let at = |minute| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(minute);
        let channel = ChannelName::from("sms");
        let broken = BrokenChannel { channel: channel.clone(), since: at(5), reason: "401".into() };
        let other = NodeState {
            name: "two".into(),
            version: "0.1.0".into(),
            started: at(0),
            seen: at(9),
            generation: Generation(1),
            clock_ahead_ms: 0,
            alive: true,
            leads: false,
            broken: vec![broken],
        };
        let works = Condition::Works { at: at(8) };
        let told = together(&channel, works.clone(), std::slice::from_ref(&other));
        assert_eq!(told, Condition::Broken { since: at(5), reason: "on the node two: 401".into() });
        assert_eq!(together(&ChannelName::mail(), works.clone(), std::slice::from_ref(&other)), works);
        let own = Condition::Broken { since: at(7), reason: "no".into() };
        assert_eq!(together(&channel, own.clone(), &[other]), own);
    }
}
