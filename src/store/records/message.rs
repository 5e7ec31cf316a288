//! A message, which is written more often than anything else: its times are numbers and not text.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Kind, Record, from_postcard, old, to_postcard};
use crate::domain::ids::{MessageId, NoticeId};
use crate::domain::notice::{Message, MessageState, Priority, Recipient};

/// Seconds since 1970, and nanoseconds.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Time(i64, u32);

impl From<DateTime<Utc>> for Time {
    fn from(time: DateTime<Utc>) -> Time {
        Time(time.timestamp(), time.timestamp_subsec_nanos())
    }
}

impl TryFrom<Time> for DateTime<Utc> {
    type Error = String;

    fn try_from(Time(seconds, nanos): Time) -> Result<Self, String> {
        DateTime::from_timestamp(seconds, nanos)
            .ok_or_else(|| format!("{seconds} s and {nanos} ns are no time"))
    }
}

/// As it is written: to a recipient, with an answer, which are borrowed then.
#[derive(Serialize, Deserialize)]
struct Body<R, A> {
    id: MessageId,
    notice: NoticeId,
    recipient: R,
    priority: Priority,
    state: MessageState,
    attempts: u32,
    at: Time,
    due: Time,
    changed: Time,
    answer: Option<A>,
    together: Option<MessageId>,
}

impl Record for Message {
    const KIND: Kind = Kind::Message;
    const SCHEMA: u16 = 6;

    fn body(&self) -> Result<Vec<u8>, String> {
        let Message { id, notice, recipient, priority, state, attempts, at, due, changed, answer, together } =
            self;
        to_postcard(&Body {
            id: *id,
            notice: *notice,
            recipient,
            priority: *priority,
            state: *state,
            attempts: *attempts,
            at: (*at).into(),
            due: (*due).into(),
            changed: (*changed).into(),
            answer: answer.as_deref(),
            together: *together,
        })
    }

    fn parse(schema: u16, body: &[u8]) -> Result<Message, String> {
        match schema {
            1 => return from_postcard::<old::MessageV1>(body).map(Into::into),
            2 => return from_postcard::<old::MessageV2>(body).map(Into::into),
            3 => return from_postcard::<old::MessageV3>(body).map(Into::into),
            4 => return from_postcard::<old::MessageV4>(body).map(Into::into),
            5 => return from_postcard::<old::MessageV5>(body).map(Into::into),
            _ => {}
        }
        let Body { id, notice, recipient, priority, state, attempts, at, due, changed, answer, together } =
            from_postcard::<Body<Recipient, Box<str>>>(body)?;
        let (at, due, changed) = (at.try_into()?, due.try_into()?, changed.try_into()?);
        Ok(Message { id, notice, recipient, priority, state, attempts, at, due, changed, answer, together })
    }
}
