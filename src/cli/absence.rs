//! `budkavle absence`.

use chrono::{DateTime, Utc};
use clap::Subcommand;

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, when};
use super::time;
use crate::http::answers::AbsenceAnswer;
use crate::http::edit::AbsenceRequest;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle absence add asa.oberg --from 2026-07-06 --until 2026-07-31 --deputy soren.odegard\n  budkavle absence list"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Note that somebody will be away
    Add {
        /// Who
        user: String,
        /// From when on
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        from: DateTime<Utc>,
        /// Until when; a mere date means the whole of that day
        #[arg(long, value_name = "TIME", value_parser = time::parse_end)]
        until: DateTime<Utc>,
        /// Who stands in
        #[arg(long)]
        deputy: Option<String>,
        /// For people, such as "parental leave"
        #[arg(long)]
        note: Option<String>,
    },
    /// Who is or will be away
    List {
        /// Only this user
        #[arg(long)]
        user: Option<String>,
        /// Those that are over, too
        #[arg(long)]
        past: bool,
    },
    /// Take an absence back
    Remove {
        /// Its number
        absence: u64,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::Add { user, from, until, deputy, note } => {
            let request = AbsenceRequest { user, from, until, deputy, note };
            let answer: AbsenceAnswer = client.post("/v1/absences", &request).await?;
            out.answer(&answer, |out, a| {
                let deputy = a
                    .deputy_name
                    .as_ref()
                    .map_or_else(|| "nobody stands in".to_owned(), |d| format!("{d} stands in"));
                let (from, until) = (when(a.absence.from), when(a.absence.until));
                out.line(format!(
                    "{} is away from {from} until {until}; {deputy} (absence {}).",
                    a.name, a.absence.id
                ));
            });
        }
        Verb::List { user, past } => {
            let query = [("user", user), ("past", past.then(|| "true".to_owned()))];
            let list: Vec<AbsenceAnswer> = client.get("/v1/absences", &query).await?;
            out.answer(&list, |out, list| {
                let row = |a: &AbsenceAnswer| {
                    let absence = &a.absence;
                    vec![
                        absence.id.to_string(),
                        a.name.to_string(),
                        when(absence.from),
                        when(absence.until),
                        or_dash(a.deputy_name.as_ref()),
                        or_dash(absence.note.as_ref()),
                    ]
                };
                out.table(
                    &["no", "who", "from", "until", "deputy", "note"],
                    list.iter().map(row).collect(),
                    "nobody is away",
                );
            });
        }
        Verb::Remove { absence } => {
            let gone: AbsenceAnswer = client.delete(&format!("/v1/absences/{absence}"), None).await?;
            out.answer(&gone, |out, a| {
                out.line(format!("Absence {} of {} is taken back.", a.absence.id, a.name));
            });
        }
    }
    Ok(Exit::Done)
}
