//! What can go wrong while a directory is read. Each is a sentence: what failed, where, what the other side said, what to do.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::answer::{Answer, BindProblem};
use crate::kerberos::Fault;

/// Why a directory could not be read. The data that was read before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The settings can't work, whatever the server says.
    #[error("the directory's settings can't be used: {0}")]
    Settings(String),
    /// No connection.
    #[error(
        "{server} can't be reached: {reason}; is it up, is its name right, does a firewall stand between?"
    )]
    ConnectFailed {
        /// Its URL.
        server: String,
        /// What the operating system said.
        reason: String,
    },
    /// None of several servers could be connected to.
    #[error("none of {} servers can be used: {}", .0.len(), listed(.0))]
    NoServer(
        /// Why, one by one.
        Vec<SourceError>,
    ),
    /// DNS names no server that could be used.
    #[error(
        "no domain controller of {domain} was found: {reason}; does this machine's DNS know the domain (`dns_server` names another), \
         and is its name right?"
    )]
    NoController {
        /// The domain.
        domain: String,
        /// What DNS said.
        reason: String,
    },
    /// No encryption, or not with whom it should be.
    #[error("no TLS connection to {server}: {reason}")]
    Tls {
        /// Its URL.
        server: String,
        /// What is wrong, with what to do.
        reason: String,
    },
    /// The account was refused.
    #[error("{server} refused to let {account} sign in: {problem} ({answer})")]
    Bind {
        /// Its URL.
        server: String,
        /// Whom.
        account: String,
        /// Why.
        problem: BindProblem,
        /// What it said.
        answer: Answer,
    },
    /// Kerberos gave no ticket, or the server didn't prove itself.
    #[error("{account} can't sign in to {server} by Kerberos: {reason}")]
    Kerberos {
        /// Its URL.
        server: String,
        /// Whom.
        account: String,
        /// Why, with what to do.
        reason: String,
        /// With whom it lies.
        fault: Fault,
    },
    /// The same credentials were refused a moment ago.
    #[error(
        "{account} is not signed in again before {}, so as not to lock the account; put right what was wrong at {} and run \
         `budkavle sync`, which tries at once: {first}",
        minute(*.until), minute(*.since)
    )]
    SignInPaused {
        /// Whom.
        account: String,
        /// When it was refused.
        since: DateTime<Utc>,
        /// When it is tried again.
        until: DateTime<Utc>,
        /// What was said then.
        first: Box<str>,
    },
    /// Another server has just refused the credentials.
    #[error(
        "{server} was not tried: {refused} refused the same credentials, and each try counts against the account"
    )]
    NotTried {
        /// Its URL.
        server: String,
        /// Which one refused.
        refused: String,
    },
    /// The server doesn't know the base.
    #[error("{server} has no \"{base}\", or the account may not see it: {answer}{}; check the base DN", held(.contexts))]
    BaseNotFound {
        /// Its URL.
        server: String,
        /// The base DN.
        base: String,
        /// What it said.
        answer: Answer,
        /// The naming contexts it does have.
        contexts: Vec<String>,
    },
    /// The server doesn't know a name that stands in the settings besides the bases.
    #[error(
        "{server} has no \"{dn}\", which `{key}` names, or the account may not see it: was it renamed, moved or deleted? Nothing was read, as \
         it can't be told what is meant; mend `{key}`"
    )]
    NameNotFound {
        /// Its URL.
        server: String,
        /// The name.
        dn: String,
        /// The key of the configuration.
        key: &'static str,
    },
    /// The server answered as if all were well, but didn't show the base.
    #[error(
        "{account} can't see \"{base}\" on {server}: the search for it succeeded and found nothing; give the account the right to \
         read it"
    )]
    BaseNotVisible {
        /// Its URL.
        server: String,
        /// The base DN.
        base: String,
        /// Who can't see it.
        account: String,
    },
    /// The read began, but can't be believed to be whole.
    #[error("the read of \"{base}\" on {server} is not whole: {reason}; nothing of it was used")]
    Incomplete {
        /// Its URL.
        server: String,
        /// The base DN, or the group whose members are missing.
        base: String,
        /// What shows it.
        reason: String,
    },
    /// No answer in time.
    #[error("{server} did not answer within {} s when asked to {doing}", .limit.as_secs_f32())]
    Timeout {
        /// Its URL.
        server: String,
        /// What it was asked.
        doing: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The whole read took too long.
    #[error("{server} was not read within {} s, the limit of a whole run; nothing of it was used", .limit.as_secs_f32())]
    RunTimeout {
        /// Its URL, or the file.
        server: String,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The server gives no more.
    #[error(
        "{server} gives no more of \"{base}\": {answer}; raise its limit for the account, or make the page size smaller"
    )]
    LimitExceeded {
        /// Its URL.
        server: String,
        /// The base DN.
        base: String,
        /// What it said.
        answer: Answer,
    },
    /// The server names another one, which is never followed.
    #[error(
        "{server} does not hold \"{base}\" itself but refers to {to}; name that server, or a base it holds"
    )]
    Referral {
        /// Its URL.
        server: String,
        /// The base DN.
        base: String,
        /// Where to.
        to: String,
    },
    /// The server said no.
    #[error("{server} refused to {doing}: {answer}{}", hint(.answer.code))]
    Refused {
        /// Its URL.
        server: String,
        /// What it was asked.
        doing: String,
        /// What it said.
        answer: Answer,
    },
    /// The server said what makes no sense in LDAP.
    #[error("{server} can't be understood when asked to {doing}: {reason}; is it an LDAP server?")]
    Protocol {
        /// Its URL.
        server: String,
        /// What it was asked.
        doing: String,
        /// What makes no sense.
        reason: String,
    },
    /// The connection broke.
    #[error("the connection to {server} ended when it was asked to {doing}: {reason}")]
    Disconnected {
        /// Its URL.
        server: String,
        /// What it was asked.
        doing: String,
        /// How it ended.
        reason: String,
    },
    /// The file can't be opened or read.
    #[error("{} can't be read: {cause}", file.display())]
    FileUnreadable {
        /// Which.
        file: PathBuf,
        /// What the operating system said.
        cause: std::io::Error,
    },
    /// The file is no LDIF, or holds what isn't understood here.
    #[error("{}, line {line}: {reason}", file.display())]
    FileMalformed {
        /// Which.
        file: PathBuf,
        /// Where, counted from 1.
        line: u64,
        /// What is wrong there.
        reason: String,
    },
    /// The file ends too early.
    #[error("{} is not whole: {reason}; nothing of it was used", file.display())]
    FileIncomplete {
        /// Which.
        file: PathBuf,
        /// What shows it.
        reason: String,
    },
    /// There is nothing in the file.
    #[error("{} holds nothing that could be used: {reason}", file.display())]
    FileEmpty {
        /// Which.
        file: PathBuf,
        /// What is in it instead.
        reason: String,
    },
}

/// The kinds of [`SourceError`], for metrics and programs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is explained at the error of the same name")]
pub enum ErrorKind {
    Settings,
    ConnectFailed,
    NoController,
    Tls,
    Bind,
    Kerberos,
    SignInPaused,
    BaseNotFound,
    BaseNotVisible,
    Incomplete,
    Timeout,
    LimitExceeded,
    Referral,
    Refused,
    Protocol,
    Disconnected,
    FileUnreadable,
    FileMalformed,
    FileEmpty,
}

impl SourceError {
    /// What kind of error it is; of several servers that can't be used, the first one's.
    pub fn kind(&self) -> ErrorKind {
        match self {
            SourceError::Settings(_) => ErrorKind::Settings,
            SourceError::ConnectFailed { .. } => ErrorKind::ConnectFailed,
            SourceError::NoServer(errors) => {
                errors.first().map_or(ErrorKind::ConnectFailed, SourceError::kind)
            }
            SourceError::NoController { .. } => ErrorKind::NoController,
            SourceError::Tls { .. } => ErrorKind::Tls,
            SourceError::Bind { .. } => ErrorKind::Bind,
            SourceError::Kerberos { .. } => ErrorKind::Kerberos,
            SourceError::SignInPaused { .. } | SourceError::NotTried { .. } => ErrorKind::SignInPaused,
            SourceError::BaseNotFound { .. } | SourceError::NameNotFound { .. } => ErrorKind::BaseNotFound,
            SourceError::BaseNotVisible { .. } => ErrorKind::BaseNotVisible,
            SourceError::Incomplete { .. } | SourceError::FileIncomplete { .. } => ErrorKind::Incomplete,
            SourceError::Timeout { .. } | SourceError::RunTimeout { .. } => ErrorKind::Timeout,
            SourceError::LimitExceeded { .. } => ErrorKind::LimitExceeded,
            SourceError::Referral { .. } => ErrorKind::Referral,
            SourceError::Refused { .. } => ErrorKind::Refused,
            SourceError::Protocol { .. } => ErrorKind::Protocol,
            SourceError::Disconnected { .. } => ErrorKind::Disconnected,
            SourceError::FileUnreadable { .. } => ErrorKind::FileUnreadable,
            SourceError::FileMalformed { .. } => ErrorKind::FileMalformed,
            SourceError::FileEmpty { .. } => ErrorKind::FileEmpty,
        }
    }
}

impl SourceError {
    /// Whether a server or KDC refused what was signed in with: to try the same again can lock the account.
    pub fn refuses_credentials(&self) -> bool {
        match self {
            // Of a ticket the KDC has taken the key before: what the server says against it doesn't count against the account.
            SourceError::Bind { answer, problem, .. } => {
                answer.code == 49 && !matches!(problem, BindProblem::ChannelBinding | BindProblem::Ticket)
            }
            SourceError::Kerberos { fault, .. } => *fault == Fault::Account,
            SourceError::NoServer(errors) => errors.iter().any(SourceError::refuses_credentials),
            _ => false,
        }
    }
}

fn minute(time: DateTime<Utc>) -> impl fmt::Display {
    time.format("%-d %b %Y %H:%M UTC")
}

fn held(contexts: &[String]) -> String {
    if contexts.is_empty() { String::new() } else { format!("; it holds {}", contexts.join(" and ")) }
}

fn listed(errors: &[SourceError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" — ")
}

fn hint(code: u32) -> &'static str {
    match code {
        1 => "; it may want the account to sign in first, or by another name",
        7 | 8 | 13 => "; use ldaps:// or StartTLS",
        12 => "; it refuses a control that the search came with, such as paged results (RFC 2696)",
        34 => "; check the base DN",
        50 => "; give the account the right to read",
        51 | 52 => "; it is tried again at the next run",
        _ => "",
    }
}
