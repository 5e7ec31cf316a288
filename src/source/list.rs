//! The file of a list that somebody else keeps: fetched from a disk or by HTTPS, within limits, and believed only by a checksum, a signature, or,
//! if that is wanted, the server's certificate alone.

#[cfg(test)]
mod tests;

use std::time::Duration;

use minisign_verify::{PublicKey, Signature};
use sha2::{Digest, Sha256};
use xxhash_rust::xxh3::xxh3_64;

use super::fetch::{self, FetchError, Known, Location};
use crate::domain::lists::{LARGEST, TakenList};
use crate::tls::{TlsTrust, parse_sha256};

/// By what a file is believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// Its SHA-256 is this.
    Sha256([u8; 32]),
    /// Its SHA-256 is the one in this file, as `sha256sum` writes it.
    Sha256At(Location),
    /// The key of this holder has signed it; the signature (in minisign's format) is there.
    Signed {
        /// Whose signature.
        key: PublicKey,
        /// Where it is.
        signature: Location,
    },
    /// The server's certificate is all that is asked for.
    Transport,
}

/// Where a list is, and by what it is believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListSource {
    /// Where it is.
    pub location: Location,
    /// By what it is believed.
    pub proof: Proof,
    /// Which servers are believed.
    pub tls: TlsTrust,
    /// How long each file may take.
    pub timeout: Duration,
}

/// What was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fetched {
    /// The server says that nothing has changed.
    Same,
    /// A file that is believed.
    New(ListFile),
}

/// A file that is believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListFile {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Their SHA-256.
    pub sha256: [u8; 32],
    /// The server's `ETag`.
    pub etag: Option<Box<str>>,
    /// The server's `Last-Modified`.
    pub modified: Option<Box<str>>,
}

/// Why there is no list.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// It can't be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The checksum's file holds none.
    #[error("{0} holds no SHA-256; it must begin with 64 hexadecimal digits, as sha256sum writes them")]
    NoChecksum(String),
    /// The checksum is another one.
    #[error("the checksum isn't right: the list's SHA-256 is {found}, and should be {wanted}")]
    Checksum {
        /// What it is.
        found: String,
        /// What it should be.
        wanted: String,
    },
    /// The signature is another one, or none.
    #[error("the signature {location} isn't right: {cause}")]
    Signature {
        /// Where.
        location: String,
        /// What is wrong with it.
        cause: String,
    },
}

impl ListSource {
    /// A digest of where it is and by what it is believed.
    pub fn terms(&self) -> u64 {
        let proof = match &self.proof {
            Proof::Sha256(sha256) => format!("sha256 {}", hex(sha256)),
            Proof::Sha256At(location) => format!("sha256 at {location:?}"),
            Proof::Signed { key, signature } => format!("signed {key:?} {signature:?}"),
            Proof::Transport => "transport".to_owned(),
        };
        xxh3_64(format!("{:?} {proof} {:?}", self.location, self.tls).as_bytes())
    }

    /// Reads it, unless the server says that it is still the one that was `taken`.
    ///
    /// # Errors
    /// It can't be fetched, or isn't believed.
    pub async fn read(&self, taken: Option<&TakenList>) -> Result<Fetched, ListError> {
        let client = fetch::Client::new(&self.tls, self.timeout)?;
        let taken = taken.filter(|taken| taken.terms == self.terms());
        let known = taken.map(|t| Known { etag: t.etag.as_deref(), modified: t.modified.as_deref() });
        let Some(file) = client.get(&self.location, known, LARGEST).await? else { return Ok(Fetched::Same) };
        let sha256: [u8; 32] = Sha256::digest(&file.bytes).into();
        match &self.proof {
            Proof::Sha256(wanted) => same_checksum(&sha256, wanted)?,
            Proof::Sha256At(location) => {
                let text = client.get(location, None, LARGEST).await?.unwrap_or_default().bytes;
                let text = String::from_utf8_lossy(&text).into_owned();
                let wanted = text.split_whitespace().next().and_then(parse_sha256);
                let wanted = wanted.ok_or_else(|| ListError::NoChecksum(location.to_string()))?;
                same_checksum(&sha256, &wanted)?;
            }
            Proof::Signed { key, signature } => {
                let text = client.get(signature, None, LARGEST).await?.unwrap_or_default().bytes;
                let wrong = |cause: String| ListError::Signature { location: signature.to_string(), cause };
                let text = String::from_utf8(text).map_err(|_| wrong("it is no text".to_owned()))?;
                let signature = Signature::decode(&text).map_err(|e| wrong(e.to_string()))?;
                key.verify(&file.bytes, &signature, false).map_err(|e| wrong(e.to_string()))?;
            }
            Proof::Transport => {}
        }
        let fetch::File { bytes, etag, modified } = file;
        Ok(Fetched::New(ListFile { bytes, sha256, etag, modified }))
    }
}

#[cfg(test)]
impl ListSource {
    /// A file that is believed as it is, or one at an address whose certificate is nobody's.
    pub(crate) fn unproven(location: Location) -> ListSource {
        let (proof, tls, timeout) = (Proof::Transport, TlsTrust::Pinned([0; 32]), Duration::from_secs(60));
        ListSource { location, proof, tls, timeout }
    }
}

fn same_checksum(found: &[u8; 32], wanted: &[u8; 32]) -> Result<(), ListError> {
    let error = || ListError::Checksum { found: hex(found), wanted: hex(wanted) };
    if found == wanted { Ok(()) } else { Err(error()) }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
