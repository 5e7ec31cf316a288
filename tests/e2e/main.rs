//! Drives the installed program against real servers. Run by `tests/run`, as root: a domain controller listens on
//! ports below 1024, and Postfix changes users.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that can't go on panics"
)]

mod alone;
mod harness;
mod main_path;
mod servers;
mod site;
mod world;
