//! Whatever stands in a configuration: it is a `Config` or there is a mistake, and never a panic.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::config::document::Document;
use crate::config::layers::Layers;
use crate::config::resolve;

/// The settings of the shipped file and its headers, and whether each is commented out there. It can be loaded.
fn shipped_lines() -> Vec<(String, bool)> {
    let text = std::fs::read_to_string(root().join("config/budkavle.toml")).unwrap();
    let (before, after) = text.split_once("#[[directory]]").unwrap();
    let text = before.to_owned() + after.split_once("\n\n").unwrap().1;
    let text = text
        .replace("bind_password_file =", "#bind_password_file =")
        .replace("#bind_password_env", "bind_password_env");
    let lines = text.lines().filter_map(|line| match line.strip_prefix('#') {
        Some(rest) => (rest.contains(" = ") && !rest.starts_with(' ')).then(|| (rest.to_owned(), true)),
        None => (!line.is_empty()).then(|| (line.to_owned(), false)),
    });
    lines.collect()
}

fn joined(lines: &[(String, bool)]) -> String {
    lines.iter().filter(|(_, commented)| !commented).map(|(line, _)| format!("{line}\n")).collect()
}

/// Reads a text and checks what holds for every text.
fn read(text: &str, variables: &[(String, String)]) -> Result<Findings, TestCaseError> {
    let mut environment = Environment { variables: variables.iter().cloned().collect(), credentials: None };
    environment.variables.insert("BIND_PASSWORD".into(), "geheim".into());
    let file = Path::new("/nowhere/budkavle.toml");
    let layers = Layers::merge(file, &[(file.into(), text.to_owned())], Vec::new(), &environment);
    let findings = match resolve(&layers, &environment).0 {
        Ok((config, warnings)) => {
            prop_assert_eq!(warnings.errors(), 0);
            prop_assert!(!config.directories.is_empty());
            warnings
        }
        Err(findings) => {
            prop_assert!(findings.errors() > 0, "refused without a reason: {}", text);
            findings
        }
    };
    for look in [Look::Plain, Look::Drawn] {
        prop_assert_eq!(findings.render(look).is_empty(), findings.is_empty());
    }
    prop_assert_eq!(findings.to_json().as_array().map(Vec::len), Some(findings.iter().count()));
    Ok(findings)
}

/// A value of any kind, as TOML.
fn value() -> impl Strategy<Value = String> {
    let words = [
        "\"\"",
        "\"x\"",
        "\"30s\"",
        "\"plain\"",
        "\"file\"",
        "\"ldif\"",
        "\"none\"",
        "\"ldap://[::1]\"",
        "\"DC=a\"",
    ];
    let leaf = prop_oneof![
        select(words.to_vec()).prop_map(str::to_owned),
        any::<i64>().prop_map(|n| n.to_string()),
        (-2..70_000_i64).prop_map(|n| n.to_string()),
        any::<bool>().prop_map(|b| b.to_string()),
        Just("1.5".to_owned()),
        Just("nan".to_owned()),
        Just("1979-05-27".to_owned()),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("[{}]", list.join(", "))),
            ("[a-z_]{1,6}", inner).prop_map(|(key, value)| format!("{{ {key} = {value} }}")),
        ]
    })
}

/// What can happen to a line.
#[derive(Clone, Debug)]
enum Change {
    /// Another value; another key below a header.
    Value(String),
    /// Commented out, or not any more.
    Toggle,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![value().prop_map(Change::Value), Just(Change::Toggle)]
}

#[test]
fn without_a_change_it_loads() {
    assert!(read(&joined(&shipped_lines()), &[]).unwrap().is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        read(&text, &[])?;
    }

    #[test]
    fn any_values_at_real_keys_are_read(
        changes in prop::collection::vec((any::<prop::sample::Index>(), change()), 0..6),
        variables in prop::collection::vec(("BUDKAVLE_(MAIL|GUARD|DIRECTORY|ROLES|API)(__[A-Z_]{1,8}){1,3}", any::<String>()), 0..3),
    ) {
        let mut lines = shipped_lines();
        for (at, change) in changes {
            let (line, commented) = at.get_mut(&mut lines);
            match (change, line.split_once(" = ")) {
                (Change::Value(value), Some((key, _))) => (*line, *commented) = (format!("{key} = {value}"), false),
                (Change::Value(value), None) => *line = format!("{line}\nadded = {value}"),
                (Change::Toggle, _) => *commented = !*commented,
            }
        }
        let findings = read(&joined(&lines), &variables)?;
        // Whatever the values are, and whatever goes with what: a key that exists isn't called unknown.
        let unknown: Vec<&str> =
            findings.iter().filter(|f| f.problem == "there is no such key").map(|f| f.key.as_str()).collect();
        for key in ["log.level", "mail.hello_name", "mail.allow_plain_text", "mail.folder", "mail.port", "directory.main.file",
            "directory.main.page_size", "directory.main.guard.users.count", "roles.local.title", "api.readers.everybody"]
        {
            prop_assert!(!unknown.contains(&key), "{}", key);
        }
    }

    #[test]
    fn a_position_is_within_its_text(text in "(.|\n){0,60}", cut in any::<prop::sample::Index>()) {
        let mut lines = joined(&shipped_lines());
        let at = lines.floor_char_boundary(cut.index(lines.len()));
        lines.insert_str(at, &text);
        if let Err(finding) = Document::parse(Path::new("x"), &lines)
            && let crate::config::Place::File(_, Some(position)) = &finding.place
        {
            prop_assert!(position.line <= lines.matches('\n').count() + 1);
            prop_assert!(position.column >= 1);
        }
        read(&lines, &[])?;
    }
}
