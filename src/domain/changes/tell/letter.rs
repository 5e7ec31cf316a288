//! A letter and its facts: names and paths in place of identities, cut where they get long.

use chrono::{DateTime, Utc};

use super::{Letter, News};
use crate::domain::changes::{Person, Who, users_of};
use crate::domain::contacts::{self, Asker};
use crate::domain::ids::RoleName;
use crate::domain::notice::{ContactNews, Fallback, NewsFacts, Part, units_at};
use crate::domain::organisation::Organisation;
use crate::domain::roles::{SYSTEM_OWNER, Scope};
use crate::domain::tree::Index;

/// So many changes are told in one mail.
const NEWS: usize = 25;
/// So many units are named for one change, each with those below it.
const UNITS: usize = 12;
/// So many people and reasons are named on each side.
const NAMED: usize = 6;

/// Why this person gets a letter, for its end; `owner`: the role by which they own the system.
pub(super) fn why(news: &[News], owner: Option<&RoleName>) -> String {
    let Some(first) = news.first() else { return String::new() };
    if news.iter().any(|other| (other.part, &other.role) != (first.part, &first.role))
        && first.part != Part::Owner
    {
        return "contact in several roles".to_owned();
    }
    match (first.part, owner) {
        (Part::New, _) => format!("new {} contact", first.role),
        (Part::Former, _) => format!("former {} contact", first.role),
        (Part::Owner, Some(role)) if &*role.0 != SYSTEM_OWNER => format!("{role} (there is no system owner)"),
        (Part::Owner, _) => SYSTEM_OWNER.to_owned(),
    }
}

pub(super) fn facts(
    organisation: &Organisation,
    letter: &Letter,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> ContactNews {
    let news = letter.news.iter().take(NEWS).map(|news| one(organisation, news, &letter.who, now)).collect();
    ContactNews { since, news, more: count(letter.news.len().saturating_sub(NEWS)) }
}

fn one(organisation: &Organisation, news: &News, who: &Who, now: DateTime<Utc>) -> NewsFacts {
    let (units, more) = units_at(&organisation.tree, &news.units, UNITS);
    let role = organisation.role(&news.role.0);
    let users = role.map_or(0, |role| users_of(organisation, role, &news.units));
    let others = |people: &[Person]| {
        let others = people.iter().filter(|person| news.part == Part::Owner || person.who() != *who);
        others.take(NAMED).map(in_words).collect()
    };
    let me = news.after.iter().find(|person| person.who() == *who && news.part == Part::New);
    NewsFacts {
        part: news.part,
        role: news.role.clone(),
        deputy_for: me.and_then(|person| person.deputy_for.clone()),
        units,
        more,
        all_units: count(news.units.len()),
        users: count(users),
        before: others(&news.before),
        after: others(&news.after),
        fallback: if news.after.is_empty() { fallback(organisation, news, now) } else { None },
        why: news.why.iter().take(NAMED).cloned().collect(),
    }
}

/// Who answers when nobody of the role does.
fn fallback(organisation: &Organisation, news: &News, now: DateTime<Utc>) -> Option<Fallback> {
    let role = organisation.role(&news.role.0)?;
    let next = organisation.role(&role.fallback.as_ref()?.0)?;
    let first: Index = *news.units.first()?;
    let alike = next.scope != Scope::Unit;
    let asker = Asker::Unit(organisation.tree.id(first));
    let answer = if alike { contacts::resolve(organisation, next, &asker, now).contacts } else { Vec::new() };
    let people = answer.iter().take(NAMED).map(|contact| in_words(&contact.into())).collect();
    Some(Fallback { role: next.name.clone(), people })
}

fn in_words(person: &Person) -> Box<str> {
    contacts::named(&person.name, person.deputy_for.as_deref())
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
