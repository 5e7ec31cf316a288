//! How mails leave: the mail server or the Graph, and who signs in there.

use super::{WireError, tokens, web};
use crate::channel::{
    self, Bearer, Channel, DkimSettings, FileChannel, GraphChannel, SetupError, SignIn, SmtpChannel,
    SmtpSettings, TimeLimits, WebSettings,
};
use crate::config::{self, Config, SmtpSecurity, Transport};
use crate::tls::TlsError;

/// How the mails leave.
pub fn channel(config: &Config) -> Result<Channel, WireError> {
    let smtp = match &config.mail.transport {
        Transport::File { folder } => return Ok(Channel::File(FileChannel::new(folder.clone()))),
        Transport::Graph(settings) => {
            return Ok(graph(&config.mail, settings).map_err(SetupError::Tls)?);
        }
        Transport::Smtp(smtp) => smtp,
    };
    let (sign_in, bearer) = match &smtp.sign_in {
        None => (None, None),
        Some(config::SignIn::Password { username, password }) => {
            (Some(SignIn { user: username.clone(), password: password.value().clone() }), None)
        }
        Some(config::SignIn::Token { username, tokens: source }) => {
            let web = WebSettings {
                trust: smtp.trust.clone(),
                timeout: smtp.reply_timeout,
                allow_private: true,
                proxy: None,
                credential: None,
            };
            let tokens = tokens(source, web).map_err(SetupError::Tls)?;
            (None, Some(Bearer { user: username.clone(), tokens }))
        }
    };
    let settings = SmtpSettings {
        host: smtp.host.clone(),
        port: smtp.port,
        security: match smtp.security {
            SmtpSecurity::StartTls => channel::Security::StartTls,
            SmtpSecurity::Tls => channel::Security::ImplicitTls,
            SmtpSecurity::Plain => channel::Security::PlainText { sign_in: true },
        },
        trust: smtp.trust.clone(),
        sign_in,
        bearer,
        certificate: smtp.certificate.clone(),
        dkim: smtp.dkim.as_ref().map(|dkim| DkimSettings {
            domain: dkim.domain.clone(),
            selector: dkim.selector.clone(),
            key: dkim.key.clone(),
        }),
        hello: smtp.hello_name.clone(),
        connections: config.mail.connections.try_into().unwrap_or(1),
        messages_per_connection: smtp.mails_per_connection,
        idle: smtp.idle_timeout,
        limits: TimeLimits {
            connect: smtp.connect_timeout,
            reply: smtp.reply_timeout,
            message: smtp.message_timeout,
            ..TimeLimits::default()
        },
    };
    Ok(Channel::Smtp(SmtpChannel::new(settings)?))
}

/// A mailbox that sends by the Graph: that of `[mail] from` unless another is named.
pub fn graph(mail: &config::Mail, graph: &config::Graph) -> Result<Channel, TlsError> {
    let mailbox = graph.mailbox.as_deref().unwrap_or(mail.from.address.as_str());
    let tokens = tokens(&graph.tokens, web(&graph.web))?;
    GraphChannel::new(&graph.web.url, mailbox, tokens, web(&graph.web)).map(Channel::Graph)
}
