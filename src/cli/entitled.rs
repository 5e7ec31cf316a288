//! `budkavle contacts entitled`: who is entitled to something by a role, for the vendor.

use chrono::{DateTime, Utc};
use clap::ValueEnum;

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash};
use super::time;
use crate::domain::entitled::{Entitled, vcards};
use crate::domain::table;
use crate::http::lists::{EntitledAnswer, EntitledQuery};

/// Of whom, and how.
#[derive(Debug, clap::Args)]
pub struct EntitledArgs {
    /// By which role; may be there several times
    #[arg(long, default_value = "support")]
    role: Vec<String>,
    /// From when on; now
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    from: Option<time::Typed>,
    /// Until when; a mere date means the whole of that day
    #[arg(long, value_name = "TIME", value_parser = time::parse_end)]
    until: Option<time::Typed>,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Note it as the list that was last given out
    #[arg(long)]
    given_out: bool,
    /// The reason, for the audit log
    #[arg(long, requires = "given_out")]
    why: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    Table,
    Csv,
    Vcard,
    Json,
}

pub async fn run(args: EntitledArgs, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let roles = Some(args.role.join(","));
    let from = time::at(args.from.as_ref(), client).await?;
    let until = time::at(args.until.as_ref(), client).await?;
    let answer: EntitledAnswer = if args.given_out {
        client.post("/v1/entitled", &EntitledQuery { roles, from, until, why: args.why }).await?
    } else {
        let time = |time: Option<DateTime<Utc>>| time.map(|t| t.to_rfc3339());
        let query = [("roles", roles), ("from", time(from)), ("until", time(until))];
        client.get("/v1/entitled", &query).await?
    };
    match args.format {
        Format::Csv if !out.json => out.raw(&csv(&answer.people)),
        Format::Vcard if !out.json => out.raw(vcards(&answer.people, &answer.organisation).as_bytes()),
        Format::Json => Out::new(true).answer(&answer, |_, _| {}),
        _ => out.answer(&answer, |out, answer| print(out, answer, args.given_out)),
    }
    Ok(Exit::Done)
}

const HEADER: [&str; 6] = ["name", "title", "unit", "mail", "phone", "roles"];

fn cells(person: &Entitled) -> [String; 6] {
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    let roles: Vec<&str> = person.roles.iter().map(|role| &*role.0).collect();
    let name = person.name.to_string();
    [name, text(&person.title), text(&person.unit), text(&person.mail), text(&person.phone), roles.join(" ")]
}

fn csv(people: &[Entitled]) -> Vec<u8> {
    let rows: Vec<[String; 6]> = people.iter().map(cells).collect();
    table::write(&HEADER, rows.iter().map(|row| row.each_ref().map(String::as_str)))
}

fn print(out: &Out, answer: &EntitledAnswer, given_out: bool) {
    let rows = answer
        .people
        .iter()
        .map(|p| cells(p).map(|cell| or_dash(Some(cell).filter(|c| !c.is_empty()))).to_vec());
    out.table(&HEADER, rows.collect(), "nobody is entitled then");
    if let (Some(at), Some(difference)) = (answer.last_given_out, &answer.difference) {
        let by = answer.last_given_out_by.as_deref().unwrap_or_default();
        out.line(format!("\nSince it was given out {} by {by}:", out.when(at)));
        let line = |sign: &str, p: &Entitled| {
            out.line(format!("  {sign} {}", super::print::visible(&cells(p).join("  "))));
        };
        difference.added.iter().for_each(|p| line("+", p));
        difference.gone.iter().for_each(|p| line("-", p));
        for changed in &difference.changed {
            line("<", &changed.before);
            line(">", &changed.after);
        }
        if difference.added.is_empty() && difference.gone.is_empty() && difference.changed.is_empty() {
            out.line("  nothing is different");
        }
    }
    if given_out {
        out.line("\nNoted as given out.");
    }
}
