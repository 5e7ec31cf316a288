//! `budkavle heartbeat`.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Subcommand;

use super::client::{Client, segment};
use super::exit::{Exit, Trouble};
use super::print::{Out, ago, or_dash};
use crate::domain::intake::heartbeat::Life;
use crate::flow::intake::heartbeats::HeartbeatLine;
use crate::runtime::clock::Clock;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  budkavle heartbeat backup        at the end of a job, when it went well\n  budkavle heartbeat list\n\nThe jobs stand in [[heartbeat]] of the configuration. From another machine: curl -fsS --retry 5 -X POST -H \"Authorization: Bearer $TOKEN\" http://…/heartbeat/backup (see [intake])."
)]
pub struct Args {
    /// The job that gives a sign of life
    name: Option<String>,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The jobs, and how they are doing
    List,
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    if let Some(name) = args.name {
        let line: HeartbeatLine = client.post(&format!("/v1/heartbeats/{}", segment(&name)), &()).await?;
        out.answer(&line, |out, line| {
            out.line(format!("Heard. The next one is due until {}.", out.when(due(line))));
        });
        return Ok(Exit::Done);
    }
    let lines: Vec<HeartbeatLine> = client.get("/v1/heartbeats", &[]).await?;
    out.answer(&lines, |out, lines| print(out, lines));
    Ok(Exit::Done)
}

fn due(line: &HeartbeatLine) -> DateTime<Utc> {
    match line.life {
        Life::Due(at) | Life::Missing(at) => at,
    }
}

fn print(out: &Out, lines: &[HeartbeatLine]) {
    let now = Clock::System.now();
    let span = |seconds: i64| {
        let span = TimeDelta::seconds(seconds).to_std().unwrap_or_default();
        humantime::format_duration(span).to_string()
    };
    let row = |line: &HeartbeatLine| {
        vec![
            line.name.to_string(),
            match line.life {
                Life::Due(_) => "well".to_owned(),
                Life::Missing(_) => "MISSING".to_owned(),
            },
            or_dash(line.last.map(|at| ago(at, now))),
            format!("{} + {}", span(line.every), span(line.grace)),
            out.when(due(line)),
            or_dash(line.outage.map(|outage| outage.to_string())),
            line.title.to_string(),
        ]
    };
    let heads = ["heartbeat", "state", "last", "every + grace", "due", "outage", "what"];
    out.table(&heads, lines.iter().map(row).collect(), "no [[heartbeat]] in the configuration");
}
