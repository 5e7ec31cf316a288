//! A notice as somebody gets it, to be looked at.

use serde::{Deserialize, Serialize};

use super::core::Core;
use crate::channel::message::{ComposeError, Composer, Kind};
use crate::domain::ids::NoticeId;
use crate::domain::language::Language;
use crate::domain::locale::Locale;
use crate::domain::mailbox::Address;
use crate::domain::notice::{Message, Notice};
use crate::store::{Listed, MessageFilter, StoreError};

/// A notice in all its forms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Preview {
    /// The number of the notice; 0 for a sample.
    pub notice: u64,
    /// What kind it is.
    pub kind: String,
    /// In which language.
    pub language: Language,
    /// By whose clocks.
    pub timezone: String,
    /// To whom: an address, a number, or what a place is called.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// The mail as it is sent, but for what the way adds. None: a place gets no mail.
    pub eml: Option<String>,
}

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// Nobody got it.
    #[error(
        "no message of notice {0} is kept: there is none of this number, or it went to nobody, or too long ago"
    )]
    NoMessage(NoticeId),
    /// Others got it.
    #[error("notice {notice} went to nobody with the address {to}, but to {others}")]
    NotTo {
        /// Which notice.
        notice: NoticeId,
        /// Who was asked about.
        to: Address,
        /// The first who got it.
        others: String,
    },
    /// It can't be written.
    #[error(transparent)]
    Compose(#[from] ComposeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A notice as the recipient of `message` gets it.
///
/// # Errors
/// It can't be written.
pub fn of(
    composer: &Composer,
    notice: &Notice,
    message: &Message,
    locale: Locale,
    instance: u64,
) -> Result<Preview, ComposeError> {
    let words = composer.writer().write(notice, &message.recipient.why, locale)?;
    let eml = match composer.compose(notice, message, locale, instance) {
        Ok(mail) => Some(String::from_utf8_lossy(&mail.bytes).into_owned()),
        Err(ComposeError::NoAddress) => None,
        Err(error) => return Err(error),
    };
    Ok(Preview {
        notice: notice.id.0,
        kind: Kind::of(&notice.facts).name().to_owned(),
        language: locale.language,
        timezone: locale.zone.name().to_owned(),
        to: message.recipient.to_string(),
        subject: words.subject,
        text: words.text,
        html: words.html,
        eml,
    })
}

/// A notice that was decided as `to` gets it, or the first of those who do; in another language than theirs, when one is given.
///
/// # Errors
/// There is no such notice, or they get none.
pub async fn stored(
    core: &Core,
    composer: &Composer,
    id: NoticeId,
    to: Option<&Address>,
    language: Option<Language>,
) -> Result<Preview, PreviewError> {
    let filter = MessageFilter { notice: Some(id), limit: MOST, ..MessageFilter::default() };
    let mut messages = core.store.messages(filter).await?;
    // The newest come first; whoever was enqueued first is shown.
    messages.sort_by_key(|listed| listed.message.id);
    let wanted = |listed: &&Listed| {
        to.is_none_or(|to| listed.message.recipient.mail.as_ref().map(Address::key) == Some(to.key()))
    };
    let Some(listed) = messages.iter().find(wanted) else {
        let others: Vec<String> = messages.iter().take(5).map(|l| l.message.recipient.to_string()).collect();
        return Err(match to {
            Some(to) if !others.is_empty() => {
                PreviewError::NotTo { notice: id, to: to.clone(), others: others.join(", ") }
            }
            _ => PreviewError::NoMessage(id),
        });
    };
    let own = core.locale_of(&listed.message.recipient);
    let locale = Locale { language: language.unwrap_or(own.language), ..own };
    Ok(of(composer, &listed.notice, &listed.message, locale, core.instance)?)
}

/// So many recipients of a notice are looked through.
const MOST: usize = 100_000;
