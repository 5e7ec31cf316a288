//! `budkavle notify test`.

use std::time::Duration;

use clap::Subcommand;

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::outbox;
use super::print::Out;
use crate::domain::ids::ChannelName;
use crate::domain::notice::MessageState;
use crate::http::answers::{MessageAnswer, TestRequest};
use crate::runtime::clock::Clock;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle notify test asa.oberg@kommun.example\n  budkavle notify test --channel drift\n  budkavle notify test asa.oberg --channel sms"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Send a test message, and show what the other side says
    Test {
        /// An address, or a user; for a channel that leads to one place nobody
        to: Option<String>,
        /// By this channel, as the configuration calls it; by mail without it
        #[arg(long)]
        channel: Option<String>,
        /// Wait so long for the other side's answer
        #[arg(long, value_name = "SECONDS", default_value_t = 30)]
        wait: u64,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let Verb::Test { to, channel, wait } = args.verb;
    let channel = channel.as_deref().map(ChannelName::from);
    let mut answer: MessageAnswer = client.post("/v1/test-message", &TestRequest { to, channel }).await?;
    let id = answer.message.id;
    let until = Clock::System.monotonic() + Duration::from_secs(wait.min(3_600));
    let pending = |s| matches!(s, MessageState::Queued | MessageState::Sending);
    while pending(answer.message.state) && Clock::System.monotonic() < until {
        Clock::System.sleep(Duration::from_millis(100)).await;
        answer = client.get(&format!("/v1/messages/{id}"), &[]).await?;
    }
    out.answer(&answer, outbox::show);
    Ok(if answer.message.state == MessageState::Sent { Exit::Done } else { Exit::Failed })
}
