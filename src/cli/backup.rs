//! `budkavle backup` and `budkavle restore`.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::check;
use super::client::Client;
use super::exit::{Exit, Trouble, block_on};
use super::print::Out;
use crate::runtime::clock::Clock;
use crate::runtime::daemon;

/// Where to.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  budkavle backup /var/backups/budkavle-$(date +%F).bkv")]
pub struct BackupArgs {
    /// The file; it must not exist yet
    file: PathBuf,
}

/// From where.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The daemon must be stopped. A store that holds something is put aside, not deleted, and only with --replace.\n\nExample:\n  systemctl stop budkavle\n  runuser -u budkavle -- budkavle restore /var/backups/budkavle-2026-07-06.bkv --replace\n  systemctl start budkavle"
)]
pub struct RestoreArgs {
    /// The backup
    file: PathBuf,
    /// Put the store that is there aside first
    #[arg(long)]
    replace: bool,
}

pub async fn run(args: BackupArgs, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let file = args.file;
    let broken = |e: std::io::Error| Trouble::failed(format!("{} can't be written: {e}", file.display()));
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if file.exists() {
        return Err(Trouble::usage(format!("{} exists already; name another file", file.display())));
    }
    // Under another name until it is whole: a backup that was cut short must not look like one.
    let mut options = tempfile::Builder::new();
    let mut part = options
        .prefix(".budkavle-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .tempfile_in(folder)
        .map_err(broken)?;
    let mut response = client.post_raw("/v1/backup").await?;
    let expected = response.content_length();
    let mut written = 0_u64;
    while let Some(chunk) = response.chunk().await.map_err(|e| client.broken(&e))? {
        part.write_all(&chunk).map_err(broken)?;
        written += chunk.len() as u64;
    }
    if expected.is_some_and(|e| e != written) {
        return Err(Trouble::failed("the daemon's answer was cut short; there is no backup"));
    }
    part.as_file().sync_all().map_err(broken)?;
    part.persist_noclobber(&file).map_err(|e| broken(e.error))?;
    std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(0)
        .open(folder)
        .and_then(|f| f.sync_all())
        .map_err(broken)?;
    let answer = json!({ "file": file, "bytes": written });
    out.answer(&answer, |out, _| out.line(format!("Backed up into {} ({written} bytes).", file.display())));
    Ok(Exit::Done)
}

pub fn restore(args: &RestoreArgs, config: &Path, out: &Out) -> Exit {
    let work = || {
        let (config, _) = check::load(config)?;
        let restore = daemon::restore(&config, args.file.clone(), args.replace, Clock::System.now());
        let restored = block_on(restore)?.map_err(Trouble::failed)?;
        Ok::<_, Trouble>((restored, config.organisation.timezone))
    };
    match work() {
        Ok((restored, zone)) => {
            out.on_clocks_of(zone).answer(&restored, |out, r| {
                let counts: Vec<String> =
                    r.info.counts.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
                out.line(format!(
                    "Restored what was as of {}: {}.",
                    out.when(r.info.as_of),
                    counts.join(", ")
                ));
                if let Some(aside) = &r.aside {
                    out.line(format!("What was there before lies in {}.", aside.display()));
                }
                out.line("Start the daemon, and then run `budkavle sync`: the directory has moved on since.");
            });
            Exit::Done
        }
        Err(trouble) => trouble.tell(out),
    }
}
