//! `[roles.NAME]`: how the built-in roles differ from `config/roles.toml`, and roles of one's own. Everything here can be reloaded.

use std::collections::BTreeSet;

use super::reader::{Problem, Section};
use super::schema;
use super::words::{choose, either, quoted};
use crate::domain::roles::{
    self, AD_SYNC, AttributeGrant, GLOBAL, Grants, LOCAL, LOGIN, OUTAGE, Pick, REPORT, Role, RoleName,
    SUPPORT, SYSTEM_OWNER, Scope,
};

pub(super) fn read(all: &Section) -> Vec<Role> {
    let mut roles = roles::built_in();
    // Also those without a table: their keys must become known, and their values be shown.
    for role in &mut roles {
        let table = all.one(role.name.0.as_ref());
        if let Some((scope, pick)) = held(&table, Some(role)) {
            (role.scope, role.pick) = (scope, pick);
        }
        change(role, &table);
    }
    let known: Vec<String> = roles.iter().map(|role| role.name.to_string()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    for table in all.named().iter().filter(|table| !known.contains(&table.name())) {
        if table.is_set("scope") {
            roles.extend(own(table));
        } else {
            let problem = Problem::new(format!("there is no role {}", quoted(table.name())));
            let hint = format!("{} (a role of your own needs `scope`)", choose(table.name(), &known));
            all.explain(table.name(), problem.hint(hint));
        }
    }
    let names: Vec<String> = roles.iter().map(|role| role.name.to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for role in &mut roles {
        fall_back(role, &all.one(role.name.0.as_ref()), &names);
    }
    refuse_circles(&roles, all);
    let problem = Problem::new("isn't set: only those who are assigned by hand are told of outages");
    let hint = "name the group of the outage contacts: groups = [\"Outage contacts\"]";
    all.one(OUTAGE).warn_unset("groups", problem.hint(hint));
    roles
}

/// A role that isn't brought along.
fn own(table: &Section) -> Option<Role> {
    let name = table.name();
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_name) {
        let problem = Problem::new(format!("{} can't be the name of a role", quoted(name)));
        table.mistake("scope", problem.hint("take small letters, digits and hyphens: \"case-portal\""));
        return None;
    }
    let (scope, pick) = held(table, None)?;
    let grants = Grants { assign: true, groups: Vec::new(), managed_by: false, attribute: None };
    let title = name.into();
    let mut role = Role {
        name: name.into(),
        title,
        scope,
        pick,
        minimum: 0,
        always: false,
        quota: None,
        fallback: None,
        grants,
    };
    change(&mut role, table);
    Some(role)
}

/// What a role applies to and who of its holders answers: as it is brought along, unless the table says otherwise. None: it says nothing that
/// can be understood.
fn held(table: &Section, shipped: Option<&Role>) -> Option<(Scope, Pick)> {
    let scope = table.parsed("scope", |text| {
        let scope = one_of(text, &SCOPES)?;
        let refused = shipped.filter(|role| role.scope != scope && !may_apply_to(&role.name, scope));
        refused.map_or(Ok(scope), |role| {
            let problem =
                format!("can't be {}: Budkavle itself asks for the role {}", quoted(text), role.name);
            let hint =
                format!("it is {}; make a role of your own for the rest", quoted(word(role.scope, &SCOPES)));
            Err(Problem::new(problem).hint(hint))
        })
    });
    let scope = scope.or(shipped.map(|role| role.scope))?;
    let usual = if scope == Scope::Unit { Pick::Nearest } else { Pick::All };
    let pick = table.parsed("pick", |text| one_of(text, &PICKS)).unwrap_or(usual);
    if pick == Pick::Nearest && scope != Scope::Unit {
        let problem = Problem::new("there is nothing nearer or farther where a role isn't held at units");
        table.mistake("pick", problem.hint("leave it out, or take scope = \"unit\""));
    }
    if pick == Pick::All && scope == Scope::Unit {
        let problem = Problem::new("finds nobody who holds the role at a unit: whoever asks has one unit");
        table.mistake("pick", problem.hint("leave it out, or take scope = \"organisation\""));
    }
    table.set("scope", word(scope, &SCOPES).into());
    table.set("pick", word(pick, &PICKS).into());
    Some((scope, pick))
}

/// Whether a role that is brought along may apply to something else than it does: not where Budkavle itself asks for its holders, as for
/// whom to alert, and for whom users turn to.
fn may_apply_to(role: &RoleName, scope: Scope) -> bool {
    match &*role.0 {
        GLOBAL | OUTAGE | AD_SYNC | SUPPORT | LOGIN | REPORT => false,
        LOCAL | SYSTEM_OWNER => matches!(scope, Scope::Unit | Scope::Organisation),
        _ => true,
    }
}

const MAX_NAME: usize = 40;
const SCOPES: [(&str, Scope); 4] = [
    ("unit", Scope::Unit),
    ("organisation", Scope::Organisation),
    ("directory", Scope::Directory),
    ("subject", Scope::Subject),
];
const PICKS: [(&str, Pick); 2] = [("nearest", Pick::Nearest), ("all", Pick::All)];

fn word<T: PartialEq>(it: T, all: &[(&'static str, T)]) -> &'static str {
    all.iter().find(|(_, known)| *known == it).map_or("", |(word, _)| word)
}

fn one_of<T: Copy>(text: &str, all: &[(&str, T)]) -> Result<T, Problem> {
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let found = all.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, it)| *it)
        .ok_or_else(|| Problem::new(format!("can't be {}", quoted(text))).hint(choose(text, &names)))
}

fn change(role: &mut Role, table: &Section) {
    let shipped: Vec<&str> = role.grants.groups.iter().map(AsRef::as_ref).collect();
    let groups = table.texts("groups", &shipped);
    role.grants.groups = groups.into_iter().map(String::into_boxed_str).collect();
    role.grants.assign = table.flag("assign", role.grants.assign);
    role.grants.managed_by = table.flag("managed_by", role.grants.managed_by);
    if role.grants.managed_by && role.scope != Scope::Unit {
        let problem =
            Problem::new(format!("makes no sense for {}: managedBy names the contact of a unit", role.name));
        table.mistake(
            "managed_by",
            problem.hint("only a role of units, such as \"local\", can be granted by it"),
        );
    }
    role.grants.attribute = by_attribute(table);
    let title = table.text("title");
    table.set("title", title.as_deref().unwrap_or(&role.title).into());
    role.title = title.map_or_else(|| role.title.clone(), String::into_boxed_str);
    role.minimum = table.number("minimum", 0..=MOST, role.minimum);
    role.always = table.flag("always", role.always);
    role.quota = Some(table.number("quota", 0..=MOST, role.quota.unwrap_or(0))).filter(|quota| *quota > 0);
    if role.quota.is_some_and(|quota| quota < role.minimum) {
        let problem = Problem::new(format!("is less than `minimum`, which is {}", role.minimum));
        table.mistake("quota", problem.hint("let as many hold it as must be there"));
    }
}

/// The attribute of a user that grants the role, and its values.
fn by_attribute(table: &Section) -> Option<AttributeGrant> {
    let attribute = table.parsed("attribute", schema::attribute);
    let values: Vec<Box<str>> = table.texts("values", &[]).iter().map(|value| value.trim().into()).collect();
    if values.iter().any(|value| value.chars().count() > MAX_VALUE) {
        let problem = Problem::new("has a value that is too long");
        table.mistake("values", problem.hint(format!("each has up to {MAX_VALUE} characters")));
    }
    if values.len() > MAX_VALUES {
        let problem = Problem::new(format!("has more than {MAX_VALUES} values"));
        table.mistake("values", problem.hint("name one that all have, or a group"));
    }
    match attribute {
        None if !values.is_empty() => {
            let problem = Problem::new("says nothing without `attribute`");
            table.mistake("values", problem.hint("attribute = \"extensionAttribute1\""));
            None
        }
        Some(_) if values.is_empty() => {
            let problem = Problem::new("doesn't say which of its values grant the role");
            table.mistake("attribute", problem.hint("values = [\"budkavle-local\"]"));
            None
        }
        attribute => attribute.map(|name| AttributeGrant { attribute: name.into(), values }),
    }
}

/// A value that grants a role has no more characters, and there are no more of them.
const MAX_VALUE: usize = 200;
const MAX_VALUES: usize = 100;

/// As `minimum` and `quota` may be.
const MOST: u16 = 10_000;

fn fall_back(role: &mut Role, table: &Section, names: &[&str]) {
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
