//! The rule of nearest contacts once more, slowly and without a tree: for one asker at a time, from the raw lists, by identity.

use std::collections::BTreeSet;

use super::super::Asker;
use crate::domain::directory::{Group, User};
use crate::domain::ids::{DirectoryName, GroupId, Guid, UnitId, UserId};
use crate::domain::roles::{Holder, OUTAGE, Pick, Place, Role, Scope};
use crate::domain::testing::World;
use chrono::{DateTime, Utc};

#[derive(PartialEq, Eq, Debug)]
pub struct Contact {
    pub user: Option<UserId>,
    pub mail: String,
    pub deputy_for: Option<String>,
    pub role: String,
}

#[derive(PartialEq, Eq, Debug)]
pub struct Step {
    pub role: String,
    pub unit: UnitId,
    pub skipped: Vec<String>,
    pub found: usize,
}

#[derive(PartialEq, Eq, Debug, Default)]
pub struct Answer {
    pub contacts: Vec<Contact>,
    pub trail: Vec<Step>,
}

/// One reason to ask somebody at a unit.
struct Held {
    rank: u16,
    who: Holder,
    mail: Option<String>,
    begins: Option<DateTime<Utc>>,
    ends: Option<DateTime<Utc>>,
    only_directory: Option<DirectoryName>,
    /// The unit that must be the holder's own.
    must_be_in: Option<UnitId>,
}

pub fn answer(world: &World, role: &str, asker: &Asker, now: DateTime<Utc>) -> Answer {
    let first = match asker {
        Asker::User(id) if world.directory.users.contains_key(id) => home(world, &world.directory.users[id]),
        Asker::Unit(id) if *id == UnitId::ROOT || world.directory.units.contains_key(id) => *id,
        Asker::User(_) | Asker::Unit(_) => return Answer::default(),
        Asker::Organisation | Asker::Directory(_) => UnitId::ROOT,
        Asker::Subject(name) => match world.subjects.get(name) {
            None => return Answer::default(),
            Some(subject) => {
                subject.owner.filter(|id| world.directory.units.contains_key(id)).unwrap_or(UnitId::ROOT)
            }
        },
    };
    let mut answer = Answer::default();
    let mut roles_asked = vec![];
    let mut role_name = role.to_owned();
    loop {
        let role = world.roles.iter().find(|r| *r.name.0 == *role_name).unwrap();
        roles_asked.push(role_name.clone());
        let mut unit = if role.pick == Pick::All { UnitId::ROOT } else { first };
        loop {
            let step = ask_at(world, role, unit, asker, now, &mut answer.contacts);
            answer.trail.push(step);
            if !answer.contacts.is_empty() {
                return answer;
            }
            if unit == UnitId::ROOT {
                break;
            }
            unit = above(world, unit);
        }
        match &role.fallback {
            Some(next) if !roles_asked.contains(&next.to_string()) => role_name = next.to_string(),
            _ => return answer,
        }
    }
}

/// The unit above, by identity alone. A circle is cut above its smallest member.
fn above(world: &World, unit: UnitId) -> UnitId {
    let units = &world.directory.units;
    let up = |id: UnitId| units.get(&id).map(|u| u.parent).filter(|p| units.contains_key(p));
    let mut circle = vec![unit];
    let mut here = unit;
    while let Some(next) = up(here) {
        if next == unit {
            let cut = circle.iter().min() == Some(&unit);
            return if cut { UnitId::ROOT } else { units[&unit].parent };
        }
        if circle.contains(&next) {
            break;
        }
        circle.push(next);
        here = next;
    }
    up(unit).unwrap_or(UnitId::ROOT)
}

fn home(world: &World, user: &User) -> UnitId {
    if world.directory.units.contains_key(&user.unit) { user.unit } else { UnitId::ROOT }
}

fn ask_at(
    world: &World,
    role: &Role,
    unit: UnitId,
    asker: &Asker,
    now: DateTime<Utc>,
    contacts: &mut Vec<Contact>,
) -> Step {
    let mut skipped: Vec<(Option<UserId>, String)> = vec![];
    let mut answered_for = BTreeSet::new();
    for held in held_at(world, role, unit, asker) {
        let id = match &held.who {
            Holder::User(id) => Some(*id),
            Holder::Outside { .. } => None,
        };
        match counts(world, &held, asker, now) {
            Ok((user, mail, deputy_for)) => {
                answered_for.extend(id);
                let known = contacts.iter().any(|c| c.mail == mail || (c.user.is_some() && c.user == user));
                if !known {
                    contacts.push(Contact { user, mail, deputy_for, role: role.name.to_string() });
                }
            }
            Err(why) => skipped.push((id, format!("{}: {why}", name(world, &held.who)))),
        }
    }
    let mut lines = vec![];
    let mut listed = answered_for;
    for (id, line) in skipped {
        if id.is_none_or(|id| listed.insert(id)) {
            lines.push(line);
        }
    }
    Step { role: role.name.to_string(), unit, skipped: lines, found: contacts.len() }
}

fn name(world: &World, who: &Holder) -> String {
    match who {
        Holder::User(id) => world
            .directory
            .users
            .get(id)
            .map_or_else(|| format!("deleted user {id}"), |u| u.name().to_owned()),
        Holder::Outside { name, .. } => name.to_string(),
    }
}

/// Whoever holds the role at the unit: assigned, then listed, then by group, then by `managedBy`; sorted by rank, then name.
fn held_at(world: &World, role: &Role, unit: UnitId, asker: &Asker) -> Vec<Held> {
    let directory = &world.directory;
    let is_root = unit == UnitId::ROOT;
    let mut all = vec![];
    for a in world.assignments.values().filter(|a| a.role == role.name) {
        let (here, only_directory, must_be_in) = match (&a.place, &a.holder, role.scope) {
            (Place::Organisation, _, Scope::Organisation | Scope::Directory) => (is_root, None, None),
            (Place::Directory(d), _, Scope::Directory) => (is_root, Some(d.clone()), None),
            (Place::Subject(s), _, Scope::Subject) => {
                (is_root && *asker == Asker::Subject(s.clone()), None, None)
            }
            (Place::Unit(at), _, Scope::Unit) => {
                let there = *at == UnitId::ROOT || directory.units.contains_key(at);
                (there && *at == unit, None, (!a.any_unit).then_some(*at))
            }
            // Those of single units and services are asked for by outages alone; the root is the whole organisation.
            (Place::Unit(at), _, Scope::Organisation) if &*role.name.0 == OUTAGE => {
                (is_root && *at == UnitId::ROOT, None, None)
            }
            (Place::OwnUnit, Holder::User(id), Scope::Unit) => {
                (directory.users.get(id).is_some_and(|u| home(world, u) == unit), None, None)
            }
            _ => (false, None, None),
        };
        if here {
            let mail = a.mail.as_ref().map(|m| m.to_string().to_lowercase());
            let (begins, ends) = (a.from, a.until);
            all.push(Held {
                rank: a.rank,
                who: a.holder.clone(),
                mail,
                begins,
                ends,
                only_directory,
                must_be_in,
            });
        }
    }
    for (_, person) in world.listed.iter().filter(|(_, person)| person.role == role.name) {
        if is_root && role.scope == Scope::Organisation {
            let who = Holder::Outside { name: person.name.clone(), mail: person.mail.clone() };
            let (begins, ends) = (person.from, person.until);
            all.push(Held {
                rank: u16::MAX - 1,
                who,
                mail: None,
                begins,
                ends,
                only_directory: None,
                must_be_in: None,
            });
        }
    }
    let mut given = |id: UserId| {
        let who = Holder::User(id);
        let (mail, begins, ends, only_directory, must_be_in) = (None, None, None, None, None);
        all.push(Held { rank: u16::MAX, who, mail, begins, ends, only_directory, must_be_in });
    };
    for wanted in &role.grants.groups {
        for group in meant(world, wanted) {
            for (id, user) in &directory.users {
                let here = if role.scope == Scope::Unit { home(world, user) == unit } else { is_root };
                if here && is_in(world, *id, group, &mut vec![]) {
                    given(*id);
                }
            }
        }
    }
    if let Some(by) = &role.grants.attribute {
        for (id, user) in &directory.users {
            let here = if role.scope == Scope::Unit { home(world, user) == unit } else { is_root };
            let marks = user.marks_text().unwrap_or_default().split('\u{1f}');
            let wanted: Vec<String> =
                by.values.iter().map(|v| format!("{}={v}", by.attribute).to_lowercase()).collect();
            if here && marks.into_iter().any(|mark| wanted.contains(&mark.to_lowercase())) {
                given(*id);
            }
        }
    }
    if role.grants.managed_by && role.scope == Scope::Unit {
        let manager = directory.units.get(&unit).and_then(|u| u.managed_by);
        manager.filter(|id| directory.users.contains_key(id)).into_iter().for_each(given);
    }
    all.sort_by_key(|held| (held.rank, name(world, &held.who).to_lowercase()));
    all
}

/// The groups that a name means: those with that account; without any, those with that name, if their directory has one only.
fn meant<'a>(world: &'a World, wanted: &str) -> Vec<&'a Group> {
    let wanted = wanted.to_lowercase();
    let groups = || world.directory.groups.values().map(|g| &**g);
    if groups().any(|g| g.account.to_lowercase() == wanted) {
        return groups().filter(|g| g.account.to_lowercase() == wanted).collect();
    }
    let named = |g: &Group| g.name.to_lowercase() == wanted;
    let twice = |g: &Group| groups().any(|o| o.id != g.id && o.directory == g.directory && named(o));
    groups().filter(|g| named(g) && !twice(g)).collect()
}

fn is_in(world: &World, user: UserId, group: &Group, passed: &mut Vec<GroupId>) -> bool {
    if passed.contains(&group.id) {
        return false;
    }
    passed.push(group.id);
    let deeper =
        |id: &Guid| world.directory.groups.get(&GroupId(*id)).is_some_and(|g| is_in(world, user, g, passed));
    group.members.contains(&user.0) || group.members.iter().any(deeper)
}

type Who = (Option<UserId>, String, Option<String>);

fn counts(world: &World, held: &Held, asker: &Asker, now: DateTime<Utc>) -> Result<Who, String> {
    let date = |at: DateTime<Utc>| at.format("%-d %b %Y").to_string();
    if held.begins.is_some_and(|at| at > now) {
        return Err(format!("from {}", date(held.begins.unwrap())));
    }
    if held.ends.is_some_and(|at| at <= now) {
        return Err(format!("ended {}", date(held.ends.unwrap())));
    }
    let about = match asker {
        Asker::Directory(name) => Some(name),
        Asker::User(id) => Some(&world.directory.users[id].directory),
        Asker::Unit(id) => world.directory.units.get(id).map(|u| &u.directory),
        Asker::Organisation | Asker::Subject(_) => None,
    };
    if held.only_directory.is_some() && about.is_some() && held.only_directory.as_ref() != about {
        return Err("for another directory".into());
    }
    let id = match &held.who {
        Holder::Outside { mail, .. } => {
            let mail = held.mail.clone().unwrap_or(mail.to_string().to_lowercase());
            return Ok((None, mail, None));
        }
        Holder::User(id) => *id,
    };
    let Some(user) = world.directory.users.get(&id) else { return Err("no longer in the directory".into()) };
    if held.must_be_in.is_some_and(|unit| unit != user.unit) {
        let to = home(world, user);
        let to = world.directory.units.get(&to).map_or(crate::domain::testing::NAME, |u| &u.name);
        return Err(format!("moved to {to}"));
    }
    let own = in_person(user, held.mail.clone(), asker, now);
    let away = world.absences.iter().filter(|a| a.user == id && a.from <= now && a.until > now);
    let Some(absence) = away.min_by_key(|a| (a.from, a.id)) else {
        return own.map(|mail| (Some(id), mail, None));
    };
    let Some(deputy_id) = absence.deputy else {
        return Err(own.err().unwrap_or(format!("away until {}", date(absence.until))));
    };
    let why_not = match world.directory.users.get(&deputy_id) {
        None => "no longer in the directory".to_owned(),
        Some(deputy) => match in_person(deputy, None, asker, now) {
            Err(why) => why,
            Ok(mail) => {
                let away =
                    world.absences.iter().filter(|a| a.user == deputy_id && a.from <= now && a.until > now);
                match away.min_by_key(|a| (a.from, a.id)) {
                    None => return Ok((Some(deputy_id), mail, Some(user.name().to_owned()))),
                    Some(a) => format!("away until {}", date(a.until)),
                }
            }
        },
    };
    let deputy = name(world, &Holder::User(deputy_id));
    Err(own.err().unwrap_or(format!("away until {}; deputy {deputy}: {why_not}", date(absence.until))))
}

fn in_person(
    user: &User,
    instead: Option<String>,
    asker: &Asker,
    now: DateTime<Utc>,
) -> Result<String, String> {
    let own = user.mail().map(|m| m.to_lowercase()).filter(|m| m.contains('@'));
    match (user.enabled, user.expires) {
        (false, _) => Err("disabled".into()),
        (true, Some(end)) if end <= now => Err(format!("account expired {}", end.format("%-d %b %Y"))),
        _ if *asker == Asker::User(user.id) => Err("is you".into()),
        _ => instead.or(own).ok_or("no mail address".into()),
    }
}
