//! To a mail server (RFC 5321), over a few connections that are each used for many messages.
//!
//! A connection is dropped on any doubt: an error, a time limit, an answer that doesn't fit, a message abandoned half-way.
//! (Such a message's future owns its connection, and takes it along when it is dropped.)
//! Nothing is asked before a message goes over an idle one; if that turns out dead before anything was accepted, the
//! message gets one more try over a fresh connection.

mod dial;
mod dkim;
mod encode;
mod error;
mod pool;
mod reply;
mod report;
mod session;
mod settings;
mod wire;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;

pub use dkim::{DkimError, DkimSettings};
pub use error::{Doubt, SmtpError, Verb};
pub use reply::Reply;
pub use report::SmtpReport;
pub use settings::{Bearer, Security, SetupError, SignIn, SmtpSettings, TimeLimits};

use std::fmt;

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::encode::Encoded;
use self::pool::Pool;
use self::session::Session;
use self::settings::Server;
use super::{Address, Envelope, Outcome};
use crate::tls::CertificateSummary;

/// A mail server and the connections to it.
pub struct SmtpChannel {
    server: Server,
    slots: Semaphore,
    pool: Pool,
    messages_per_connection: u32,
}

impl SmtpChannel {
    /// Reads the CA file and makes a channel. No connection is made yet.
    ///
    /// # Errors
    /// When the settings contradict each other or the CA file can't be used.
    pub fn new(settings: SmtpSettings) -> Result<SmtpChannel, SetupError> {
        Ok(SmtpChannel {
            slots: Semaphore::new(settings.connections.max(1)),
            pool: Pool::new(settings.idle),
            messages_per_connection: settings.messages_per_connection.max(1),
            server: Server::resolve(settings)?,
        })
    }

    pub(super) async fn send(&self, envelope: &Envelope, mime: &[u8]) -> Outcome {
        let signed = self.server.signer.as_ref().map(|signer| signer.sign(mime));
        let message = Encoded::new(signed.as_deref().unwrap_or(mime));
        // The semaphore is never closed, so this only waits.
        let _slot = self.slots.acquire().await;
        match self.deliver(envelope, &message).await {
            Ok(reply) => Outcome::Accepted { answer: reply.to_string() },
            Err(error) => error.outcome(),
        }
    }

    pub(super) async fn probe(&self, sender: Option<&Address>) -> Result<SmtpReport, SmtpError> {
        let session = self.in_time(self.probed(sender)).await?;
        let (offers, wire) = (session.offers(), session.wire());
        let (tls, certificate) = wire.tls().unzip();
        let report = SmtpReport {
            name: session.greeting().to_owned(),
            address: wire.peer_addr().ok(),
            tls,
            certificate: certificate.flatten().and_then(|der| CertificateSummary::of(&der)),
            signed_in: self.server.sign_in.is_some() || self.server.bearer.is_some(),
            largest_message: offers.largest,
            pipelining: offers.pipelining,
            eight_bit_mime: offers.eight_bit,
            smtputf8: offers.smtputf8,
        };
        session.quit().await;
        Ok(report)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    async fn probed(&self, sender: Option<&Address>) -> Result<Session, SmtpError> {
        let mut session = Session::open(&self.server).await?;
        session.offer_sender(sender).await?;
        Ok(session)
    }

    async fn deliver(&self, envelope: &Envelope, message: &Encoded) -> Result<Reply, SmtpError> {
        let mut session = self.in_time(self.asked(envelope, message)).await?;
        let result = session.hand_over(message).await;
        self.give_back(session).await;
        result
    }

    /// A session whose server has agreed to take this message.
    async fn asked(&self, envelope: &Envelope, message: &Encoded) -> Result<Session, SmtpError> {
        if let Some(mut session) = self.pool.take() {
            match session.ask(envelope, message).await {
                Ok(()) => return Ok(session),
                Err(error) if error.is_stale() => {}
                Err(error) => {
                    Box::pin(self.give_back(session)).await;
                    return Err(error);
                }
            }
        }
        // Apart: it takes much room, and a connection serves many messages.
        let mut session = Box::pin(Session::open(&self.server)).await?;
        match session.ask(envelope, message).await {
            Ok(()) => Ok(session),
            Err(error) => {
                Box::pin(self.give_back(session)).await;
                Err(error)
            }
        }
    }

    /// Nothing has been accepted before the message is out, so anything up to there may be given up at any time.
    async fn in_time<T>(&self, work: impl Future<Output = Result<T, SmtpError>>) -> Result<T, SmtpError> {
        let limit = self.server.limits.before_message;
        let server = || self.server.name.clone();
        timeout(limit, work).await.unwrap_or_else(|_| Err(SmtpError::TooSlow { server: server(), limit }))
    }

    async fn give_back(&self, session: Session) {
        if !session.is_in_step() {
            return;
        }
        if session.messages() < self.messages_per_connection {
            self.pool.put(session);
        } else {
            Box::pin(session.quit()).await;
        }
    }
}

impl fmt::Debug for SmtpChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SmtpChannel({})", self.server.name)
    }
}
