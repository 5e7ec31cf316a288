//! `budkavle status`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::{Out, ago, or_dash, visible};
use super::silence;
use crate::domain::alert::Trouble as SyncTrouble;
use crate::domain::hint::Telling;
use crate::domain::ids::Generation;
use crate::domain::notice::MessageState;
use crate::domain::run::Outcome;
use crate::flow::login_page::PageState;
use crate::flow::ping::PingState;
use crate::http::answers::{ChannelStatus, ContactChangesStatus, DirectoryStatus, Status};
use crate::http::nodes::{ClusterStatus, NodeState};
use crate::http::standing::{HeldBack, NoticesStatus, SilenceStatus, SubscribersStatus, WaitingStatus};
use crate::runtime::clock::Clock;

pub async fn run(client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let status: Status = client.get("/v1/status", &[]).await?;
    out.answer(&status, print);
    Ok(Exit::Done)
}

fn print(out: &Out, status: &Status) {
    let now = Clock::System.now();
    out.facts(&[
        ("organisation", Some(status.organisation.to_string())),
        ("version", Some(status.version.clone())),
        ("up", Some(format!("since {} ({})", out.when(status.started), ago(status.started, now)))),
        ("holds", Some(format!("{} users, {} units, {} groups", status.users, status.units, status.groups))),
        ("open outages", Some(status.open_outages.to_string())),
        ("outbox", Some(outbox(status))),
        ("waits for somebody", waiting(out, &status.notices)),
        ("silent", silent(out, &status.notices)),
        ("held back", held_back(&status.notices)),
        ("subscribers", subscribers(&status.notices)),
        (
            "mail",
            status
                .channel_pause
                .as_ref()
                .map(|p| format!("paused until {}: {}", out.when(p.until), p.reason)),
        ),
        ("bounces", bounces(out, status)),
        ("store", status.store_note.clone()),
        ("contact mails", Some(contact_changes(out, &status.contact_changes))),
        ("login page", status.login_page.as_ref().map(|page| login_page(out, page))),
    ]);
    if status.channels.len() > 1 {
        let row = |c: &ChannelStatus| vec![c.name.to_string(), channel(out, c), counts(&c.outbox)];
        out.line("");
        let rows = status.channels.iter().map(row).collect();
        out.table(&["channel", "state", "outbox"], rows, "no channels");
    }
    if !status.notices.longest_waiting.is_empty() {
        out.line("");
        let row = |w: &WaitingStatus| {
            let goes_on = w.goes_on.map_or_else(|| "nobody is left".to_owned(), |at| out.when(at));
            let told = w.told.to_string();
            vec![w.notice.to_string(), visible(&w.about), ago(w.asked, now), told, goes_on]
        };
        let rows = status.notices.longest_waiting.iter().map(row).collect();
        out.table(&["notice", "about", "asked", "told", "goes to others"], rows, "nothing");
    }
    out.line("");
    if let Some(cluster) = &status.cluster {
        nodes(out, cluster, status.generation, now);
        out.line("");
    }
    let row = |d: &DirectoryStatus| {
        let last = d
            .last_run
            .as_ref()
            .map(|r| format!("{} run {}: {}", out.when(r.ended), r.id, outcome(&r.outcome)));
        vec![
            d.name.to_string(),
            state(d),
            or_dash(d.last_good.map(|at| ago(at, now))),
            or_dash(last),
            or_dash(d.next_sync.map(|at| out.when(at))),
            told(out, &d.change_notification, now),
        ]
    };
    let rows = status.directories.iter().map(row).collect();
    out.table(
        &["directory", "state", "data of", "last run", "next run", "changes told"],
        rows,
        "no directories",
    );
    for d in &status.directories {
        if let Some(held) = d.held.as_ref().filter(|h| !h.approved) {
            let reasons: Vec<String> = held.reasons.iter().map(ToString::to_string).collect();
            out.line(format!("\nRun {} of {} waits for approval: {}.", held.run, d.name, reasons.join("; ")));
            out.line(format!(
                "  budkavle sync show {0}    budkavle sync approve {0}    budkavle sync reject {0}",
                held.run
            ));
        }
        if let Some(Outcome::Failed { error }) = d.last_run.as_ref().map(|r| &r.outcome) {
            out.line(format!("\nThe last sync of {} failed: {error}", d.name));
        }
        if let Some(ping) = &d.ping {
            out.line(format!("\n{}", sign_of_life(out, &d.name.0, ping)));
        }
        if let Some(why) = untold(&d.change_notification) {
            out.line(format!("\nChanges in {} are found by the schedule alone: {why}", d.name));
        }
    }
    if status.users_without_local_contact > 0 && status.users > 0 {
        out.line(format!(
            "\n{} users have no local contact now; the fallback answers for them.",
            status.users_without_local_contact
        ));
    }
    for warning in &status.warnings {
        out.line(format!("\nWarning: {warning}."));
    }
}

/// The nodes that share the database.
fn nodes(out: &Out, cluster: &ClusterStatus, generation: Generation, now: DateTime<Utc>) {
    let newest = cluster.nodes.iter().map(|node| node.generation).max().unwrap_or(generation).max(generation);
    let row = |n: &NodeState| {
        let state = match (n.alive, n.leads) {
            (true, true) => "syncs and serves",
            (true, false) => "serves",
            (false, _) => "gone",
        };
        let lag = match newest.0.saturating_sub(n.generation.0) {
            0 => "none".to_owned(),
            lag => format!("{lag} changes"),
        };
        let own = if n.name == cluster.node { format!("{} (this one)", n.name) } else { n.name.to_string() };
        let clock = format!("{:+.1} s", chrono::TimeDelta::milliseconds(n.clock_ahead_ms).as_seconds_f32());
        vec![own, state.to_owned(), n.version.to_string(), ago(n.seen, now), lag, clock]
    };
    let rows = cluster.nodes.iter().map(row).collect();
    out.table(&["node", "state", "version", "seen", "behind", "clock"], rows, "no nodes");
    for (node, broken) in cluster.nodes.iter().flat_map(|n| n.broken.iter().map(|broken| (&n.name, broken))) {
        let since = out.when(broken.since);
        out.line(format!(
            "From {node} {} has worked for nobody since {since}: {}",
            broken.channel, broken.reason
        ));
    }
    if let Some(trouble) = &cluster.trouble {
        let of = cluster
            .seen
            .map_or_else(|| "nothing".to_owned(), |seen| format!("what it knew {}", ago(seen, now)));
        out.line(format!("\nThis node answers from {of}: {trouble}"));
    }
}

fn channel(out: &Out, channel: &ChannelStatus) -> String {
    match (&channel.pause, channel.resumes) {
        _ if !channel.configured => {
            "not in the configuration: its messages wait until they are given up".into()
        }
        (Some(p), _) => format!("PAUSED until {}: {}", out.when(p.until), p.reason),
        (None, Some(at)) => format!("full until {}", out.when(at)),
        (None, None) => "well".to_owned(),
    }
}

fn outbox(status: &Status) -> String {
    counts(&status.outbox)
}

fn counts(outbox: &BTreeMap<MessageState, u64>) -> String {
    let counts: Vec<String> =
        outbox.iter().filter(|(_, n)| **n > 0).map(|(state, n)| format!("{n} {state}")).collect();
    if counts.is_empty() { "empty".to_owned() } else { counts.join(", ") }
}

/// How many notices wait for somebody to take them on.
fn waiting(out: &Out, notices: &NoticesStatus) -> Option<String> {
    let next = notices.longest_waiting.iter().filter_map(|waits| waits.goes_on).min();
    let next = next.map_or_else(String::new, |at| format!("; the next goes to others {}", out.when(at)));
    let many =
        if notices.waiting == 1 { "a notice".to_owned() } else { format!("{} notices", notices.waiting) };
    (notices.waiting > 0).then(|| format!("{many}{next}"))
}

fn silent(out: &Out, notices: &NoticesStatus) -> Option<String> {
    let one = |s: &SilenceStatus| {
        let when = match s.in_force {
            true => format!("until {}", out.when(s.silence.until)),
            false => format!("from {}", out.when(s.silence.from)),
        };
        format!("{} ({when}, silence {})", silence::what(&s.silence), s.silence.id)
    };
    let all: Vec<String> = notices.silences.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn held_back(notices: &NoticesStatus) -> Option<String> {
    let one = |h: &HeldBack| {
        let who = if h.people == 1 { "one person".to_owned() } else { format!("{} people", h.people) };
        format!("outage {} from {who} who were told of outage {}", h.outage, h.by)
    };
    let all: Vec<String> = notices.held_back.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn subscribers(notices: &NoticesStatus) -> Option<String> {
    let SubscribersStatus { confirmed, unconfirmed } = notices.subscribers;
    (confirmed + unconfirmed > 0).then(|| format!("{confirmed} confirmed, {unconfirmed} asked and not yet"))
}

/// When a directory last gave a sign of life. That one isn't taken is a warning.
fn sign_of_life(out: &Out, directory: &str, ping: &PingState) -> String {
    match ping.given {
        Some(at) => format!("The last sign of life of {directory} was given {}.", out.when(at)),
        None => format!("No sign of life of {directory} was given since the start."),
    }
}

/// How the mailbox for what comes back is doing, and what came of it.
fn bounces(out: &Out, status: &Status) -> Option<String> {
    let mailbox = status.bounces.as_ref()?;
    let looked = match (&mailbox.trouble, mailbox.checked) {
        (Some(_), _) => "NOT READ now".to_owned(),
        (None, Some(at)) => format!("read {}", out.when(at)),
        (None, None) => "not read yet".to_owned(),
    };
    let marked = status.marked_addresses;
    Some(format!("{looked}; {} since the start, {marked} addresses marked", mailbox.bounces))
}

fn login_page(out: &Out, page: &PageState) -> String {
    let written = page.written.map(|at| format!("written {}", out.when(at)));
    let trouble = page.trouble.as_ref().map(|_| "NOT WRITTEN now".to_owned());
    let how: Vec<String> = [written, trouble].into_iter().flatten().collect();
    let how = if how.is_empty() { "not written yet".to_owned() } else { how.join(", ") };
    format!("{how} ({})", page.file.display())
}

fn contact_changes(out: &Out, told: &ContactChangesStatus) -> String {
    let last = told.last.map(|at| format!(", last {}", out.when(at)));
    let next = told.next.map(|at| format!(", next {}", out.when(at)));
    let open = (told.open > 0).then(|| format!(", {} left for later", told.open));
    [Some(told.digest.clone()), last, next, open].into_iter().flatten().collect()
}

fn state(d: &DirectoryStatus) -> String {
    let word = match d.trouble {
        Some(SyncTrouble::Failing) => format!("FAILING ({} in a row)", d.failures),
        Some(SyncTrouble::Held) => "HELD".to_owned(),
        Some(SyncTrouble::Stale) => "STALE".to_owned(),
        None if d.failures > 0 => format!("failed {}×", d.failures),
        None if d.held.is_some() => "held".to_owned(),
        None => "well".to_owned(),
    };
    if d.running { format!("{word}, syncing") } else { word }
}

/// Whether changes are told between the runs, in a few words.
fn told(out: &Out, telling: &Telling, now: DateTime<Utc>) -> String {
    match telling {
        Telling::Off => "off".to_owned(),
        Telling::Waiting { why } => format!("no: {why}"),
        Telling::Connecting => "connecting".to_owned(),
        Telling::On { since, .. } => format!("since {} ({})", out.when(*since), ago(*since, now)),
        Telling::Retrying { next, .. } => format!("no, asked again {}", out.when(*next)),
        Telling::NotOffered { .. } => "not offered".to_owned(),
    }
}

/// What the server, or the connection to it, has to say on why they aren't.
fn untold(telling: &Telling) -> Option<String> {
    match telling {
        Telling::Off | Telling::Waiting { .. } | Telling::Connecting | Telling::On { .. } => None,
        Telling::Retrying { why, .. } | Telling::NotOffered { why } => Some(why.clone()),
    }
}

/// What came of a run, in a few words.
pub fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Committed { .. } => "committed".to_owned(),
        Outcome::Unchanged => "unchanged".to_owned(),
        Outcome::Held { same_as: None, .. } => "held".to_owned(),
        Outcome::Held { same_as: Some(run), .. } => format!("held, as run {run}"),
        Outcome::Failed { .. } => "failed".to_owned(),
    }
}
