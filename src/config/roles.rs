//! `[roles.NAME]`: how the built-in roles are granted. Everything here can be reloaded.

use std::collections::BTreeSet;

use super::reader::{Problem, Section};
use super::words::{choose, either, quoted};
use crate::domain::roles::{self, OUTAGE, Role, RoleName, Scope};

pub(super) fn read(all: &Section) -> Vec<Role> {
    let mut roles = roles::built_in();
    let names: Vec<String> = roles.iter().map(|role| role.name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    // Also those without a table: their keys must become known, and their values be shown.
    for role in &mut roles {
        change(role, &all.one(role.name.0.as_ref()), &names);
    }
    for table in all.named().iter().filter(|table| !names.contains(&table.name())) {
        let problem = Problem::new(format!("there is no role {}", quoted(table.name())));
        all.explain(table.name(), problem.hint(choose(table.name(), &names)));
    }
    refuse_circles(&roles, all);
    let problem = Problem::new("isn't set: only those who are assigned by hand are told of outages");
    let hint = "name the group of the outage contacts: groups = [\"Outage contacts\"]";
    all.one(OUTAGE).warn_unset("groups", problem.hint(hint));
    roles
}

fn change(role: &mut Role, table: &Section, names: &[&str]) {
    let groups = table.texts("groups", &[]);
    role.groups = groups.into_iter().map(String::into_boxed_str).collect();
    role.managed_by = table.flag("managed_by", role.managed_by);
    if role.managed_by && role.scope != Scope::Unit {
        let problem =
            Problem::new(format!("makes no sense for {}: managedBy names the contact of a unit", role.name));
        table.mistake(
            "managed_by",
            problem.hint("only a role of units, such as \"local\", can be granted by it"),
        );
    }
    let title = table.text("title");
    table.set("title", title.as_deref().unwrap_or(&role.title).into());
    role.title = title.map_or_else(|| role.title.clone(), String::into_boxed_str);
    let others = names.iter().copied().filter(|name| *name != &*role.name.0);
    let others: Vec<&str> = others.chain([NONE]).collect();
    let fallback = table.parsed("fallback", |text| match text {
        NONE => Ok(None),
        name if others.contains(&name) => Ok(Some(RoleName::from(name))),
        name if names.contains(&name) => {
            Err(Problem::new("can't be the role itself").hint(format!("it can be {}", either(&others))))
        }
        name => Err(Problem::new(format!("there is no role {}", quoted(name))).hint(choose(name, &others))),
    });
    role.fallback = fallback.unwrap_or_else(|| role.fallback.clone());
    table.set("fallback", role.fallback.as_ref().map_or(NONE, |name| &name.0).into());
}

/// What `fallback` says when there is none.
const NONE: &str = "none";

/// A fallback that leads back to its role answers nothing.
fn refuse_circles(roles: &[Role], all: &Section) {
    for role in roles {
        let mut passed = BTreeSet::from([&role.name]);
        let mut next = role.fallback.as_ref();
        while let Some(name) = next.filter(|name| passed.insert(name)) {
            next = roles.iter().find(|role| role.name == *name).and_then(|role| role.fallback.as_ref());
        }
        let table = all.one(&role.name.0);
        if next == Some(&role.name) && table.is_set("fallback") {
            let problem =
                Problem::new("leads in a circle: nobody would be found").hint("end it with \"none\"");
            table.mistake("fallback", problem);
        }
    }
}
