//! Mails that came back (RFC 3464): what a report says, whether it is believed, and what becomes of the message and its address.
//!
//! Anybody can write a mail that looks like a report. Believed is one only with a token that we put into the message itself (its return path, its
//! `ENVID`, a header of it), and only of that message, for its own recipient, if it was sent lately.

mod marks;
mod parts;
mod report;
mod return_path;
#[cfg(test)]
mod tests;
mod token;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::ids::MessageId;
use super::mailbox::Address;
use super::notice::{Message, MessageState};

pub use marks::Marks;
pub use report::{Action, Report, Returned, Status, read};
pub use return_path::{NotAReturnPath, ReturnPath};
pub use token::{HEADER, ReturnKey, tokens};

/// How mails that come back are judged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Policy {
    /// So long after it was sent a message can come back.
    pub window: TimeDelta,
    /// So long after the last mail to it came back an address isn't written to.
    pub mark_for: TimeDelta,
}

/// What is known of an address that doesn't exist (any more).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mark {
    /// Which.
    pub address: Address,
    /// When the first mail came back.
    pub since: DateTime<Utc>,
    /// When the last one did.
    pub last: DateTime<Utc>,
    /// How many did.
    pub times: u32,
    /// The last message that did.
    pub message: MessageId,
    /// Its status (RFC 3463), such as `5.1.1`.
    pub status: Box<str>,
    /// What the server said that wouldn't take it.
    pub answer: Box<str>,
}

/// So many addresses of one domain, and so many in all, are marked within an hour. More at once is rather a server that is in trouble (its table of recipients is
/// empty, or it can't ask the DNS) than so many people who left at once.
const AT_ONCE: (usize, usize) = (10, 30);

impl Mark {
    /// The same after one more message came back.
    #[must_use]
    pub fn after(before: Option<&Mark>, new: Mark) -> Mark {
        match before {
            Some(before) => Mark { since: before.since, times: before.times.saturating_add(1), ..new },
            None => new,
        }
    }

    /// Whether it has been long since a mail came back: then it is tried again whether the address exists.
    pub fn is_over(&self, now: DateTime<Utc>, holds: TimeDelta) -> bool {
        now - self.last > holds
    }
}

/// What a report that is believed says of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bounce {
    /// Which message.
    pub message: MessageId,
    /// What became of it.
    pub fate: Fate,
    /// The status and the words of the server that wouldn't take it.
    pub answer: Box<str>,
    /// The address, when it is not there.
    pub mark: Option<Mark>,
}

/// What became of a message after the first server had taken it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It won't arrive.
    Failed,
    /// It hasn't arrived yet, and is still tried.
    Delayed,
}

/// Why a mail in the mailbox for bounces changes nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Ignored {
    /// An answer by a machine, such as that somebody is on holiday (RFC 3834).
    #[error("it is an automatic answer")]
    AutomaticAnswer,
    /// Any other mail.
    #[error("it is no delivery report")]
    NoReport,
    /// It arrived, or was handed on.
    #[error("it says that the message arrived or was handed on")]
    Arrived,
    /// A fault of ours.
    #[error("reading it failed, which is a fault of Budkavle")]
    Broken,
    /// It holds no token of ours.
    #[error(
        "it doesn't hold the sign that each of our messages carries, so that anybody may have written it"
    )]
    Unproven,
    /// The message isn't known any more.
    #[error("the message {0} isn't known (any more)")]
    UnknownMessage(MessageId),
    /// The message went to somebody else.
    #[error("it speaks of another recipient than the message {0} had")]
    OtherRecipient(MessageId),
    /// The message wasn't sent lately.
    #[error("the message {0} wasn't sent lately")]
    NotLately(MessageId),
    /// The message is still being sent, as far as is known: what comes back can be faster than the note that it left. To be looked at again.
    #[error("the message {0} isn't noted as sent yet")]
    TooEarly(MessageId),
    /// It is known already.
    #[error("of the message {0} it is known already")]
    Known(MessageId),
}

/// What a report that `arrived` then means for the message that its token names, at `now`. `window`: so long after it was sent a message can come back; when
/// the report is read doesn't matter.
///
/// # Errors
/// Why it changes nothing.
pub fn judge(
    report: &Report,
    message: &Message,
    now: DateTime<Utc>,
    arrived: DateTime<Utc>,
    window: TimeDelta,
) -> Result<Bounce, Ignored> {
    let (id, recipient) = (message.id, message.recipient.mail.as_ref());
    let about = |returned: &&Returned| recipient.is_some_and(|to| returned.is_about(to));
    // One message has one recipient; what else is reported is of whom it was handed on to.
    let (Some(returned), Some(recipient)) = (report.returned.iter().find(about), recipient) else {
        return Err(Ignored::OtherRecipient(id));
    };
    let fate = match returned.action {
        Action::Failed => Fate::Failed,
        Action::Delayed => Fate::Delayed,
        Action::Other => return Err(Ignored::Arrived),
    };
    match message.state {
        MessageState::Sent if arrived - message.changed <= window => {}
        MessageState::Queued | MessageState::Sending | MessageState::Deferred
            if arrived - message.changed <= window =>
        {
            return Err(Ignored::TooEarly(id));
        }
        MessageState::Failed => return Err(Ignored::Known(id)),
        _ => return Err(Ignored::NotLately(id)),
    }
    let answer = returned.in_words();
    if fate == Fate::Delayed && message.answer.as_deref().is_some_and(|said| said.starts_with(DELAYED)) {
        return Err(Ignored::Known(id));
    }
    let is_gone = fate == Fate::Failed && returned.says_that_nobody_is_there();
    let mark = is_gone.then(|| Mark {
        address: recipient.clone(),
        since: now,
        last: now,
        times: 1,
        message: id,
        status: returned.status.map(|status| status.to_string()).unwrap_or_default().into(),
        answer: answer.clone(),
    });
    let begins = if fate == Fate::Failed { CAME_BACK } else { DELAYED };
    Ok(Bounce { message: id, fate, answer: format!("{begins}: {answer}").into(), mark })
}

const CAME_BACK: &str = "it came back";
const DELAYED: &str = "it is delayed on its way";
