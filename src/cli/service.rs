//! `budkavle service`: the services of the configuration.

use clap::Subcommand;

use super::client::{Client, segment};
use super::contacts;
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, visible};
use crate::http::services::{ServiceAnswer, ServiceLine};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle service list\n  budkavle service show mail\n  budkavle contacts assign outage --service mail --user asa.oberg    (is told of its outages, and of those of what it depends on)\n  budkavle outage open \"The storage is down\" --service storage --preview\n\nServices are named in the configuration: [service.NAME], with title, depends_on, owner and units."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// All services, what each depends on, and whether an outage concerns it
    List,
    /// One service, and who is told of its outages
    Show {
        /// Its name or its title
        name: String,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::List => {
            let list: Vec<ServiceLine> = client.get("/v1/services", &[]).await?;
            out.answer(&list, |out, list| {
                let header = ["name", "title", "depends on", "owner", "outages"];
                let nothing = "the configuration names no service ([service.NAME])";
                out.table(&header, list.iter().map(row).collect(), nothing);
                list.iter().flat_map(|l| &l.problems).for_each(|p| out.line(format!("Note: {}", visible(p))));
            });
        }
        Verb::Show { name } => {
            let answer: ServiceAnswer = client.get(&format!("/v1/services/{}", segment(&name)), &[]).await?;
            out.answer(&answer, show);
        }
    }
    Ok(Exit::Done)
}

fn row(line: &ServiceLine) -> Vec<String> {
    let service = &line.service;
    vec![
        service.name.to_string(),
        service.title.to_string(),
        joined(&service.depends_on).unwrap_or_default(),
        or_dash(service.owner.as_ref()),
        joined(&line.outages).unwrap_or_default(),
    ]
}

fn show(out: &Out, answer: &ServiceAnswer) {
    let ServiceLine { service, needed_by, outages, problems } = &answer.line;
    out.facts(&[
        ("service", Some(service.name.to_string())),
        ("title", Some(service.title.to_string())),
        ("depends on", joined(&service.depends_on)),
        ("needed by", joined(needed_by)),
        ("owner", service.owner.as_deref().map(str::to_owned)),
        ("serves", joined(&service.units).or_else(|| Some("the whole organisation".to_owned()))),
        ("outages", joined(outages)),
    ]);
    problems.iter().for_each(|problem| out.line(format!("Note: {}", visible(problem))));
    if answer.holds.is_empty() {
        let whose = if service.owner.is_some() { "; the contacts of its owner are told instead" } else { "" };
        out.line(format!(
            "\nIt has no outage contact of its own{whose}. Assign one: budkavle contacts assign outage --service {}",
            service.name
        ));
    } else {
        out.line("");
        contacts::holdings(out, &answer.holds);
    }
}

fn joined<T: ToString>(all: &[T]) -> Option<String> {
    (!all.is_empty()).then(|| all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}
