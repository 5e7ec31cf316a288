//! `budkavle run`: the daemon.

use std::path::Path;
use std::time::Duration;

use super::check;
use super::exit::{Exit, Trouble};
use super::print::Out;
use crate::runtime::clock::Clock;
use crate::runtime::daemon::{Daemon, Start, StartError};
use crate::runtime::lifecycle::Signals;
use crate::runtime::systemd::Notifier;
use crate::runtime::telemetry;

/// Blocking work that ignores the stop may hold the process up for so long.
const SHUTDOWN: Duration = Duration::from_secs(2);

pub fn run(file: &Path) -> Exit {
    let out = Out::new(false);
    match start(file) {
        Ok(exit) => exit,
        Err(trouble) => trouble.tell(&out),
    }
}

fn start(file: &Path) -> Result<Exit, Trouble> {
    let (config, warnings) = check::load(file)?;
    let level = telemetry::init(config.log.format.into(), &config.log.level).map_err(Trouble::usage)?;
    if !warnings.is_empty() {
        tracing::warn!("{warnings}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|e| Trouble::failed(format!("the system refuses what is needed to run: {e}")))?;
    let exit = runtime.block_on(async {
        let signals =
            Signals::listen().map_err(|e| Trouble::failed(format!("signals can't be listened to: {e}")))?;
        let start = Start {
            config,
            config_file: Some(file.to_owned()),
            clock: Clock::System,
            signals,
            notifier: Notifier::from_environment(),
            level: Some(level),
        };
        match Daemon::start(start).await {
            Ok(daemon) => Ok(Some(daemon.run().await)),
            Err(StartError::Stopped) => Ok(None),
            Err(e) => {
                tracing::error!("The daemon can't start: {e}");
                Err(Trouble::failed(format!("the daemon can't start: {e}")))
            }
        }
    });
    runtime.shutdown_timeout(SHUTDOWN);
    let Some(exit) = exit? else {
        tracing::info!("Stopped before the database was there");
        return Ok(Exit::Done);
    };
    if exit.is_clean() {
        tracing::info!("{exit}");
        return Ok(Exit::Done);
    }
    tracing::error!("{exit}");
    Err(Trouble::failed(exit))
}
