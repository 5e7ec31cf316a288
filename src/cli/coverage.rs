//! `budkavle coverage`.

mod html;
mod table;
mod words;

use chrono::NaiveDate;
use clap::ValueEnum;

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::Out;
use crate::http::coverage::CoverageAnswer;
use words::Language;

/// What to look at.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle coverage --from 2026-06-22 --to 2026-08-16\n  budkavle coverage --from 2026-06-22 --to 2026-08-16 --role password-helper --only gaps\n  budkavle coverage --from 2026-12-20 --to 2027-01-06 --format html --lang sv > jul.html\n\nA day counts by its worst moment between 08 and 16 (the whole day for roles with `always`), with the absences and assignments that are\nplanned. Weekends and holidays are closed, half days end at noon.\n\nExit codes: 0 everywhere enough are there, 1 a minimum isn't met somewhere (or the command failed), 2 wrong usage, 4 the daemon isn't\nrunning."
)]
pub struct Args {
    /// The first day
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: NaiveDate,
    /// The last day
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: NaiveDate,
    /// Only these roles, with at least 1 wanted of each; without it those with a minimum, local, and report when there are subjects
    #[arg(long, value_delimiter = ',')]
    role: Vec<String>,
    /// Only this unit and below, and the subjects that belong there: its path, name or GUID
    #[arg(long)]
    unit: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Only where and when a minimum isn't met
    #[arg(long, value_enum)]
    only: Option<Only>,
    /// The language of the page
    #[arg(long, value_enum, default_value_t = Language::En)]
    lang: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For the terminal
    Table,
    /// A line for each unit, role and run of days
    Csv,
    /// A page to look at, print and mail, whole in itself
    Html,
    /// For programs
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    /// Where and when a minimum isn't met
    Gaps,
}

fn date(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| format!("\"{text}\" is no date; write 2026-07-15"))
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let query = [
        ("from", Some(args.from.to_string())),
        ("to", Some(args.to.to_string())),
        ("role", Some(args.role.join(",")).filter(|roles| !roles.is_empty())),
        ("unit", args.unit),
        ("gaps", args.only.map(|Only::Gaps| "true".to_owned())),
    ];
    let answer: CoverageAnswer = client.get("/v1/coverage", &query).await?;
    match args.format {
        Format::Html if !out.json => {
            let page = html::page(&answer, args.lang);
            out.raw(page.map_err(|e| Trouble::failed(format!("the page can't be written: {e}")))?.as_bytes());
        }
        Format::Csv if !out.json => out.raw(&table::csv(&answer)),
        Format::Json => Out::new(true).answer(&answer, |_, _| {}),
        _ => out.answer(&answer, table::print),
    }
    let short = answer.roles.iter().any(|role| role.short > 0);
    Ok(if short { Exit::Failed } else { Exit::Done })
}
