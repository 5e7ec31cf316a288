//! The mailbox into which mails come back.

use std::collections::BTreeMap;

use super::delta;
use crate::config::{self, BouncePlace, Config};
use crate::domain::bounce::Policy;
use crate::domain::ids::SourceName;
use crate::domain::schedule::Schedule;
use crate::flow::bounces::NAME;
use crate::source::returned::{Imap, ImapSecurity, Maildir, ReturnedMails};

/// How what comes back is judged.
pub(super) fn policy(bounces: &config::Bounces) -> Policy {
    Policy { window: delta(bounces.window), mark_for: delta(bounces.mark_for) }
}

/// Where it is; None: there is none.
pub fn mailbox(config: &Config) -> Option<ReturnedMails> {
    config.bounces.as_ref().map(|bounces| match &bounces.place {
        BouncePlace::Maildir(folder) => ReturnedMails::Maildir(Maildir { folder: folder.clone() }),
        BouncePlace::Imap(imap) => ReturnedMails::Imap(Imap {
            host: imap.host.clone(),
            port: imap.port,
            security: if imap.implicit_tls { ImapSecurity::Tls } else { ImapSecurity::StartTls },
            trust: imap.trust.clone(),
            username: imap.username.clone(),
            password: imap.password.value().clone(),
            folder: imap.folder.clone(),
            done_folder: imap.done_folder.clone(),
            timeout: imap.timeout,
        }),
    })
}

/// When it is looked at.
pub fn schedules(config: &Config) -> BTreeMap<SourceName, Schedule> {
    config.bounces.iter().map(|bounces| (SourceName::from(NAME), bounces.schedule.clone())).collect()
}
