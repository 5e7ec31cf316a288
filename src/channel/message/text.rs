//! The words of a notice: subject, text and HTML from its facts.

mod contacts;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use minijinja::{Environment, HtmlEscape, Value, context};

use crate::domain::alert::Trouble;
use crate::domain::ids::DirectoryName;
use crate::domain::notice::{
    CoverageFacts, Facts, Gap, GapDays, HeldFacts, Notice, SyncTrouble, Undelivered, UndeliveredFacts,
};
use crate::domain::outage::{Outage, Severity, State, Update};
use crate::domain::warning::{Due, DueReason, WarningKind};

/// A notice in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// What kind of word it is, such as `Alert`.
    pub label: &'static str,
    /// The colour of the label, as in HTML.
    pub colour: &'static str,
    /// What stands in its first line.
    pub heading: String,
    /// The subject, the same for all mails of an outage.
    pub subject: String,
    /// What there is to say, without why somebody gets it.
    pub said: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
}

/// Writes notices in words.
pub struct Writer {
    templates: Environment<'static>,
    organisation: String,
    zone: Tz,
    subject_prefix: String,
}

/// What the templates have in common: what it is called, and how it looks.
struct Page {
    template: &'static str,
    subject: String,
    heading: String,
    label: &'static str,
    colour: &'static str,
    content: Value,
}

const RED: &str = "#b3261e";
const AMBER: &str = "#b26a00";
const GREEN: &str = "#1a7f37";
const BLUE: &str = "#0b5cad";

impl Writer {
    /// A writer for `organisation`, with times shown in `zone` and `subject_prefix` before every subject.
    pub fn new(organisation: &str, zone: Tz, subject_prefix: &str) -> Result<Writer, minijinja::Error> {
        let mut templates = Environment::new();
        templates.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        templates.set_fuel(Some(200_000));
        templates.add_filter("commands", commands);
        for (name, source) in [
            ("layout.html", include_str!("../templates/layout.html")),
            ("outage.html", include_str!("../templates/outage.html")),
            ("outage.txt", include_str!("../templates/outage.txt")),
            ("sync_trouble.html", include_str!("../templates/sync_trouble.html")),
            ("sync_trouble.txt", include_str!("../templates/sync_trouble.txt")),
            ("coverage.html", include_str!("../templates/coverage.html")),
            ("coverage.txt", include_str!("../templates/coverage.txt")),
            ("contacts.html", include_str!("../templates/contacts.html")),
            ("contacts.txt", include_str!("../templates/contacts.txt")),
            ("plain.html", include_str!("../templates/plain.html")),
            ("plain.txt", include_str!("../templates/plain.txt")),
            ("footer.txt", include_str!("../templates/footer.txt")),
        ] {
            templates.add_template(name, source)?;
        }
        let (organisation, subject_prefix) = (organisation.to_owned(), subject_prefix.to_owned());
        Ok(Writer { templates, organisation, zone, subject_prefix })
    }

    /// Whose notices these are.
    pub fn organisation(&self) -> &str {
        &self.organisation
    }

    /// Writes `notice` for somebody who gets it for the reason `why`; for a place without any.
    pub fn write(&self, notice: &Notice, why: &str) -> Result<Rendered, minijinja::Error> {
        let page = self.page(&notice.facts);
        let subject = if self.subject_prefix.is_empty() {
            page.subject
        } else {
            format!("{} {}", self.subject_prefix, page.subject)
        };
        let (label, colour, heading) = (page.label, page.colour, page.heading.clone());
        let common = context! {
            subject => subject.as_str(),
            heading => page.heading,
            label => page.label,
            colour => page.colour,
            organisation => self.organisation.as_str(),
            why => why_in_words(why),
        };
        let all = context! { ..page.content, ..common };
        let render = |name: &str| self.templates.get_template(name)?.render(&all);
        let text = render(&format!("{}.txt", page.template))?;
        let said = text.trim_end().to_owned();
        let text = format!("{said}\n{}\n", render("footer.txt")?.trim_end_matches('\n'));
        let html = render(&format!("{}.html", page.template))?;
        Ok(Rendered { label, colour, heading, subject, said, text, html })
    }

    fn page(&self, facts: &Facts) -> Page {
        match facts {
            Facts::Outage { outage, earlier, units } => self.outage(outage, *earlier, units),
            Facts::SyncTrouble(trouble) => self.sync_trouble(trouble),
            Facts::SyncRecovered { directory, trouble, since, at } => Page {
                template: "plain",
                subject: format!("Directory sync of {directory} is well again"),
                heading: format!("The sync of the directory {directory} is well again"),
                label: "Recovery",
                colour: GREEN,
                content: context! { lines => [
                    format!("{} That was first told {}.", past(*trouble), self.time(*since)),
                    format!("A sync ended well {}. Nothing needs to be done.", self.time(*at)),
                ] },
            },
            Facts::StoreRebuilt { damage, export_from, aside } => Page {
                template: "plain",
                subject: "Budkavle's store was damaged and has been rebuilt".to_owned(),
                heading: "Budkavle's store was damaged and has been rebuilt".to_owned(),
                label: "Alert",
                colour: RED,
                content: context! { lines => [
                    format!("What was noticed: {damage}."),
                    match export_from {
                        Some(at) => format!("It was rebuilt from the export of {}, and a full sync follows. What was entered after that time (assignments, absences, outages) may be missing, and notices that were sent since may come again: please look.", self.time(*at)),
                        None => "There was no usable export, so it begins empty, and a full sync follows. Assignments, absences, open outages and unsent notices are missing: restore a backup with `budkavle restore FILE`, or enter them again.".to_owned(),
                    },
                    format!("The damaged store was put aside as {aside}. Have the disk checked."),
                ] },
            },
            Facts::Test { by, at } => Page {
                template: "plain",
                subject: "Test message from Budkavle".to_owned(),
                heading: "What Budkavle sends arrives".to_owned(),
                label: "Test",
                colour: BLUE,
                content: context! { lines => [format!("{by} asked for this test message {}.", self.time(*at))] },
            },
            Facts::Coverage(facts) => coverage(facts),
            Facts::ContactNews(facts) => self.contact_news(facts),
            Facts::ContactSummary(facts) => self.contact_summary(facts),
            Facts::Duties(facts) => self.duties(facts),
            Facts::Ending { directory, due } => self.ending(directory, due),
            Facts::ChannelBroken { channel, since, reason } => Page {
                template: "plain",
                subject: format!("Notices can't leave by the channel {channel}"),
                heading: format!("Notices can't leave by the channel {channel}"),
                label: "Alert",
                colour: RED,
                content: context! { lines => [
                    format!("Since {} it works for nobody: {reason}", self.time(*since)),
                    "Its messages wait in the outbox and are sent when it works again; those that wait too long are given up. Other channels aren't affected.".to_owned(),
                    "What waits: budkavle status. When it is mended: budkavle check --online".to_owned(),
                ] },
            },
            Facts::ChannelWorks { channel, since, at } => Page {
                template: "plain",
                subject: format!("Notices leave by the channel {channel} again"),
                heading: format!("Notices leave by the channel {channel} again"),
                label: "Recovery",
                colour: GREEN,
                content: context! { lines => [
                    format!("It hadn't worked since {}; {} something was accepted again. What waited is sent now.", self.time(*since), self.time(*at)),
                ] },
            },
            Facts::Undelivered(facts) => self.undelivered(facts),
        }
    }

    fn undelivered(&self, facts: &UndeliveredFacts) -> Page {
        let count = facts.messages.len() + usize::try_from(facts.more).unwrap_or_default();
        let title = match count {
            1 => "A notice didn't arrive".to_owned(),
            n => format!("{n} notices didn't arrive"),
        };
        let line = |m: &Undelivered| {
            let Undelivered { message, channel, to, about, state, answer } = m;
            format!("Message {message} by {channel} to {to} ({about}) is {state}: {answer}")
        };
        let more = (facts.more > 0).then(|| format!("… and {} more: budkavle outbox list", facts.more));
        let todo = "Mend the address or the channel, and send it again: budkavle outbox retry NUMBER";
        let lines = facts.messages.iter().map(line).chain(more).chain([todo.to_owned()]);
        Page {
            template: "plain",
            subject: title.clone(),
            heading: title,
            label: "Alert",
            colour: RED,
            content: context! { lines => lines.collect::<Vec<_>>() },
        }
    }

    fn ending(&self, directory: &DirectoryName, due: &Due) -> Page {
        let what = match due.warning.kind {
            WarningKind::Password => "password of the account that reads it",
            WarningKind::Account => "account that reads it",
            WarningKind::ServerCertificate => "certificate of its server",
            WarningKind::ClientCertificate => "certificate that reads it",
        };
        let (over, when) = match due.reason {
            DueReason::Over => (true, "has ended".to_owned()),
            DueReason::Soon { days: 0 } => (false, "ends within a day".to_owned()),
            DueReason::Soon { days: 1 } => (false, "ends in 1 day".to_owned()),
            DueReason::Soon { days } => (false, format!("ends in {days} days")),
        };
        Page {
            template: "plain",
            subject: format!("Directory {directory}: the {what} {when}"),
            heading: format!("The {what} {when}"),
            label: if over { "Alert" } else { "Warning" },
            colour: if over { RED } else { AMBER },
            content: context! { lines => [
                format!("{}.", first_upper(&due.to_string())),
                format!("Without it the directory {directory} can't be read, and its data stays as it is."),
            ] },
        }
    }

    fn outage(&self, outage: &Outage, earlier: u32, units: &[Box<str>]) -> Page {
        let state = outage.state();
        let update = |u: &Update| {
            context! {
                at => self.time(u.at),
                state => u.state.to_string(),
                by => u.by.to_string(),
                text => u.text.to_string(),
                lines => u.text.lines().filter(|l| !l.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>(),
            }
        };
        Page {
            template: "outage",
            subject: format!("Outage {}: {}", outage.id, outage.title),
            heading: outage.title.to_string(),
            label: if state == State::Resolved { "Outage resolved" } else { "Outage" },
            colour: match (state, outage.severity) {
                (State::Resolved, _) => GREEN,
                (_, Severity::Critical) => RED,
                (_, Severity::Major) => AMBER,
                (_, Severity::Minor) => BLUE,
            },
            content: context! {
                outage => context! { id => outage.id.0, services => texts(&outage.services) },
                state => first_upper(&state.to_string()),
                severity => outage.severity.to_string(),
                units => texts(units),
                // The latest word first: it is what the reader came for.
                updates => outage.updates.iter().rev().map(update).collect::<Vec<_>>(),
                earlier => earlier,
            },
        }
    }

    fn sync_trouble(&self, t: &SyncTrouble) -> Page {
        let directory = &t.directory;
        let title = match t.trouble {
            Trouble::Failing => format!("Directory sync of {directory} is failing"),
            Trouble::Stale => format!("Directory data of {directory} is getting old"),
            Trouble::Held => format!("Directory sync of {directory} waits for your approval"),
        };
        let what = match t.trouble {
            Trouble::Failing if t.failures < 2 => "The last sync failed:".to_owned(),
            Trouble::Failing => format!("The last {} syncs in a row failed. The last error:", t.failures),
            Trouble::Stale => "No sync has ended well for longer than the configuration allows.".to_owned(),
            Trouble::Held => {
                "The last sync would have removed more than passes without a person's word:".to_owned()
            }
        };
        let good = match t.last_good {
            Some(at) => format!("of {}", self.time(at)),
            None => "that there was before (none: no sync has ended well yet)".to_owned(),
        };
        let since = match t.reminder {
            0 => String::new(),
            n => format!(" This is reminder {n}; it was first told {}.", self.time(t.since)),
        };
        let error = t.error.as_deref().filter(|_| t.trouble != Trouble::Held);
        let held = t.held.as_ref().filter(|_| t.trouble == Trouble::Held);
        Page {
            template: "sync_trouble",
            subject: title.clone(),
            heading: title,
            label: if t.reminder == 0 { "Alert" } else { "Reminder" },
            colour: if t.trouble == Trouble::Failing { RED } else { AMBER },
            content: context! {
                what => what,
                error => error,
                held => held.map(held_value),
                reasons => held.map(|h| h.reasons.iter().map(ToString::to_string).collect::<Vec<_>>()),
                meanwhile => format!("Until then the data {good} stays in force: contacts are found and notices are sent as before.{since}"),
                todo => todo(t),
            },
        }
    }

    /// A time as the organisation's clocks show it.
    fn time(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-d %b %Y %H:%M %Z").to_string()
    }
}

/// A period that is near: where it isn't covered, and what to do.
fn coverage(facts: &CoverageFacts) -> Page {
    let day = |date: chrono::NaiveDate| date.format("%-d %b").to_string();
    let days =
        |first, last| if first == last { day(first) } else { format!("{} to {}", day(first), day(last)) };
    let CoverageFacts { period, first, last, gaps, more } = facts;
    let when = format!("{} ({} {})", period, days(*first, *last), last.format("%Y"));
    let places = gaps.len() + usize::try_from(*more).unwrap_or_default();
    let title = match places {
        0 => format!("Covered: {when}"),
        1 => format!("Not covered in one place: {when}"),
        n => format!("Not covered in {n} places: {when}"),
    };
    let run = |run: &GapDays| {
        let there = match run.there.as_slice() {
            [] if run.missing.is_empty() => "nobody".to_owned(),
            [] => format!("nobody ({})", run.missing.join("; ")),
            people => format!("only {}", people.join(", ")),
        };
        format!("{}: {there}", days(run.first, run.last))
    };
    let gap = |gap: &Gap| {
        let unit = gap.unit.as_deref().unwrap_or("the whole organisation");
        let below = if gap.below > 0 { format!(" and {} units below", gap.below) } else { String::new() };
        let span = gap.days.iter().map(|run| run.first).min().zip(gap.days.iter().map(|run| run.last).max());
        let (from, until) = span.unwrap_or((*first, *last));
        let who = gap.could.first().map_or("USER".to_owned(), |(account, _)| shell_word(account));
        let at = gap.unit.as_ref().map(|unit| format!(" --unit {}", shell_word(unit))).unwrap_or_default();
        context! {
            title => format!("{} for {unit}{below}, at least {}", gap.role, gap.minimum),
            days => gap.days.iter().map(run).collect::<Vec<_>>(),
            more => gap.more,
            could => gap.could.iter().map(|(_, name)| name.to_string()).collect::<Vec<_>>().join(", "),
            command => format!("budkavle contacts assign {} --user {who}{at} --from {from} --until {until}", gap.role),
        }
    };
    Page {
        template: "coverage",
        subject: title.clone(),
        heading: title,
        label: if places == 0 { "All covered" } else { "Warning" },
        colour: if places == 0 { GREEN } else { AMBER },
        content: context! {
            gaps => gaps.iter().map(gap).collect::<Vec<_>>(),
            more => more,
            calendar => format!("budkavle coverage --from {first} --to {last} --format html > coverage.html"),
        },
    }
}

/// A text as one word of a shell's command: it may come from a directory, and be pasted.
fn shell_word(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What stands in backticks as code, whose words aren't broken: an option cut off after its dashes is another one.
fn commands(text: &str) -> Value {
    let code = |words: &str| {
        let word = |word| format!("<span style=\"white-space:nowrap\">{}</span>", HtmlEscape(word));
        format!("<code>{}</code>", words.split(' ').map(word).collect::<Vec<_>>().join(" "))
    };
    let parts = text.split('`').enumerate();
    let html = parts.map(|(n, part)| if n % 2 == 1 { code(part) } else { HtmlEscape(part).to_string() });
    Value::from_safe_string(html.collect())
}

fn held_value(held: &HeldFacts) -> Value {
    let change = |c: &crate::domain::delta::ObjectChange| {
        let what = match c.what {
            crate::domain::delta::What::Added | crate::domain::delta::What::CameBack => "add",
            crate::domain::delta::What::Changed => "change",
            crate::domain::delta::What::Removed => "remove",
        };
        context! { what => what, kind => c.kind.to_string(), name => c.name.to_string() }
    };
    context! { changes => held.changes.iter().map(change).collect::<Vec<_>>(), more => held.more }
}

fn todo(t: &SyncTrouble) -> Vec<String> {
    let directory = &t.directory;
    match (t.trouble, &t.held) {
        (Trouble::Held, Some(held)) => vec![
            format!("See the whole list: budkavle sync show {}", held.run),
            format!("If it is right: budkavle sync approve {}", held.run),
            format!(
                "If it isn't: budkavle sync reject {}, and mend the directory or the account's rights",
                held.run
            ),
        ],
        _ => vec![
            "See what works and what doesn't: budkavle check --online".to_owned(),
            format!("When it is mended, try at once: budkavle sync --directory {directory}"),
            format!("See the runs so far: budkavle sync history --directory {directory}"),
        ],
    }
}

fn past(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Failing => "It was failing.",
        Trouble::Stale => "Its data was getting old.",
        Trouble::Held => "A run was waiting for approval.",
    }
}

fn texts(texts: &[Box<str>]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// `outage (deputy for X)` as `outage contact (deputy for X)`.
fn why_in_words(why: &str) -> String {
    match why.split_once(' ') {
        Some((role, rest)) if rest.starts_with('(') => format!("{role} contact {rest}"),
        None if !why.is_empty() => format!("{why} contact"),
        _ => why.to_owned(),
    }
}

fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
