//! `units` and `exclude` of a `[[directory]]`: what its units are made of, and what is left out.

use super::finding::Severity;
use super::ldap::dn;
use super::reader::{Problem, Section};
use super::words::quoted;
use crate::domain::dn::Dn;
use crate::domain::shape::UnitsFrom;

#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Ou,
    Attribute,
    Path,
    Code,
    Groups,
}

const WORDS: [(&str, From); 5] = [
    ("ou", From::Ou),
    ("attribute", From::Attribute),
    ("path", From::Path),
    ("code", From::Code),
    ("groups", From::Groups),
];

/// Each key, what it goes with, and an example.
const KEYS: [(&str, &[From], &str); 7] = [
    ("attribute", &[From::Attribute, From::Path], "from = \"attribute\" or \"path\""),
    ("separator", &[From::Path], "from = \"path\""),
    ("code", &[From::Code], "from = \"code\""),
    ("parent", &[From::Code], "from = \"code\""),
    ("name", &[From::Code], "from = \"code\""),
    ("base", &[From::Groups], "from = \"groups\""),
    ("names", &[From::Groups], "from = \"groups\""),
];

/// Reads where units come from; None when something is wrong with it.
pub(super) fn read(directory: &Section) -> Option<UnitsFrom> {
    let table = directory.section("units");
    let from = table.choice("from", &WORDS, Some("ou"));
    let Some(from) = from else {
        KEYS.iter().for_each(|(key, ..)| table.know(&[key]));
        return None;
    };
    for (key, with, words) in &KEYS {
        if with.contains(&from) {
            table.know(&[key]);
        } else {
            table.refuse(&[key], words);
        }
    }
    if from != From::Ou {
        directory.refuse(&["unit_filter"], "units = { from = \"ou\" }");
    }
    match from {
        From::Ou => Some(UnitsFrom::Ous),
        From::Attribute | From::Path => {
            table.require("attribute", "attribute = \"department\"");
            let attribute = attribute(&table, "attribute");
            let separator = (from == From::Path).then(|| separator(&table));
            Some(UnitsFrom::Attribute { attribute: attribute?, separator })
        }
        From::Code => {
            table.require("code", "code = \"departmentNumber\"");
            let code = attribute(&table, "code");
            let (parent, name) = (attribute(&table, "parent"), attribute(&table, "name"));
            let shared = code
                .as_ref()
                .zip(parent.as_ref())
                .is_some_and(|(code, parent)| code.eq_ignore_ascii_case(parent));
            if shared {
                let problem = Problem::new("is the attribute of the unit's own code, too");
                let hint = "name the attribute that holds the code of the unit above, or take it out";
                table.mistake("parent", problem.hint(hint));
            }
            Some(UnitsFrom::Code { code: code?, parent, name })
        }
        From::Groups => {
            let below = if table.is_set("base") { Some(table.parsed("base", dn)?) } else { None };
            let named = table.text("names").map(Box::from);
            if below.is_none() && named.is_none() {
                let problem = Problem::new("makes a unit of every group that is read");
                table.warn(
                    "from",
                    problem.hint(
                        "say which are units: base = \"OU=Units,DC=example,DC=org\", or names = \"org-*\"",
                    ),
                );
            }
            Some(UnitsFrom::Groups { below, named })
        }
    }
}

/// The name of an attribute that can tell of units.
fn attribute(table: &Section, key: &'static str) -> Option<Box<str>> {
    table.parsed(key, |text| {
        super::schema::attribute(text)?;
        if ["memberOf", "member"].iter().any(|name| name.eq_ignore_ascii_case(text)) {
            let problem = Problem::new(format!("can't be {}, which names groups", quoted(text)));
            return Err(problem.hint(
                "units that are groups: units = { from = \"groups\", base = \"OU=Units,DC=example,DC=org\" }",
            ));
        }
        if ["manager", "managedBy", "distinguishedName", "objectGUID", "objectClass"]
            .iter()
            .any(|name| name.eq_ignore_ascii_case(text))
        {
            let problem = Problem::new(format!("can't be {}, which names no unit", quoted(text)));
            return Err(problem.hint("for example: \"department\""));
        }
        Ok(text.into())
    })
}

fn separator(table: &Section) -> Box<str> {
    if !table.is_set("separator") {
        table.set("separator", "/".into());
        return "/".into();
    }
    // Spaces alone separate words, too: they are trimmed from the levels, but may stand in a name.
    table.parsed("separator", |text| Ok(Box::from(text.trim()))).unwrap_or_default()
}

/// Reads what is left out of what stands below `bases`; None when something is wrong with it.
pub(super) fn exclude(table: &Section, bases: &[String]) -> Option<Vec<Dn>> {
    if !table.is_set("exclude") {
        table.set("exclude", serde_json::json!([]));
        return Some(Vec::new());
    }
    let names = table.list("exclude", |text| dn(text).map(|name| (text.to_owned(), name)))?;
    let bases: Vec<(&String, Dn)> =
        bases.iter().filter_map(|base| Some((base, base.parse().ok()?))).collect();
    for (n, (text, name)) in names.iter().enumerate() {
        let note = |problem: String, hint: &str| {
            table.note_element("exclude", n, Severity::Error, Problem::new(problem).hint(hint));
        };
        if let Some((base, _)) = bases.iter().find(|(_, base)| base.is_within(name)) {
            let problem = format!("{} leaves out all of {}, which bases has", quoted(text), quoted(base));
            note(problem, "leave out what is below a base, or take the base out");
        } else if !bases.is_empty() && !bases.iter().any(|(_, base)| name.is_within(base)) {
            note(
                format!("{} is below none of bases, so that nothing is left out", quoted(text)),
                "take it out, or mend it",
            );
        }
        let mut others =
            names.iter().enumerate().filter(|(m, (_, other))| *m != n && (other != name || *m < n));
        if let Some((_, (other, _))) = others.find(|(_, (_, other))| name.is_within(other)) {
            note(
                format!("{} is within {}, which is left out whole", quoted(text), quoted(other)),
                "keep one of the two",
            );
        }
    }
    Some(names.into_iter().map(|(_, name)| name).collect())
}

/// Notes a place of groups that nothing is read of.
pub(super) fn judge_place(directory: &Section, units: &UnitsFrom, bases: &[String], exclude: &[Dn]) {
    let UnitsFrom::Groups { below: Some(below), .. } = units else {
        return;
    };
    let bases: Vec<Dn> = bases.iter().filter_map(|base| base.parse().ok()).collect();
    let table = directory.section("units");
    if !bases.iter().any(|base| below.is_within(base)) {
        let problem = Problem::new("is below none of bases, so that no group would be a unit");
        table.mistake("base", problem.hint("add it to bases, or mend it"));
    } else if exclude.iter().any(|excluded| below.is_within(excluded)) {
        let problem = Problem::new("is left out by exclude, so that no group would be a unit");
        table.mistake("base", problem.hint("keep one of the two"));
    }
}
