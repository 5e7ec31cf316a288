//! `budkavle lists` and `budkavle support`: what others keep and what is agreed with them.

use chrono::{DateTime, Utc};
use clap::Subcommand;

use super::client::{Client, segment};
use super::contacts;
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, visible};
use crate::flow::lists::Refreshed;
use crate::http::answers::Why;
use crate::http::lists::{ListAnswer, ListLine, SupportAnswer};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle lists list\n  budkavle lists show vendor\n  budkavle lists refresh vendor\n  budkavle lists accept vendor --why \"they have no account manager for now\""
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The lists, and how they are doing
    List,
    /// Who is on a list
    Show {
        /// Which
        list: String,
    },
    /// Look at a list now
    Refresh {
        /// Which
        list: String,
    },
    /// Take a list that has nobody any more for a role
    Accept {
        /// Which
        list: String,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::List => {
            let lists: Vec<ListLine> = client.get("/v1/lists", &[]).await?;
            out.answer(&lists, |out, lists| {
                let row = |l: &ListLine| {
                    vec![
                        l.name.to_string(),
                        l.people.to_string(),
                        or_dash(l.taken.map(|at| out.when(at))),
                        or_dash(l.state.checked.map(|at| out.when(at))),
                        l.state.trouble.clone().unwrap_or_else(|| "well".to_owned()),
                    ]
                };
                let header = ["list", "people", "taken", "looked at", "state"];
                out.table(&header, lists.iter().map(row).collect(), "no [[list]] is configured");
            });
            Ok(Exit::Done)
        }
        Verb::Show { list } => {
            let answer: ListAnswer = client.get(&format!("/v1/lists/{}", segment(&list)), &[]).await?;
            out.answer(&answer, show);
            Ok(Exit::Done)
        }
        Verb::Refresh { list } => {
            done(client.post(&format!("/v1/lists/{}/refresh", segment(&list)), &()).await?, out)
        }
        Verb::Accept { list, why } => {
            done(client.post(&format!("/v1/lists/{}/accept", segment(&list)), &Why { why }).await?, out)
        }
    }
}

fn done(refreshed: Refreshed, out: &Out) -> Result<Exit, Trouble> {
    out.answer(&refreshed, |out, r| match (&r.trouble, r.taken) {
        (Some(trouble), _) => out.line(visible(&format!("The list {} isn't taken: {trouble}", r.name))),
        (None, true) => out.line(format!("The list {} is taken; {} people are on it.", r.name, r.people)),
        (None, false) => {
            out.line(format!("The list {} says nothing new; {} people are on it.", r.name, r.people));
        }
    });
    Ok(if refreshed.trouble.is_some() { Exit::Failed } else { Exit::Done })
}

fn show(out: &Out, answer: &ListAnswer) {
    let line = &answer.line;
    out.facts(&[
        ("list", Some(line.name.to_string())),
        ("from", Some(line.location.clone())),
        ("taken", line.taken.map(|at| out.when(at))),
        ("looked at", line.state.checked.map(|at| out.when(at))),
        ("trouble", line.state.trouble.clone()),
    ]);
    out.line("");
    let people = answer.in_force.as_ref().map(|list| &list.listing.people);
    let day = |at: Option<DateTime<Utc>>| or_dash(at.map(|at| out.when(at)));
    let rows = people.into_iter().flatten().map(|p| {
        vec![
            p.role.to_string(),
            p.name.to_string(),
            p.mail.to_string(),
            or_dash(p.phone.as_ref()),
            or_dash(p.about.as_ref().or(p.title.as_ref())),
            day(p.from),
            day(p.until),
            or_dash(p.note.as_ref()),
        ]
    });
    let header = ["role", "name", "mail", "phone", "for", "from", "until", "note"];
    out.table(&header, rows.collect(), "nobody is on it");
}

/// `budkavle support`.
pub async fn support(client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let answer: SupportAnswer = client.get("/v1/support", &[]).await?;
    out.answer(&answer, |out, a| {
        let at = |time: DateTime<Utc>| time.with_timezone(&a.zone).format("%A %Y-%m-%d %H:%M").to_string();
        let open = match (a.open, a.next_change, a.next_open) {
            (true, Some(until), _) => format!("open until {}", at(until)),
            (true, None, _) => "open".to_owned(),
            (false, _, Some(next)) => format!("closed; opens {}", at(next)),
            (false, _, None) => "closed".to_owned(),
        };
        let quota =
            a.quota.map_or_else(|| a.entitled.to_string(), |quota| format!("{} of {quota}", a.entitled));
        out.facts(&[
            ("support", Some(open)),
            ("phone", a.phone.as_ref().map(ToString::to_string)),
            ("mail", a.mail.clone()),
            ("portal", a.portal.as_ref().map(ToString::to_string)),
            ("urgent", a.urgent_phone.as_ref().map(ToString::to_string)),
            ("entitled", Some(quota)),
        ]);
        for (title, list) in [("The agreement covers:", &a.covered), ("What is billed:", &a.billed)] {
            if !list.is_empty() {
                out.line(format!("\n{title}"));
                list.iter().for_each(|line| out.line(format!("  {}", visible(line))));
            }
        }
        out.line("\nWhom to ask:");
        if a.ask.contacts.is_empty() {
            out.line("  nobody who counts now");
        }
        a.ask.contacts.iter().for_each(|contact| out.line(format!("  {}", contacts::person(contact))));
        contacts::trail(out, &a.ask.trail, a.zone);
    });
    Ok(Exit::Done)
}
