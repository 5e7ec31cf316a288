//! What an order would put into the outbox: by which channels, to whom, when, and what wouldn't even be tried.

use chrono::{DateTime, Utc};

use super::super::bounces;
use super::super::core::Core;
use crate::domain::bounce::Mark;
use crate::domain::notice::{NewNotice, Recipient};
use crate::domain::outage::audience::Told;
use crate::domain::phone;
use crate::domain::route::Reach;

/// A message that would be put into the outbox.
#[derive(Clone, Debug)]
pub struct Leaving {
    /// To whom, and by which channel.
    pub to: Recipient,
    /// Until when it waits, at the latest. None: it leaves at once, if a limit lets it.
    pub from: Option<DateTime<Utc>>,
    /// It isn't even tried, since mails to this address came back.
    pub mark: Option<Mark>,
}

impl Leaving {
    /// Whether somebody gets it.
    pub fn reaches(&self, told: &Told) -> bool {
        let number = || told.phone.as_deref().and_then(phone::number);
        match (&self.to.mail, &self.to.phone) {
            (Some(mail), _) => mail.key() == told.mail.key(),
            (None, Some(phone)) => number().is_some_and(|number| number == **phone),
            (None, None) => false,
        }
    }
}

/// What becomes of these notices.
pub(super) fn of(core: &Core, notices: Vec<NewNotice>, now: DateTime<Utc>) -> Vec<Leaving> {
    let mut all = Vec::new();
    let settings = core.settings();
    for (NewNotice { facts, recipients, held, .. }, _) in core.arranged(notices, now) {
        all.extend(recipients.into_iter().map(|to| {
            let takes_mails = settings.routing.reach(&to.channel) == Some(Reach::Mail);
            let mail = to.mail.as_ref().filter(|_| takes_mails);
            let mark = mail.and_then(|mail| bounces::keeps_back(core, &facts, mail, now));
            Leaving { from: held.get(&to.key()).copied().filter(|from| now < *from), mark, to }
        }));
    }
    all
}
