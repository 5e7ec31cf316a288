//! `budkavle whoami`.

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::Out;
use crate::domain::audit::Actor;
use crate::http::whoami::{LevelName, PATH, WhoAmI};

pub async fn run(client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let answer: WhoAmI = client.get(PATH, &[]).await?;
    out.answer(&answer, print);
    Ok(Exit::Done)
}

fn print(out: &Out, answer: &WhoAmI) {
    let who = match &answer.actor {
        Actor::Local { uid, name } => format!("{name} (uid {uid})"),
        Actor::System | Actor::Source(_) => answer.actor.to_string(),
    };
    let level = match answer.level {
        LevelName::Stranger => "nobody whom the configuration names",
        LevelName::Reader => "a reader",
        LevelName::Administrator => "an administrator",
        LevelName::Operator => "an operator",
    };
    out.line(format!("You are {who}, {level}. You may:"));
    for phrase in &answer.may {
        out.line(format!("  {phrase}"));
    }
    let units = answer.grants.iter().flat_map(|grant| grant.units.iter().flatten());
    for trouble in units.filter_map(|unit| unit.trouble.as_ref()) {
        out.line(format!("Warning: {trouble}."));
    }
}
