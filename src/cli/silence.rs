//! `budkavle silence`: for a while nothing is told of what somebody knows of already.

use clap::Subcommand;

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::outage::Severity;
use super::print::{Out, visible};
use crate::domain::silence::Silence;
use crate::http::silences::SilenceRequest;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle silence add --service mail --until \"2026-12-06 02:00\" --why \"new disks\"\n  budkavle silence add --kind alert --directory school --until 2026-12-24\n  budkavle silence add --contact asa.oberg@ekfors.example --severity minor --until 2026-12-24\n  budkavle silence list\n  budkavle silence remove 3\n\nEverything that is given must be met; of several values of one kind, one. Notices that nobody gets are kept, and `budkavle outage open --preview` says which\nsilence it is. What was silent isn't told afterwards."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Silence something for a while
    Add(Box<Add>),
    /// What is silent, and until when
    List,
    /// End a silence
    Remove {
        /// Its number
        silence: u64,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    /// Only these kinds: outage, alert, coverage, contacts, digest, delivery
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Only what is no worse
    #[arg(long, value_enum)]
    severity: Option<Severity>,
    /// Only outages of this service itself
    #[arg(long = "service", value_name = "SERVICE")]
    services: Vec<String>,
    /// Only outages that concern no more than this unit and those below it
    #[arg(long = "unit", value_name = "UNIT")]
    units: Vec<String>,
    /// Only alerts of this directory
    #[arg(long = "directory", value_name = "DIRECTORY")]
    directories: Vec<String>,
    /// Only for this person, by address
    #[arg(long = "contact", value_name = "ADDRESS")]
    contacts: Vec<String>,
    /// From when on; without it at once
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until when; a mere date means the whole of that day
    #[arg(long, value_name = "TIME")]
    until: String,
    /// Why
    #[arg(long, default_value = "")]
    why: String,
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::Add(add) => {
            let Add { kinds, severity, services, units, directories, contacts, from, until, why } = *add;
            let severity = severity.map(Into::into);
            let request =
                SilenceRequest { kinds, severity, services, units, directories, contacts, from, until, why };
            let silence: Silence = client.post("/v1/silences", &request).await?;
            out.answer(&silence, |out, s| {
                out.line(format!("Silence {} until {}: {}.", s.id, out.when(s.until), what(s)));
            });
        }
        Verb::List => {
            let all: Vec<Silence> = client.get("/v1/silences", &[]).await?;
            out.answer(&all, |out, all| {
                let row = |s: &Silence| {
                    let times = [out.when(s.from), out.when(s.until)];
                    let [from, until] = times;
                    vec![s.id.to_string(), from, until, what(s), s.by.to_string(), visible(&s.why)]
                };
                let header = ["no", "from", "until", "what", "by", "why"];
                out.table(&header, all.iter().map(row).collect(), "nothing is silent");
            });
        }
        Verb::Remove { silence, why } => {
            let path = format!("/v1/silences/{silence}");
            let silence: Silence = client.delete(&path, why.as_deref()).await?;
            out.answer(&silence, |out, s| out.line(format!("Silence {} is ended.", s.id)));
        }
    }
    Ok(Exit::Done)
}

/// What is silent, in words.
pub(super) fn what(silence: &Silence) -> String {
    fn list<T>(label: &str, all: impl IntoIterator<Item = T>, text: impl Fn(T) -> String) -> Option<String> {
        let all: Vec<String> = all.into_iter().map(text).collect();
        (!all.is_empty()).then(|| format!("{label} {}", all.join(", ")))
    }
    let m = &silence.matcher;
    let parts = [
        list("kinds", &m.kinds, |kind| format!("{kind:?}").to_lowercase()),
        list("up to", m.severity, |severity| severity.to_string()),
        list("services", &m.services, ToString::to_string),
        list("units", &m.units, ToString::to_string),
        list("directories", &m.directories, ToString::to_string),
        list("for", &m.contacts, |mail| mail.to_string()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}
