//! `budkavle sync`: now, with progress; and the runs that were.

mod printed;

use std::io::IsTerminal;
use std::time::Duration;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::Out;
use crate::domain::ids::DirectoryName;
use crate::domain::run::{Outcome, Run};
use crate::flow::sync::Report;
use crate::flow::undo::Undone;
use crate::http::answers::{RunAnswer, SyncLine, SyncRequest, UndoRequest, Why};
use printed::{history, print, show, undone};

/// What to sync.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  budkavle sync                       every directory, now\n  budkavle sync --dry-run             what would change, and whether it would be held\n  budkavle sync history\n  budkavle sync approve 17 --why \"the school has closed\"\n  budkavle sync undo 17 --dry-run     what it would take to undo run 17"
)]
pub struct Args {
    /// Only this directory
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
    /// Read everything, though less would do
    #[arg(long)]
    full: bool,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
    #[command(subcommand)]
    verb: Option<SyncVerb>,
}

#[derive(Debug, Subcommand)]
enum SyncVerb {
    /// Earlier runs, the newest first
    History {
        /// Only of this directory
        #[arg(long, value_name = "NAME")]
        directory: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: usize,
    },
    /// A run, object by object
    #[command(
        after_help = "Examples:\n  budkavle sync show 17\n  budkavle sync show 17 --kind user --what removed\n  budkavle sync show 17 --quarantined\n\n\
        With --json every field of every object stands before and after, of what came all that it has, and of what went all that it had."
    )]
    Show {
        /// The run's number
        run: u64,
        /// Only this kind of object
        #[arg(long, value_parser = ["user", "unit", "group"])]
        kind: Option<String>,
        /// Only what happened so
        #[arg(long, value_parser = ["added", "changed", "removed", "came_back"])]
        what: Option<String>,
        /// At most so many objects
        #[arg(long, value_name = "COUNT")]
        limit: Option<usize>,
        /// Not before so many others
        #[arg(long, value_name = "COUNT", requires = "limit")]
        offset: Option<usize>,
        /// Only what was set aside, and why
        #[arg(long, conflicts_with_all = ["kind", "what", "limit"])]
        quarantined: bool,
    },
    /// Let a held run pass: the directory is synced at once, and may lose what the run listed
    Approve {
        /// The run's number
        run: u64,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
    /// Put back what a run changed; the next run that wants the same again waits for approval
    #[command(
        after_help = "Examples:\n  budkavle sync undo 17 --dry-run\n  budkavle sync undo 17 --why \"the import had last year's phone numbers\"\n\n\
        What later runs have touched is left as it is, and listed. The directory goes on saying otherwise: mend it there, or\n\
        approve the run that is held because of it."
    )]
    Undo {
        /// The run's number
        run: u64,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
        /// Only say what would be put back
        #[arg(long)]
        dry_run: bool,
    },
    /// Don't let a held run pass: the data stays as it is
    Reject {
        /// The run's number
        run: u64,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        None => {
            let directory = args.directory.as_deref().map(DirectoryName::from);
            let request = SyncRequest { directory, full: args.full, dry_run: args.dry_run };
            follow("/v1/sync", &request, client, out).await
        }
        Some(SyncVerb::History { directory, limit }) => {
            let query = [("directory", directory), ("limit", Some(limit.to_string()))];
            let runs: Vec<Run> = client.get("/v1/runs", &query).await?;
            out.answer(&runs, |out, runs| history(out, runs));
            Ok(Exit::Done)
        }
        Some(SyncVerb::Show { run, kind, what, limit, offset, quarantined }) => {
            let number = |n: Option<usize>| n.map(|n| n.to_string());
            let limit = if quarantined { Some(0) } else { limit };
            let query =
                [("kind", kind), ("what", what), ("limit", number(limit)), ("offset", number(offset))];
            let all = query.iter().all(|(_, wanted)| wanted.is_none());
            let answer: RunAnswer = client.get(&format!("/v1/runs/{run}"), &query).await?;
            out.answer(&answer, |out, a| show(out, a, all, quarantined));
            Ok(Exit::Done)
        }
        Some(SyncVerb::Approve { run, why }) => {
            follow(&format!("/v1/runs/{run}/approve"), &Why { why }, client, out).await
        }
        Some(SyncVerb::Undo { run, why, dry_run }) => {
            let request = UndoRequest { why, dry_run };
            let done: Undone = client.post(&format!("/v1/runs/{run}/undo"), &request).await?;
            out.answer(&done, |out, done| undone(out, run, done));
            Ok(Exit::Done)
        }
        Some(SyncVerb::Reject { run, why }) => {
            let directory: DirectoryName =
                client.post(&format!("/v1/runs/{run}/reject"), &Why { why }).await?;
            out.answer(&directory, |out, directory| {
                out.line(format!("Run {run} is rejected; the data of {directory} stays as it is."));
            });
            Ok(Exit::Done)
        }
    }
}

/// Starts a sync and follows it to its end.
async fn follow(
    path: &str,
    request: &impl serde::Serialize,
    client: &Client,
    out: &Out,
) -> Result<Exit, Trouble> {
    let bar = spinner();
    let mut reports: Vec<Report> = Vec::new();
    let mut errors: Vec<String> = Vec::new();
    let each = |line: SyncLine| match line {
        SyncLine::Progress { directory, progress } => bar.set_message(format!("{directory}: {progress}")),
        SyncLine::Report(report) => reports.push(*report),
        SyncLine::Error(error) => errors.push(error),
    };
    let followed = client.post_lines(path, request, each).await;
    bar.finish_and_clear();
    followed?;
    out.answer(&reports, |out, reports| reports.iter().for_each(|r| print(out, r, 40)));
    if reports.is_empty() && errors.is_empty() {
        return Err(Trouble::failed("the daemon said nothing of how the sync ended; its log may"));
    }
    if !errors.is_empty() {
        return Err(Trouble::failed(errors.join("\n")));
    }
    let any = |wanted: fn(&Outcome) -> bool| reports.iter().any(|r| wanted(&r.run.outcome));
    Ok(if any(|o| matches!(o, Outcome::Failed { .. })) {
        Exit::Failed
    } else if any(|o| matches!(o, Outcome::Held { .. })) {
        Exit::Held
    } else {
        Exit::Done
    })
}

/// A moving line on a terminal; nothing when stderr goes elsewhere.
fn spinner() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
