//! How a message leaves: over SMTP, as a file into a folder, to a web server, into a program. A channel takes one finished parcel (a mail,
//! or a post for programs) and answers with exactly one of five outcomes; what to do about it (retry, dead-letter, pause) is decided elsewhere.

mod address;
mod command;
mod file;
pub mod login_page;
pub mod message;
pub mod page;
mod post;
mod smtp;
mod web;
pub mod words;

#[cfg(test)]
mod tests;

pub use address::{Address, AddressError, Envelope, clean_header};
pub use command::CommandChannel;
pub use file::FileChannel;
pub use post::Post;
#[cfg(test)]
pub(crate) use smtp::fake;
pub use smtp::{
    Bearer, DkimError, DkimSettings, Doubt, Reply, Security, SetupError, SignIn, SmtpChannel, SmtpError,
    SmtpReport, SmtpSettings, TimeLimits, Verb,
};

pub use web::{
    Credential, Form, GraphChannel, Ping, PingMethod, Reached, SmsSettings, TemplateError, TokenError,
    TokenSettings, Tokens, WebChannel, WebSettings,
};

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

/// A way out.
#[derive(Debug)]
pub enum Channel {
    /// To a mail server.
    Smtp(SmtpChannel),
    /// Into a folder, one `.eml` file per message.
    File(FileChannel),
    /// A mail by Microsoft Graph.
    Graph(GraphChannel),
    /// To a web server.
    Web(WebChannel),
    /// Into a program on this machine.
    Command(CommandChannel),
}

/// What a channel takes.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "made for one message, and gone with it")]
pub enum Parcel {
    /// A mail.
    Mail(message::Mail),
    /// What programs take.
    Post(Post),
}

/// What became of a message. Every case a channel can meet is one of these five.
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
        /// The other side itself couldn't be reached, or takes nothing: others would fare no better.
        whole: bool,
        /// The other side wants to be left alone for so long.
        retry_after: Option<Duration>,
    },
    /// This recipient, or this message, will never be accepted (5xx); others may be.
    Refused {
        /// The other side's line, or why it wasn't even asked.
        answer: String,
        /// It is whom the message is for that is refused: nobody has looked at what it says.
        recipient: bool,
    },
    /// The same, but the other side may mean us and not this recipient: its words are about the sender, or a policy. Others tell.
    RefusesUs {
        /// The other side's line.
        answer: String,
        /// As in [`Outcome::Refused`].
        recipient: bool,
    },
    /// Nobody would be served: sign-in or sender refused, no TLS, certificate refused, folder not writable. Pause and alert.
    ChannelBroken {
        /// What is wrong and what to do about it.
        reason: String,
    },
}

/// What a working channel was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeReport {
    /// The mail server and what it offers.
    Smtp(SmtpReport),
    /// The folder can be written to.
    Folder {
        /// The folder.
        folder: PathBuf,
    },
    /// The web server answers.
    Web {
        /// Its scheme, name and port.
        server: String,
        /// The status of its answer to a request for nothing in particular.
        answered: String,
    },
    /// The program is there.
    Command {
        /// The program.
        program: PathBuf,
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
    /// The web server.
    #[error("{0}")]
    Web(String),
    /// The program.
    #[error("the program {} can't be used: {cause}", program.display())]
    Command {
        /// The program.
        program: PathBuf,
        /// What the operating system said.
        cause: io::Error,
    },
}

impl Channel {
    /// Whether it takes mails; others take posts.
    pub fn takes_mails(&self) -> bool {
        matches!(self, Channel::Smtp(_) | Channel::File(_) | Channel::Graph(_))
    }

    /// Hands one message over. It is tried once (over SMTP a second time if the connection it was to go over had died while idle);
    /// `now` names the file in a folder, and stands in a signature. Dropping the future abandons the attempt and the connection it used.
    pub async fn hand_over(&self, parcel: &Parcel, now: DateTime<Utc>) -> Outcome {
        match (self, parcel) {
            (Channel::Smtp(smtp), Parcel::Mail(mail)) => smtp.send(&mail.envelope, &mail.bytes).await,
            (Channel::File(folder), Parcel::Mail(mail)) => Box::pin(folder.send(&mail.bytes, now)).await,
            (Channel::Graph(graph), Parcel::Mail(mail)) => Box::pin(graph.send(&mail.bytes, now)).await,
            (Channel::Web(web), Parcel::Post(post)) => Box::pin(web.send(post, now)).await,
            (Channel::Command(command), Parcel::Post(post)) => Box::pin(command.send(post)).await,
            (Channel::Smtp(_) | Channel::File(_) | Channel::Graph(_), Parcel::Post(_))
            | (Channel::Web(_) | Channel::Command(_), Parcel::Mail(_)) => {
                Outcome::Refused { answer: "it isn't written for this channel".to_owned(), recipient: false }
            }
        }
    }

    /// Hands one mail over, as [`Channel::hand_over`] does.
    pub async fn send(&self, envelope: &Envelope, mime: &[u8], now: DateTime<Utc>) -> Outcome {
        let mail = message::Mail { envelope: envelope.clone(), bytes: mime.to_vec() };
        self.hand_over(&Parcel::Mail(mail), now).await
    }

    /// Tries everything short of sending a message: for SMTP name, connection, TLS, sign-in and `sender` (None: nobody, `<>`); for a
    /// folder, writing to it.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub async fn probe(&self, sender: Option<&Address>) -> Result<ProbeReport, ProbeError> {
        match self {
            Channel::Smtp(smtp) => Ok(ProbeReport::Smtp(smtp.probe(sender).await?)),
            Channel::File(folder) => folder.probe().await,
            Channel::Graph(graph) => graph.probe().await,
            Channel::Web(web) => web.probe().await,
            Channel::Command(command) => command.probe().await,
        }
    }

    /// Says goodbye on every idle connection. Without it they are just closed.
    pub async fn close(&self) {
        if let Channel::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}
