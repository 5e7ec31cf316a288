//! `budkavle feed`.

use clap::Subcommand;

use super::client::{Client, segment};
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash};
use crate::flow::intake::feeds::Polled;
use crate::flow::intake::{Deed, What};
use crate::http::feeds::FeedLine;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle feed list\n  budkavle feed poll cloud --dry-run     what would become of what it says, and why not the rest\n  budkavle feed poll cloud\n  budkavle --json feed list | jq '.[] | select(.trouble)'\n\nThe status pages stand in [[feed]] of the configuration; `budkavle check --online` fetches each of them."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The vendors' status pages, and how they are doing
    List,
    /// Look at one now
    Poll {
        /// Its name
        name: String,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::List => {
            let lines: Vec<FeedLine> = client.get("/v1/feeds", &[]).await?;
            out.answer(&lines, |out, lines| print(out, lines));
            Ok(Exit::Done)
        }
        Verb::Poll { name, dry_run } => {
            let query = if dry_run { "?dry_run=true" } else { "" };
            let path = format!("/v1/feeds/{}/poll{query}", segment(&name));
            let polled: Polled = client.post(&path, &()).await?;
            out.answer(&polled, print_polled);
            Ok(if polled.trouble.is_some() { Exit::Failed } else { Exit::Done })
        }
    }
}

fn print(out: &Out, lines: &[FeedLine]) {
    let row = |line: &FeedLine| {
        let outages: Vec<String> = line.outages.iter().map(ToString::to_string).collect();
        vec![
            line.name.to_string(),
            if line.state.trouble.is_some() { "IN TROUBLE" } else { "well" }.to_owned(),
            or_dash(line.state.checked.map(|at| out.when(at))),
            or_dash(line.state.good.map(|at| out.when(at))),
            line.entries.to_string(),
            or_dash((!outages.is_empty()).then(|| outages.join(", "))),
            line.location.clone(),
        ]
    };
    let heads = ["feed", "state", "looked at", "last good", "entries", "open outages", "where"];
    out.table(&heads, lines.iter().map(row).collect(), "no [[feed]] in the configuration");
    for line in lines {
        if let Some(trouble) = &line.state.trouble {
            out.line(format!("\n{}: {trouble}", line.name));
        }
    }
}

fn print_polled(out: &Out, polled: &Polled) {
    if polled.unchanged {
        out.line("The server says that nothing has changed.");
    }
    for deed in &polled.taken.done {
        out.line(sentence(deed, polled.dry_run));
    }
    if polled.taken.done.is_empty() && polled.trouble.is_none() {
        out.line(format!("{} entries, nothing to do.", polled.entries));
    }
    if !polled.taken.left.is_empty() {
        out.line("");
        let row = |left: &crate::flow::intake::Left| vec![left.title.to_string(), left.why.to_string()];
        let rows = polled.taken.left.iter().map(row).collect();
        out.table(&["left alone", "why"], rows, "");
    }
    if let Some(trouble) = &polled.trouble {
        out.line(format!("\nIn trouble: {trouble}"));
    }
}

fn sentence(deed: &Deed, dry_run: bool) -> String {
    let (number, people) = (deed.outage.map(|id| format!(" {id}")).unwrap_or_default(), deed.messages);
    let told = if dry_run { String::new() } else { format!(" ({people} messages)") };
    let severity = deed.severity.map(|severity| format!("{severity}, ")).unwrap_or_default();
    let services =
        if deed.services.is_empty() { "every service".to_owned() } else { deed.services.join(", ") };
    let text = deed.text.lines().next().unwrap_or_default();
    match (deed.what, dry_run) {
        (What::Opened, false) => format!("Opened outage{number}: {text} ({severity}{services}){told}"),
        (What::Opened, true) => format!("Would open an outage: {text} ({severity}{services})"),
        (What::Updated, false) => format!("Updated outage{number}: {text}{told}"),
        (What::Updated, true) => format!("Would update outage{number}: {text}"),
        (What::Resolved, false) => format!("Resolved outage{number}: {text}{told}"),
        (What::Widened, false) => format!("Outage{number} concerns {services} as well: {text}{told}"),
        (What::Widened, true) => format!("Outage{number} would concern {services} as well: {text}"),
        (What::Resolved, true) => format!("Would resolve outage{number}: {text}"),
    }
}
