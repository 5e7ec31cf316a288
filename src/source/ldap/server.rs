//! Which server, and how the way to it is protected.

use std::fmt;
use std::str::FromStr;

use rustls::pki_types::ServerName;

/// How the connection is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Security {
    /// TLS from the first byte, `ldaps://`.
    Ldaps,
    /// TLS is asked for on a plain connection and required (RFC 4511 §4.14), `ldap://`.
    StartTls,
    /// None: the password and everything read can be seen by all on the way. Only ever by an explicit setting.
    PlainText,
}

/// A directory server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    host: Box<str>,
    port: u16,
    security: Security,
}

/// A text that names no directory server.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("\"{text}\" is no server's address such as ldaps://dc1.example.org: {reason}")]
pub struct NotAServer {
    text: String,
    reason: &'static str,
}

impl Server {
    /// A server by its parts; None when the host is neither a name nor an address.
    pub(super) fn new(host: &str, port: u16, security: Security) -> Option<Server> {
        Some(Server { host: host.into(), port, security }).filter(|server| server.name().is_some())
    }

    /// The same server without any protection.
    pub fn in_plain_text(self) -> Server {
        let port = if self.security == Security::Ldaps && self.port == 636 { 389 } else { self.port };
        Server { security: Security::PlainText, port, ..self }
    }

    /// How the way to it is protected.
    pub fn security(&self) -> Security {
        self.security
    }

    /// Its name or address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// For whom its certificate must be valid.
    pub(super) fn name(&self) -> Option<ServerName<'static>> {
        ServerName::try_from(self.host.to_string()).ok()
    }
}

impl FromStr for Server {
    type Err = NotAServer;

    fn from_str(text: &str) -> Result<Server, NotAServer> {
        let bad = |reason| NotAServer {
            text: text.chars().filter(|c| !c.is_control()).take(200).collect(),
            reason,
        };
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| bad("it begins with neither ldaps:// nor ldap://"))?;
        let (security, port) = match scheme.to_ascii_lowercase().as_str() {
            "ldaps" => (Security::Ldaps, 636),
            "ldap" => (Security::StartTls, 389),
            _ => return Err(bad("it begins with neither ldaps:// nor ldap://")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port_text) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (address, after) = rest.split_once(']').ok_or_else(|| bad("a ] is missing"))?;
                (address, after.strip_prefix(':').or((!after.is_empty()).then_some("none")))
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, None),
            },
        };
        let port = match port_text.map(str::parse) {
            None => port,
            Some(Ok(port)) if port > 0 => port,
            Some(_) => return Err(bad("what stands behind the host is no port")),
        };
        let server = Server { host: host.into(), port, security };
        if server.name().is_none() {
            return Err(bad("its host is neither a name nor an IP address, an IPv6 address in [ ]"));
        }
        Ok(server)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.security == Security::Ldaps { ("ldaps", 636) } else { ("ldap", 389) };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{open}{}{close}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for (text, host, port, security) in [
            ("ldaps://dc1.example.org", "dc1.example.org", 636, Security::Ldaps),
            ("LDAP://dc1.example.org/", "dc1.example.org", 389, Security::StartTls),
            ("ldaps://10.1.2.3:3269", "10.1.2.3", 3269, Security::Ldaps),
            ("ldap://[2001:db8::1]:1389", "2001:db8::1", 1389, Security::StartTls),
            ("ldaps://[::1]", "::1", 636, Security::Ldaps),
        ] {
            let server: Server = text.parse().unwrap();
            assert_eq!((server.host(), server.port(), server.security()), (host, port, security));
            assert_eq!(server.to_string().parse(), Ok(server));
        }
    }

    #[test]
    fn what_names_no_server_is_refused() {
        for text in [
            "dc1",
            "ldapi:///x",
            "http://dc1",
            "ldap://",
            "ldap://dc1:0",
            "ldap://dc1:x",
            "ldap://dc1:70000",
            "ldap://[::1",
            "ldap://[::1]x",
            "ldap://::1",
            "ldap://user@dc1",
            "ldap://dc1/dc=x",
            "ldap://a b",
            "ldap://dc1?x",
        ] {
            assert!(text.parse::<Server>().is_err(), "{text}");
        }
    }

    #[test]
    fn plain_text_has_its_own_port() {
        let server = "ldaps://dc1".parse::<Server>().unwrap().in_plain_text();
        assert_eq!((server.to_string().as_str(), server.security()), ("ldap://dc1", Security::PlainText));
    }
}
