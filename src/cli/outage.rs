//! `budkavle outage`.

mod shown;

use clap::{Subcommand, ValueEnum};

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, visible};
use crate::domain::outage::{self, Outage};
use crate::http::answers::{OutageAnswer, OutageUpdate};
use crate::http::outages::{EditRequest, OpenRequest, TemplateLine};
pub use shown::{show, told, window};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle outage open \"Mail is down\" --severity major --service mail --text \"Nobody can sign in. We are looking.\"\n  budkavle outage open \"Mail is down\" --service mail --preview      (who would be told, and why, and who not; tells nobody)\n  budkavle outage open \"The alarm line is out\" --ack              (somebody is to take it on: budkavle notice list)\n  budkavle outage open --template sign-in --unit \"Vård / Hemtjänst\"\n  budkavle outage update 12 --state identified --text \"A disk is full.\"\n  budkavle outage edit 12 --update 1 --text \"A disk was full.\" --why \"typing error\"\n  budkavle outage edit 12 --severity critical --tell\n  budkavle outage edit 12 --also \"\"                                    (nobody besides the contacts)\n  budkavle outage resolve 12 --text \"The disk has been replaced.\"\n  budkavle outage list\n\nWhat is planned ahead is maintenance: see `budkavle maintenance`. Who is told: docs/outages.md."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Severity {
    /// A nuisance; work goes on
    Minor,
    /// Work is hindered
    Major,
    /// Work stands still
    Critical,
}

impl From<Severity> for outage::Severity {
    fn from(severity: Severity) -> outage::Severity {
        match severity {
            Severity::Minor => outage::Severity::Minor,
            Severity::Major => outage::Severity::Major,
            Severity::Critical => outage::Severity::Critical,
        }
    }
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

/// What an incident or maintenance is.
#[derive(Debug, clap::Args)]
pub struct What {
    /// One line; may be left out with --template
    #[arg(required_unless_present = "template")]
    title: Option<String>,
    /// A frequent case of the configuration (`budkavle outage templates`); what is given beside it goes before what it says
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// What there is to say
    #[arg(long, default_value = "")]
    text: String,
    /// How bad it is; without it major, or minor for maintenance
    #[arg(long, value_enum)]
    severity: Option<Severity>,
    /// A service that is concerned; may be given several times
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// A unit that is concerned; may be given several times
    #[arg(long = "unit", value_name = "UNIT")]
    units: Vec<String>,
    /// An address, also of a list, that is told of this one, too; may be given several times
    #[arg(long = "also", value_name = "MAIL")]
    also: Vec<String>,
    /// Ask those who are told to take it on, whatever [acknowledge] says; while nobody does it goes to others
    #[arg(long)]
    ack: bool,
}

impl From<What> for OpenRequest {
    fn from(what: What) -> OpenRequest {
        let What { title, template, text, severity, services, units, also, ack } = what;
        let severity = severity.map(Into::into);
        OpenRequest { template, title: title.unwrap_or_default(), text, severity, services, units, also, ack }
    }
}

/// Look before telling.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Look {
    /// Show who would be told and why, and who not and why not; tells nobody, changes nothing
    #[arg(long)]
    preview: bool,
}

impl Look {
    /// The path that asks for it.
    pub fn at(self, path: &str) -> String {
        if self.preview { format!("{path}?preview=true") } else { path.to_owned() }
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Open an outage, and tell those concerned
    Open {
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        look: Look,
    },
    /// Say something new, and tell those concerned
    Update {
        /// The outage's number
        outage: u64,
        /// What there is to say
        #[arg(long, default_value = "")]
        text: String,
        /// Where it stands now
        #[arg(long, value_enum)]
        state: Option<State>,
        #[command(flatten)]
        look: Look,
    },
    /// Say that it is over, and tell those concerned
    Resolve {
        /// The outage's number
        outage: u64,
        /// What there is to say
        #[arg(long, default_value = "")]
        text: String,
        #[command(flatten)]
        look: Look,
    },
    /// Correct what was said; nobody is told of that without --tell
    Edit(EditArgs),
    /// Outages that are open
    List {
        /// Those that are resolved, too
        #[arg(long)]
        all: bool,
        /// The newest so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One outage, with everything said, and what was corrected
    Show {
        /// The outage's number
        outage: u64,
    },
    /// Frequent cases that the configuration names
    Templates,
}

#[derive(Debug, clap::Args)]
struct EditArgs {
    /// The number of the outage, or of the maintenance
    outage: u64,
    /// The update whose text is another one, as `outage show` numbers them; without it the last one
    #[arg(long, value_name = "K", requires = "text")]
    update: Option<u32>,
    /// The text that it should have had
    #[arg(long)]
    text: Option<String>,
    /// Another title
    #[arg(long)]
    title: Option<String>,
    /// Another severity
    #[arg(long, value_enum)]
    severity: Option<Severity>,
    /// The services that are concerned, in place of those named before; may be given several times, "" for none
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// The units that are concerned, in place of those named before; may be given several times, "" for the whole organisation
    #[arg(long = "unit", value_name = "UNIT")]
    units: Vec<String>,
    /// The addresses that are told, too, in place of those named before; may be given several times, "" for none
    #[arg(long = "also", value_name = "MAIL")]
    also: Vec<String>,
    /// Tell those concerned
    #[arg(long)]
    tell: bool,
    /// The reason, for the audit log
    #[arg(long)]
    why: Option<String>,
    #[command(flatten)]
    look: Look,
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::Open { what, look } => {
            let answer: OutageAnswer = client.post(&look.at("/v1/outages"), &OpenRequest::from(what)).await?;
            told(out, &answer, "is open");
        }
        Verb::Update { outage, text, state, look } => {
            let state = state.map(|s| match s {
                State::Investigating => outage::State::Investigating,
                State::Identified => outage::State::Identified,
                State::Monitoring => outage::State::Monitoring,
            });
            say(client, out, outage, OutageUpdate { text, state }, look, "is updated").await?;
        }
        Verb::Resolve { outage, text, look } => {
            let update = OutageUpdate { text, state: Some(outage::State::Resolved) };
            say(client, out, outage, update, look, "is resolved").await?;
        }
        Verb::Edit(args) => {
            let EditArgs { outage, update, text, title, severity, services, units, also, tell, why, look } =
                args;
            let list = |all: Vec<String>| {
                let given = !all.is_empty();
                given.then(|| all.into_iter().filter(|one| !one.trim().is_empty()).collect::<Vec<_>>())
            };
            let (services, units, also) = (list(services), list(units), list(also));
            let severity = severity.map(Into::into);
            let request = EditRequest { update, text, title, severity, services, units, also, tell, why };
            let answer: OutageAnswer =
                client.patch(&look.at(&format!("/v1/outages/{outage}")), &request).await?;
            if tell || look.preview {
                told(out, &answer, "is corrected");
            } else {
                out.answer(&answer, |out, a: &OutageAnswer| {
                    out.line(format!(
                        "{} {} is corrected. Nobody is told (--tell).",
                        a.outage.kind(),
                        a.outage.id
                    ));
                    a.notes.iter().for_each(|note| out.line(format!("Note: {}.", visible(note))));
                });
            }
        }
        Verb::List { all, limit } => {
            let list: Vec<Outage> = client.get("/v1/outages", &query("incident", all, limit)).await?;
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
                more(out, list.len(), limit);
            });
        }
        Verb::Show { outage } => show(client, out, outage).await?,
        Verb::Templates => {
            let list: Vec<TemplateLine> = client.get("/v1/outage-templates", &[]).await?;
            out.answer(&list, |out, list| {
                let row = |TemplateLine { template: t, .. }: &TemplateLine| {
                    vec![
                        t.name.to_string(),
                        t.title.to_string(),
                        or_dash(t.severity.map(|severity| severity.to_string())),
                        t.services.join(", "),
                        t.units.join(", "),
                    ]
                };
                let header = ["name", "title", "severity", "services", "units"];
                let nothing = "the configuration names no frequent case ([outage_template.NAME])";
                out.table(&header, list.iter().map(row).collect(), nothing);
                list.iter().flat_map(|line| &line.problems).for_each(|problem| out.line(visible(problem)));
            });
        }
    }
    Ok(Exit::Done)
}

/// What to ask for a list of one kind.
pub fn query(kind: &str, all: bool, limit: usize) -> [(&'static str, Option<String>); 3] {
    [
        ("kind", Some(kind.to_owned())),
        ("all", all.then(|| "true".to_owned())),
        ("limit", Some(limit.to_string())),
    ]
}

/// That a list may go on.
pub fn more(out: &Out, shown: usize, limit: usize) {
    if shown == limit {
        out.line("… and perhaps more; ask for more with --limit");
    }
}

async fn say(
    client: &Client,
    out: &Out,
    outage: u64,
    update: OutageUpdate,
    look: Look,
    what: &str,
) -> Result<(), Trouble> {
    let path = look.at(&format!("/v1/outages/{outage}/updates"));
    let answer: OutageAnswer = client.post(&path, &update).await?;
    told(out, &answer, what);
    Ok(())
}
