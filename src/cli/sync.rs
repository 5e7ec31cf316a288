//! `budkavle sync`: now, with progress; and the runs that were.

use std::io::IsTerminal;
use std::time::Duration;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, visible, when};
use super::status::outcome;
use crate::domain::delta::{ObjectChange, What};
use crate::domain::ids::DirectoryName;
use crate::domain::run::{KindCounts, Mode, Outcome, Run};
use crate::flow::sync::{Report, first_read};
use crate::flow::undo::Undone;
use crate::http::answers::{RunAnswer, SyncLine, SyncRequest, UndoRequest, Why};

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
    Show {
        /// The run's number
        run: u64,
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
        Some(SyncVerb::Show { run }) => {
            let answer: RunAnswer = client.get(&format!("/v1/runs/{run}"), &[]).await?;
            out.answer(&answer, |out, a| {
                let report = Report {
                    run: a.run.clone(),
                    changes: a.changes.clone(),
                    quarantined: a.quarantined.clone(),
                };
                print(out, &report, usize::MAX);
            });
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

fn print(out: &Out, report: &Report, most: usize) {
    let run = &report.run;
    let took = (run.ended - run.started).num_milliseconds();
    // A dry run has no number: it stands in no history.
    let dry = run.id.0 == 0;
    let title = if dry { "Dry run".to_owned() } else { format!("Run {}", run.id) };
    out.line(format!(
        "{title} of {}: {} ({} ms, from {})",
        run.directory,
        outcome(&run.outcome),
        took,
        visible(&run.server)
    ));
    let c = &run.counts;
    let of = |k: &KindCounts, what: &str| {
        let changes = format!("{what} (+{} ~{} −{})", k.added, k.changed, k.removed);
        if run.mode == Mode::Nothing { changes } else { format!("{} {changes}", k.read) }
    };
    if run.mode != Mode::Nothing {
        out.line(format!("  Read: {}, since {}.", run.mode, run.mode_reason));
    }
    if !matches!(run.outcome, Outcome::Failed { .. }) {
        out.line(format!(
            "  {}, {}, {}",
            of(&c.users, "users"),
            of(&c.units, "units"),
            of(&c.groups, "groups")
        ));
    }
    match &run.outcome {
        Outcome::Failed { error } => {
            out.line(format!("  {}\n  The data from before stays in force.", visible(error)));
        }
        Outcome::Held { reasons, same_as } => {
            for reason in reasons {
                out.line(format!("  Held: {reason}."));
            }
            let number = same_as.unwrap_or(run.id);
            if dry {
                out.line("  A real run would be held, and wait for approval.");
            } else {
                out.line("  The data from before stays in force. If the list below is right:");
                out.line(format!(
                    "    budkavle sync approve {number}        (or: budkavle sync reject {number})"
                ));
            }
        }
        Outcome::Committed { .. } | Outcome::Unchanged => {}
    }
    if first_read(run, &report.changes) {
        out.line("  Nothing was there before: the objects aren't listed one by one.");
    }
    for change in report.changes.iter().take(most) {
        out.line(format!("  {}", line(change)));
    }
    if report.changes.len() > most {
        let rest = report.changes.len() - most;
        let hint = if dry { String::new() } else { format!("; all: budkavle sync show {}", run.id) };
        out.line(format!("  … and {rest} more{hint}"));
    }
    for q in report.quarantined.iter().take(most) {
        out.line(format!("  set aside: {}: {}", visible(&q.dn), visible(&q.reason)));
    }
    if report.quarantined.len() > most {
        out.line(format!("  … and {} more set aside", report.quarantined.len() - most));
    }
}

fn undone(out: &Out, run: u64, done: &Undone) {
    let dry = done.report.run.id.0 == 0;
    print(out, &done.report, if dry { usize::MAX } else { 40 });
    for skipped in &done.skipped {
        let name = skipped.name.as_deref().map_or_else(|| skipped.id.to_string(), visible);
        out.line(format!("  left as it is: {} {name}: {}", skipped.kind, skipped.reason));
    }
    if !dry {
        let directory = &done.report.run.directory;
        out.line(format!(
            "  Run {run} is undone. The next run of {directory} reads everything, and waits for approval if it wants this again."
        ));
    }
}

fn line(change: &ObjectChange) -> String {
    let kind = change.kind;
    let name = visible(&change.name);
    match change.what {
        What::Added => format!("+ {kind} {name}"),
        What::CameBack => format!("+ {kind} {name} (came back)"),
        What::Removed => format!("− {kind} {name}"),
        What::Changed => {
            let value = |v: &Option<Box<str>>| v.as_deref().map_or("nothing".to_owned(), visible);
            let fields: Vec<String> = change
                .fields
                .iter()
                .map(|f| match (&*f.field, &f.before, &f.after) {
                    ("members_added", _, Some(names)) => format!("joined by {}", visible(names)),
                    ("members_removed", Some(names), _) => format!("left by {}", visible(names)),
                    _ => format!("{} {} → {}", f.field, value(&f.before), value(&f.after)),
                })
                .collect();
            format!("~ {kind} {name}: {}", fields.join(", "))
        }
    }
}

fn history(out: &Out, runs: &[Run]) {
    let row = |r: &Run| {
        let c = &r.counts;
        let of = |k: &KindCounts| format!("+{} ~{} −{}", k.added, k.changed, k.removed);

        let took = format!("{} ms", (r.ended - r.started).num_milliseconds());
        vec![
            r.id.to_string(),
            r.directory.to_string(),
            when(r.started),
            took,
            r.trigger.to_string(),
            r.mode.to_string(),
            outcome(&r.outcome),
            of(&c.users),
            of(&c.units),
            of(&c.groups),
        ]
    };
    let header = ["run", "directory", "started", "took", "by", "read", "outcome", "users", "units", "groups"];
    out.table(&header, runs.iter().map(row).collect(), "no runs yet");
}
