//! Who answers for a report or a system, and everybody's roles out into a file and in again.

use std::fs;

use serde_json::Value;

use crate::site::{Site, escape};
use crate::world::Organisation;

#[test]
fn a_system_has_its_contact_then_those_of_its_unit_and_all_comes_back_from_a_file() {
    let site = Site::new(Organisation::generate(120, 24));
    let daemon = site.start();
    site.assign_contacts();
    let run = |words: &[&str]| site.budkavle.run(words).success().stdout;
    let refused = |words: &[&str], code: i32, says: &str| {
        let outcome = site.budkavle.run(words).ended_with(code);
        assert!(outcome.stderr.contains(says), "{words:?}: {}", outcome.stderr);
    };

    // Without anybody near, who answers for everything does; the orphans say so.
    let added = run(&["subject", "add", "Heroma", "--title", "Pay and staff", "--owner", "Ekonomi"]);
    assert!(added.contains("Åsa Öberg (global) answers"), "{added}");
    assert_eq!(site.get("/v1/contacts/orphans")["subjects"][0]["unanswered"][0], "report");
    run(&["subject", "add", "intranet"]);
    refused(&["subject", "add", "heroma"], 1, "already");
    refused(&["subject", "add", "a b"], 2, "can't be the name");
    refused(&["subject", "add", "x", "--owner", "Ekonomin"], 1, "did you mean");
    refused(&["contacts", "of", "--role", "report"], 2, "--subject");
    refused(&["contacts", "of", "--subject", "Herma"], 1, "did you mean Heroma?");
    refused(&["contacts", "assign", "report", "--user", "john.smith"], 2, "--subject");
    refused(
        &["contacts", "assign", "report", "--subject", "Herma", "--user", "john.smith"],
        1,
        "did you mean Heroma?",
    );

    run(&["contacts", "assign", "local", "--user", "anna.svensson", "--unit", "Ekonomi"]);
    run(&["contacts", "assign", "report", "--subject", "heroma", "--user", "john.smith"]);
    run(&[
        "contacts",
        "assign",
        "report",
        "--subject",
        "intranet",
        "--mail",
        "web@vendor.example",
        "--name",
        "Webb; \"å\"",
    ]);
    let answer =
        |subject: &str, at: &str| site.get(&format!("/v1/contacts/of?subject={subject}&role=report{at}"));
    assert_eq!(names(&answer("Heroma", "")), ["John Smith"]);
    run(&[
        "absence",
        "add",
        "john.smith",
        "--from",
        "2031-07-07",
        "--until",
        "2031-08-01",
        "--note",
        "fjäll",
    ]);
    let july = format!("&at={}", escape("2031-07-15T12:00:00Z"));
    let trail = answer("heroma", &july);
    assert_eq!(names(&trail), ["Anna Svensson"], "{trail}");
    assert_eq!(trail["trail"][0]["subject"], "Heroma");
    assert_eq!(trail["trail"][0]["skipped"][0]["reason"], "away");
    assert_eq!(
        (&trail["trail"][1]["role"], &trail["trail"][1]["unit_name"]),
        (&"local".into(), &"Ekonomi".into())
    );
    let why = run(&["contacts", "of", "--subject", "Heroma", "--at", "2031-07-15", "--why"]);
    assert!(
        why.contains("report of Heroma: nobody who counts") && why.contains("local at Ekonomi: 1 found"),
        "{why}"
    );
    let why = run(&["contacts", "of", "--subject", "intranet", "--why"]);
    assert!(why.contains("it belongs to no unit"), "{why}");
    let orphans = run(&["contacts", "orphans"]);
    assert!(orphans.contains("intranet") && orphans.contains("belongs to no unit"), "{orphans}");
    refused(&["subject", "remove", "Heroma"], 1, "John Smith (assignment");

    // The same on the days of a period, and if they were gone.
    let days = ["coverage", "--from", "2031-07-07", "--to", "2031-07-08", "--role", "report"];
    let covered = run(&days);
    assert!(covered.contains("only Anna Svensson (at Kommunen / Ekonomi)"), "{covered}");
    assert!(covered.contains("intranet") && covered.contains("The minimum is met everywhere."), "{covered}");
    let csv = run(&[&days[..], &["--format", "csv"]].concat());
    assert!(
        csv.contains("report,,,2031-07-07,2031-07-08,one,1,false,1,Anna Svensson,Kommunen / Ekonomi,,Heroma"),
        "{csv}"
    );
    let would = run(&["whatif", "--gone", "john.smith"]);
    assert!(would.contains("for Heroma one would turn to Anna Svensson instead of John Smith"), "{would}");
    let would = run(&["whatif", "--gone", "john.smith,anna.svensson"]);
    assert!(would.contains("for Heroma one would turn to nobody near instead of John Smith"), "{would}");

    // Everything out, in either way; taken again it changes nothing.
    let answers = || {
        let asked = [
            "/v1/contacts/of?user=john.smith",
            "/v1/contacts/of?role=global",
            "/v1/contacts/of?subject=intranet",
        ];
        let all = asked.map(|path| names(&site.get(path)));
        (all, names(&answer("Heroma", "")), names(&answer("Heroma", &july)))
    };
    let before = answers();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (csv, json, away, ics) =
        (file("contacts.csv"), file("contacts.json"), file("away.json"), file("away.ics"));
    fs::write(&csv, run(&["contacts", "export"])).unwrap();
    fs::write(&json, run(&["contacts", "export", "--format", "json"])).unwrap();
    fs::write(&away, run(&["absence", "export", "--format", "json"])).unwrap();
    fs::write(&ics, run(&["absence", "export", "--format", "ics"])).unwrap();
    for path in [&csv, &json] {
        let again = run(&["contacts", "import", path, "--replace"]);
        assert!(again.contains("0 added, 0 changed, 5 there already"), "{again}");
    }

    // One line is taken out, and another changed: the dry run says what would be, and nothing is.
    let text = fs::read_to_string(&csv).unwrap();
    let other: String = text.lines().filter(|l| !l.contains("soren")).map(|l| format!("{l}\r\n")).collect();
    let other = other.replace("john.smith,,,", "john.smith,,,112").replace(',', ";");
    let semicolons = file("other.csv");
    fs::write(&semicolons, format!("\u{feff}{other}")).unwrap();
    let dry = run(&["contacts", "import", &semicolons, "--replace", "--dry-run"]);
    assert!(dry.contains("0 added, 1 changed, 1 ended, 3 there already"), "{dry}");
    assert!(
        dry.contains("~ role report, user john.smith, subject Heroma: phone from nothing to 112"),
        "{dry}"
    );
    assert!(dry.contains("- role ad-sync, user soren.odegard"), "{dry}");
    assert_eq!(run(&["contacts", "export"]), text);

    // Every mistake is told with its line, and nothing of the file is taken.
    let wrong = file("wrong.csv");
    let lines = "role,user,subject\nglobal,nobody.at.all,\nglobal,Anna Svensson,\nlocal,disabled,\nreport,john.smith,Herma\nglobal,obrien,\n";
    fs::write(&wrong, lines).unwrap();
    let outcome = site.budkavle.run(&["contacts", "import", &wrong]).ended_with(2);
    for says in [
        "line 2, column user: there is no user",
        "line 3, column user: \"Anna Svensson\" fits 2 users",
        "line 5, column subject",
    ] {
        assert!(outcome.stderr.contains(says), "{says}: {}", outcome.stderr);
    }
    fs::write(&wrong, "role,user\nlocal,disabled\nglobal,obrien\n").unwrap();
    refused(&["contacts", "import", &wrong], 2, "line 2: disabled (Stängd Konto");
    fs::write(&wrong, "role,user\0\n").unwrap();
    refused(&["contacts", "import", &wrong], 2, "zero bytes");
    assert_eq!(run(&["contacts", "export"]), text);

    // All are revoked, the daemon is started again, and the file gives everybody back.
    for holding in site.get("/v1/contacts").as_array().unwrap() {
        if let Some(number) = holding["assignment"].as_u64() {
            run(&["contacts", "revoke", &number.to_string()]);
        }
    }
    let number = site.get("/v1/absences")[0]["id"].as_u64().unwrap();
    run(&["absence", "remove", &number.to_string()]);
    assert_ne!(answers(), before);
    drop(daemon);
    let _daemon = site.start();
    let taken = run(&["contacts", "import", &json]);
    assert!(taken.contains("5 added, 0 changed, 0 there already"), "{taken}");
    let taken = run(&["absence", "import", &away]);
    assert!(taken.contains("1 added"), "{taken}");
    assert_eq!(answers(), before);
    assert_eq!(run(&["contacts", "export"]).lines().count(), text.lines().count());
    let calendar = fs::read_to_string(&ics).unwrap();
    assert!(calendar.contains("SUMMARY:John Smith is away (fjäll)\r\nATTENDEE"), "{calendar}");
    let audit = run(&["--json", "audit"]);
    for action in ["subject added", "role assigned", "role revoked"] {
        assert!(audit.contains(action), "{action}");
    }
}

fn names(answer: &Value) -> Vec<String> {
    let contacts = answer["contacts"].as_array().unwrap();
    contacts.iter().map(|contact| contact["name"].as_str().unwrap().to_owned()).collect()
}
