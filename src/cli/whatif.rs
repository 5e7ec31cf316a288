//! `budkavle whatif`.

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, visible};
use super::time;
use crate::domain::roles::RoleName;
use crate::http::coverage::{RoleShift, StepRequest, UncoveredAnswer, WhatifAnswer};

/// What is imagined. Everything can be combined.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle whatif --away asa.oberg,bo.ek --from 2026-07-06 --to 2026-07-31\n  budkavle whatif --move asa.oberg \"Vård / Hemtjänst\"\n  budkavle whatif --gone bo.ek\n  budkavle whatif --move-unit Hemtjänst \"Social omsorg\"\n\nWho would turn to whom is told of the moment --from; with --to also what would be uncovered on any day until then. Nothing is changed. `budkavle coverage` shows the days of a period with the absences that are noted."
)]
#[group(id = "what", required = true, multiple = true, args = ["away", "move_to", "gone", "move_unit"])]
pub struct Args {
    /// These users are away: accounts, addresses, UPNs, names or GUIDs, with commas between
    #[arg(long, value_name = "USER", value_delimiter = ',')]
    away: Vec<String>,
    /// This user's main unit is that one
    #[arg(long = "move", num_args = 2, value_names = ["USER", "UNIT"])]
    move_to: Vec<String>,
    /// These users are no longer in the directory
    #[arg(long, value_name = "USER", value_delimiter = ',')]
    gone: Vec<String>,
    /// This unit hangs below that one, with all that is below it
    #[arg(long, num_args = 2, value_names = ["UNIT", "INTO"])]
    move_unit: Vec<String>,
    /// At that time; without it now
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    from: Option<time::Typed>,
    /// Until when they are away, and until when it is looked what would be uncovered; a mere date means the whole of that day
    #[arg(long, value_name = "TIME", value_parser = time::parse_end)]
    to: Option<time::Typed>,
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let pairs = |texts: &[String], step: fn(String, String) -> StepRequest| {
        let pair = |pair: &[String]| match pair {
            [one, other] => Some(step(one.clone(), other.clone())),
            _ => None,
        };
        texts.chunks(2).filter_map(pair).collect::<Vec<_>>()
    };
    let mut steps: Vec<StepRequest> = pairs(&args.move_unit, StepRequest::MoveUnit);
    steps.extend(pairs(&args.move_to, StepRequest::Move));
    steps.extend(args.away.into_iter().map(StepRequest::Away));
    steps.extend(args.gone.into_iter().map(StepRequest::Gone));
    let steps = serde_json::to_string(&steps).map_err(Trouble::failed)?;
    let query = [
        ("steps", Some(steps)),
        ("from", time::text(args.from.as_ref(), client).await?),
        ("until", time::text(args.to.as_ref(), client).await?),
    ];
    let answer: WhatifAnswer = client.get("/v1/whatif", &query).await?;
    out.answer(&answer, print);
    Ok(Exit::Done)
}

fn print(out: &Out, answer: &WhatifAnswer) {
    if answer.roles.is_empty() {
        out.line(format!("On {} everybody would turn to the same people as now.", out.when(answer.at)));
    } else {
        out.line(format!("On {}:", out.when(answer.at)));
    }
    for role in &answer.roles {
        out.line(format!("\n{}", role.role));
        for line in lines(role) {
            out.line(format!("  {}", visible(&line)));
        }
    }
    over_time(out, answer);
}

/// What wouldn't be covered at any time of the period.
fn over_time(out: &Out, answer: &WhatifAnswer) {
    let Some(to) = answer.looked_to else { return };
    if answer.uncovered.is_empty() {
        return out.line(format!("\nUntil {to} no minimum would break that doesn't break anyhow."));
    }
    let row = |it: &UncoveredAnswer| {
        let place = match it.units {
            0 | 1 => visible(&it.place),
            n => format!("{} (and {} below)", visible(&it.place), n - 1),
        };
        let there = if it.there.is_empty() { "nobody".to_owned() } else { visible(&it.there.join(", ")) };
        vec![it.role.to_string(), place, it.from.to_string(), it.to.to_string(), there]
    };
    out.line(format!("\nUntil {to} the minimum wouldn't be met, which it is otherwise:"));
    out.table(&["role", "for", "from", "to", "there"], answer.uncovered.iter().map(row).collect(), "");
}

/// So many units are named in a line.
const NAMED: usize = 3;

fn lines(role: &RoleShift) -> Vec<String> {
    let people = |people: &[Box<str>]| match people {
        [] => format!("nobody ({})", fallback(role.fallback.as_ref())),
        people => people.join(", "),
    };
    let mut lines: Vec<String> = Vec::new();
    for shift in &role.shifts {
        let users = if shift.users == 1 { "1 user".to_owned() } else { format!("{} users", shift.users) };
        lines.push(format!(
            "{users} would turn to {} instead of {}: {}",
            people(&shift.after),
            people(&shift.before),
            some(&shift.units)
        ));
    }
    let near = |people: &[Box<str>]| match people {
        [] => "nobody near".to_owned(),
        people => people.join(", "),
    };
    for shift in &role.subjects {
        let (subject, after, before) = (&shift.subject, near(&shift.after), near(&shift.before));
        lines.push(format!("for {subject} one would turn to {after} instead of {before}"));
    }
    if role.uncovered_users > 0 {
        lines.push(format!("{} users would have nobody in this role", role.uncovered_users));
    }
    if !role.broken.is_empty() {
        let units: Vec<String> =
            role.broken.iter().map(|(path, there)| format!("{path} ({there})")).collect();
        lines.push(format!("fewer than the minimum of {} would be there: {}", role.minimum, some(&units)));
    }
    lines
}

fn fallback(role: Option<&RoleName>) -> String {
    role.map_or_else(|| "no other role answers".to_owned(), |role| format!("{role} answers"))
}

fn some(units: &[String]) -> String {
    let named = units.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match units.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named}; and {more} more"),
    }
}
