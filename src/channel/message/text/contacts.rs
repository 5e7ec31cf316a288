//! What contacts are told, in words: that they are contacts now, or no longer, and what they are contacts for.

use chrono::{DateTime, Utc};
use minijinja::{Value, context};

use super::markup::shell_word;
use super::{AMBER, BLUE, Page};
use crate::channel::words::{Words, first_upper, say};
use crate::domain::changes::Why;
use crate::domain::duties::{Duties, Duty, Planned};
use crate::domain::notice::{ContactNews, ContactSummary, Fallback, NewsFacts, Part, RoleSum, UnitsAt};

impl Words {
    /// What is different for one person.
    pub(super) fn contact_news(&self, facts: &ContactNews) -> Page {
        let subject = self.news_title(facts);
        // A change alone has its title above all.
        let (heading, parts) = match facts.news.as_slice() {
            [one] if facts.more == 0 => (self.news_heading(one), vec![self.news_value(one, false)]),
            all => (subject.clone(), all.iter().map(|news| self.news_value(news, true)).collect()),
        };
        let command = format!("budkavle contacts changes --since {}", exact(facts.since));
        Page {
            template: "contacts",
            subject,
            heading,
            label: "label-contacts",
            colour: BLUE,
            preheader: None,
            content: context! {
                intro => "",
                parts => parts,
                more => (facts.more > 0).then(|| say!(self, "news-more", n = facts.more)),
                lines => Vec::<String>::new(),
                todo => [
                    say!(self, "news-todo-tell"),
                    say!(self, "news-todo-changes", command = command),
                ],
            },
        }
    }

    /// That there is too much of it to tell everybody.
    pub(super) fn contact_summary(&self, facts: &ContactSummary) -> Page {
        let ContactSummary { since, people, units, users, roles } = facts;
        let title = say!(self, "summary-title", n = *units);
        let role = |sum: &RoleSum| {
            let line = say!(
                self,
                "summary-role",
                role = first_upper(&self.role(&sum.role.0)),
                units = self.units(sum.units),
                people = self.people(sum.users)
            );
            match sum.without {
                0 => line,
                n => format!("{line}; {}", say!(self, "summary-without", n = n)),
            }
        };
        let changes = format!("budkavle contacts changes --since {}", exact(*since));
        Page {
            template: "contacts",
            subject: title.clone(),
            heading: title,
            label: "label-contacts",
            colour: AMBER,
            preheader: None,
            content: context! {
                intro => say!(
                    self,
                    "summary-intro",
                    since = self.time(*since),
                    units = self.units(*units),
                    people = self.people(*users),
                    told = self.people(*people),
                    key = "[contact_changes] summary_over"
                ),
                parts => Vec::<Value>::new(),
                more => None::<String>,
                lines => roles.iter().map(role).collect::<Vec<_>>(),
                todo => [
                    say!(self, "summary-todo-changes", command = changes),
                    say!(self, "summary-todo-orphans", command = "budkavle contacts orphans"),
                    say!(self, "summary-todo-digest", command = "budkavle contacts digest USER --mail"),
                ],
            },
        }
    }

    /// What somebody is contact for.
    pub(super) fn duties(&self, facts: &Duties) -> Page {
        let held = u32::try_from(facts.duties.len()).unwrap_or(u32::MAX).saturating_add(facts.more);
        let title = match held {
            0 => say!(self, "duties-none"),
            _ => say!(self, "duties-title"),
        };
        let absence = |planned: &Planned| {
            let days = self.days_between(planned.from, planned.until);
            match planned.deputy.as_deref() {
                Some(deputy) => say!(self, "duties-away-deputy", days = days, deputy = deputy),
                None => say!(self, "duties-away", days = days),
            }
        };
        let mut lines: Vec<String> = facts.absences.iter().map(absence).collect();
        if facts.absences.iter().any(|planned| planned.deputy.is_none()) && held > 0 {
            lines.push(say!(self, "duties-without-deputy"));
        }
        let is_user = !facts.account.is_empty();
        if facts.absences.is_empty() && held > 0 && is_user {
            lines.push(say!(self, "duties-no-absence"));
        }
        lines.extend(facts.stands_in.iter().map(|it| {
            say!(self, "duties-stands-in", name = &*it.name, days = self.days_between(it.from, it.until))
        }));
        if !facts.turns_to.is_empty() {
            lines.push(say!(self, "duties-turns-to", people = self.persons(&facts.turns_to)));
        }
        let account = shell_word(&facts.account);
        let command = format!("budkavle absence add {account} --from DAY --until DAY --deputy USER");
        Page {
            template: "contacts",
            subject: title.clone(),
            heading: title,
            label: "label-contacts",
            colour: BLUE,
            preheader: None,
            content: context! {
                intro => "",
                parts => facts.duties.iter().map(|duty| self.duty_value(duty)).collect::<Vec<_>>(),
                more => (facts.more > 0).then(|| say!(self, "duties-more", n = facts.more)),
                lines => lines,
                todo => std::iter::once(say!(self, "duties-todo-tell"))
                    .chain(is_user.then(|| say!(self, "duties-todo-command", command = command)))
                    .collect::<Vec<_>>(),
            },
        }
    }

    fn news_title(&self, facts: &ContactNews) -> String {
        let of = |part: Part| facts.news.iter().filter(move |news| news.part == part);
        let units = |part: Part| of(part).map(|news| news.all_units).fold(0, u32::saturating_add);
        let (new, former) = (of(Part::New).next(), of(Part::Former).next());
        let of_one = |id: &str, one: &NewsFacts| {
            say!(self, id, role = self.role(&one.role.0), units = self.units(one.all_units))
        };
        match (new, former) {
            _ if facts.more > 0 => say!(self, "news-changed"),
            (Some(one), None) if of(Part::New).count() == 1 => of_one("news-new-subject", one),
            (None, Some(one)) if of(Part::Former).count() == 1 => of_one("news-former-subject", one),
            (Some(_), None) => say!(self, "news-several-new"),
            (None, Some(_)) => say!(self, "news-several-former"),
            (Some(_), Some(_)) => say!(self, "news-both"),
            (None, None) => say!(self, "news-units", n = units(Part::Owner)),
        }
    }

    fn news_heading(&self, news: &NewsFacts) -> String {
        let (role, units) = (self.role(&news.role.0), self.units(news.all_units));
        let people = self.people(news.users);
        match (news.part, &news.deputy_for) {
            (Part::New, None) => say!(self, "news-new", role = role, units = units, people = people),
            (Part::New, Some(absent)) => {
                say!(self, "news-new-deputy", role = role, units = units, people = people, absent = &**absent)
            }
            (Part::Former, _) => say!(self, "news-former", role = role, units = units, people = people),
            (Part::Owner, _) => say!(self, "news-owner", role = role, units = units, people = people),
        }
    }

    fn news_value(&self, news: &NewsFacts, titled: bool) -> Value {
        let people = |people: &[Box<str>], with_reader: bool| {
            let you = with_reader.then(|| say!(self, "you"));
            let all: Vec<String> =
                you.into_iter().chain(people.iter().map(|name| self.person(name))).collect();
            if all.is_empty() { say!(self, "nobody") } else { self.all(&all) }
        };
        let before = people(&news.before, news.part == Part::Former);
        let after = people(&news.after, news.part == Part::New);
        let mut lines = vec![say!(self, "news-before-now", before = before, after = after)];
        lines.extend(news.fallback.as_ref().map(|fallback| self.instead(fallback)));
        // That somebody answers now is said already, when there is more to say.
        let gained = |why: &&Why| matches!(why, Why::Gained { .. });
        let more = news.why.iter().any(|why| !gained(&why));
        let why: Vec<String> =
            news.why.iter().filter(|why| !more || !gained(why)).map(|why| self.change(why)).collect();
        if !why.is_empty() && (more || news.part == Part::Owner) {
            lines.push(say!(self, "news-why", reasons = why.join("; ")));
        }
        let title = titled.then(|| self.news_heading(news));
        context! { title => title, lines => lines, units => self.unit_lines(&news.units, news.more) }
    }

    fn instead(&self, fallback: &Fallback) -> String {
        let role = self.role(&fallback.role.0);
        match fallback.people.as_slice() {
            [] => say!(self, "news-instead", role = role),
            people => say!(self, "news-instead-people", people = self.persons(people), role = role),
        }
    }

    fn duty_value(&self, duty: &Duty) -> Value {
        let role = first_upper(&self.role(&duty.role.0));
        let title = match (duty.all_units, &duty.place) {
            (0, None) => say!(self, "duty-everywhere", role = role),
            (0, Some(place)) => say!(self, "duty-place", role = role, place = &**place),
            (n, _) => {
                say!(self, "duty-units", role = role, units = self.units(n), people = self.people(duty.users))
            }
        };
        let mut lines = vec![format!("{}.", first_upper(&self.role_title(&duty.role.0, &duty.title)))];
        match (&duty.skipped, &duty.deputy) {
            (Some(why), _) => lines.push(say!(self, "duty-skipped", reason = self.skip(why))),
            (None, Some(deputy)) => lines.push(say!(self, "duty-deputy", deputy = &**deputy)),
            (None, None) => {}
        }
        if !duty.beside.is_empty() {
            lines.push(say!(self, "duty-beside", people = self.persons(&duty.beside)));
        }
        if let Some(above) = &duty.above {
            let people = self.persons(&above.people);
            lines.push(match above.role == duty.role {
                true => say!(self, "duty-above", people = people),
                false => say!(self, "duty-above-role", role = self.role(&above.role.0), people = people),
            });
        }
        context! { title => title, lines => lines, units => self.unit_lines(&duty.units, duty.more) }
    }

    fn unit_lines(&self, units: &[UnitsAt], more: u32) -> Vec<String> {
        let line = |unit: &UnitsAt| match unit.below {
            0 => unit.path.to_string(),
            n => say!(self, "units-below", n = n, path = &*unit.path),
        };
        let rest = (more > 0).then(|| say!(self, "units-more", n = more));
        units.iter().map(line).chain(rest).collect()
    }
}

/// A time as a command takes it, which means the same wherever it is read.
fn exact(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
