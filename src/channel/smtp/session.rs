//! One connection to a mail server, from the name look-up to QUIT.
//!
//! lettre writes the commands and reads the replies; what a reply means is decided here. lettre's own `send`, `auth` and
//! `message` aren't used: they don't tell which command was refused nor whether the message's end was out, know nothing of SIZE
//! and PIPELINING, and look for the keywords of the EHLO before TLS.

use std::error::Error as _;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::{ClientId, MailBodyParameter, MailParameter, RcptParameter};
use lettre::transport::smtp::response::Response;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::super::web::Opinion;
use super::super::{Address, Envelope};
use super::dial::{connect, own_name, raise_tls};
use super::encode::Encoded;
use super::error::{Doubt, SmtpError, Verb};
use super::reply::{Offers, Reply};
use super::settings::{Bearer, GOODBYE, Security, Server, SignIn};
use super::wire::Wire;
use crate::tls;

/// A connection past sign-in, ready for a message.
pub(super) struct Session {
    smtp: AsyncSmtpConnection,
    wire: Wire,
    server: String,
    greeting: String,
    hello: ClientId,
    reply_limit: Duration,
    message_limit: Duration,
    offers: Offers,
    in_step: bool,
    /// The server has answered DATA with 354 and takes what comes for the message.
    awaits_message: bool,
    messages: u32,
}

impl Session {
    /// Connects, raises TLS as configured, and signs in.
    pub(super) async fn open(server: &Server) -> Result<Session, SmtpError> {
        let socket = connect(server).await?;
        let hello = server.hello.clone().unwrap_or_else(|| own_name(&socket));
        let wire = Wire::new(socket);
        if server.security == Security::ImplicitTls {
            raise_tls(&wire, server).await?;
        }
        let limit = server.limits.reply;
        let greeted =
            timeout(limit, AsyncSmtpConnection::connect_with_transport(Box::new(wire.clone()), &hello)).await;
        let smtp = match greeted {
            Ok(Ok(smtp)) => smtp,
            Ok(Err(error)) => return Err(failed(&server.name, asked_first(&wire), &wire, &error)),
            Err(_) => return Err(silent(&server.name, asked_first(&wire), limit)),
        };
        let mut session = Session {
            offers: Offers::read(&wire.reply()),
            greeting: smtp.server_info().name().to_owned(),
            smtp,
            wire,
            server: server.name.clone(),
            hello,
            reply_limit: limit,
            message_limit: server.limits.message,
            in_step: true,
            awaits_message: false,
            messages: 0,
        };
        if server.security == Security::StartTls {
            session.start_tls(server).await?;
        }
        if let Some(sign_in) = &server.sign_in {
            session.sign_in(sign_in).await?;
        }
        if let Some(bearer) = &server.bearer {
            session.sign_in_by_token(bearer).await?;
        }
        Ok(session)
    }

    /// Asks whether the server takes a message from this sender to this recipient: MAIL, RCPT, DATA. After a clear no the session is
    /// in step again.
    pub(super) async fn ask(&mut self, envelope: &Envelope, message: &Encoded) -> Result<(), SmtpError> {
        let from = envelope.from.as_ref().map(Address::as_lettre);
        let mail = Mail::new(from, self.parameters(envelope, message)?);
        let rcpt = Rcpt::new(envelope.to.as_lettre(), self.reports(envelope));
        self.messages += 1;
        let asked = if self.offers.pipelining {
            self.ask_together(&mail, &rcpt).await
        } else {
            self.ask_in_turn(mail, rcpt).await
        };
        if let Err(error) = &asked {
            self.in_step &= error.is_in_step() && !self.awaits_message && self.reset().await;
        }
        asked
    }

    /// Hands the message over that the server has just agreed to take.
    pub(super) async fn hand_over(&mut self, message: &Encoded) -> Result<Reply, SmtpError> {
        let (limit, mut written) = (self.message_limit, false);
        let sent = timeout(limit, async {
            self.wire.write_all(message.bytes()).await?;
            written = true;
            self.wire.flush().await?;
            Ok(self.smtp.read_response().await)
        })
        .await;
        let doubt = match sent {
            Ok(Ok(answered)) => match self.reply(Verb::Message, answered) {
                Err(SmtpError::Doubt { doubt, .. }) => doubt,
                said => {
                    self.awaits_message = false;
                    self.in_step = said.as_ref().map_or_else(SmtpError::is_in_step, |_| true);
                    return said;
                }
            },
            Ok(Err(error)) => doubt(&error),
            Err(_) => Doubt::Silence(limit),
        };
        self.in_step = false;
        let server = self.server.clone();
        Err(SmtpError::Doubt { server, verb: Verb::Message, doubt, perhaps_sent: written })
    }

    /// Offers a sender (None: nobody) and takes it back.
    pub(super) async fn offer_sender(&mut self, sender: Option<&Address>) -> Result<(), SmtpError> {
        self.command(Verb::Mail, Mail::new(sender.map(Address::as_lettre), Vec::new())).await?;
        self.command(Verb::Rset, Rset).await?;
        Ok(())
    }

    /// Says goodbye; how the server takes it doesn't matter.
    pub(super) async fn quit(mut self) {
        let _ = timeout(GOODBYE, self.smtp.command(Quit)).await;
    }

    /// Whether another message may go over this connection: the last dialogue ended as it should.
    pub(super) fn is_in_step(&self) -> bool {
        self.in_step
    }

    /// Whether nothing has happened on the connection since its last dialogue.
    pub(super) fn is_quiet(&self) -> bool {
        self.wire.is_quiet()
    }

    /// How many messages were tried over this connection.
    pub(super) fn messages(&self) -> u32 {
        self.messages
    }

    pub(super) fn offers(&self) -> &Offers {
        &self.offers
    }

    /// The name by which the server introduced itself.
    pub(super) fn greeting(&self) -> &str {
        &self.greeting
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    async fn start_tls(&mut self, server: &Server) -> Result<(), SmtpError> {
        if !self.offers.starttls {
            return Err(SmtpError::StartTlsNotOffered { server: self.server.clone() });
        }
        self.command(Verb::StartTls, Starttls).await?;
        raise_tls(&self.wire, server).await?;
        // What was offered in clear may have been anybody's (RFC 3207 §4.2).
        self.command(Verb::Ehlo, Ehlo::new(self.hello.clone())).await?;
        self.offers = Offers::read(&self.wire.reply());
        Ok(())
    }

    async fn sign_in(&mut self, sign_in: &SignIn) -> Result<(), SmtpError> {
        let offers = |mechanism: &str| self.offers.auth.iter().any(|offered| offered == mechanism);
        let (user, password) = (&sign_in.user, sign_in.password.expose_secret());
        if offers("PLAIN") {
            let token = BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
            self.command(Verb::Auth, format!("AUTH PLAIN {token}\r\n")).await?;
        } else if offers("LOGIN") {
            // The prompts' texts differ from server to server; their order doesn't.
            for (verb, line) in [
                (Verb::AuthPrompt, "AUTH LOGIN".to_owned()),
                (Verb::AuthPrompt, BASE64_STANDARD.encode(user)),
                (Verb::Auth, BASE64_STANDARD.encode(password)),
            ] {
                self.command(verb, format!("{line}\r\n")).await?;
            }
        } else {
            let offered = match self.offers.auth.join(" ") {
                none if none.is_empty() => "no sign-in at all".to_owned(),
                some => some,
            };
            return Err(SmtpError::NoSignIn { server: self.server.clone(), offered });
        }
        Ok(())
    }

    /// By XOAUTH2. A refusal comes in two parts: a challenge that says why, which is answered with nothing, and then the refusal.
    async fn sign_in_by_token(&mut self, bearer: &Bearer) -> Result<(), SmtpError> {
        let server = self.server.clone();
        if !self.offers.auth.iter().any(|offered| offered == "XOAUTH2") {
            return Err(SmtpError::NoSignIn { server, offered: self.offers.auth.join(" ") });
        }
        let mut tries = bearer.tokens.tries();
        loop {
            let token = tries.token().await;
            let token = token.map_err(|cause| SmtpError::NoToken { server: server.clone(), cause })?;
            let signed_in = self.show_token(&bearer.user, &token).await;
            let opinion = match &signed_in {
                Ok(()) => Opinion::Good,
                Err(SmtpError::Said { reply, .. }) if reply.code == 535 => Opinion::Refused,
                Err(_) => Opinion::Doubtful,
            };
            if !tries.once_more(opinion).await {
                return signed_in;
            }
        }
    }

    async fn show_token(&mut self, user: &str, token: &SecretString) -> Result<(), SmtpError> {
        let said = format!("user={user}\x01auth=Bearer {}\x01\x01", token.expose_secret());
        let line = format!("AUTH XOAUTH2 {}\r\n", BASE64_STANDARD.encode(said));
        let answered = timeout(self.reply_limit, self.smtp.command(line)).await;
        let challenged = matches!(&answered, Ok(Ok(response)) if u16::from(response.code()) == 334);
        let signed_in = if challenged {
            self.command(Verb::Auth, "\r\n").await
        } else {
            self.answered(Verb::Auth, answered)
        };
        signed_in.map(|_| ())
    }

    /// What MAIL must say about this message, or why the server needn't be asked.
    fn parameters(&self, envelope: &Envelope, message: &Encoded) -> Result<Vec<MailParameter>, SmtpError> {
        let mut parameters = Vec::new();
        if let Some(limit) = self.offers.largest
            && message.size() as u64 > limit
        {
            return Err(SmtpError::TooBig { size: message.size() as u64, limit });
        }
        if self.offers.size {
            parameters.push(MailParameter::Size(message.size()));
        }
        if !message.is_ascii() {
            if !self.offers.eight_bit {
                return Err(SmtpError::Needs8BitMime);
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        if envelope.from.iter().chain([&envelope.to]).any(Address::needs_smtputf8) {
            if !self.offers.smtputf8 {
                return Err(SmtpError::NeedsSmtpUtf8);
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if let Some(id) = envelope.id.as_deref().filter(|_| self.wants_reports(envelope)) {
            let other = |keyword: &str, value: &str| MailParameter::Other {
                keyword: keyword.to_owned(),
                value: Some(value.to_owned()),
            };
            // Of a message that comes back its headers do.
            parameters.extend([other("RET", "HDRS"), other("ENVID", id)]);
        }
        Ok(parameters)
    }

    /// Whether reports are asked for: somebody gets them, and the server knows how to ask (RFC 3461).
    fn wants_reports(&self, envelope: &Envelope) -> bool {
        self.offers.reports && envelope.from.is_some()
    }

    /// What RCPT must say about them: those that say that something arrived aren't wanted; and whom we sent it to, wherever it is handed on to.
    fn reports(&self, envelope: &Envelope) -> Vec<RcptParameter> {
        if envelope.id.is_none() || !self.wants_reports(envelope) {
            return Vec::new();
        }
        let other =
            |keyword: &str, value| RcptParameter::Other { keyword: keyword.to_owned(), value: Some(value) };
        let notify = other("NOTIFY", "FAILURE,DELAY".to_owned());
        // What isn't ASCII has another form that not every server knows (RFC 6533 §3).
        let original = Some(envelope.to.to_string()).filter(|to| to.is_ascii());
        let original = original.map(|to| other("ORCPT", format!("rfc822;{to}")));
        [notify].into_iter().chain(original).collect()
    }

    async fn ask_in_turn(&mut self, mail: Mail, rcpt: Rcpt) -> Result<(), SmtpError> {
        self.command(Verb::Mail, mail).await?;
        self.command(Verb::Rcpt, rcpt).await?;
        self.command(Verb::Data, Data).await?;
        self.awaits_message = true;
        Ok(())
    }

    /// MAIL, RCPT and DATA in one write (RFC 2920). Each is answered, whatever became of the one before it; the first no counts.
    async fn ask_together(&mut self, mail: &Mail, rcpt: &Rcpt) -> Result<(), SmtpError> {
        let mut answer = self.command(Verb::Mail, format!("{mail}{rcpt}{Data}")).await;
        self.in_step = answer.as_ref().map_or_else(SmtpError::is_in_step, |_| true);
        for verb in [Verb::Rcpt, Verb::Data] {
            if !self.in_step {
                break;
            }
            let next = timeout(self.reply_limit, self.smtp.read_response()).await;
            let next = self.answered(verb, next);
            self.awaits_message = verb == Verb::Data && next.is_ok();
            self.in_step = next.as_ref().map_or_else(SmtpError::is_in_step, |_| true);
            answer = answer.and(next);
        }
        answer.map(|_| ())
    }

    /// Takes back what was asked. The answer that made it necessary doesn't wait long for it.
    async fn reset(&mut self) -> bool {
        matches!(timeout(GOODBYE, self.command(Verb::Rset, Rset)).await, Ok(Ok(_)))
    }

    /// One command, and the reply that lets the dialogue go on.
    async fn command(&mut self, verb: Verb, command: impl Display) -> Result<Reply, SmtpError> {
        let answered = timeout(self.reply_limit, self.smtp.command(command)).await;
        self.answered(verb, answered)
    }

    fn answered(
        &self,
        verb: Verb,
        answered: Result<Result<Response, lettre::transport::smtp::Error>, Elapsed>,
    ) -> Result<Reply, SmtpError> {
        match answered {
            Ok(answered) => self.reply(verb, answered),
            Err(_) => Err(silent(&self.server, verb, self.reply_limit)),
        }
    }

    /// The reply, if its code is one that lets the dialogue go on.
    fn reply(
        &self,
        verb: Verb,
        answered: Result<Response, lettre::transport::smtp::Error>,
    ) -> Result<Reply, SmtpError> {
        let response = answered.map_err(|error| failed(&self.server, verb, &self.wire, &error))?;
        let text = response.message().collect::<Vec<_>>().join(" ");
        let reply = Reply::new(response.code().into(), &text);
        if verb.goes_on_with(reply.code) {
            return Ok(reply);
        }
        let doubt = Doubt::Nonsense(format!("{reply} makes no sense there"));
        Err(SmtpError::Doubt { server: self.server.clone(), verb, doubt, perhaps_sent: false })
    }
}

/// Which of the two that lettre does at once was left unanswered.
fn asked_first(wire: &Wire) -> Verb {
    if wire.has_spoken() { Verb::Ehlo } else { Verb::Greeting }
}

fn silent(server: &str, verb: Verb, limit: Duration) -> SmtpError {
    SmtpError::Doubt { server: server.to_owned(), verb, doubt: Doubt::Silence(limit), perhaps_sent: false }
}

/// Reads lettre's error: a refusal, a lost connection, or a reply that is none.
fn failed(server: &str, verb: Verb, wire: &Wire, error: &lettre::transport::smtp::Error) -> SmtpError {
    let server = server.to_owned();
    if let Some(code) = error.status() {
        let text = error.source().map(ToString::to_string).unwrap_or_default();
        return SmtpError::Said { server, verb, reply: Reply::new(code.into(), &text) };
    }
    let doubt = match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        // In TLS 1.3 a server that refuses our certificate, or the lack of one, says so after the handshake.
        Some(cause) if verb.comes_before_messages() && tls::explain(cause).is_some() => {
            let reason = tls::explain(cause).unwrap_or_default();
            return SmtpError::TlsRefused { server, reason };
        }
        Some(cause) => doubt(cause),
        None if wire.is_closed() => Doubt::Gone("it closed the connection".to_owned()),
        None => Doubt::Nonsense(format!("{:?} is no SMTP reply", wire.reply().join(" "))),
    };
    SmtpError::Doubt { server, verb, doubt, perhaps_sent: false }
}

/// Whether the link is gone, or something came over it that the wire let nobody see.
fn doubt(error: &io::Error) -> Doubt {
    match error.kind() {
        io::ErrorKind::InvalidData => Doubt::Nonsense(error.to_string()),
        _ => Doubt::Gone(format!("the connection broke: {error}")),
    }
}
