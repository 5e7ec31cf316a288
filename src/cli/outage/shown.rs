//! How an incident or maintenance is shown.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::cli::client::Client;
use crate::cli::exit::Trouble;
use crate::cli::print::{Out, visible};
use crate::domain::mailbox::Address;
use crate::domain::outage::Outage;
use crate::domain::outage::edit::{Edit, Was};
use crate::http::answers::{OutageAnswer, Preview, PreviewTold, PreviewUntold, PreviewWay};

/// What an order came to; with a preview, who would be told.
pub fn told(out: &Out, answer: &OutageAnswer, what: &str) {
    out.answer(answer, |out, a| {
        if let Some(preview) = &a.preview {
            a.notes.iter().for_each(|note| out.line(format!("Note: {}.", visible(note))));
            return previewed(out, preview);
        }
        let told = match a.messages {
            Some(0) | None if !a.notes.is_empty() => "Nobody is told.".to_owned(),
            Some(0) | None => {
                "Nobody is told: no outage contact counts (`budkavle contacts list --role outage`)."
                    .to_owned()
            }
            Some(1) => "1 message is on its way.".to_owned(),
            Some(n) => format!("{n} messages are on their way."),
        };
        out.line(format!("{} {} {what}. {told}", a.outage.kind(), a.outage.id));
        if let Some(window) = window(&a.outage, out.zone()) {
            out.line(window);
        }
        a.notes.iter().for_each(|note| out.line(format!("Note: {}.", visible(note))));
    });
}

fn previewed(out: &Out, preview: &Preview) {
    let way = |way: &PreviewWay| match way.waits_until {
        Some(until) => format!("{} from {}", way.channel, out.when(until)),
        None => way.channel.clone(),
    };
    let by = |told: &PreviewTold| told.ways.iter().map(way).collect::<Vec<_>>().join(", ");
    let row = |told: &PreviewTold| vec![told.name.clone(), told.mail.clone(), by(told), told.why.clone()];
    out.line("Nothing is done, and nobody is told. These would be:\n");
    out.table(&["name", "mail", "by", "why"], preview.told.iter().map(row).collect(), "nobody");
    if !preview.places.is_empty() {
        out.line(format!("\nIt would go to all who read {}, too.", preview.places.join(", ")));
    }
    if !preview.not_told.is_empty() {
        out.line("\nAnd these wouldn't:\n");
        let row = |not: &PreviewUntold| vec![not.name.clone(), not.why_not.clone()];
        out.table(&["name", "why not"], preview.not_told.iter().map(row).collect(), "");
    }
}

/// When maintenance is carried out, on the organisation's clocks.
pub fn window(outage: &Outage, zone: Tz) -> Option<String> {
    let plan = outage.plan.as_ref()?;
    let time = |at: DateTime<Utc>| at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z").to_string();
    Some(format!("{} to {}", time(plan.from), time(plan.until)))
}

/// One of either kind, with everything said and corrected.
pub async fn show(client: &Client, out: &Out, number: u64) -> Result<(), Trouble> {
    let answer: OutageAnswer = client.get(&format!("/v1/outages/{number}"), &[]).await?;
    out.answer(&answer, |out, a| print(out, &a.outage, &a.unit_paths));
    Ok(())
}

fn print(out: &Out, outage: &Outage, units: &[String]) {
    let list = |l: Vec<String>| (!l.is_empty()).then(|| l.join(", "));
    let by_hand = outage.plan.as_ref().map(|plan| plan.by_hand);
    out.facts(&[
        (if outage.plan.is_some() { "maintenance" } else { "outage" }, Some(outage.id.to_string())),
        ("title", Some(outage.title.to_string())),
        ("state", Some(outage.state().to_string())),
        ("when", window(outage, out.zone())),
        ("completed", by_hand.map(|by_hand| if by_hand { "by hand" } else { "by the clock" }.to_owned())),
        ("severity", Some(outage.severity.to_string())),
        ("services", list(outage.services.iter().map(ToString::to_string).collect())),
        ("units", list(units.to_vec())),
        ("asks", outage.ack.then(|| "to be taken on (budkavle notice list)".to_owned())),
        ("told, too", list(outage.also.iter().map(ToString::to_string).collect())),
    ]);
    for (number, update) in outage.updates.iter().enumerate() {
        out.line(format!("\n{number}  {}  {}  {}", out.when(update.at), update.state, update.by));
        update.text.lines().for_each(|line| out.line(format!("   {}", visible(line))));
    }
    if !outage.edits.is_empty() {
        out.line("\nCorrected:");
        outage.edits.iter().for_each(|edit| out.line(visible(&edited(out, edit))));
    }
}

fn edited(out: &Out, edit: &Edit) -> String {
    let was = match &edit.was {
        Was::Text { update, text } => format!("update {update}, which was: {text}"),
        Was::Title(title) => format!("the title, which was: {title}"),
        Was::Severity(severity) => format!("the severity, which was: {severity}"),
        Was::Services(services) if services.is_empty() => "the services, of which there were none".to_owned(),
        Was::Services(services) => format!("the services, which were: {}", services.join(", ")),
        Was::Units(units) if units.is_empty() => "the units, of which there were none".to_owned(),
        Was::Units(units) => {
            let units: Vec<String> = units.iter().map(ToString::to_string).collect();
            format!("the units, which were: {}", units.join(", "))
        }
        Was::Also(also) if also.is_empty() => "who is told, too, of whom there was nobody".to_owned(),
        Was::Also(also) => {
            let also: Vec<&str> = also.iter().map(Address::as_str).collect();
            format!("who is told, too, which was: {}", also.join(", "))
        }
    };
    format!("   {}  {}  {was}", out.when(edit.at), edit.by)
}
