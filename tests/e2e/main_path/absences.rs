//! Absences as people keep them: spreadsheets in whatever they are saved as, and calendars as Exchange publishes them.

use std::fs;

use serde_json::Value;

use crate::site::Site;
use crate::world::Organisation;

/// Semicolons and Windows-1252, as a spreadsheet of western Europe saves it.
fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[test]
fn a_spreadsheet_is_imported_once_and_as_a_whole() {
    let site = Site::new(Organisation::kommun());
    let _daemon = site.start();
    let people = &site.world.people;
    let (one, two, three) = (&people[0].account, &people[1].account, &people[2].account);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leave.csv");
    let path = file.to_str().unwrap();
    let table = format!(
        "User;From;Until;Deputy;Note\r\n{one};2031-07-07;2031-08-01;{two};Fjällen\r\n{three};2031-07-07 13:00;2031-07-07;;\r\n"
    );

    // One mistake, and nothing of it is taken.
    fs::write(
        &file,
        latin(&format!("{table}nobody.at.all;2031-07-07;2031-07-08;;\r\n{two};2031-07-09;7 juli;;\r\n")),
    )
    .unwrap();
    let refused = site.budkavle.run(&["absence", "import", path]).ended_with(2);
    for said in ["line 4", "nobody.at.all", "line 5, column until: \"7 juli\""] {
        assert!(refused.stderr.contains(said), "{said} isn't in {}", refused.stderr);
    }
    assert_eq!(absences(&site), 0);

    fs::write(&file, latin(&table)).unwrap();
    let dry = site.budkavle.run(&["absence", "import", path, "--dry-run"]).success();
    assert!(dry.stdout.contains("2 added"), "{}", dry.stdout);
    assert_eq!(absences(&site), 0);
    site.budkavle.run(&["absence", "import", path]).success();
    let again = site.budkavle.run(&["absence", "import", path]).success();
    assert!(again.stdout.contains("0 added, 0 changed, 2 there already"), "{}", again.stdout);
    assert_eq!(absences(&site), 2);

    // What is exported can be imported: nothing is new in it.
    let exported = site.budkavle.run(&["absence", "export"]).success().stdout;
    assert!(exported.contains("2031-07-07,2031-08-01") && exported.contains("Fjällen"), "{exported}");
    fs::write(&file, &exported).unwrap();
    let again = site.budkavle.run(&["absence", "import", path]).success();
    assert!(again.stdout.contains("0 added, 0 changed, 2 there already"), "{}", again.stdout);

    // A deputy who is away, too, is told of; a change keeps the number.
    let words = ["absence", "add", two, "--from", "2031-07-20", "--until", "2031-07-21", "--deputy", one];
    let warned = site.budkavle.run(&words).success();
    assert!(warned.stdout.contains("is away, too"), "{}", warned.stdout);
    let number =
        site.get("/v1/absences").as_array().unwrap().iter().map(|a| a["id"].as_u64().unwrap()).max().unwrap();
    let number = number.to_string();
    let changed =
        site.budkavle.run(&["absence", "change", &number, "--until", "2031-07-25", "--deputy", ""]).success();
    assert!(
        changed.stdout.contains("nobody stands in") && changed.stdout.contains(&number),
        "{}",
        changed.stdout
    );
    let backwards = site.budkavle.run(&["absence", "change", &number, "--until", "2031-07-01"]).ended_with(2);
    assert!(backwards.stderr.contains("before it starts"), "{}", backwards.stderr);
    let audit = site.budkavle.run(&["--json", "audit"]).success().stdout;
    assert!(audit.contains("absence changed"), "{audit}");
}

#[test]
fn a_calendar_of_exchange_is_imported() {
    let site = Site::new(Organisation::kommun());
    let _daemon = site.start();
    let person = &site.world.people[0].account;
    let calendar = concat!(
        "BEGIN:VCALENDAR\r\nMETHOD:PUBLISH\r\nPRODID:Microsoft Exchange Server 2010\r\nVERSION:2.0\r\n",
        "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Semester\\, änt\r\n ligen\r\n",
        "DTSTART;TZID=W. Europe Standard Time:YEAR0706T080000\r\nDTEND;TZID=W. Europe Standard Time:YEAR0710T160000\r\n",
        "X-MICROSOFT-CDO-BUSYSTATUS:OOF\r\nEND:VEVENT\r\n",
        "BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:Meeting\r\nDTSTART:YEAR0801T080000Z\r\nDTEND:YEAR0801T090000Z\r\n",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    // Next summer, whenever the test runs.
    let year = site.get("/v1/status")["started"].as_str().unwrap()[..4].parse::<u32>().unwrap() + 1;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("calendar.ics");
    fs::write(&file, calendar.replace("YEAR", &year.to_string())).unwrap();
    let path = file.to_str().unwrap();
    let nobody = site.budkavle.run(&["absence", "import", path]).ended_with(2);
    assert!(nobody.stderr.contains("--user"), "{}", nobody.stderr);
    for said in ["1 added, 0 changed, 0 there", "0 added, 0 changed, 1 there"] {
        let done = site.budkavle.run(&["absence", "import", path, "--user", person]).success();
        assert!(done.stdout.contains(said), "{}", done.stdout);
    }
    let answer = site.get("/v1/absences");
    assert_eq!(answer[0]["note"], "Semester, äntligen", "{answer}");
    assert_eq!(answer[0]["from"], format!("{year}-07-06T06:00:00Z"), "{answer}");
}

fn absences(site: &Site) -> usize {
    match site.get("/v1/absences") {
        Value::Array(list) => list.len(),
        other => panic!("{other}"),
    }
}
