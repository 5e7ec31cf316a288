//! The process around the work: the clock, schedules, the lifecycle, systemd and the logs.

pub mod clock;
pub mod daemon;
pub mod database;
pub mod hints;
pub mod intake;
pub mod lifecycle;
pub mod loops;
pub mod migrate;
mod opening;
pub mod pages;
pub mod probe;
pub mod systemd;
pub mod telemetry;
pub mod texts;
pub mod wire;
