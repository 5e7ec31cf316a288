//! The redo log of a large transaction: its rows, one after the other, cut into pieces that the engine takes easily.

use super::super::jobs::trouble::Trouble;
use super::engine::Op;

/// What the keys of its pieces begin with; their number (u32) follows.
pub(super) const REDO: u8 = 0x01;
/// The length of a piece.
const PIECE: usize = 4000;
/// In place of the length of a value: the row is removed.
const GONE: u32 = u32::MAX;

/// Writes the log of `ops` by `push`; returns how many pieces it has.
pub(super) fn write(ops: &[Op], mut push: impl FnMut(Op) -> Result<(), Trouble>) -> Result<u32, Trouble> {
    let mut pieces = 0;
    let mut open = Vec::with_capacity(2 * PIECE);
    for (key, value) in ops {
        open.extend(length(key.len())?.to_be_bytes());
        open.extend(value.as_ref().map_or(Ok(GONE), |v| length(v.len()))?.to_be_bytes());
        open.extend(key);
        open.extend(value.iter().flatten());
        while open.len() >= PIECE {
            let rest = open.split_off(PIECE);
            push((key_of(pieces), Some(std::mem::replace(&mut open, rest))))?;
            pieces += 1;
        }
    }
    if !open.is_empty() {
        push((key_of(pieces), Some(open)))?;
        pieces += 1;
    }
    Ok(pieces)
}

/// Reads the log back, a row at a time.
pub(super) fn read(db: &sled::Db, pieces: u32) -> impl Iterator<Item = Result<Op, Trouble>> {
    let lost = || Trouble::Damaged("the redo log of a large transaction is incomplete".into());
    let mut next = 0;
    let mut open: Vec<u8> = Vec::new();
    std::iter::from_fn(move || {
        loop {
            if let Some((op, used)) = first_of(&open) {
                open.drain(..used);
                return Some(Ok(op));
            }
            if next == pieces {
                return if open.is_empty() { None } else { Some(Err(lost())) };
            }
            match db.get(key_of(next)) {
                Ok(Some(piece)) => open.extend_from_slice(&piece),
                Ok(None) => return Some(Err(lost())),
                Err(e) => return Some(Err(e.into())),
            }
            next += 1;
        }
    })
}

/// The first row in `bytes`, if it is there in full, and its length.
fn first_of(bytes: &[u8]) -> Option<(Op, usize)> {
    let (key, rest) = bytes.split_first_chunk()?;
    let (value, rest) = rest.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(u32::from_be_bytes(*key) as usize)?;
    match u32::from_be_bytes(*value) {
        GONE => Some(((key.to_vec(), None), 8 + key.len())),
        length => {
            let value = rest.get(..length as usize)?;
            Some(((key.to_vec(), Some(value.to_vec())), 8 + key.len() + value.len()))
        }
    }
}

fn key_of(piece: u32) -> Vec<u8> {
    let mut key = vec![REDO];
    key.extend(piece.to_be_bytes());
    key
}

fn length(n: usize) -> Result<u32, Trouble> {
    u32::try_from(n)
        .ok()
        .filter(|n| *n != GONE)
        .ok_or_else(|| Trouble::Io("written", "a row is too long".into()))
}
