//! `budkavle unit`.

use clap::Subcommand;

use super::client::{Client, segment};
use super::contacts::{as_of, holdings};
use super::exit::{Exit, Trouble};
use super::print::{Out, visible};
use super::time;
use super::user::users;
use crate::http::answers::{UnitAnswer, UnitLine};

/// Which units.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle unit tree\n  budkavle unit show \"Vård / Hemtjänst\"\n  budkavle unit show \"Vård / Hemtjänst\" --at 2026-03-02"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// All units, as a tree, with the number of users
    Tree {
        /// Only so many levels below the top
        #[arg(long)]
        depth: Option<usize>,
    },
    /// One unit, with its users and contacts
    Show {
        /// Its path, name or GUID
        unit: String,
        /// At that time; one that is past: as it was known then
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        at: Option<time::Typed>,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::Tree { depth } => {
            let mut units: Vec<UnitLine> = client.get("/v1/units", &[]).await?;
            units.retain(|u| depth.is_none_or(|d| u.depth <= d));
            out.answer(&units, |out, units| units.iter().for_each(|u| out.line(line(u))));
        }
        Verb::Show { unit, at } => {
            let at = time::text(at.as_ref(), client).await?;
            let path = format!("/v1/units/{}", segment(&unit));
            let unit: UnitAnswer = client.get(&path, &[("at", at)]).await?;
            out.answer(&unit, show);
        }
    }
    Ok(Exit::Done)
}

fn line(unit: &UnitLine) -> String {
    let indent = "  ".repeat(unit.depth);
    let name = visible(&unit.name);
    if unit.users == unit.users_below {
        format!("{indent}{name} ({})", unit.users)
    } else {
        format!("{indent}{name} ({}, {} with those below)", unit.users, unit.users_below)
    }
}

fn show(out: &Out, unit: &UnitAnswer) {
    as_of(out, unit.past.as_ref());
    out.facts(&[
        ("unit", Some(unit.path.clone())),
        ("managed by", unit.managed_by.as_ref().map(ToString::to_string)),
        ("id", Some(unit.id.to_string())),
    ]);
    if !unit.units.is_empty() {
        out.line("\nUnits below:");
        unit.units.iter().for_each(|u| out.line(format!("  {}", line(&UnitLine { depth: 0, ..u.clone() }))));
    }
    if !unit.holds.is_empty() {
        out.line("");
        holdings(out, &unit.holds);
    }
    out.line("");
    users(out, &unit.users);
}
