//! `budkavle outbox address`: to which addresses mails came back.

use clap::Subcommand;

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::Out;
use crate::flow::bounces::MailboxState;
use crate::http::addresses::{AddressAnswer, ClearMany};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The addresses to which nothing is sent, since mails to them came back; the last one first
    List,
    /// One of them: since when, why, and who has it
    Show {
        /// The address
        address: String,
    },
    /// Write to an address again, to those of a domain, or to all
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Clear {
        /// The address
        #[arg(group = "which")]
        address: Option<String>,
        /// All that are marked in this domain
        #[arg(long, group = "which")]
        domain: Option<String>,
        /// All that are marked
        #[arg(long, group = "which")]
        all: bool,
    },
}

pub async fn run(verb: Verb, client: &Client, out: &Out) -> Result<(), Trouble> {
    match verb {
        Verb::List => {
            let all: Vec<AddressAnswer> = client.get("/v1/addresses", &[]).await?;
            out.answer(&all, |out, all| list(out, all));
        }
        Verb::Show { address } => {
            let answer: AddressAnswer = client.get(&path(&address, ""), &[]).await?;
            out.answer(&answer, show);
        }
        Verb::Clear { address: None, domain, all } => {
            let which = ClearMany { domain, all };
            let cleared: Vec<AddressAnswer> = client.post("/v1/addresses/clear", &which).await?;
            out.answer(&cleared, |out, cleared| {
                out.line(format!("Written to again: {} addresses.", cleared.len()));
                cleared.iter().for_each(|answer| out.line(answer.mark.address.to_string()));
            });
        }
        Verb::Clear { address: Some(address), .. } => {
            let answer: AddressAnswer = client.post(&path(&address, "/clear"), &()).await?;
            out.answer(&answer, |out, answer| {
                out.line(format!("{} is written to again.", answer.mark.address));
                out.line("What wasn't sent stays in the outbox: `budkavle outbox list --state failed` shows it, `budkavle outbox retry NO` sends it.");
            });
        }
    }
    Ok(())
}

/// Has the mailbox for bounces read now.
pub async fn look(client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let state: MailboxState = client.post("/v1/bounces", &()).await?;
    out.answer(&state, |out, state| match &state.trouble {
        None => out.line(format!(
            "{} was read. Since the daemon's start: {} mails, {} of them said that a message came back or is delayed.",
            state.place, state.read, state.bounces
        )),
        Some(trouble) => out.line(format!("It wasn't read: {trouble}")),
    });
    Ok(if state.trouble.is_some() { Exit::Failed } else { Exit::Done })
}

/// As a part of a path: what isn't a letter, a digit or one of a few signs as `%40`.
fn path(address: &str, end: &str) -> String {
    let address: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
    format!("/v1/addresses/{}{end}", address.replace('+', "%20"))
}

fn list(out: &Out, all: &[AddressAnswer]) {
    let row = |answer: &AddressAnswer| {
        let said: String = answer.mark.answer.chars().take(60).collect();
        vec![
            answer.mark.address.to_string(),
            out.when(answer.mark.since),
            answer.mark.times.to_string(),
            answer.holds.len().to_string(),
            said,
        ]
    };
    let header = ["address", "since", "mails", "roles", "answer"];
    out.table(&header, all.iter().map(row).collect(), "no mail came back for good");
}

fn show(out: &Out, answer: &AddressAnswer) {
    let mark = &answer.mark;
    out.facts(&[
        ("address", Some(mark.address.to_string())),
        ("since", Some(out.when(mark.since))),
        ("last", Some(format!("{}, message {}", out.when(mark.last), mark.message))),
        ("came back", Some(mark.times.to_string())),
        ("status", Some(mark.status.to_string())),
        ("answer", Some(mark.answer.to_string())),
        ("written to again", answer.until.map(|at| out.when(at))),
    ]);
    for holder in &answer.holds {
        out.line(format!("holds  {holder}"));
    }
}
