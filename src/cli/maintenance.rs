//! `budkavle maintenance`: what is planned, announced, and carried out by the clock.

use clap::Subcommand;

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::outage::{Look, What, more, query, show, told, window};
use super::print::Out;
use crate::domain::outage::Outage;
use crate::http::answers::{OutageAnswer, OutageUpdate};
use crate::http::outages::{MoveRequest, PlanRequest};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle maintenance plan \"New disks\" --from \"2026-12-05 22:00\" --until \"2026-12-06 02:00\" --service storage\n  budkavle maintenance plan \"New disks\" --from 2026-12-05 --until 2026-12-05 --preview    (who would be told; tells nobody)\n  budkavle maintenance move 7 --from \"2026-12-06 22:00\"              (takes as long as before)\n  budkavle maintenance move 7 --until \"2026-12-06 04:00\"             (also when it is under way)\n  budkavle maintenance start 7\n  budkavle maintenance complete 7 --text \"Done sooner than planned.\"\n  budkavle maintenance cancel 7 --text \"The disks haven't come.\"\n  budkavle maintenance list\n\nTimes are on the organisation's clocks. It is announced at once, reminded of ([maintenance] remind), begun and completed by the clock; every\nmail has an entry for the calendar. Corrections: `budkavle outage edit`. See docs/outages.md."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Plan maintenance, and tell those concerned
    Plan {
        #[command(flatten)]
        what: What,
        /// When it begins
        #[arg(long, value_name = "TIME")]
        from: String,
        /// When it ends; a mere date means the whole of that day
        #[arg(long, value_name = "TIME")]
        until: String,
        /// Somebody says when it is completed; that it takes longer than planned is told
        #[arg(long, conflicts_with = "by_the_clock")]
        by_hand: bool,
        /// It is completed by the clock, whatever the configuration says
        #[arg(long)]
        by_the_clock: bool,
        #[command(flatten)]
        look: Look,
    },
    /// Move it to another time, and tell those concerned
    Move {
        /// Its number
        maintenance: u64,
        /// When it begins
        #[arg(long, value_name = "TIME", required_unless_present = "until")]
        from: Option<String>,
        /// When it ends; without it, it takes as long as before
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// What there is to say
        #[arg(long, default_value = "")]
        text: String,
        #[command(flatten)]
        look: Look,
    },
    /// Say something new of it, and tell those concerned
    Update(Word),
    /// Begin it before its time, and tell those concerned
    Start(Word),
    /// Say that it is done, and tell those concerned
    Complete(Word),
    /// Say that it won't be carried out, and tell those concerned
    Cancel(Word),
    /// Maintenance that isn't over
    List {
        /// That which is over, too
        #[arg(long)]
        all: bool,
        /// The newest so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One, with everything said, and what was corrected
    Show {
        /// Its number
        maintenance: u64,
    },
}

#[derive(Debug, clap::Args)]
struct Word {
    /// Its number
    maintenance: u64,
    /// What there is to say
    #[arg(long, default_value = "")]
    text: String,
    #[command(flatten)]
    look: Look,
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::Plan { what, from, until, by_hand, by_the_clock, look } => {
            let by_hand = (by_hand || by_the_clock).then_some(by_hand);
            let request = PlanRequest { what: what.into(), from, until, by_hand };
            let answer: OutageAnswer = client.post(&look.at("/v1/maintenance"), &request).await?;
            told(out, &answer, "is planned");
        }
        Verb::Move { maintenance, from, until, text, look } => {
            let request = MoveRequest { from, until, text };
            let path = look.at(&format!("/v1/maintenance/{maintenance}/move"));
            let answer: OutageAnswer = client.post(&path, &request).await?;
            told(out, &answer, "is moved");
        }
        Verb::Update(word) => {
            let Word { maintenance, text, look } = word;
            let path = look.at(&format!("/v1/outages/{maintenance}/updates"));
            let answer: OutageAnswer = client.post(&path, &OutageUpdate { text, state: None }).await?;
            told(out, &answer, "is updated");
        }
        Verb::Start(word) => step(client, out, word, "start", "is under way").await?,
        Verb::Complete(word) => step(client, out, word, "complete", "is completed").await?,
        Verb::Cancel(word) => step(client, out, word, "cancel", "is cancelled").await?,
        Verb::List { all, limit } => {
            let list: Vec<Outage> = client.get("/v1/outages", &query("maintenance", all, limit)).await?;
            out.answer(&list, |out, list| {
                let row = |o: &Outage| {
                    let services = o.services.join(", ");
                    let when = window(o, out.zone()).unwrap_or_default();
                    vec![o.id.to_string(), o.state().to_string(), when, services, o.title.to_string()]
                };
                let header = ["no", "state", "when", "services", "title"];
                let mut list: Vec<&Outage> = list.iter().collect();
                list.sort_by_key(|o| (o.ended_at().is_some(), o.plan.as_ref().map(|plan| plan.from)));
                out.table(&header, list.iter().map(|o| row(o)).collect(), "no maintenance is planned");
                more(out, list.len(), limit);
            });
        }
        Verb::Show { maintenance } => show(client, out, maintenance).await?,
    }
    Ok(Exit::Done)
}

async fn step(client: &Client, out: &Out, word: Word, step: &str, what: &str) -> Result<(), Trouble> {
    let Word { maintenance, text, look } = word;
    let path = look.at(&format!("/v1/maintenance/{maintenance}/{step}"));
    let answer: OutageAnswer = client.post(&path, &OutageUpdate { text, state: None }).await?;
    told(out, &answer, what);
    Ok(())
}
