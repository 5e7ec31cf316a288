//! `budkavle contacts digest`: what somebody is contact for.

use crate::cli::client::Client;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::print::{Out, or_dash, visible};
use crate::domain::duties::Duty;
use crate::http::duties::{DigestAnswer, DigestQuery};

/// Of whom.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle contacts digest anna.svensson\n  budkavle contacts digest anna.svensson --mail\n\n[contact_digest] in the configuration sends it to all contacts of some roles on a schedule."
)]
pub struct DigestArgs {
    /// The user: account, address, UPN, name or GUID; or the address of somebody outside who holds a role
    user: String,
    /// Send it to them by mail, now
    #[arg(long)]
    mail: bool,
}

pub async fn run(args: DigestArgs, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let answer: DigestAnswer = if args.mail {
        client.post("/v1/contacts/digest", &DigestQuery { user: args.user }).await?
    } else {
        client.get("/v1/contacts/digest", &[("user", Some(args.user))]).await?
    };
    out.answer(&answer, print);
    Ok(Exit::Done)
}

fn print(out: &Out, answer: &DigestAnswer) {
    let duties = &answer.duties;
    if duties.duties.is_empty() {
        out.line(format!("{} isn't contact for anything.", visible(&duties.name)));
    } else {
        out.line(format!("{} is contact for:", visible(&duties.name)));
    }
    for duty in &duties.duties {
        show(out, duty);
    }
    if duties.more > 0 {
        out.line(format!("  and {} more", duties.more));
    }
    for planned in &duties.absences {
        let deputy = planned.deputy.as_deref().unwrap_or("nobody");
        let line =
            format!("Away {} to {}, deputy: {deputy}.", out.when(planned.from), out.when(planned.until));
        out.line(visible(&line));
    }
    for it in &duties.stands_in {
        out.line(visible(&format!(
            "Deputy for {} {} to {}.",
            it.name,
            out.when(it.from),
            out.when(it.until)
        )));
    }
    let turns_to = Some(duties.turns_to.join(", ")).filter(|names| !names.is_empty());
    out.line(visible(&format!("Turns to: {}.", or_dash(turns_to))));
    if let Some(mail) = &answer.sent_to {
        let number = answer.message.map(|id| format!(" (message {id})")).unwrap_or_default();
        out.line(format!("On its way to {}{number}.", visible(mail.as_str())));
    }
}

fn show(out: &Out, duty: &Duty) {
    let place = duty.place.as_ref().map(|place| format!(" at {place}")).unwrap_or_default();
    let people = match duty.all_units {
        0 => String::new(),
        n => format!(": {n} {}, {} users", if n == 1 { "unit" } else { "units" }, duty.users),
    };
    out.line(visible(&format!("  {}{place}{people}", duty.role)));
    for unit in &duty.units {
        let below = if unit.below > 0 { format!(" and {} below", unit.below) } else { String::new() };
        out.line(visible(&format!("    {}{below}", unit.path)));
    }
    if duty.more > 0 {
        out.line(format!("    and {} more", duty.more));
    }
    let say = |what: &str, text: String| out.line(visible(&format!("    {what}: {text}")));
    if let Some(why) = &duty.skipped {
        say("doesn't count now", why.to_string());
    }
    if let Some(deputy) = &duty.deputy {
        say("stands in now", deputy.to_string());
    }
    if !duty.beside.is_empty() {
        say("besides", duty.beside.join(", "));
    }
    if let Some(above) = &duty.above {
        let names = Some(above.people.join(", ")).filter(|names| !names.is_empty());
        say("above", format!("{} ({})", or_dash(names), above.role));
    }
}
