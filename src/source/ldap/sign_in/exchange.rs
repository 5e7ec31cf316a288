//! The few messages that go over a connection before ldap3 has it: binds, and one look at the server's name.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::super::ber::{CONTEXT, Header, header, tlv};
use super::super::messages::{
    BIND_RESPONSE, EXTENDED_RESPONSE, SEARCH_DONE, SEARCH_ENTRY, answer, entry, parts,
};
use super::super::screen::Ended;
use crate::source::Answer;

/// No answer here is longer: Kerberos' longest has some 64 KB.
const MAX_REPLY: usize = 1 << 20;
/// A look at the root DSE is answered with two messages; more than this many lead nowhere.
const MAX_REPLIES: usize = 8;
const MALFORMED: Ended = Ended::Nonsense("a message of it is malformed");

/// How somebody proves who they are (RFC 4511 §4.2).
pub(super) enum Auth<'a> {
    /// With this password.
    Simple(&'a str),
    /// By this mechanism, with its token.
    Sasl(&'a str, Option<&'a [u8]>),
}

/// What a bind was answered.
pub(super) struct Bound {
    pub answer: Answer,
    /// The mechanism's token of the server.
    pub credentials: Option<Vec<u8>>,
}

/// A conversation, one message at a time.
pub(super) struct Exchange<'a, S> {
    stream: &'a mut S,
    id: u8,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Exchange<'a, S> {
    /// StartTLS may have been the first message.
    pub(super) fn on(stream: &'a mut S) -> Exchange<'a, S> {
        Exchange { stream, id: 1 }
    }

    /// One step of a bind.
    pub(super) async fn bind(&mut self, name: &str, auth: Auth<'_>) -> Result<Bound, Ended> {
        let auth = match auth {
            Auth::Simple(password) => tlv(0x80, password.as_bytes()),
            Auth::Sasl(mechanism, token) => {
                let token = token.map(|token| tlv(4, token)).unwrap_or_default();
                tlv(0xa3, &[tlv(4, mechanism.as_bytes()), token].concat())
            }
        };
        self.send(&tlv(0x60, &[tlv(2, &[3]), tlv(4, name.as_bytes()), auth].concat())).await?;
        let reply = self.reply().await?;
        let (_, operation, _) = parts(&reply).ok_or(MALFORMED)?;
        if operation.number != BIND_RESPONSE {
            return Err(Ended::Nonsense("it answered something else than it was asked"));
        }
        let answer = answer(operation).ok_or(MALFORMED)?;
        let mut inside = operation.inside().ok_or(MALFORMED)?;
        let mut credentials = None;
        while let Some(part) = inside.next() {
            if (part.class, part.number) == (CONTEXT, 7) {
                credentials = Some(part.bytes().ok_or(MALFORMED)?.to_vec());
            }
        }
        Ok(Bound { answer, credentials })
    }

    /// What the server calls itself (`dnsHostName` of the root DSE), if it tells those who haven't signed in.
    pub(super) async fn host_name(&mut self) -> Result<Option<String>, Ended> {
        const NAME: &str = "dnsHostName";
        let request = [
            tlv(4, b""),
            tlv(10, &[0]),
            tlv(10, &[0]),
            tlv(2, &[0]),
            tlv(2, &[0]),
            tlv(1, &[0]),
            tlv(0x87, b"objectClass"),
            tlv(0x30, &tlv(4, NAME.as_bytes())),
        ];
        self.send(&tlv(0x63, &request.concat())).await?;
        let mut name = None;
        for _ in 0..MAX_REPLIES {
            let reply = self.reply().await?;
            let (_, operation, _) = parts(&reply).ok_or(MALFORMED)?;
            match operation.number {
                SEARCH_ENTRY => {
                    let entry = entry(operation).ok_or(MALFORMED)?;
                    name = entry.first(NAME).and_then(|name| String::from_utf8(name.to_vec()).ok());
                }
                SEARCH_DONE => return Ok(name),
                _ => return Err(Ended::Nonsense("it answered something else than it was asked")),
            }
        }
        Err(Ended::Nonsense("it answers for ever"))
    }

    async fn send(&mut self, operation: &[u8]) -> Result<(), Ended> {
        // Numbers above 127 would take another byte; no conversation here is so long.
        self.id = self.id % 100 + 1;
        let message = tlv(0x30, &[&tlv(2, &[self.id]), operation].concat());
        self.stream.write_all(&message).await?;
        Ok(self.stream.flush().await?)
    }

    async fn reply(&mut self) -> Result<Vec<u8>, Ended> {
        let reply = message(self.stream, MAX_REPLY).await?;
        let (id, operation, _) = parts(&reply).ok_or(MALFORMED)?;
        if operation.number == EXTENDED_RESPONSE {
            // Nothing extended is asked here: a Notice of Disconnection (RFC 4511 §4.4.1).
            return Err(answer(operation).map_or(MALFORMED, Ended::Notice));
        }
        if id != u32::from(self.id) {
            return Err(Ended::Nonsense("it answered something else than it was asked"));
        }
        Ok(reply)
    }
}

/// Reads one message of up to `most` bytes, and not one byte more: what follows a StartTLS belongs to TLS.
pub(in crate::source::ldap) async fn message(
    stream: &mut (impl AsyncRead + Unpin),
    most: usize,
) -> Result<Vec<u8>, Ended> {
    const NOT_LDAP: Ended = Ended::Nonsense("what it sent is not LDAP");
    let mut bytes = Vec::new();
    let length = loop {
        if bytes.first().is_some_and(|first| *first != 0x30) {
            return Err(NOT_LDAP);
        }
        match header(&bytes) {
            Header::Known { header, length } if length <= most => break header + length,
            Header::Cut => bytes.push(stream.read_u8().await.map_err(|error| cut(error, bytes.is_empty()))?),
            Header::Known { .. } | Header::Bad => return Err(NOT_LDAP),
        }
    };
    let read = bytes.len();
    bytes.resize(length, 0);
    let rest = bytes.get_mut(read..).unwrap_or_default();
    stream.read_exact(rest).await.map_err(|error| cut(error, false))?;
    Ok(bytes)
}

fn cut(error: std::io::Error, between_messages: bool) -> Ended {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof if between_messages => Ended::ByServer,
        std::io::ErrorKind::UnexpectedEof => Ended::Cut,
        _ => Ended::Broken(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_is_read_and_not_a_byte_of_what_follows() {
        let first = tlv(0x30, &tlv(4, &[7; 200]));
        let bytes = [&first[..], b"TLS"].concat();
        let mut stream = &bytes[..];
        assert_eq!(message(&mut stream, 4096).await.unwrap(), first);
        assert_eq!(stream, b"TLS");
        for (bytes, most, expected) in [
            (&b""[..], 4096, "the server closed it"),
            (&first[..1], 4096, "the server closed it in the middle of a message"),
            (&first[..20], 4096, "the server closed it in the middle of a message"),
            (b"HTTP/1.1", 4096, "what it sent is not LDAP"),
            (&first, 100, "what it sent is not LDAP"),
            (&[0x30, 0x80, 0, 0], 4096, "what it sent is not LDAP"),
        ] {
            let mut stream = bytes;
            assert_eq!(message(&mut stream, most).await.unwrap_err().to_string(), expected);
        }
    }
}
