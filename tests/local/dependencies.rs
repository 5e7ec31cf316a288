//! Every direct dependency has its line in `docs/dependencies.md`, and every line its dependency.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn each_dependency_is_explained() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest: toml_edit::DocumentMut =
        fs::read_to_string(root.join("Cargo.toml")).unwrap().parse().unwrap();
    let named: BTreeSet<String> = ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|table| manifest.get(table)?.as_table())
        .flat_map(|table| table.iter().map(|(name, _)| name.to_owned()))
        .collect();
    assert!(named.contains("tokio"));

    let text = fs::read_to_string(root.join("docs/dependencies.md")).unwrap();
    let mut explained = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, what_for, why, licence] = *cells else { panic!("not four columns: {line}") };
        if !matches!(name, "crate" | "---") {
            assert!(!what_for.is_empty() && !why.is_empty() && !licence.is_empty(), "an empty cell: {line}");
            assert!(explained.insert(name.to_owned()), "explained twice: {name}");
        }
    }
    assert_eq!(named, explained, "Cargo.toml (left) and docs/dependencies.md (right) differ");
}
