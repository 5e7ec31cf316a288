//! What contacts are told, in words: that they are contacts now, or no longer, and what they are contacts for.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use minijinja::{Value, context};

use super::{AMBER, BLUE, Page, Writer, first_upper, shell_word, texts};
use crate::domain::changes::Why;
use crate::domain::duties::{Duties, Duty, Planned};
use crate::domain::notice::{ContactNews, ContactSummary, Fallback, NewsFacts, Part, RoleSum, UnitsAt};

impl Writer {
    /// What is different for one person.
    pub(super) fn contact_news(&self, facts: &ContactNews) -> Page {
        let subject = news_title(facts);
        // A change alone has its title above all.
        let (heading, parts) = match facts.news.as_slice() {
            [one] if facts.more == 0 => (news_heading(one), vec![news_value(one, false, self.zone)]),
            all => (subject.clone(), all.iter().map(|news| news_value(news, true, self.zone)).collect()),
        };
        let since = local(facts.since, self.zone);
        Page {
            template: "contacts",
            subject,
            heading,
            label: "Contacts",
            colour: BLUE,
            content: context! {
                intro => "",
                parts => parts,
                more => (facts.more > 0).then(|| format!("and {}", counted(facts.more, "more change"))),
                lines => Vec::<String>::new(),
                todo => [
                    "If it isn't right, tell whoever administers contacts in your organisation.".to_owned(),
                    format!("For them, with what changed, when and by what: `budkavle contacts changes --since {since}`"),
                ],
            },
        }
    }

    /// That there is too much of it to tell everybody.
    pub(super) fn contact_summary(&self, facts: &ContactSummary) -> Page {
        let ContactSummary { since, people, units, users, roles } = facts;
        let title = format!("{} got other contacts", counted(*units, "unit"));
        let role = |sum: &RoleSum| {
            let without = match sum.without {
                0 => String::new(),
                n => {
                    format!("; {} of them {} nobody in this role now", n, if n == 1 { "has" } else { "have" })
                }
            };
            format!("{}: {}, {}{without}", sum.role, counted(sum.units, "unit"), in_people(sum.users))
        };
        Page {
            template: "contacts",
            subject: title.clone(),
            heading: title,
            label: "Contacts",
            colour: AMBER,
            content: context! {
                intro => format!(
                    "Since {} {} with {} got other contacts. {} would have been told, more than [contact_changes] summary_over allows, so this mail goes instead, and none of them got one.",
                    self.time(*since), counted(*units, "unit"), in_people(*users), upper_people(*people),
                ),
                parts => Vec::<Value>::new(),
                more => None::<String>,
                lines => roles.iter().map(role).collect::<Vec<_>>(),
                todo => [
                    format!("See every change and why: `budkavle contacts changes --since {}`", local(*since, self.zone)),
                    "See what nobody answers for: `budkavle contacts orphans`".to_owned(),
                    "If it was meant, tell those concerned in your own way; `budkavle contacts digest USER --mail` tells one of them what they are contact for.".to_owned(),
                ],
            },
        }
    }

    /// What somebody is contact for.
    pub(super) fn duties(&self, facts: &Duties) -> Page {
        let held = u32::try_from(facts.duties.len()).unwrap_or(u32::MAX).saturating_add(facts.more);
        let title = match held {
            0 => "You aren't contact for anything".to_owned(),
            _ => "What you are contact for".to_owned(),
        };
        let day = |at: DateTime<Utc>| self.day(at);
        // The first moment after it may be midnight: the day before is the last.
        let span = |from, until: DateTime<Utc>| {
            let (first, last) = (day(from), day(until - chrono::TimeDelta::milliseconds(1)));
            if first == last { first } else { format!("{first} to {last}") }
        };
        let absence = |planned: &Planned| {
            let deputy = planned.deputy.as_deref().map_or_else(
                || "nobody is named as deputy".to_owned(),
                |deputy| format!("{deputy} is your deputy"),
            );
            format!("You are away {}: {deputy}.", span(planned.from, planned.until))
        };
        let mut lines: Vec<String> = facts.absences.iter().map(absence).collect();
        if facts.absences.iter().any(|planned| planned.deputy.is_none()) && held > 0 {
            lines.push("Without a deputy, those answer who are named above: whoever is contact beside you, or else above you.".to_owned());
        }
        if facts.absences.is_empty() && held > 0 {
            lines.push("No absence of yours is planned.".to_owned());
        }
        lines.extend(
            facts
                .stands_in
                .iter()
                .map(|it| format!("You are deputy for {} {}.", it.name, span(it.from, it.until))),
        );
        if !facts.turns_to.is_empty() {
            lines.push(format!("You turn to {} yourself.", all(&texts(&facts.turns_to))));
        }
        let account = shell_word(&facts.account);
        Page {
            template: "contacts",
            subject: title.clone(),
            heading: title,
            label: "Contacts",
            colour: BLUE,
            content: context! {
                intro => "",
                parts => facts.duties.iter().map(duty_value).collect::<Vec<_>>(),
                more => (facts.more > 0).then(|| format!("and {}", counted(facts.more, "more role"))),
                lines => lines,
                todo => [
                    "If it isn't right, or you will be away, tell whoever administers contacts in your organisation.".to_owned(),
                    format!("For them: `budkavle absence add {account} --from DAY --until DAY --deputy USER`"),
                ],
            },
        }
    }

    fn day(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-d %b %Y").to_string()
    }
}

fn news_title(facts: &ContactNews) -> String {
    let of = |part: Part| facts.news.iter().filter(move |news| news.part == part);
    let units = |part: Part| of(part).map(|news| news.all_units).fold(0, u32::saturating_add);
    let (new, former) = (of(Part::New).next(), of(Part::Former).next());
    match (new, former) {
        _ if facts.more > 0 => "Contacts have changed".to_owned(),
        (Some(one), None) if of(Part::New).count() == 1 => {
            format!("You are now {} contact for {}", one.role, counted(one.all_units, "unit"))
        }
        (None, Some(one)) if of(Part::Former).count() == 1 => {
            format!("You are no longer {} contact for {}", one.role, counted(one.all_units, "unit"))
        }
        (Some(_), None) => "You are now contact in more roles".to_owned(),
        (None, Some(_)) => "You are no longer contact in some roles".to_owned(),
        (Some(_), Some(_)) => "What you are contact for has changed".to_owned(),
        (None, None) => match units(Part::Owner) {
            1 => "A unit of yours has another contact".to_owned(),
            _ => "Units of yours have other contacts".to_owned(),
        },
    }
}

fn news_heading(news: &NewsFacts) -> String {
    let what = format!("{} with {}", counted(news.all_units, "unit"), in_people(news.users));
    match (news.part, &news.deputy_for) {
        (Part::New, None) => format!("You are now {} contact for {what}", news.role),
        (Part::New, Some(absent)) => {
            format!("You are now {} contact for {what}, as deputy for {absent}", news.role)
        }
        (Part::Former, _) => format!("You are no longer {} contact for {what}", news.role),
        (Part::Owner, _) => format!("The {} contact of {what} is another one now", news.role),
    }
}

fn news_value(news: &NewsFacts, titled: bool, zone: Tz) -> Value {
    let (mut before, mut after) = (texts(&news.before), texts(&news.after));
    match news.part {
        Part::New => after.insert(0, "you".to_owned()),
        Part::Former => before.insert(0, "you".to_owned()),
        Part::Owner => {}
    }
    let nobody = |people: &[String]| if people.is_empty() { "nobody".to_owned() } else { all(people) };
    let instead = news.fallback.as_ref().map(fallback).unwrap_or_default();
    let mut lines = vec![format!("Before: {}. Now: {}{instead}.", nobody(&before), nobody(&after))];
    // That somebody answers now is said already, when there is more to say.
    let gained = |why: &&Why| matches!(why, Why::Gained { .. });
    let more = news.why.iter().any(|why| !gained(&why));
    let why: Vec<String> =
        news.why.iter().filter(|why| !more || !gained(why)).map(|why| why.in_zone(zone)).collect();
    if !why.is_empty() && (more || news.part == Part::Owner) {
        lines.push(format!("Why: {}.", why.join("; ")));
    }
    let title = titled.then(|| news_heading(news));
    context! { title => title, lines => lines, units => units(&news.units, news.more) }
}

fn fallback(fallback: &Fallback) -> String {
    match texts(&fallback.people).as_slice() {
        [] => format!(", so that whoever is {} contact answers", fallback.role),
        people => format!(", so that the {} contact answers: {}", fallback.role, all(people)),
    }
}

fn duty_value(duty: &Duty) -> Value {
    let place = duty.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
    let title = match (duty.all_units, &duty.place) {
        (0, None) => format!("{}: for the whole organisation", duty.role),
        (0, Some(_)) => format!("{}{place}", duty.role),
        (n, _) => format!("{}: {}, {}", duty.role, counted(n, "unit"), in_people(duty.users)),
    };
    let mut lines = vec![format!("{}.", first_upper(&duty.title))];
    match (&duty.skipped, &duty.deputy) {
        (Some(why), _) => lines.push(format!("You don't answer there now: {why}.")),
        (None, Some(deputy)) => lines.push(format!("You are away, and {deputy} stands in for you.")),
        (None, None) => {}
    }
    if !duty.beside.is_empty() {
        lines.push(format!("Contact beside you: {}.", all(&texts(&duty.beside))));
    }
    if let Some(above) = &duty.above {
        let who = match texts(&above.people).as_slice() {
            [] => "nobody".to_owned(),
            people => all(people),
        };
        let role = if above.role == duty.role { String::new() } else { format!(" ({})", above.role) };
        lines.push(format!("Above you{role}: {who}."));
    }
    context! { title => title, lines => lines, units => units(&duty.units, duty.more) }
}

fn units(units: &[UnitsAt], more: u32) -> Vec<String> {
    let line = |unit: &UnitsAt| match unit.below {
        0 => unit.path.to_string(),
        n => format!("{}, and {} below it", unit.path, counted(n, "unit")),
    };
    let rest = (more > 0).then(|| format!("and {}", counted(more, "more unit")));
    units.iter().map(line).chain(rest).collect()
}

/// A number of things: `1 unit`, `2 units`.
fn counted(n: u32, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

fn in_people(n: u32) -> String {
    match n {
        0 => "nobody in them".to_owned(),
        1 => "1 person".to_owned(),
        n => format!("{n} people"),
    }
}

fn upper_people(n: u32) -> String {
    if n == 1 { "One person".to_owned() } else { format!("{n} people") }
}

/// Names in a row: `Bo, Li and Åsa`.
fn all(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A time as a command takes it.
fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string()
}
