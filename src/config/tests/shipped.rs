//! `config/budkavle.toml`: it works, names every key, and tells the truth about defaults.

use std::collections::BTreeSet;

use super::*;
use crate::config::layers::Layers;
use crate::config::resolve;

/// The shipped file, made to work in a folder with the files that it names.
fn shipped() -> (Folder, String) {
    let text = std::fs::read_to_string(root().join("config/budkavle.toml")).unwrap();
    let ca = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let folder = Folder::with(&[("bind-password", "geheim\n"), ("ca.pem", ca)]);
    std::fs::set_permissions(
        folder.path("bind-password"),
        std::os::unix::fs::PermissionsExt::from_mode(0o640),
    )
    .unwrap();
    let text = text.replace("/etc/budkavle/", &format!("{}/", folder.0.path().display()));
    (folder, text)
}

fn read(text: &str) -> (Result<(Config, Findings), Findings>, BTreeSet<String>) {
    let environment = environment(&[]);
    let file = Path::new("budkavle.toml");
    resolve(&Layers::merge(file, &[(file.into(), text.to_owned())], Vec::new(), &environment), &environment)
}

/// Whether a line is a setting that is commented out.
fn is_commented(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| !rest.is_empty() && !rest.starts_with([' ', '#']))
}

#[test]
fn it_works_without_a_warning() {
    let (_folder, text) = shipped();
    let (outcome, _) = read(&text);
    let (config, warnings) = outcome.unwrap();
    assert_eq!(warnings.render(Look::Plain), "");
    assert_eq!(config.directories.len(), 1);
}

#[test]
fn every_key_that_it_names_exists_and_every_key_is_named() {
    let (_folder, text) = shipped();
    let (_, known) = read(&text);
    let all: String = text
        .lines()
        .map(|line| format!("{}\n", if is_commented(line) { &line[1..] } else { line }))
        .collect();
    let document = crate::config::document::Document::parse(Path::new("budkavle.toml"), &all).unwrap();
    let mut named = BTreeSet::new();
    collect(&document.values, "", &mut named);
    assert_eq!(named.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "named, but no key");
    assert_eq!(known.difference(&named).collect::<Vec<_>>(), Vec::<&String>::new(), "a key, but not named");
}

#[test]
fn the_keys_are_the_same_whatever_goes_with_what() {
    let (_folder, text) = shipped();
    let (_, known) = read(&text);
    for (from, to) in [
        ("source = \"ldap\"", "source = \"ldif\""),
        ("source = \"ldap\"", "source = \"other\""),
        ("#transport = \"smtp\"", "transport = \"file\""),
        ("#transport = \"smtp\"", "transport = \"graph\""),
        ("#transport = \"smtp\"", "transport = \"other\""),
    ] {
        assert!(text.contains(from));
        let (outcome, others) = read(&text.replace(from, to));
        assert!(outcome.is_err());
        assert_eq!(known, others, "{to}");
    }
}

fn collect(table: &figment::value::Dict, above: &str, keys: &mut BTreeSet<String>) {
    for (name, value) in table {
        let name = if crate::config::reader::NAMED.contains(&above) { "*" } else { name };
        let key = crate::config::reader::join(above, name);
        keys.insert(key.clone());
        if let Some(table) = value.as_dict() {
            collect(table, &key, keys);
        }
    }
}

#[test]
fn what_is_commented_out_is_the_default() {
    let (_folder, text) = shipped();
    let values = |text: &str| {
        let (config, _) = read(text).0.unwrap_or_else(|findings| panic!("{findings}"));
        config.summary().iter().map(|s| (s.key.clone(), s.value.to_string())).collect::<Vec<_>>()
    };
    let base = values(&text);
    let lines: Vec<&str> = text.lines().collect();
    let mut tried = 0;
    for (n, line) in lines.iter().enumerate().filter(|(_, line)| is_commented(line)) {
        // The second directory, which isn't there.
        let above = lines[..n].iter().rev().take_while(|line| is_commented(line));
        if line.ends_with("# instead")
            || line.starts_with("#[[")
            || above.clone().any(|line| line.starts_with("#[["))
        {
            continue;
        }
        let mut lines = lines.clone();
        lines[n] = &line[1..];
        let changed = values(&lines.join("\n"));
        assert_eq!(changed == base, !line.ends_with("# for example"), "{line}");
        tried += 1;
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn the_examples_work() {
    let mut examples = Vec::new();
    for entry in std::fs::read_dir(root().join("config/examples")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let secrets = ["bind-password", "database-password"];
        let folder =
            Folder::with(&[(name.as_str(), &text), (secrets[0], "geheim\n"), (secrets[1], "geheim\n")]);
        for secret in secrets {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
            std::fs::set_permissions(folder.path(secret), mode).unwrap();
        }
        let (config, warnings) =
            load(&folder.path(&name), &environment(&[])).unwrap_or_else(|findings| panic!("{findings}"));
        assert!(config.store.folder.starts_with(folder.0.path()));
        let warned: Vec<_> = warnings.iter().map(|w| w.key.clone()).collect();
        examples.push((name, warned));
    }
    examples.sort_unstable();
    let warned = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        examples,
        [
            ("389ds.toml".to_owned(), warned(&["mail.transport"])),
            ("cluster.toml".to_owned(), warned(&[])),
            ("openldap.toml".to_owned(), warned(&["mail.transport"])),
            ("try-it.toml".to_owned(), warned(&["directory.main.file", "mail.transport"])),
        ]
    );
}
