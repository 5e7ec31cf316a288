//! What the commands of `sync` print.

use crate::cli::print::{Out, visible};
use crate::cli::status::outcome;
use crate::domain::delta::{FieldChange, ObjectChange, What, without_id};
use crate::domain::directory::Quarantined;
use crate::domain::run::{KindCounts, Mode, Outcome, Run};
use crate::flow::sync::{Report, first_read};
use crate::flow::undo::Undone;
use crate::http::answers::RunAnswer;

/// A run as it stands in the history: `all` of it, or what of it was asked for.
pub(super) fn show(out: &Out, answer: &RunAnswer, all: bool, quarantined: bool) {
    let RunAnswer { run, changes, matching, quarantined: aside } = answer;
    heading(out, run);
    if all && first_read(run, changes) {
        out.line(FIRST_READ);
    }
    for change in changes {
        out.line(format!("  {}", line(change)));
    }
    if !quarantined && *matching > changes.len() {
        out.line(format!("  … {} of {matching}", changes.len()));
    }
    set_aside(out, aside, usize::MAX);
    if quarantined && aside.is_empty() {
        out.line("  Nothing was set aside.");
    }
}

pub(super) fn print(out: &Out, report: &Report, most: usize) {
    let run = &report.run;
    heading(out, run);
    if first_read(run, &report.changes) {
        out.line(FIRST_READ);
    }
    for change in report.changes.iter().take(most) {
        out.line(format!("  {}", line(change)));
    }
    if report.changes.len() > most {
        let rest = report.changes.len() - most;
        let hint =
            if run.id.0 == 0 { String::new() } else { format!("; all: budkavle sync show {}", run.id) };
        out.line(format!("  … and {rest} more{hint}"));
    }
    set_aside(out, &report.quarantined, most);
}

const FIRST_READ: &str = "  Nothing was there before: the objects aren't listed one by one.";

fn set_aside(out: &Out, quarantined: &[Quarantined], most: usize) {
    for q in quarantined.iter().take(most) {
        out.line(format!("  set aside: {}: {}", visible(&q.dn), visible(&q.reason)));
    }
    if quarantined.len() > most {
        out.line(format!("  … and {} more set aside", quarantined.len() - most));
    }
}

/// What a run was, and what came of it.
fn heading(out: &Out, run: &Run) {
    let took = (run.ended - run.started).num_milliseconds();
    // A dry run has no number: it stands in no history.
    let dry = run.id.0 == 0;
    let title = if dry { "Dry run".to_owned() } else { format!("Run {}", run.id) };
    out.line(format!(
        "{title} of {}: {} ({} ms, from {})",
        run.directory,
        outcome(&run.outcome),
        took,
        visible(&run.server)
    ));
    let (started, ended) = (out.when(run.started), out.when(run.ended));
    out.line(format!("  Started {started}, ended {ended}, by {}.", visible(&run.trigger.to_string())));
    let c = &run.counts;
    let of = |k: &KindCounts, what: &str| {
        let changes = format!("{what} (+{} ~{} −{})", k.added, k.changed, k.removed);
        if run.mode == Mode::Nothing { changes } else { format!("{} {changes}", k.read) }
    };
    if run.mode != Mode::Nothing {
        out.line(format!("  Read: {}, since {}.", run.mode, run.mode_reason));
    }
    if !matches!(run.outcome, Outcome::Failed { .. }) {
        out.line(format!(
            "  {}, {}, {}",
            of(&c.users, "users"),
            of(&c.units, "units"),
            of(&c.groups, "groups")
        ));
    }
    match &run.outcome {
        Outcome::Failed { error } => {
            out.line(format!("  {}\n  The data from before stays in force.", visible(error)));
        }
        Outcome::Held { reasons, same_as } => {
            for reason in reasons {
                out.line(format!("  Held: {reason}."));
            }
            let number = same_as.unwrap_or(run.id);
            if let Some(earlier) = same_as {
                out.line(format!(
                    "  It wants what run {earlier} waits for already (budkavle sync show {earlier})."
                ));
            }
            if dry {
                out.line("  A real run would be held, and wait for approval.");
            } else {
                out.line("  The data from before stays in force. If the list below is right:");
                out.line(format!(
                    "    budkavle sync approve {number}        (or: budkavle sync reject {number})"
                ));
            }
        }
        Outcome::Committed { .. } | Outcome::Unchanged => {}
    }
}

pub(super) fn undone(out: &Out, run: u64, done: &Undone) {
    let dry = done.report.run.id.0 == 0;
    print(out, &done.report, if dry { usize::MAX } else { 40 });
    for skipped in &done.skipped {
        let name = skipped.name.as_deref().map_or_else(|| skipped.id.to_string(), visible);
        out.line(format!("  left as it is: {} {name}: {}", skipped.kind, skipped.reason));
    }
    if !dry {
        let directory = &done.report.run.directory;
        out.line(format!(
            "  Run {run} is undone. The next run of {directory} reads everything, and waits for approval if it wants this again."
        ));
    }
}

fn line(change: &ObjectChange) -> String {
    let kind = change.kind;
    let name = visible(&change.name);
    match change.what {
        What::Added => format!("+ {kind} {name}"),
        What::CameBack => format!("+ {kind} {name} (came back)"),
        What::Removed => format!("− {kind} {name}"),
        What::Changed => {
            let (members, fields): (Vec<_>, Vec<_>) =
                change.fields.iter().partition(|f| &*f.field == "member");
            let mut parts: Vec<String> = fields.into_iter().map(field).collect();
            let names = |side: fn(&FieldChange) -> Option<&str>| members.iter().filter_map(move |f| side(f));
            parts.extend(listed("joined by", names(|f| f.after.as_deref())));
            parts.extend(listed("left by", names(|f| f.before.as_deref())));
            format!("~ {kind} {name}: {}", parts.join(", "))
        }
    }
}

/// A field before and after. Identities are shown only where the names alone would say the same.
fn field(change: &FieldChange) -> String {
    let short = |value: &Option<Box<str>>| value.as_deref().map(|text| without_id(text).to_owned());
    let (mut before, mut after) = (short(&change.before), short(&change.after));
    if before == after {
        let whole = |value: &Option<Box<str>>| value.as_deref().map(str::to_owned);
        (before, after) = (whole(&change.before), whole(&change.after));
    }
    let value = |v: Option<String>| v.map_or("nothing".to_owned(), |text| visible(&text));
    format!("{} {} → {}", change.field, value(before), value(after))
}

/// So many members are named on a line.
const NAMED: usize = 50;

fn listed<'a>(what: &str, references: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut names: Vec<&str> = references.map(without_id).collect();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    names.sort_unstable();
    let more = if more > 0 { format!("; … and {more} more") } else { String::new() };
    (!names.is_empty()).then(|| format!("{what} {}{more}", visible(&names.join("; "))))
}

pub(super) fn history(out: &Out, runs: &[Run]) {
    let row = |r: &Run| {
        let c = &r.counts;
        let of = |k: &KindCounts| format!("+{} ~{} −{}", k.added, k.changed, k.removed);
        let took = format!("{} ms", (r.ended - r.started).num_milliseconds());
        vec![
            r.id.to_string(),
            r.directory.to_string(),
            out.when(r.started),
            took,
            r.trigger.to_string(),
            r.mode.to_string(),
            outcome(&r.outcome),
            of(&c.users),
            of(&c.units),
            of(&c.groups),
        ]
    };
    let header = ["run", "directory", "started", "took", "by", "read", "outcome", "users", "units", "groups"];
    out.table(&header, runs.iter().map(row).collect(), "no runs yet");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delta::ObjectKind;
    use crate::domain::ids::Guid;

    fn change(fields: &[(&str, Option<&str>, Option<&str>)]) -> ObjectChange {
        let fields = fields.iter().map(|(field, before, after)| FieldChange {
            field: (*field).into(),
            before: before.map(Into::into),
            after: after.map(Into::into),
        });
        let (kind, id, what) = (ObjectKind::Group, Guid([1; 16]), What::Changed);
        ObjectChange { kind, id, name: "Vänner".into(), what, fields: fields.collect() }
    }

    #[test]
    fn names_stand_without_their_identities_unless_they_are_the_same() {
        let [one, other] = [1, 2].map(|n| format!("Office ({})", Guid([n; 16])));
        let north = format!("North ({})", Guid([3; 16]));
        assert_eq!(
            line(&change(&[("unit", Some(&one), Some(&north)), ("phone", None, Some("1 (2)"))])),
            "~ group Vänner: unit Office → North, phone nothing → 1 (2)"
        );
        let moved = line(&change(&[("unit", Some(&one), Some(&other))]));
        assert_eq!(moved, format!("~ group Vänner: unit {one} → {other}"));
    }

    #[test]
    fn of_many_members_some_are_named() {
        let members: Vec<String> = (0..60).map(|n| format!("P{n:02} ({})", Guid([n; 16]))).collect();
        let mut fields = vec![("members", Some("1"), Some("60 (+60 −1)"))];
        fields.extend(members.iter().map(|member| ("member", None, Some(member.as_str()))));
        fields.push(("member", Some("Åsa"), None));
        let said = line(&change(&fields));
        assert!(said.starts_with("~ group Vänner: members 1 → 60 (+60 −1), joined by P00; P01; "), "{said}");
        assert!(said.ends_with("P49; … and 10 more, left by Åsa"), "{said}");
    }
}
