//! `budkavle outbox`.

use clap::{Subcommand, ValueEnum};

use super::address;
use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, visible};
use crate::domain::notice::{MessageState, Recipient};
use crate::http::answers::{MessageAnswer, MessageLine, Page};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle outbox list --state deferred\n  budkavle outbox list --channel drift\n  budkavle outbox list --notice 12\n  budkavle outbox list --to asa.oberg@example.org\n  budkavle outbox show 4711\n  budkavle outbox retry 4711\n  budkavle outbox bounces\n  budkavle outbox address list\n  budkavle outbox address clear asa.oberg@example.org"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    Queued,
    Sending,
    Sent,
    Deferred,
    Failed,
    Expired,
    Cancelled,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Messages, the newest first
    List {
        /// Only those in this state
        #[arg(long, value_enum)]
        state: Option<State>,
        /// Only those of this channel (`mail`, or as the configuration calls it)
        #[arg(long)]
        channel: Option<String>,
        /// Only those of this notice, by its number
        #[arg(long)]
        notice: Option<u64>,
        /// Only those to this address, number or name
        #[arg(long)]
        to: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// One message, with every try
    Show {
        /// Its number
        message: u64,
    },
    /// Try a message again, now
    Retry {
        /// Its number
        message: u64,
    },
    /// Don't send a message
    Cancel {
        /// Its number
        message: u64,
    },
    /// The addresses to which mails came back
    #[command(
        after_help = "Examples:\n  budkavle outbox address list\n  budkavle outbox address show asa.oberg@example.org\n  budkavle outbox address clear asa.oberg@example.org\n  budkavle outbox address clear --domain example.org\n  budkavle outbox address clear --all"
    )]
    Address {
        #[command(subcommand)]
        verb: address::Verb,
    },
    /// Read the mailbox now into which mails come back
    Bounces,
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::List { state, channel, notice, to, limit } => {
            let state = state.map(|s| format!("{s:?}").to_lowercase());
            let (notice, limit) = (notice.map(|n| n.to_string()), Some(limit.to_string()));
            let query =
                [("state", state), ("channel", channel), ("notice", notice), ("to", to), ("limit", limit)];
            let page: Page<MessageLine> = client.get("/v1/messages", &query).await?;
            out.answer(&page, list);
        }
        Verb::Show { message } => {
            let answer: MessageAnswer = client.get(&format!("/v1/messages/{message}"), &[]).await?;
            out.answer(&answer, show);
        }
        Verb::Retry { message } => order(client, out, message, "retry").await?,
        Verb::Cancel { message } => order(client, out, message, "cancel").await?,
        Verb::Address { verb } => address::run(verb, client, out).await?,
        Verb::Bounces => return address::look(client, out).await,
    }
    Ok(Exit::Done)
}

async fn order(client: &Client, out: &Out, message: u64, order: &str) -> Result<(), Trouble> {
    let answer: MessageAnswer = client.post(&format!("/v1/messages/{message}/{order}"), &()).await?;
    out.answer(&answer, |out, a| out.line(format!("Message {} is {} now.", a.message.id, a.message.state)));
    Ok(())
}

fn list(out: &Out, page: &Page<MessageLine>) {
    let row = |line: &MessageLine| {
        let m = &line.message;
        let answer: String = m.answer.as_deref().unwrap_or("").chars().take(60).collect();
        vec![
            m.id.to_string(),
            m.state.to_string(),
            m.attempts.to_string(),
            out.when(m.changed),
            m.recipient.channel.to_string(),
            m.recipient.to_string(),
            line.about.clone(),
            answer,
        ]
    };
    let header = ["no", "state", "tries", "since", "channel", "to", "about", "answer"];
    out.table(&header, page.items.iter().map(row).collect(), "the outbox is empty");
    if page.more {
        out.line("… and more; ask for more with --limit");
    }
}

/// A name, and where to; of a place its name alone.
fn to(recipient: &Recipient) -> String {
    let (name, at) = (recipient.name.to_string(), recipient.to_string());
    if name == at { name } else { format!("{name} <{at}>") }
}

/// One message.
pub fn show(out: &Out, answer: &MessageAnswer) {
    let m = &answer.message;
    let with: Vec<String> = answer.with.iter().map(ToString::to_string).collect();
    let waits = matches!(m.state, MessageState::Queued | MessageState::Deferred);
    out.facts(&[
        ("message", Some(m.id.to_string())),
        ("about", Some(answer.about.clone())),
        ("channel", Some(m.recipient.channel.to_string())),
        ("to", Some(to(&m.recipient))),
        ("because", Some(m.recipient.why.to_string()).filter(|why| !why.is_empty())),
        ("state", Some(format!("{} since {}", m.state, out.when(m.changed)))),
        ("next try", waits.then(|| out.when(m.due))),
        ("given up", (!m.state.is_final()).then(|| out.when(answer.expires))),
        ("in one mail with", Some(with.join(", ")).filter(|with| !with.is_empty())),
        ("message-id", Some(answer.message_id.clone())),
        ("answer", Some(or_dash(m.answer.as_ref()))),
    ]);
    if !answer.log.is_empty() {
        out.line("");
    }
    for attempt in &answer.log {
        out.line(format!("{}  {}  {}", out.when(attempt.at), attempt.state, visible(&attempt.answer)));
    }
}
