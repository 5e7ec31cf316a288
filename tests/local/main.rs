//! Everything that is tested on this machine alone, without a server but PostgreSQL, which the tests start themselves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and the helpers of tests are tests too"
)]

mod delegation;
mod dependencies;
mod layout;
mod postgres;
mod store_contract;
mod store_damage;
mod store_disk;
mod store_samples;
mod telling;
mod undo;
