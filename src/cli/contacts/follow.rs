//! `budkavle contacts changes` and `budkavle contacts orphans`.

use chrono_tz::Tz;

use crate::cli::client::Client;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::print::{Out, visible};
use crate::cli::time;
use crate::domain::changes::{Answerers, Cause};
use crate::domain::contacts::named;
use crate::domain::orphans::Orphans;
use crate::http::follow::{ChangeAnswer, ChangesPage};

/// Which changes.
#[derive(Debug, clap::Args)]
pub struct ChangesArgs {
    /// Since then
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    since: Option<time::Typed>,
    /// Only in this role
    #[arg(long)]
    role: Option<String>,
    /// Only of this unit and those below
    #[arg(long)]
    unit: Option<String>,
    /// So many at most, the newest
    #[arg(long, default_value_t = 100)]
    limit: usize,
}

/// Which orphans.
#[derive(Debug, clap::Args)]
pub struct OrphansArgs {
    /// Only in this role
    #[arg(long)]
    role: Option<String>,
    /// Only at this unit and below
    #[arg(long)]
    unit: Option<String>,
}

pub async fn changes(args: ChangesArgs, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let query = [
        ("since", time::text(args.since.as_ref(), client).await?),
        ("role", args.role),
        ("unit", args.unit),
        ("limit", Some(args.limit.to_string())),
    ];
    let answer: ChangesPage = client.get("/v1/contacts/changes", &query).await?;
    out.answer(&answer, |out, ChangesPage { page, looked_back_to }| {
        for change in &page.items {
            told(out, change);
        }
        if let Some(until) = looked_back_to {
            let until = out.when(*until);
            out.line(format!(
                "What is older than {until} wasn't looked at: there are too many newer changes."
            ));
        } else if page.items.is_empty() {
            out.line("Nobody got other contacts.");
        } else if page.more {
            out.line("There are more: --limit, or --since for the newest.");
        }
    });
    Ok(Exit::Done)
}

fn told(out: &Out, answer: &ChangeAnswer) {
    let change = &answer.change;
    let by = match answer.by {
        Cause::Run(run) => format!("by run {run}"),
        Cause::Edit => "by an edit (`budkavle audit`)".to_owned(),
        Cause::Time => "as time passed".to_owned(),
        Cause::Configuration => "by the configuration".to_owned(),
    };
    let units = match (&answer.paths[..], change.all_units) {
        ([], _) => String::new(),
        ([one], 1) => format!(" of {one}"),
        (paths, all) => format!(" of {all} units ({}{})", few(paths), if all > FEW { ", …" } else { "" }),
    };
    out.line(format!(
        "{}  {}: {} users{}, {by}",
        out.when(answer.at),
        change.role,
        change.users,
        visible(&units)
    ));
    out.line(visible(&format!("    {} → {}", names(&change.before), names(&change.after))));
    out.line(visible(&format!("    since {}", answer.reasons.join("; "))));
}

const FEW: u32 = 3;

fn few(paths: &[String]) -> String {
    paths.iter().take(FEW as usize).map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn names(answerers: &Answerers) -> String {
    let name = |p: &crate::domain::changes::Person| named(&p.name, p.deputy_for.as_deref());
    let names: Vec<Box<str>> = answerers.people.iter().map(name).collect();
    if names.is_empty() { "nobody, so the fallback".to_owned() } else { names.join(", ") }
}

pub async fn orphans(args: OrphansArgs, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let query = [("role", args.role), ("unit", args.unit)];
    let orphans: Orphans = client.get("/v1/contacts/orphans", &query).await?;
    let zone = client.zone().await?;
    out.answer(&orphans, |out, orphans| print(out, orphans, zone));
    Ok(Exit::Done)
}

fn print(out: &Out, orphans: &Orphans, zone: Tz) {
    let Orphans { units, holders, assignments, short, over, subjects, unreachable } = orphans;
    if *orphans == Orphans::default() {
        out.line("Everything is answered for, and nobody holds a role in vain.");
        return;
    }
    if !units.is_empty() {
        let rows = units.iter().map(|u| {
            let path = if u.units > 1 { format!("{} and all below", u.path) } else { u.path.clone() };
            vec![u.role.to_string(), path, u.units.to_string(), u.users.to_string()]
        });
        out.line("Nobody of the role counts for these units; the role it falls back to answers:");
        out.table(&["role", "unit", "units", "users"], rows.collect(), "");
    }
    for s in short {
        out.line(visible(&format!("{s}.")));
    }
    for over in over {
        out.line(visible(&format!("{over}.")));
    }
    if !subjects.is_empty() {
        let rows = subjects.iter().map(|s| {
            let owner = s.owner.as_ref().map(ToString::to_string);
            let unanswered = s.unanswered.iter().map(|role| format!("nobody near answers as {role}"));
            let why = owner.into_iter().chain(unanswered).collect::<Vec<_>>().join("; ");
            vec![s.subject.to_string(), s.title.to_string(), why]
        });
        out.line("These subjects belong nowhere, or only who answers for everything does:");
        out.table(&["subject", "title", "why"], rows.collect(), "");
    }
    if !holders.is_empty() {
        let rows = holders
            .iter()
            .map(|h| vec![h.role.to_string(), h.path.clone(), h.name.to_string(), h.reason.in_zone(zone)]);
        out.line("These hold a role and don't count:");
        out.table(&["role", "for", "holder", "why"], rows.collect(), "");
    }
    if !unreachable.is_empty() {
        let rows = unreachable.iter().map(|h| {
            vec![
                h.role.to_string(),
                h.path.clone(),
                h.name.to_string(),
                h.address.to_string(),
                h.answer.to_string(),
            ]
        });
        out.line("To these mails came back, and none is sent to them; `budkavle outbox address` says more:");
        out.table(&["role", "for", "holder", "address", "answer"], rows.collect(), "");
    }
    if !assignments.is_empty() {
        let rows = assignments.iter().map(|a| {
            vec![a.assignment.to_string(), a.role.to_string(), a.name.to_string(), a.why.to_string()]
        });
        out.line("These assignments count nowhere; end them with `budkavle contacts revoke`:");
        out.table(&["no", "role", "holder", "why"], rows.collect(), "");
    }
}
