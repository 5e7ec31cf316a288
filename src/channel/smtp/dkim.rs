//! A mail's signature in the name of its domain (DKIM, RFC 6376 and RFC 8463), for where the mail server makes none itself.
//!
//! With ring, which is here anyway: the crates that sign bring `rsa` (RUSTSEC-2023-0071) or a resolver and a second parser. What is signed can be
//! reflowed on its way (relaxed canonicalization), and has no time in it, so that a repeat is the same to the byte.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;

/// Who signs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DkimSettings {
    /// The domain, mostly that of the sender's address.
    pub domain: String,
    /// Which of the domain's keys: its DNS record is at `SELECTOR._domainkey.DOMAIN`.
    pub selector: String,
    /// The private key in PEM: RSA of at least 2048 bits, or Ed25519.
    pub key: PathBuf,
}

/// Why nothing can be signed.
#[derive(Debug, thiserror::Error)]
#[error(
    "the DKIM key {} can't be used: {reason}; it must be a private key in PEM, RSA of 2048 bits or more, or Ed25519: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
    file.display()
)]
pub struct DkimError {
    file: PathBuf,
    reason: String,
}

/// What signs mails.
pub(super) struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// What is signed, as far as a mail has it (RFC 6376 §5.4.1): nobody is unsubscribed with one click by fields that aren't (RFC 8058 §4).
const SIGNED: [&str; 15] = [
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "auto-submitted",
    "x-auto-response-suppress",
    "list-unsubscribe",
    "list-unsubscribe-post",
];
/// Named once more than they occur, so that nobody can add another one (RFC 6376 §8.15).
const ONCE: [&str; 3] = ["from", "to", "subject"];

impl Signer {
    /// Reads the key.
    pub(super) fn read(settings: &DkimSettings) -> Result<Signer, DkimError> {
        let file = &settings.key;
        let unusable = |reason: String| DkimError { file: file.clone(), reason };
        let DkimSettings { domain, selector, .. } = settings.clone();
        Ok(Signer { domain, selector, key: Key::read(file).map_err(unusable)? })
    }

    /// The mail with its signature before it.
    pub(super) fn sign(&self, mime: &[u8]) -> Vec<u8> {
        let (head, body) = split(mime);
        let fields = fields(head);
        let has = |name: &&&str| fields.iter().any(|(known, _)| known == *name);
        let names: Vec<&str> = SIGNED.iter().filter(has).chain(&ONCE).copied().collect();
        let hash = BASE64_STANDARD.encode(digest(&SHA256, &relaxed_body(body)));
        let value = format!(
            "v=1; a={}; c=relaxed/relaxed; d={}; s={};\r\n\th={};\r\n\tbh={hash};\r\n\tb=",
            self.key.algorithm(),
            self.domain,
            self.selector,
            names.join(":")
        );
        let mut signed = Vec::new();
        for name in SIGNED {
            // From the last to the first of a name (RFC 6376 §5.4.2); ours each occur once.
            for (_, value) in fields.iter().rev().filter(|(known, _)| known == name) {
                signed.extend_from_slice(format!("{name}:{}\r\n", relaxed(value)).as_bytes());
            }
        }
        signed.extend_from_slice(format!("dkim-signature:{}", relaxed(value.as_bytes())).as_bytes());
        let signature = BASE64_STANDARD.encode(self.key.sign(&signed));
        let folded: Vec<&str> = pieces(&signature, 72);
        let header = format!("DKIM-Signature: {value}{}\r\n", folded.join("\r\n\t "));
        [header.as_bytes(), mime].concat()
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}._domainkey.{})", self.selector, self.domain)
    }
}

impl Key {
    fn read(file: &Path) -> Result<Key, String> {
        let pem = fs::read(file).map_err(|e| e.to_string())?;
        let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| e.to_string())?;
        let rsa = match &key {
            PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(der) => {
                // OpenSSL writes an Ed25519 key without its public half.
                if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der()) {
                    return Ok(Key::Ed25519(key));
                }
                RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())
            }
            _ => return Err("it is of another kind".to_owned()),
        };
        rsa.map(Key::Rsa).map_err(|e| e.to_string())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn sign(&self, text: &[u8]) -> Vec<u8> {
        match self {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                // It fails only for a buffer of another length, or without random numbers, which a machine that got so far has.
                let signed = key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature);
                if signed.is_err() {
                    tracing::error!("A mail couldn't be signed (DKIM); it goes with an empty signature");
                    signature.clear();
                }
                signature
            }
            // The hash is signed, not the text (RFC 8463 §3).
            Key::Ed25519(key) => key.sign(digest(&SHA256, text).as_ref()).as_ref().to_vec(),
        }
    }
}

/// Headers and body.
fn split(mime: &[u8]) -> (&[u8], &[u8]) {
    let end = mime.windows(4).position(|four| four == b"\r\n\r\n");
    end.map_or((mime, &[]), |end| {
        (mime.get(..end + 2).unwrap_or(mime), mime.get(end + 4..).unwrap_or_default())
    })
}

/// The fields of the headers, each with its name in small letters.
fn fields(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    for line in head.split(|byte| *byte == b'\n') {
        if let (Some(b' ' | b'\t'), Some((_, value))) = (line.first(), fields.last_mut()) {
            value.extend_from_slice(line);
        } else if let Some(colon) = line.iter().position(|byte| *byte == b':') {
            let (name, value) = line.split_at(colon);
            let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
            fields.push((name, value.get(1..).unwrap_or_default().to_vec()));
        }
    }
    fields
}

/// A field's value on one line, its white space run together (RFC 6376 §3.4.2).
fn relaxed(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The body, its white space run together, without what is empty at the end (RFC 6376 §3.4.4).
fn relaxed_body(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    // As much of `out` as doesn't end with empty lines.
    let mut full = 0;
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let begin = out.len();
        let mut blank = false;
        for byte in line {
            if matches!(byte, b' ' | b'\t') {
                blank = true;
                continue;
            }
            if std::mem::take(&mut blank) {
                out.push(b' ');
            }
            out.push(*byte);
        }
        let is_empty = out.len() == begin;
        out.extend_from_slice(b"\r\n");
        if !is_empty {
            full = out.len();
        }
    }
    out.truncate(full);
    out
}

/// An ASCII text in pieces of so many bytes.
fn pieces(text: &str, length: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((piece, more)) = rest.split_at_checked(length) {
        pieces.push(piece);
        rest = more;
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_canonical_as_the_rfc_has_it() {
        // RFC 6376 §3.4.5.
        let mail = b"A: X\r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n";
        let (head, body) = split(mail);
        let fields: Vec<String> = fields(head).iter().map(|(n, v)| format!("{n}:{}", relaxed(v))).collect();
        assert_eq!(fields, ["a:X", "b:Y Z"]);
        assert_eq!(relaxed_body(body), b" C\r\nD E\r\n");
        assert_eq!(relaxed_body(b""), b"");
        assert_eq!(relaxed_body(b" \r\n\r\n"), b"");
        assert_eq!(relaxed_body(b"no end"), b"no end\r\n");
    }

    #[test]
    fn a_key_that_can_not_sign_is_told_of_in_words() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        let settings = DkimSettings { domain: "x.example".into(), selector: "b".into(), key: key.clone() };
        assert!(Signer::read(&settings).unwrap_err().to_string().contains("No such file"));
        fs::write(&key, "no key").unwrap();
        let told = Signer::read(&settings).unwrap_err().to_string();
        assert!(told.contains("key.pem can't be used") && told.contains("openssl genpkey"), "{told}");
        let elliptic = rcgen::KeyPair::generate().unwrap();
        fs::write(&key, elliptic.serialize_pem()).unwrap();
        assert!(Signer::read(&settings).is_err(), "a key that DKIM doesn't know");
        let edwards = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        fs::write(&key, edwards.serialize_pem()).unwrap();
        let signed =
            Signer::read(&settings).unwrap().sign(b"From: a@x.example\r\nSubject: s\r\n\r\nText\r\n");
        let text = String::from_utf8(signed).unwrap();
        assert!(text.starts_with("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=x.example; s=b;\r\n\th=from:subject:from:to:subject;"), "{text}");
        assert!(text.ends_with("From: a@x.example\r\nSubject: s\r\n\r\nText\r\n"));
    }

    #[test]
    fn what_takes_somebody_off_with_one_click_is_signed() {
        // RFC 8058 §4: both headers.
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        let edwards = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
        fs::write(&key, edwards.serialize_pem()).unwrap();
        let signer =
            Signer::read(&DkimSettings { domain: "x.example".into(), selector: "b".into(), key }).unwrap();
        let sign = |link: &str, post: &str| {
            let head =
                format!("From: a@x.example\r\nList-Unsubscribe: {link}\r\nList-Unsubscribe-Post: {post}\r\n");
            let signed = String::from_utf8(signer.sign(format!("{head}\r\nText\r\n").as_bytes())).unwrap();
            signed.split_once("From: a@").unwrap().0.to_owned()
        };
        let signed = sign("<https://x.example/1>", "List-Unsubscribe=One-Click");
        let names = signed.split_once("h=").unwrap().1.split_once(';').unwrap().0;
        assert!(names.contains("list-unsubscribe:list-unsubscribe-post"), "{signed}");
        assert_ne!(signed, sign("<https://y.example/1>", "List-Unsubscribe=One-Click"));
        assert_ne!(signed, sign("<https://x.example/1>", "List-Unsubscribe=Other"));
    }
}
