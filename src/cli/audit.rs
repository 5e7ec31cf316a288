//! `budkavle audit`.

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, visible};
use super::time;
use crate::domain::audit::Entry;

/// From when on.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle audit --since 2026-07-01\n  budkavle audit --full --limit 20\n  budkavle audit --json | jq '.[] | select(.action == \"role revoked\")'"
)]
pub struct Args {
    /// From when on
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    since: Option<time::Typed>,
    /// The newest so many
    #[arg(long, default_value_t = 1_000)]
    limit: usize,
    /// Also what it was before and what it became
    #[arg(long)]
    full: bool,
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let query =
        [("since", time::text(args.since.as_ref(), client).await?), ("limit", Some(args.limit.to_string()))];
    let entries: Vec<Entry> = client.get("/v1/audit", &query).await?;
    out.answer(&entries, |out, entries| {
        if args.full {
            return entries.iter().for_each(|entry| whole(out, entry));
        }
        let row = |e: &Entry| {
            vec![
                out.when(e.at),
                e.by.to_string(),
                e.action.to_string(),
                e.object.to_string(),
                or_dash(e.why.as_ref()),
            ]
        };
        out.table(
            &["when", "who", "what", "object", "why"],
            entries.iter().map(row).collect(),
            "nothing was changed",
        );
    });
    Ok(Exit::Done)
}

fn whole(out: &Out, entry: &Entry) {
    let why = entry.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
    let Entry { at, by, action, object, .. } = entry;
    out.line(visible(&format!("{}  {by}  {action}  {object}{why}", out.when(*at))));
    for (when, what) in [("before", &entry.before), ("after", &entry.after)] {
        if let Some(what) = what {
            out.line(format!("  {when}: {}", visible(what)));
        }
    }
}
