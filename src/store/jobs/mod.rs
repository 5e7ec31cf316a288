//! What the contract asks for, as transactions over records: the same for every backend.
//!
//! [`rows`] is what a backend brings; [`tx`] a transaction in the making; [`commit`], [`outbox`], [`past`] and [`prune`] are the jobs that fill
//! one, `enqueue` and `thread` what they share on notices; [`state`] makes of records what is held in memory, [`place`] is what a message is to the queue, [`trouble`] why something
//! isn't done.

pub(super) mod commit;
mod enqueue;
pub(super) mod outbox;
pub(super) mod past;
pub(super) mod place;
pub(super) mod prune;
pub(super) mod rows;
pub(super) mod state;
mod thread;
mod together;
pub(super) mod trouble;
pub(super) mod tx;
