//! `budkavle outage`.

use clap::{Subcommand, ValueEnum};

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, visible};
use crate::domain::outage::{self, Outage};
use crate::http::answers::{OutageAnswer, OutageUpdate};
use crate::http::outages::OpenRequest;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle outage open \"Mail is down\" --severity major --service mail --text \"Nobody can sign in. We are looking.\"\n  budkavle outage update 12 --state identified --text \"A disk is full.\"\n  budkavle outage resolve 12 --text \"The disk has been replaced.\"\n  budkavle outage list"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Severity {
    /// A nuisance; work goes on
    Minor,
    /// Work is hindered
    Major,
    /// Work stands still
    Critical,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Why is not known
    Investigating,
    /// The cause is known
    Identified,
    /// It should work again; it is being watched
    Monitoring,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Open an outage, and tell the outage contacts
    Open {
        /// One line
        title: String,
        /// What there is to say
        #[arg(long, default_value = "")]
        text: String,
        /// How bad it is
        #[arg(long, value_enum, default_value_t = Severity::Major)]
        severity: Severity,
        /// A service that is concerned; may be given several times
        #[arg(long = "service", value_name = "NAME")]
        services: Vec<String>,
        /// A unit that is concerned; may be given several times
        #[arg(long = "unit", value_name = "UNIT")]
        units: Vec<String>,
    },
    /// Say something new, and tell the outage contacts
    Update {
        /// The outage's number
        outage: u64,
        /// What there is to say
        #[arg(long, default_value = "")]
        text: String,
        /// Where it stands now
        #[arg(long, value_enum)]
        state: Option<State>,
    },
    /// Say that it is over, and tell the outage contacts
    Resolve {
        /// The outage's number
        outage: u64,
        /// What there is to say
        #[arg(long, default_value = "")]
        text: String,
    },
    /// Outages that are open
    List {
        /// Those that are resolved, too
        #[arg(long)]
        all: bool,
        /// The newest so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One outage, with everything said
    Show {
        /// The outage's number
        outage: u64,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::Open { title, text, severity, services, units } => {
            let severity = match severity {
                Severity::Minor => outage::Severity::Minor,
                Severity::Major => outage::Severity::Major,
                Severity::Critical => outage::Severity::Critical,
            };
            let request = OpenRequest { title, text, severity, services, units };
            let answer: OutageAnswer = client.post("/v1/outages", &request).await?;
            out.answer(&answer, |out, a| told(out, a, "is open"));
        }
        Verb::Update { outage, text, state } => {
            let state = state.map(|s| match s {
                State::Investigating => outage::State::Investigating,
                State::Identified => outage::State::Identified,
                State::Monitoring => outage::State::Monitoring,
            });
            say(client, out, outage, OutageUpdate { text, state }, "is updated").await?;
        }
        Verb::Resolve { outage, text } => {
            let update = OutageUpdate { text, state: Some(outage::State::Resolved) };
            say(client, out, outage, update, "is resolved").await?;
        }
        Verb::List { all, limit } => {
            let list: Vec<Outage> = client
                .get(
                    "/v1/outages",
                    &[("all", all.then(|| "true".to_owned())), ("limit", Some(limit.to_string()))],
                )
                .await?;
            out.answer(&list, |out, list| {
                let row = |o: &Outage| {
                    let since = o.opened_at().map(|at| out.when(at)).unwrap_or_default();
                    vec![
                        o.id.to_string(),
                        o.state().to_string(),
                        o.severity.to_string(),
                        since,
                        o.services.join(", "),
                        o.title.to_string(),
                    ]
                };
                let header = ["no", "state", "severity", "since", "services", "title"];
                out.table(&header, list.iter().map(row).collect(), "no outage is open");
                if list.len() == limit {
                    out.line("… and perhaps more; ask for more with --limit");
                }
            });
        }
        Verb::Show { outage } => {
            let answer: OutageAnswer = client.get(&format!("/v1/outages/{outage}"), &[]).await?;
            out.answer(&answer, |out, a| show(out, &a.outage));
        }
    }
    Ok(Exit::Done)
}

async fn say(
    client: &Client,
    out: &Out,
    outage: u64,
    update: OutageUpdate,
    what: &str,
) -> Result<(), Trouble> {
    let answer: OutageAnswer = client.post(&format!("/v1/outages/{outage}/updates"), &update).await?;
    out.answer(&answer, |out, a| told(out, a, what));
    Ok(())
}

fn told(out: &Out, answer: &OutageAnswer, what: &str) {
    let told = match answer.messages {
        Some(0) | None => {
            "Nobody is told: no outage contact counts (`budkavle contacts list --role outage`).".to_owned()
        }
        Some(1) => "1 contact is told.".to_owned(),
        Some(n) => format!("{n} contacts are told."),
    };
    out.line(format!("Outage {} {what}. {told}", answer.outage.id));
}

fn show(out: &Out, outage: &Outage) {
    let list = |l: &[Box<str>]| (!l.is_empty()).then(|| l.join(", "));
    let units: Vec<Box<str>> = outage.units.iter().map(|u| u.to_string().into()).collect();
    out.facts(&[
        ("outage", Some(outage.id.to_string())),
        ("title", Some(outage.title.to_string())),
        ("state", Some(outage.state().to_string())),
        ("severity", Some(outage.severity.to_string())),
        ("services", list(&outage.services)),
        ("units", list(&units)),
    ]);
    for update in &outage.updates {
        out.line(format!("\n{}  {}  {}", out.when(update.at), update.state, update.by));
        update.text.lines().for_each(|line| out.line(format!("  {}", visible(line))));
    }
}
