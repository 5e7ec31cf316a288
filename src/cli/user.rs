//! `budkavle user`.

use clap::Subcommand;

use super::client::{Client, segment};
use super::contacts::{as_of, holdings};
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash};
use super::time;
use crate::http::answers::{GoneLine, Page, UserAnswer, UserLine};

/// Which users.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle user find öberg\n  budkavle user show asa.oberg\n  budkavle user show asa.oberg --at 2026-03-02\n  budkavle user list --unit \"Vård / Hemtjänst\"\n  budkavle user list --gone"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Users, of all units or one
    List {
        /// Only of this unit and below: its path, name or GUID
        #[arg(long, conflicts_with = "gone")]
        unit: Option<String>,
        /// Those who are gone, the last to go first
        #[arg(long)]
        gone: bool,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// One user, with roles and absence
    Show {
        /// Account, address, UPN, name or GUID
        user: String,
        /// At that time; one that is past: as it was known then
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        at: Option<time::Typed>,
    },
    /// Users by a part of the name, the account or the address
    Find {
        /// The part
        text: String,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::List { gone: true, limit, .. } => {
            let query = [("kind", Some("user".to_owned())), ("limit", Some(limit.to_string()))];
            let page: Page<GoneLine> = client.get("/v1/gone", &query).await?;
            out.answer(&page, gone);
            Ok(Exit::Done)
        }
        Verb::List { unit, limit, gone: false } => {
            list(client, out, [("unit", unit), ("limit", Some(limit.to_string()))]).await
        }
        Verb::Find { text, limit } => {
            list(client, out, [("find", Some(text)), ("limit", Some(limit.to_string()))]).await
        }
        Verb::Show { user, at } => {
            let at = time::text(at.as_ref(), client).await?;
            let path = format!("/v1/users/{}", segment(&user));
            let user: UserAnswer = client.get(&path, &[("at", at)]).await?;
            out.answer(&user, show);
            Ok(Exit::Done)
        }
    }
}

async fn list(client: &Client, out: &Out, query: [(&str, Option<String>); 2]) -> Result<Exit, Trouble> {
    let page: Page<UserLine> = client.get("/v1/users", &query).await?;
    out.answer(&page, users);
    Ok(Exit::Done)
}

/// A table of users.
pub fn users(out: &Out, page: &Page<UserLine>) {
    let row = |u: &UserLine| {
        let state = if u.active { "" } else { "inactive" };
        vec![
            u.user.account().to_owned(),
            u.user.name().to_owned(),
            or_dash(u.user.mail()),
            u.unit_path.clone(),
            state.to_owned(),
        ]
    };
    out.table(&["account", "name", "mail", "unit", ""], page.items.iter().map(row).collect(), "nobody");
    if page.more {
        out.line("… and more; ask for more with --limit");
    }
}

fn gone(out: &Out, page: &Page<GoneLine>) {
    let row = |line: &GoneLine| {
        vec![
            or_dash(line.account.as_ref()),
            line.name.to_string(),
            or_dash(line.mail.as_ref()),
            line.unit_path.to_string(),
            out.when(line.gone.since),
            line.gone.run.to_string(),
        ]
    };
    let header = ["account", "name", "mail", "unit", "gone since", "run"];
    out.table(&header, page.items.iter().map(row).collect(), "nobody");
    if page.more {
        out.line("… and more; ask for more with --limit");
    }
}

fn show(out: &Out, answer: &UserAnswer) {
    as_of(out, answer.past.as_ref());
    let user = &answer.user;
    let text = |t: Option<&str>| t.map(str::to_owned);
    let account =
        if user.enabled { user.account().to_owned() } else { format!("{} (disabled)", user.account()) };
    out.facts(&[
        ("gone", answer.gone.as_ref().map(|g| format!("since {} (run {})", out.when(g.since), g.run))),
        ("name", Some(user.name().to_owned())),
        ("account", Some(account)),
        ("upn", text(user.upn())),
        ("mail", text(user.mail())),
        ("phone", text(user.phone())),
        ("mobile", text(user.mobile())),
        ("title", text(user.title())),
        ("unit", Some(answer.unit_path.clone())),
        ("manager", text(answer.manager_name.as_deref())),
        ("language", text(user.language())),
        ("expires", user.expires.map(|at| out.when(at))),
        ("away", answer.away.as_ref().map(|a| format!("until {}", out.when(a.until)))),
        ("directory", Some(user.directory.to_string())),
        ("id", Some(user.id.to_string())),
    ]);
    if !answer.holds.is_empty() {
        out.line("");
        holdings(out, &answer.holds);
    }
}
