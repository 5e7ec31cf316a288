//! `tests/config/*.toml`: a configuration for each kind of mistake, with the report on it beside it.
//!
//! The first lines of a fixture can set variables for it: `#! NAME=value`.

use super::*;

#[test]
fn each_mistake_has_its_report() {
    let folder = root().join("tests/config");
    let mut fixtures = Vec::new();
    let mut reports = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        match path.extension().and_then(|e| e.to_str()) {
            Some("toml") => fixtures.push(name),
            Some("snap") => reports.push(name),
            // What insta writes when a report has changed.
            Some("new") => {}
            other => panic!("{path:?} is neither a fixture nor a report ({other:?})"),
        }
    }
    fixtures.sort();
    reports.sort();
    assert!(!fixtures.is_empty());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
        .bind(|| fixtures.iter().for_each(|name| insta::assert_snapshot!(name.as_str(), report_of(name))));
    assert_eq!(fixtures, reports, "a report without a fixture, or the other way round");
}

fn report_of(name: &str) -> String {
    // Relative, so that the reports are the same on every machine: tests run in the folder of the crate.
    let path = PathBuf::from(format!("tests/config/{name}.toml"));
    let text = std::fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&text);
    let variables = text.lines().map_while(|line| line.strip_prefix("#! ")?.split_once('='));
    let environment = environment(&variables.collect::<Vec<_>>());
    match load(&path, &environment) {
        Ok((_, warnings)) if warnings.is_empty() => "nothing to say".to_owned(),
        Ok((_, warnings)) => warnings.render(Look::Plain),
        Err(findings) => findings.render(Look::Plain),
    }
}

#[test]
fn the_report_is_drawn_on_a_terminal_and_listed_for_programs() {
    let folder = Folder::with(&[("budkavle.toml", &LEAST.replace("host =", "hots ="))]);
    let findings = folder.load(&[]).unwrap_err();
    let anonymous = |text: String| text.replace(&format!("{}/", folder.0.path().display()), "");
    insta::assert_snapshot!(anonymous(findings.render(Look::Drawn)));
    assert!(findings.render(Look::Coloured).contains("\u{1b}["));
    assert!(!findings.render(Look::Drawn).contains('\u{1b}'));
    insta::assert_snapshot!(anonymous(format!("{:#}", findings.to_json())));
    assert_eq!(Look::suited(false, false), Look::Plain);
    assert_eq!(Look::suited(true, true), Look::Drawn);
    assert_eq!(Look::suited(true, false), Look::Coloured);
}
