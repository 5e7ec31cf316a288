//! Units that are groups: who is a direct member belongs to the unit, a group that is one to the unit above.
//!
//! Who is a member of several belongs to the one whose identity comes first, so that no rename moves anybody, and is reported.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Frame, Lines, Shaped, UnitsFrom, identity};
use crate::domain::delta::{apply, diff};
use crate::domain::directory::{Directory, Found, Group, Unit, Update, User};
use crate::domain::ids::{DirectoryName, GroupId, Guid, UnitId, UserId};

/// Nothing stands deeper.
const MAX_DEPTH: usize = 1_000;

/// Units of groups, and who is in them.
pub(super) fn shaped(found: &Found, frame: &Frame<'_>) -> Shaped {
    match found {
        Found::Changes(update) if !concerns_units(update, frame) => only_users(update, frame),
        _ => all(found, frame),
    }
}

/// Whether what changed may change a unit or who is in it, users aside.
fn concerns_units(update: &Update, frame: &Frame<'_>) -> bool {
    let place_matters = frame.below.is_some();
    let known = |id: Guid| frame.known.groups.get(&GroupId(id)).filter(|g| g.directory == *frame.directory);
    let is_unit = |id: Guid| frame.known.units.contains_key(&of(frame.directory, GroupId(id)));
    let moved = |id: &Guid| place_matters && frame.known.containers.contains_key(id);
    !update.written.containers.is_empty() && place_matters
        || update.removed.iter().any(|id| is_unit(*id) || moved(id))
        || update.written.users.keys().any(|id| is_unit(id.0))
        || update.written.groups.values().any(|group| match known(group.id.0) {
            Some(before) if **before == **group => false,
            Some(_) if is_unit(group.id.0) => true,
            _ => place_matters || is_named(group, frame.from),
        })
}

/// Puts the users into the units that there are.
fn only_users(update: &Update, frame: &Frame<'_>) -> Shaped {
    let mut shaped = Shaped::default();
    let ours = |group: &&Arc<Group>| group.directory == *frame.directory;
    let is_unit = |group: &&Arc<Group>| frame.known.units.contains_key(&of(frame.directory, group.id));
    for user in update.written.users.values() {
        let known = frame.known.users.get(&user.id).filter(|known| known.directory == *frame.directory);
        let unit = known.map(|known| known.unit).or_else(|| {
            let mut groups = frame.known.groups.values().filter(ours).filter(is_unit);
            let group = groups.find(|group| group.members.binary_search(&user.id.0).is_ok())?;
            Some(of(frame.directory, group.id))
        });
        shaped.places.push((user.id, unit.unwrap_or(UnitId::ROOT)));
    }
    shaped
}

/// Makes all units anew.
fn all(found: &Found, frame: &Frame<'_>) -> Shaped {
    let after = apply(frame.known, &diff(frame.known, frame.directory, found));
    let mut shaped = Shaped::default();
    let mut above_containers = HashMap::new();
    let groups = after.groups.values().filter(|group| group.directory == *frame.directory);
    let groups = groups.filter(|group| is_named(group, frame.from));
    let groups: Vec<&Arc<Group>> =
        groups.filter(|group| stands_below(&after, group, frame, &mut above_containers)).collect();
    let ids: HashMap<Guid, UnitId> = groups.iter().map(|g| (g.id.0, of(frame.directory, g.id))).collect();
    let mut unit_of: HashMap<Guid, &Group> = HashMap::new();
    for group in &groups {
        for member in group.members.iter().filter(|member| **member != group.id.0) {
            let first = *unit_of.entry(*member).or_insert(group);
            if first.id != group.id {
                report(&after, *member, first, group, &ids, &mut shaped.lines);
            }
        }
    }
    let place = |id: Guid| unit_of.get(&id).and_then(|group| ids.get(&group.id.0)).copied();
    let changes_only = matches!(found, Found::Changes(_));
    for user in after.users.values().filter(|user| user.directory == *frame.directory) {
        let unit = place(user.id.0).unwrap_or(UnitId::ROOT);
        if user.unit != unit {
            shaped.places.push((user.id, unit));
        }
    }
    let unit = |group: &&Arc<Group>| Unit {
        id: of(frame.directory, group.id),
        directory: frame.directory.clone(),
        parent: place(group.id.0).unwrap_or(UnitId::ROOT),
        above: Guid::default(),
        name: group.name.clone(),
        managed_by: None,
    };
    let units = groups.iter().map(unit);
    let is_news =
        |unit: &Unit| !changes_only || frame.known.units.get(&unit.id).is_none_or(|known| **known != *unit);
    shaped.written = units.filter(is_news).collect();
    if changes_only {
        let there: std::collections::HashSet<UnitId> = ids.values().copied().collect();
        let known = frame.known.units.values().filter(|unit| unit.directory == *frame.directory);
        shaped.removed = known.map(|unit| unit.id).filter(|id| !there.contains(id)).collect();
    }
    shaped
}

fn report(
    after: &Directory,
    member: Guid,
    first: &Group,
    second: &Group,
    units: &HashMap<Guid, UnitId>,
    lines: &mut Lines,
) {
    let user = after.users.get(&UserId(member)).map(|user| User::name(user));
    let group =
        after.groups.get(&GroupId(member)).filter(|_| units.contains_key(&member)).map(|group| &*group.name);
    if let Some(name) = user.or(group) {
        let reason = format!(
            "It is a member of several groups that are units, \"{}\" and \"{}\" among them; it counts to the first of these.",
            first.name, second.name
        );
        lines.add(name, reason);
    }
}

fn of(directory: &DirectoryName, group: GroupId) -> UnitId {
    identity(directory, "group", &group.0.0)
}

fn is_named(group: &Group, from: &UnitsFrom) -> bool {
    match from {
        UnitsFrom::Groups { named: Some(pattern), .. } => {
            matches(&pattern.to_lowercase(), &group.name.to_lowercase())
        }
        _ => true,
    }
}

/// Whether a group stands below the name that is asked for.
fn stands_below(after: &Directory, group: &Group, frame: &Frame<'_>, memo: &mut HashMap<Guid, bool>) -> bool {
    let Some(below) = frame.below else {
        return true;
    };
    let (mut at, mut path) = (group.above, Vec::new());
    let is_below = loop {
        if let Some(known) = memo.get(&at) {
            break *known;
        }
        if at == below {
            break true;
        }
        path.push(at);
        match after.containers.get(&at) {
            Some(container) if path.len() < MAX_DEPTH => at = container.above,
            _ => break false,
        }
    };
    memo.extend(path.into_iter().map(|id| (id, is_below)));
    is_below
}

/// Whether a text fits a pattern, in which `*` stands for whatever.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(start) else {
        return false;
    };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        match left.split_once(part) {
            Some((_, behind)) => left = behind,
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_fits_whole_names() {
        for (pattern, text, fits) in [
            ("org-*", "org-it", true),
            ("org-*", "borg-it", false),
            ("*", "", true),
            ("*it", "org-it", true),
            ("o*g*it", "org-git-it", true),
            ("o*g*it", "org-git-", false),
            ("ab*ba", "aba", false),
            ("it", "it", true),
            ("it", "its", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
    }
}
