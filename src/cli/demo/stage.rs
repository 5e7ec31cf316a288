//! The temporary folder of the tour: the daemon in it, its directory, its mails.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::cli::exit::Trouble;
use crate::config::{self, Environment};
use crate::domain::organisation::Organisation;
use crate::domain::run::Outcome;
use crate::flow::core::Core;
use crate::runtime::clock::Clock;
use crate::runtime::daemon::{Daemon, Start};
use crate::runtime::lifecycle::{Exit, Signal, Signals};
use crate::runtime::systemd::Notifier;

/// The sample organisation.
const SAMPLE: &str = include_str!("../../../config/demo/organisation.ldif");
/// The configuration of the tour; `FOLDER` stands for the temporary folder.
const CONFIG: &str = include_str!("../../../config/demo/budkavle.toml");
/// So long for a mail, or for the first sync.
const PATIENCE: Duration = Duration::from_secs(30);

/// The daemon and everything around it. The folder goes with it.
pub struct Stage {
    folder: TempDir,
    core: Arc<Core>,
    daemon: JoinHandle<Exit>,
    stop: Option<tokio::sync::mpsc::UnboundedSender<Signal>>,
    seen: BTreeSet<PathBuf>,
    text: Vec<u8>,
}

impl Stage {
    /// Puts everything in place and starts the daemon. With `by_itself` nothing but [`Stage::end`] ends it.
    pub async fn set(own: Option<PathBuf>, by_itself: bool) -> Result<Stage, Trouble> {
        let failed = |what: &str, e: &dyn std::fmt::Display| Trouble::failed(format!("{what}: {e}"));
        let folder = TempDir::with_prefix("budkavle-demo-")
            .map_err(|e| failed("no temporary folder can be made", &e))?;
        let text = match &own {
            Some(file) => {
                std::fs::read(file).map_err(|e| failed(&format!("{} can't be read", file.display()), &e))?
            }
            None => SAMPLE.as_bytes().to_vec(),
        };
        let path = |name: &str| folder.path().join(name);
        let roles = if own.is_some() { "" } else { "\n[roles.outage]\ngroups = [\"driftkontakter\"]\n" };
        let config = CONFIG.replace("FOLDER", &folder.path().display().to_string()) + roles;
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(path(name), bytes).map_err(|e| failed("the temporary folder can't be written", &e))
        };
        write("organisation.ldif", &text)?;
        write("budkavle.toml", config.as_bytes())?;
        std::fs::create_dir(path("mails"))
            .map_err(|e| failed("the temporary folder can't be written", &e))?;
        let file = path("budkavle.toml");
        // Not the variables of this machine: no mail may leave it.
        let loaded = config::load(&file, &Environment::default());
        let (config, _) = loaded.map_err(|mistakes| Trouble::failed(mistakes.to_string()))?;
        let (stop, signals) = if by_itself {
            let (stop, signals) = Signals::manual();
            (Some(stop), signals)
        } else {
            (None, Signals::listen().map_err(|e| failed("signals can't be listened to", &e))?)
        };
        let start = Start {
            config,
            config_file: Some(file),
            clock: Clock::System,
            signals,
            notifier: Notifier::default(),
            level: None,
        };
        let daemon = Daemon::start(start).await.map_err(Trouble::failed)?;
        let core = Arc::clone(&daemon.core);
        let daemon = tokio::spawn(daemon.run());
        Ok(Stage { folder, core, daemon, stop, seen: BTreeSet::new(), text })
    }

    /// The temporary folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the daemon listens.
    pub fn socket(&self) -> PathBuf {
        self.folder().join("socket")
    }

    /// Where mails are put.
    pub fn mails(&self) -> PathBuf {
        self.folder().join("mails")
    }

    /// The directory.
    pub fn ldif(&self) -> PathBuf {
        self.folder().join("organisation.ldif")
    }

    /// What was read of it.
    pub fn organisation(&self) -> Arc<Organisation> {
        Arc::clone(&self.core.view().organisation)
    }

    /// Waits for the sync that follows the start; its failure is ours.
    pub async fn first_sync(&self) -> Result<(), Trouble> {
        let core = Arc::clone(&self.core);
        let ended = move || core.view().directories.values().find_map(|d| d.last_run.clone());
        let run = wait(ended).await.ok_or_else(|| Trouble::failed("the first sync doesn't end"))?;
        match run.outcome {
            Outcome::Failed { error } => Err(Trouble::failed(error)),
            _ => Ok(()),
        }
    }

    /// The next mail that speaks of `topic`: its headers that matter, and its text.
    pub async fn next_mail(&mut self, topic: &str) -> Result<String, Trouble> {
        let (mails, seen) = (self.mails(), self.seen.clone());
        let fresh = move || {
            let entries = std::fs::read_dir(&mails).ok()?.filter_map(|e| Some(e.ok()?.path()));
            let eml = |p: &PathBuf| p.extension().is_some_and(|e| e == "eml");
            let mut new: Vec<PathBuf> = entries.filter(|p| eml(p) && !seen.contains(p)).collect();
            new.sort();
            new.into_iter()
                .map(|path| (std::fs::read_to_string(&path).unwrap_or_default(), path))
                .find(|(t, _)| t.contains(topic))
        };
        let Some((text, _)) = wait(fresh).await else {
            return Err(Trouble::failed(format!(
                "no mail on \"{topic}\" has come into {}",
                self.mails().display()
            )));
        };
        // The others of the same notice are like it.
        let all = std::fs::read_dir(self.mails()).map_err(Trouble::failed)?;
        self.seen.extend(all.filter_map(|e| Some(e.ok()?.path())));
        Ok(shown(&text))
    }

    /// Cuts the directory off in the middle of an entry.
    pub fn break_directory(&self) -> Result<(), Trouble> {
        let half = self.text.get(..self.text.len() / 2).unwrap_or_default();
        std::fs::write(self.ldif(), half).map_err(Trouble::failed)
    }

    /// Puts the directory back.
    pub fn mend_directory(&self) -> Result<(), Trouble> {
        std::fs::write(self.ldif(), &self.text).map_err(Trouble::failed)
    }

    /// Stops the daemon.
    pub async fn end(mut self) -> Result<(), Trouble> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(Signal::Terminate);
        }
        self.wait().await
    }

    /// Waits until the daemon is stopped.
    pub async fn wait(self) -> Result<(), Trouble> {
        let exit = self.daemon.await.map_err(Trouble::failed)?;
        if exit.is_clean() { Ok(()) } else { Err(Trouble::failed(exit)) }
    }
}

async fn wait<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let clock = Clock::System;
    let until = clock.monotonic() + PATIENCE;
    loop {
        let found = look();
        if found.is_some() || clock.monotonic() > until {
            return found;
        }
        clock.sleep(Duration::from_millis(50)).await;
    }
}

/// The headers that matter, and the text part as it reads.
fn shown(eml: &str) -> String {
    let mail = mail_parser::MessageParser::default().parse(eml);
    let Some(mail) = mail else { return eml.to_owned() };
    let to = mail.to().and_then(|t| t.first());
    let to = to.map(|t| format!("{} <{}>", t.name().unwrap_or_default(), t.address().unwrap_or_default()));
    let text = mail.body_text(0).unwrap_or_default();
    let head = [("To", to.unwrap_or_default()), ("Subject", mail.subject().unwrap_or_default().to_owned())];
    let head = head.iter().map(|(name, value)| format!("  │ {name}: {value}\n")).collect::<String>();
    let body: String = text.lines().map(|line| format!("  │ {line}\n")).collect();
    format!("\n{head}  │\n{body}").trim_end().to_owned()
}
