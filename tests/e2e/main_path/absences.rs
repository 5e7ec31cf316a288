//! Absences as people keep them: spreadsheets in whatever they are saved as, and calendars as Exchange publishes them.

use std::fs;

use serde_json::Value;

use crate::servers::PATIENCE;
use crate::servers::ldif::Record;
use crate::servers::web::Web;
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
    let year = next_year(&site);
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

fn name_of(site: &Site, account: &str) -> String {
    site.budkavle.json(&["user", "show", account])["name"].as_str().unwrap().to_owned()
}

/// The next year, whenever the test runs.
fn next_year(site: &Site) -> u32 {
    site.get("/v1/status")["started"].as_str().unwrap()[..4].parse::<u32>().unwrap() + 1
}

#[test]
fn a_published_calendar_is_followed_over_https() {
    let site = Site::new(Organisation::kommun());
    let web = Web::start();
    let (one, two) = (&site.world.people[0].account, &site.world.people[1].account);
    let source = format!(
        "[[absence_source]]\nname = \"asa\"\naddress = \"{}\"\nca_file = \"{}\"\nuser = \"{one}\"\ndeputy = \"{two}\"\nschedule = \"0 3 1 1 *\"\n",
        web.at("/secret/calendar.ics"),
        web.ca_file().display()
    );
    site.configure(&|text| text.push_str(&source));
    let mut daemon = site.start();
    let fetch = |code| site.budkavle.run(&["absence", "sources", "--fetch", "asa"]).ended_with(code).stdout;
    // Before there is anything: told in the status, without the path.
    let failed = fetch(1);
    assert!(failed.contains("404") && !failed.contains("secret"), "{failed}");
    let status = site.budkavle.run(&["status"]).success().stdout;
    assert!(status.contains("the calendar asa isn't taken"), "{status}");

    let year = next_year(&site);
    let event = |from: &str, until: &str| {
        format!(
            "BEGIN:VEVENT\r\nUID:{from}\r\nSUMMARY:Semester\r\nDTSTART;VALUE=DATE:{year}{from}\r\nDTEND;VALUE=DATE:{year}{until}\r\nX-MICROSOFT-CDO-BUSYSTATUS:OOF\r\nEND:VEVENT\r\n"
        )
    };
    let calendar = |events: &str| format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n");
    let (summer, winter) = (event("0706", "0801"), event("1220", "1224"));
    web.says("/secret/calendar.ics", "\"1\"", &calendar(&(summer + &winter)));
    assert!(fetch(0).contains("2 absences: 2 new or changed, 0 gone"));
    assert!(fetch(0).contains("2 absences: 0 new or changed, 0 gone"));
    let list = site.get("/v1/absences");
    assert_eq!(list[0]["origin"]["source"], "asa", "{list}");
    assert_eq!(list[0]["deputy_name"], name_of(&site, two), "{list}");
    let number = list[0]["id"].to_string();
    let refused = site.budkavle.run(&["absence", "remove", &number]).ended_with(1).stderr;
    assert!(refused.contains("the calendar asa"), "{refused}");
    let from = format!("{year}-07-10");
    site.budkavle.run(&["absence", "add", one, "--from", &from, "--until", &from]).success();
    assert_eq!(absences(&site), 3);
    let exported = site.budkavle.run(&["absence", "export"]).success().stdout;
    assert_eq!(exported.lines().count(), 2, "only what is by hand: {exported}");

    // One is gone there; then everything is gone, which is a failure and takes nothing away.
    web.says("/secret/calendar.ics", "\"2\"", &calendar(&winter));
    assert!(fetch(0).contains("1 absences: 0 new or changed, 1 gone"));
    web.forgets("/secret/calendar.ics");
    fetch(1);
    assert_eq!(absences(&site), 2);
    let sources = site.budkavle.json(&["absence", "sources"]);
    assert_eq!(
        (&sources[0]["absences"], &sources[0]["location"]),
        (&1.into(), &"https://127.0.0.1/…".into())
    );
    assert!(
        sources[0]["good"].is_string() && sources[0]["trouble"].as_str().unwrap().contains("404"),
        "{sources}"
    );

    // Out of the configuration, out of force.
    site.configure(&|_| {});
    daemon.reload();
    daemon.wait_for_log("no longer in the configuration", PATIENCE);
    assert_eq!(absences(&site), 1);
}

#[test]
fn absences_and_roles_follow_attributes_of_the_directory() {
    let site = Site::new(Organisation::kommun());
    let configure = |values: &str| {
        let schedule = "schedule = \"0 3 1 1 *\"";
        let absence = format!("{schedule}\nattributes.absence = \"departmentNumber\"");
        let role = format!("[roles.superuser]\nattribute = \"employeeType\"\nvalues = [{values}]\n");
        site.configure(&|text| *text = text.replace(schedule, &absence) + &role);
    };
    configure("\"budkavle-superuser\"");
    let mut daemon = site.start();
    let (one, two) = (&site.world.people[0], &site.world.people[1]);
    let (dn, year) = (site.world.dn(one), next_year(&site));
    let superusers = || {
        let holders = site.get("/v1/contacts?role=superuser");
        let name = |h: &Value| format!("{} {}", h["holder"].as_str().unwrap(), h["origin"].as_str().unwrap());
        holders.as_array().unwrap().iter().map(name).collect::<Vec<_>>()
    };
    let (one_name, two_name) = (name_of(&site, &one.account), name_of(&site, &two.account));
    let by_attribute = format!("{one_name} employeeType=budkavle-superuser");
    // The numbers of the controller first, then its cookie.
    assert_eq!(site.budkavle.followed("dir_sync"), [""; 0]);

    let values = [
        format!("{year}-07-06..{year}-07-31 deputy={}", two.account),
        format!("{year}-12-20..{year}-12-23"),
        "summer".to_owned(),
    ];
    site.dc.change(&[Record::modify(&dn, "add", "departmentNumber", &values)]);
    site.dc.set(&dn, "employeeType", "Budkavle-Superuser");
    let dry = site.budkavle.run(&["sync", "--dry-run"]).success().stdout;
    assert!(dry.contains("away") && dry.contains("-07-31") && dry.contains("marks"), "{dry}");
    assert_eq!((absences(&site), superusers()), (0, Vec::new()));
    let changed = format!("user changed {one_name}");
    assert_eq!(site.budkavle.followed("dir_sync"), [changed.as_str()]);
    let list = site.get("/v1/absences");
    assert_eq!((list.as_array().unwrap().len(), superusers()), (2, vec![by_attribute.clone()]), "{list}");
    assert_eq!(
        (&list[0]["origin"]["directory"], &list[0]["deputy_name"]),
        (&"main".into(), &two_name.into())
    );
    let run = site.get("/v1/runs")[0]["id"].to_string();
    let shown = site.budkavle.run(&["sync", "show", &run]).success().stdout;
    assert!(shown.contains("\"summer\", which is no absence"), "{shown}");

    // Something else of the same user changes: what isn't told stays.
    site.dc.set(&dn, "telephoneNumber", "+46 8 999 000 11");
    assert_eq!(site.budkavle.followed("dir_sync"), [changed.as_str()]);
    assert_eq!((absences(&site), superusers()), (2, vec![by_attribute]));

    // One value goes, then the attributes.
    site.dc.change(&[Record::modify(&dn, "delete", "departmentNumber", [&values[1]])]);
    assert_eq!(site.budkavle.followed("dir_sync"), [changed.as_str()]);
    assert_eq!(absences(&site), 1);
    site.dc.clear(&dn, "departmentNumber");
    site.dc.clear(&dn, "employeeType");
    assert_eq!(site.budkavle.followed("dir_sync"), [changed.as_str()]);
    assert_eq!((absences(&site), superusers()), (0, Vec::new()));

    // Other values in the configuration: everything is read, once.
    site.dc.set(&dn, "employeeType", "other");
    assert_eq!(site.budkavle.followed("dir_sync"), [""; 0]);
    configure("\"budkavle-superuser\", \"other\"");
    daemon.reload();
    daemon.wait_for_log("reloaded", PATIENCE);
    let run = &site.sync(0)["run"];
    assert_eq!((&run["mode"], &run["mode_reason"]), (&"full".into(), &"scope_changed".into()), "{run}");
    assert_eq!(superusers(), [format!("{one_name} employeeType=other")]);
}

fn absences(site: &Site) -> usize {
    match site.get("/v1/absences") {
        Value::Array(list) => list.len(),
        other => panic!("{other}"),
    }
}
