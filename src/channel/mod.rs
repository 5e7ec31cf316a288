//! How a message leaves: over SMTP, or as a file into a folder. A channel takes one envelope and the finished MIME bytes
//! and answers with exactly one of four outcomes; what to do about it (retry, dead-letter, pause) is decided elsewhere.

mod address;
mod file;
pub mod login_page;
pub mod message;
mod smtp;
pub mod words;

#[cfg(test)]
mod tests;

pub use address::{Address, AddressError, Envelope, clean_header};
pub use file::FileChannel;
pub use smtp::{
    Doubt, Reply, Security, SetupError, SignIn, SmtpChannel, SmtpError, SmtpReport, SmtpSettings, TimeLimits,
    Verb,
};

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};

/// A way out.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one per configured channel, for the process's life")]
pub enum Channel {
    /// To a mail server.
    Smtp(SmtpChannel),
    /// Into a folder, one `.eml` file per message.
    File(FileChannel),
}

/// What became of a message. Every case a channel can meet is one of these four.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side took responsibility (RFC 5321 §4.2.5: 250 after the message).
    Accepted {
        /// Its line, such as `250 2.0.0 Ok: queued as 4F2A91`.
        answer: String,
    },
    /// Not now: network trouble, or the other side asks to come back later (4xx).
    Deferred {
        /// What happened, in words.
        reason: String,
        /// The connection broke between the end of the message and the answer to it: the other side may have it
        /// (RFC 5321 §4.5.4.1, RFC 1047). A repeat may be a second copy.
        perhaps_sent: bool,
    },
    /// This recipient, or this message, will never be accepted (5xx); others may be.
    Refused {
        /// The other side's line, or why it wasn't even asked.
        answer: String,
    },
    /// Nobody would be served: sign-in or sender refused, no TLS, certificate refused, folder not writable. Pause and alert.
    ChannelBroken {
        /// What is wrong and what to do about it.
        reason: String,
    },
}

/// What a working channel was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "made once, to be printed")]
pub enum ProbeReport {
    /// The mail server and what it offers.
    Smtp(SmtpReport),
    /// The folder can be written to.
    Folder {
        /// The folder.
        folder: PathBuf,
    },
}

/// Why a channel doesn't work, in words for the person at `check --online`.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The mail server.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// The folder.
    #[error("no file can be written into the folder {}: {cause}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
}

impl Channel {
    /// Hands one message over. It is tried once (over SMTP a second time if the connection it was to go over had died while idle);
    /// `now` names the file in a folder. Dropping the future abandons the attempt and the connection it used.
    pub async fn send(&self, envelope: &Envelope, mime: &[u8], now: DateTime<Utc>) -> Outcome {
        match self {
            Channel::Smtp(smtp) => smtp.send(envelope, mime).await,
            Channel::File(folder) => folder.send(mime, now).await,
        }
    }

    /// Tries everything short of sending a message: for SMTP name, connection, TLS, sign-in and `sender`; for a folder, writing
    /// to it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn probe(&self, sender: &Address) -> Result<ProbeReport, ProbeError> {
        match self {
            Channel::Smtp(smtp) => Ok(ProbeReport::Smtp(smtp.probe(sender).await?)),
            Channel::File(folder) => folder.probe().await,
        }
    }

    /// Says goodbye on every idle connection. Without it they are just closed.
    pub async fn close(&self) {
        if let Channel::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}
