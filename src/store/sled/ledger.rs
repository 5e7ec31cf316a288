//! What the store holds, counted by ourselves: how many records of each kind, and a digest of them.
//!
//! The engine's own checks don't see rows that it lost. The ledger is written in the transaction that changes the rows, and compared
//! with them at every opening.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::super::counts::{Count, Counts};
use super::super::jobs::trouble::Trouble;
use super::super::records::Kind;

const SCHEMA: u16 = 1;

/// What is written beside the records, in their transaction.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ledger {
    /// How many groups were committed.
    pub(super) commit: u64,
    /// The latest time that anything committed speaks of.
    pub(super) as_of: DateTime<Utc>,
    /// So many rows of a large transaction must still be carried over to their places.
    pub(super) redo: u32,
    /// The records.
    pub(super) counts: Counts,
}

#[derive(Serialize, Deserialize)]
struct V1 {
    commit: u64,
    as_of: i64,
    redo: u32,
    counts: Vec<(u8, Count)>,
}

impl Ledger {
    /// The bytes of its row: schema, body, checksum.
    pub(super) fn encode(&self) -> Result<Vec<u8>, Trouble> {
        let counts = self.counts.iter().map(|(kind, count)| (kind as u8, count)).collect();
        let body = V1 { commit: self.commit, as_of: self.as_of.timestamp_micros(), redo: self.redo, counts };
        let mut bytes = SCHEMA.to_be_bytes().to_vec();
        bytes.extend(postcard::to_stdvec(&body).map_err(|e| Trouble::Io("written", e.to_string()))?);
        let sum = xxh3_64(&bytes);
        bytes.extend(sum.to_be_bytes());
        Ok(bytes)
    }

    /// Reads its row.
    pub(super) fn decode(bytes: &[u8]) -> Result<Ledger, Trouble> {
        let damaged = |what: &str| Trouble::Damaged(format!("its ledger {what}"));
        let (bytes, sum) = bytes.split_last_chunk::<8>().ok_or_else(|| damaged("is too short"))?;
        if xxh3_64(bytes).to_be_bytes() != *sum {
            return Err(damaged("has a wrong checksum"));
        }
        let (schema, body) = bytes.split_first_chunk().ok_or_else(|| damaged("is too short"))?;
        match u16::from_be_bytes(*schema) {
            SCHEMA => {}
            newer => return Err(Trouble::TooNew(format!("ledger of schema {newer}"))),
        }
        let body: V1 = postcard::from_bytes(body).map_err(|e| Trouble::TooNew(format!("ledger: {e}")))?;
        let kind =
            |byte| Kind::from_byte(byte).ok_or_else(|| Trouble::TooNew(format!("records of kind {byte}")));
        let counts: Result<Counts, Trouble> =
            body.counts.iter().map(|(byte, count)| Ok((kind(*byte)?, *count))).collect();
        let as_of =
            DateTime::from_timestamp_micros(body.as_of).ok_or_else(|| damaged("has an impossible time"))?;
        Ok(Ledger { commit: body.commit, as_of, redo: body.redo, counts: counts? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_of_its_row_is_noticed() {
        let mut ledger =
            Ledger { commit: 9, as_of: DateTime::UNIX_EPOCH, redo: 0, counts: Counts::default() };
        ledger.counts.add(Kind::Run, b"1", b"\0\x01a");
        let bytes = ledger.encode().unwrap();
        assert_eq!(Ledger::decode(&bytes), Ok(ledger));
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(Ledger::decode(&bad), Err(Trouble::Damaged(_))), "bit {bit}");
        }
    }
}
