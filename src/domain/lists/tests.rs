use chrono::TimeDelta;
use chrono_tz::Europe::Stockholm;
use proptest::prelude::*;

use super::*;

const ACCOUNT: &str = "account-manager";

fn rules(roles: &[RoleName]) -> Rules<'_> {
    Rules { roles, zone: Stockholm }
}

fn both() -> Vec<RoleName> {
    vec![ACCOUNT.into(), "support".into()]
}

fn read(text: &str, format: Format) -> Result<Listing, Mistakes> {
    parse(text.as_bytes(), format, rules(&both()))
}

/// The mistakes of a list, one a line.
fn mistakes(text: impl AsRef<[u8]>, format: Format) -> String {
    match parse(text.as_ref(), format, rules(&both())) {
        Ok(listing) => format!("{} people", listing.people.len()),
        Err(Mistakes { first, more }) => {
            let mut lines: Vec<String> = first.iter().map(ToString::to_string).collect();
            lines.extend((more > 0).then(|| format!("{more} more")));
            lines.join("\n")
        }
    }
}

fn time(text: &str) -> Option<DateTime<Utc>> {
    Some(text.parse().unwrap())
}

const TOML: &str = r#"
issued = 2026-11-01
[[people]]
role = "account-manager"
name = "Åsa Öberg"
mail = "asa@vendor.example"
phone = "+46 8 123"
title = "Key account"
for = "licences and contracts"
note = "prefers mail"
from = 2026-07-01
until = "2026-12-31"
[[people]]
role = "support"
name = "Per"
mail = "per@kommun.example"
"#;

#[test]
fn the_three_ways_of_writing_say_the_same() {
    let json = r#"{"issued": "2026-11-01", "people": [
        {"role": "account-manager", "name": "Åsa Öberg", "mail": "asa@vendor.example", "phone": "+46 8 123", "title": "Key account",
         "for": "licences and contracts", "note": "prefers mail", "from": "2026-07-01", "until": "2026-12-31"},
        {"role": "support", "name": "Per", "mail": "per@kommun.example", "phone": null}]}"#;
    let csv = "Role,Name,Mail,Phone,Title,For,Note,From,Until\r\n\
        account-manager,Åsa Öberg,asa@vendor.example,+46 8 123,Key account,licences and contracts,prefers mail,2026-07-01,2026-12-31\r\n\
        support,Per,per@kommun.example\r\n";
    let listing = read(TOML, Format::Toml).unwrap();
    assert_eq!(read(json, Format::Json).unwrap(), listing);
    let plain = Listing { issued: None, ..listing.clone() };
    assert_eq!(read(csv, Format::Csv).unwrap(), plain);
    let excel = csv.replace(',', ";");
    assert_eq!(read(&format!("\u{feff}{excel}"), Format::Csv).unwrap(), plain);
    let windows = encoding_rs::WINDOWS_1252.encode(&excel).0;
    assert_eq!(parse(&windows, Format::Csv, rules(&both())).unwrap(), plain);
    assert_eq!(read(&csv.replace(',', "\t"), Format::Csv).unwrap(), plain);

    // Days are those of the zone; the last one counts as a whole.
    assert_eq!(listing.issued, time("2026-10-31T23:00:00Z"));
    assert_eq!(listing.people[0].from, time("2026-06-30T22:00:00Z"));
    assert_eq!(listing.people[0].until, time("2026-12-31T23:00:00Z"));
    assert_eq!(listing.people[0].about.as_deref(), Some("licences and contracts"));
    assert_eq!(listing.people[1].phone, None);
}

#[test]
fn a_list_of_one_role_need_not_name_it_and_a_list_of_nobody_says_so() {
    let one = [RoleName::from(ACCOUNT)];
    let listing = parse(b"name;mail\nPer;per@x.example", Format::Csv, rules(&one)).unwrap();
    assert_eq!(listing.people[0].role, one[0]);
    assert_eq!(read("people = []", Format::Toml), Ok(Listing::default()));
    assert_eq!(read("{\"people\": []}", Format::Json), Ok(Listing::default()));
    assert_eq!(read("name,mail,role\n", Format::Csv), Ok(Listing::default()));
}

#[test]
fn what_commands_a_terminal_or_turns_the_writing_is_taken_out() {
    let listing = read(
        r#"{"people":[{"role":"support","name":"Per \u202e\u001b[31mOlsson\r\nX","mail":"p@x.example"}]}"#,
        Format::Json,
    )
    .unwrap();
    assert_eq!(&*listing.people[0].name, "Per [31mOlsson  X");
    let listing =
        read("role,name,mail\nsupport,\"Per \u{202e}Olsson\r\nX\",p@x.example", Format::Csv).unwrap();
    assert_eq!(&*listing.people[0].name, "Per Olsson X");
}

#[test]
fn every_mistake_is_told_with_its_place() {
    insta::assert_snapshot!(
        mistakes(
            r#"
isued = 2026-11-01
[[people]]
role = "boss"
name = "Per"
mail = "per at kommun"
phone = "none"
from = "2026-07-01"
until = "2026-06-30"
[[people]]
  name = ""
  mail = 7
  role = "support"
  fon = "1"
  until = "tomorrow"
[[people]]
role = "support"
name = "A"
mail = "a@x.example"
[[people]]
role = "support"
name = "B"
mail = "A@x.example"
from = 2030-01-01
"#,
            Format::Toml
        ),
        @r#"
    line 2, column 9: there are only issued and [[people]] here
    line 4, column 8: this list may not give the role "boss", only account-manager, support
    line 6, column 8: mail: "per at kommun" is not a mail address: it has no @
    line 7, column 9: phone: "none" has no digit in it
    line 9, column 9: until is before from
    line 10, column 1: name is missing
    line 10, column 1: mail is missing: everybody has to be reachable
    line 12, column 10: mail must be a text, not a number; put it in quotes
    line 14, column 9: there is no "fon"; there are role, name, mail, phone, title, for, note, from, until
    line 15, column 11: until is no day: "tomorrow"; write 2026-07-15 or 2026-07-15T08:00:00+02:00
    line 20, column 1: A@x.example is on the list for support already
    "#
    );
    insta::assert_snapshot!(
        mistakes(
            "{\"people\": [\n {\"name\": \"Å\", \"mail\": \"å\", \"mail\": \"x@y.example\", \"role\": \"support\"},\n 3, {\"name\": \"\\ud800\"}],\n \"x\": 1, \"people\": {}}",
            Format::Json
        ),
        @r#"
    line 2, column 24: mail: "å" is not a mail address: it has no @
    line 2, column 37: mail is there twice
    line 3, column 2: must be an object: { "name": "…", "mail": "…" }
    line 3, column 5: role is missing
    line 3, column 5: name is missing
    line 3, column 5: mail is missing: everybody has to be reachable
    line 3, column 14: name must be a text, not one with half a character in it
    line 4, column 7: there are only issued and people here
    line 4, column 20: people is there twice
    "#
    );
    insta::assert_snapshot!(
        mistakes("role;name;mail;fon\nsupport;Per;per@x.example;1;2\n", Format::Csv),
        @r#"line 1, column 1: "fon" is no column here; did you mean for?"#
    );
    insta::assert_snapshot!(
        mistakes("role;name;mail\nsupport;Per;per@x.example;1;2\n\nsupport;\"A\nB\";a@x.example\n", Format::Csv),
        @r#"line 2, column 1: has 5 cells, more than the 3 columns, of which one is "1"; a separator in a text needs quotation marks around the text"#
    );
    insta::assert_snapshot!(
        mistakes("role;name;mail\nsupport;Per;per@\n\nsupport;\"A\nB\";a@x.example\nsupport;;\n", Format::Csv),
        @r#"
    line 2, column 3: mail: "per@" is not a mail address: what stands after the @ is no domain name
    line 6, column 1: name is missing
    line 6, column 1: mail is missing: everybody has to be reachable
    "#
    );
}

#[test]
fn what_is_no_list_at_all_is_refused_with_the_reason() {
    for (bytes, format, says) in [
        (&b"<html>Sign in</html>"[..], Format::Toml, "no TOML"),
        (b"<html>Sign in</html>", Format::Json, "line 1, column 1: this is no JSON: expected value"),
        (b"<html>Sign in</html>", Format::Csv, "the first line names the columns: role, name, mail"),
        (b"", Format::Toml, "people is missing"),
        (b"", Format::Json, "no JSON"),
        (b"", Format::Csv, "the file is empty; its first line names the columns"),
        (b"[]", Format::Json, "a list is an object"),
        (b"{\"people\": 1}", Format::Json, "must be a list"),
        (b"people = 1", Format::Toml, "[[people]]"),
        (b"people = [1]", Format::Toml, "must be a table"),
        (b"x = 1\n# \xff", Format::Toml, "line 2, column 3: this is no text in UTF-8"),
        (b"\x00\x01", Format::Json, "no JSON"),
    ] {
        let said = mistakes(bytes, format);
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn a_list_has_its_limits() {
    assert!(mistakes(vec![b' '; LARGEST + 1], Format::Toml).contains("a list may have 1048576"));
    let lines = |n: usize| -> String { (0..n).map(|n| format!("support,P,p{n}@x.example\n")).collect() };
    let head = "role,name,mail\n";
    assert_eq!(mistakes(format!("{head}{}", lines(MOST_PEOPLE)), Format::Csv), "2000 people");
    assert!(
        mistakes(format!("{head}{}", lines(MOST_PEOPLE + 500)), Format::Csv).contains("a list may have 2000")
    );
    let long = format!("{head}support,{},p@x.example", "x".repeat(121));
    assert_eq!(mistakes(long, Format::Csv), "line 2, column 2: name has more than 120 characters");
    let bad = mistakes(format!("{head}{}", "support,,\n".repeat(60)), Format::Csv);
    assert!(bad.ends_with("70 more"), "{bad}");
}

#[test]
fn a_new_list_is_judged_by_the_one_in_force() {
    let full = read(TOML, Format::Toml).unwrap();
    let in_force = full.issued.unwrap();
    let (may_give, all_but_support) = (both(), ["account-manager".into()]);
    let judged = |before: Option<&Listing>, found: &Listing| judge(before, found, &may_give, in_force);
    assert_eq!(judged(None, &Listing::default()), Verdict::Take);
    assert_eq!(judged(Some(&full), &full), Verdict::Same);
    let one = Listing { people: full.people[..1].to_vec(), ..full.clone() };
    assert_eq!(judged(Some(&full), &one), Verdict::Emptied { roles: vec!["support".into()] });
    // Of a role that it may no longer give, nobody is missing.
    assert_eq!(judge(Some(&full), &one, &all_but_support, in_force), Verdict::Take);
    let nobody = Listing { issued: full.issued, people: Vec::new() };
    assert_eq!(judged(Some(&full), &nobody), Verdict::Emptied { roles: both() });
    assert_eq!(judged(Some(&one), &full), Verdict::Take);
    let older = Listing { issued: time("2026-01-01T00:00:00Z"), ..one };
    let issued = older.issued.unwrap();
    assert_eq!(judged(Some(&full), &older), Verdict::Older { issued, in_force });
    assert_eq!(judged(Some(&older), &full), Verdict::Take);
    // One that says less could be an old one, too.
    let undated = Listing { issued: None, ..older.clone() };
    assert_eq!(judged(Some(&older), &undated), Verdict::Undated { in_force: issued });
    assert_eq!(judged(Some(&undated), &older), Verdict::Take);
    // One from the future would shut out all that come until then.
    let hours = |n| in_force + TimeDelta::hours(n);
    let ahead = |n| Listing { issued: Some(hours(n)), ..full.clone() };
    assert_eq!(judged(None, &ahead(25)), Verdict::Ahead { issued: hours(25) });
    assert_eq!(judged(Some(&full), &ahead(25)), Verdict::Ahead { issued: hours(25) });
    assert_eq!(judged(Some(&full), &ahead(23)), Verdict::Take);
}

#[test]
fn days_are_read_where_the_clocks_change() {
    let beirut = chrono_tz::Asia::Beirut;
    // 2022-03-27 began at 01:00 there.
    assert_eq!(date_or_time("2022-03-27", beirut, false).ok(), time("2022-03-26T22:00:00Z"));
    for nonsense in ["", "2026-13-01", "15.7.2026", "+262142-12-31", "10000-01-01", "1969-12-31"] {
        assert!(date_or_time(nonsense, Stockholm, true).is_err(), "{nonsense}");
    }
}

fn formats() -> impl Strategy<Value = Format> {
    prop_oneof![Just(Format::Toml), Just(Format::Json), Just(Format::Csv)]
}

/// Bytes that look like a list here and there.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"[[people]]\n".to_vec()),
        Just(b"people = [".to_vec()),
        Just(b"{\"people\": [{\"name\": \"".to_vec()),
        Just(b"role,name,mail\n".to_vec()),
        Just(b"support;a;a@x.example\n".to_vec()),
        Just(b"role = \"support\"\nname = \"a\"\n".to_vec()),
        Just(b"\"from\": \"2026-07-01\", ".to_vec()),
        Just(b"from = 2026-07-01\n".to_vec()),
        Just(b"\"}, {".to_vec()),
        Just(b"]}".to_vec()),
        Just("å\u{202e}\r".as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(
        bytes in prop_oneof![likely(), proptest::collection::vec(any::<u8>(), 0..200)],
        format in formats(),
    ) {
        match parse(&bytes, format, rules(&both())) {
            Ok(listing) => {
                for person in listing.people {
                    prop_assert!(!person.name.is_empty() && !person.name.chars().any(char::is_control));
                    prop_assert!(both().contains(&person.role));
                }
            }
            Err(mistakes) => {
                prop_assert!(!mistakes.first.is_empty());
                prop_assert!(mistakes.first.iter().all(|m| m.line > 0 && m.column > 0));
            }
        }
    }

    #[test]
    fn no_days_are_too_odd(text in "\\PC{0,30}", end in any::<bool>()) {
        let _ = date_or_time(&text, Stockholm, end);
    }
}
