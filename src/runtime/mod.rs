//! The process around the work: the clock, schedules, the lifecycle, systemd and the logs.

pub mod clock;
pub mod daemon;
pub mod hints;
pub mod intake;
pub mod lifecycle;
pub mod loops;
pub mod probe;
pub mod systemd;
pub mod telemetry;
pub mod wire;
