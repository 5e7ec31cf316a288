//! `budkavle absence`.

use std::path::PathBuf;

use clap::Subcommand;

use super::bulk::{Changes, contents, format_of, word};
use super::client::{Client, segment};
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, visible};
use super::time;
use crate::flow::absence_sources::Fetched;
use crate::flow::absences::COLUMNS;
use crate::http::absence_sources::SourceLine;
use crate::http::absences::{ChangeRequest, Imported};
use crate::http::answers::{AbsenceAnswer, Why};
use crate::http::edit::AbsenceRequest;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle absence add asa.oberg --from 2026-07-06 --until 2026-07-31 --deputy soren.odegard\n  budkavle absence add asa.oberg --from 2026-07-06T13:00 --until 2026-07-06\n  budkavle absence change 12 --until 2026-08-07\n  budkavle absence import leave.csv --dry-run\n  budkavle absence import calendar.ics --user asa.oberg\n  budkavle absence export > absences.csv\n  budkavle absence export --format ics > away.ics\n  budkavle absence sources\n  budkavle absence sources --fetch asa-oberg\n  budkavle absence sources --accept asa-oberg\n\nA table (CSV) has a first line with the names of its columns: user, from, until, and if wanted deputy and note. JSON is a list of objects with these keys."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Note that somebody will be away
    Add {
        /// Who
        user: String,
        /// From when on
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        from: time::Typed,
        /// Until when; a mere date means the whole of that day
        #[arg(long, value_name = "TIME", value_parser = time::parse_end)]
        until: time::Typed,
        /// Who stands in
        #[arg(long)]
        deputy: Option<String>,
        /// For people, such as "parental leave"
        #[arg(long)]
        note: Option<String>,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
    /// Change an absence; what isn't named stays as it is
    Change {
        /// Its number
        absence: u64,
        /// From when on
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        from: Option<time::Typed>,
        /// Until when; a mere date means the whole of that day
        #[arg(long, value_name = "TIME", value_parser = time::parse_end)]
        until: Option<time::Typed>,
        /// Who stands in; "" for nobody
        #[arg(long)]
        deputy: Option<String>,
        /// For people; "" for none
        #[arg(long)]
        note: Option<String>,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
    /// Note everything in a table (CSV or JSON) or calendar (iCalendar); what is there already stays, and one mistake stops all of it
    Import {
        /// The file, `-` for the standard input
        file: PathBuf,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
        /// What it is written in: a table (csv, json) or a calendar (ics); found out by itself
        #[arg(long, value_parser = ["csv", "json", "ics"])]
        format: Option<String>,
        /// Whose calendar it is; else each event is of those who take part in it, by their addresses
        #[arg(long)]
        user: Option<String>,
        /// Of a calendar take all that takes time, not only what is marked as out of office
        #[arg(long)]
        busy: bool,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
    /// Print a table that can be imported again, or a calendar for programs that show such
    Export {
        /// What to write it in: a table (csv, json) or a calendar (ics)
        #[arg(long, value_parser = ["csv", "json", "ics"], default_value = "csv")]
        format: String,
        /// Those that are over, too
        #[arg(long)]
        past: bool,
    },
    /// Who is or will be away
    List {
        /// Only this user
        #[arg(long)]
        user: Option<String>,
        /// Those that are over, too
        #[arg(long)]
        past: bool,
    },
    /// The calendars that absences are taken from, and how they are doing
    Sources {
        /// Look at this one now
        #[arg(long, value_name = "NAME")]
        fetch: Option<String>,
        /// Take what this one says though it takes many absences back
        #[arg(long, value_name = "NAME", conflicts_with = "fetch")]
        accept: Option<String>,
        /// The reason for taking it, for the audit log
        #[arg(long, requires = "accept")]
        why: Option<String>,
    },
    /// Take an absence back
    Remove {
        /// Its number
        absence: u64,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::Add { user, from, until, deputy, note, why } => {
            let (from, until) = (from.at(client).await?, until.at(client).await?);
            let request = AbsenceRequest { user, from, until, deputy, note, why };
            let answer: AbsenceAnswer = client.post("/v1/absences", &request).await?;
            out.answer(&answer, told);
        }
        Verb::Change { absence, from, until, deputy, note, why } => {
            let from = time::at(from.as_ref(), client).await?;
            let until = time::at(until.as_ref(), client).await?;
            let request = ChangeRequest { from, until, deputy, note, why };
            let answer: AbsenceAnswer = client.patch(&format!("/v1/absences/{absence}"), &request).await?;
            out.answer(&answer, told);
        }
        Verb::Import { file, dry_run, format, user, busy, why } => {
            let bytes = contents(&file)?;
            let format = format.as_deref().unwrap_or_else(|| format_of(&bytes));
            if format != "ics" && (user.is_some() || busy) {
                let text =
                    "--user and --busy are for calendars; a table has a column for the user".to_owned();
                return Err(Trouble { exit: Exit::Usage, text });
            }
            let mut query = vec![("dry_run", word(dry_run)), ("format", format), ("busy", word(busy))];
            query.extend(user.as_deref().map(|user| ("user", user)));
            query.extend(why.as_deref().map(|why| ("why", why)));
            let done: Imported = client.post_bytes("/v1/absences/import", &query, bytes).await?;
            out.answer(&done, |out, done| {
                let changes = Changes {
                    header: COLUMNS.iter().map(|column| column.name).collect(),
                    added: done.added.iter().map(|a| cells(out, a)).collect(),
                    changed: done
                        .changed
                        .iter()
                        .map(|c| (cells(out, &c.before), cells(out, &c.after)))
                        .collect(),
                    ended: Vec::new(),
                    unchanged: done.unchanged,
                };
                changes.print(out, dry_run);
            });
        }
        Verb::Export { past, format } => {
            let query = [("past", word(past)), ("format", if out.json { "json" } else { &*format })];
            out.raw(&client.get_bytes("/v1/absences/export", &query).await?);
        }
        Verb::List { user, past } => {
            let query = [("user", user), ("past", past.then(|| "true".to_owned()))];
            let list: Vec<AbsenceAnswer> = client.get("/v1/absences", &query).await?;
            out.answer(&list, |out, list| {
                let row = |a: &AbsenceAnswer| {
                    let absence = &a.absence;
                    vec![
                        absence.id.to_string(),
                        a.name.to_string(),
                        out.when(absence.from),
                        out.when(absence.until),
                        or_dash(a.deputy_name.as_ref()),
                        or_dash(absence.note.as_ref()),
                        absence.origin.to_string(),
                    ]
                };
                out.table(
                    &["no", "who", "from", "until", "deputy", "note", "by"],
                    list.iter().map(row).collect(),
                    "nobody is away",
                );
            });
        }
        Verb::Sources { fetch: None, accept: None, .. } => {
            let lines: Vec<SourceLine> = client.get("/v1/absence-sources", &[]).await?;
            out.answer(&lines, |out, lines| sources(out, lines));
        }
        Verb::Sources { fetch, accept, why } => {
            let what = if accept.is_some() { "accept" } else { "fetch" };
            let name = accept.or(fetch).unwrap_or_default();
            let path = format!("/v1/absence-sources/{}/{what}", segment(&name));
            let fetched: Fetched = client.post(&path, &Why { why }).await?;
            out.answer(&fetched, told_of_source);
            if fetched.trouble.is_some() {
                return Ok(Exit::Failed);
            }
        }
        Verb::Remove { absence, why } => {
            let gone: AbsenceAnswer =
                client.delete(&format!("/v1/absences/{absence}"), why.as_deref()).await?;
            out.answer(&gone, |out, a| {
                out.line(format!("Absence {} of {} is taken back.", a.absence.id, a.name));
            });
        }
    }
    Ok(Exit::Done)
}

fn sources(out: &Out, lines: &[SourceLine]) {
    let row = |line: &SourceLine| {
        vec![
            line.name.to_string(),
            line.user.as_ref().map_or_else(|| "those who take part".to_owned(), |user| visible(user)),
            line.absences.to_string(),
            line.unknown.to_string(),
            or_dash(line.state.good.or(line.taken).map(|at| out.when(at))),
            or_dash(line.state.checked.map(|at| out.when(at))),
            line.state.trouble.as_deref().map_or_else(|| "well".to_owned(), visible),
        ]
    };
    let header = ["calendar", "of", "absences", "unknown people", "last good", "looked at", "state"];
    out.table(&header, lines.iter().map(row).collect(), "no [[absence_source]] is configured");
}

fn told_of_source(out: &Out, fetched: &Fetched) {
    let Fetched { name, put, removed, absences, unknown, trouble } = fetched;
    out.line(match trouble {
        Some(trouble) => visible(&format!("The calendar {name} isn't taken: {trouble}")),
        None => {
            format!("The calendar {name} says {absences} absences: {put} new or changed, {removed} gone.")
        }
    });
    if *unknown > 0 {
        out.line(format!("Left out: people who take part and aren't known here, {unknown} of them."));
    }
}

fn told(out: &Out, answer: &AbsenceAnswer) {
    let nobody = || "nobody stands in".to_owned();
    let deputy = answer.deputy_name.as_ref().map_or_else(nobody, |d| format!("{d} stands in"));
    let (from, until) = (out.when(answer.absence.from), out.when(answer.absence.until));
    let (name, id) = (&answer.name, answer.absence.id);
    out.line(format!("{name} is away from {from} until {until}; {deputy} (absence {id})."));
    for warning in &answer.warnings {
        out.line(format!("Warning: {warning}."));
    }
}

/// An absence in the columns of a table, as people are called.
fn cells(out: &Out, a: &AbsenceAnswer) -> Vec<String> {
    let text = |text: &Option<Box<str>>| text.as_deref().unwrap_or_default().to_owned();
    let absence = &a.absence;
    let (from, until) = (out.when(absence.from), out.when(absence.until));
    vec![a.name.to_string(), from, until, text(&a.deputy_name), text(&absence.note)]
}
