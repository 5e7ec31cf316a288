//! `budkavle user`.

use clap::Subcommand;

use super::client::{Client, segment};
use super::contacts::holdings;
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, when};
use crate::http::answers::{Page, UserAnswer, UserLine};

/// Which users.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle user find öberg\n  budkavle user show asa.oberg\n  budkavle user list --unit \"Vård / Hemtjänst\""
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
        #[arg(long)]
        unit: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// One user, with roles and absence
    Show {
        /// Account, address, UPN, name or GUID
        user: String,
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
        Verb::List { unit, limit } => {
            list(client, out, [("unit", unit), ("limit", Some(limit.to_string()))]).await
        }
        Verb::Find { text, limit } => {
            list(client, out, [("find", Some(text)), ("limit", Some(limit.to_string()))]).await
        }
        Verb::Show { user } => {
            let user: UserAnswer = client.get(&format!("/v1/users/{}", segment(&user)), &[]).await?;
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

fn show(out: &Out, answer: &UserAnswer) {
    let user = &answer.user;
    let text = |t: Option<&str>| t.map(str::to_owned);
    let account =
        if user.enabled { user.account().to_owned() } else { format!("{} (disabled)", user.account()) };
    out.facts(&[
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
        ("expires", user.expires.map(when)),
        ("away", answer.away.as_ref().map(|a| format!("until {}", when(a.until)))),
        ("directory", Some(user.directory.to_string())),
        ("id", Some(user.id.to_string())),
    ]);
    if !answer.holds.is_empty() {
        out.line("");
        holdings(out, &answer.holds);
    }
}
