use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::domain::directory::Unit;
use crate::domain::ids::AssignmentId;
use crate::domain::roles::{GLOBAL, LOCAL, REPORT, check_place};
use crate::domain::subject::Subject;
use crate::domain::table::Format;
use crate::domain::table::LineErrors;
use crate::domain::testing::{World, directory_of, hour, unit, unit_id, user, world};

/// What can be given by hand, as it would be kept.
fn can_be(world: &mut World, phones: &[Option<&str>]) {
    let roles = world.roles.clone();
    world.assignments.retain(|_, a| {
        let role = roles.iter().find(|role| role.name == a.role);
        let of_service = role.is_some_and(Role::is_narrowed) && matches!(a.place, Place::Subject(_));
        !of_service && role.is_some_and(|role| check_place(role, &a.holder, &a.place).is_ok())
    });
    for (a, phone) in world.assignments.values_mut().zip(phones.iter().cycle()) {
        a.phone = phone.and_then(super::phone);
        if a.holder.user().is_none() {
            a.mail = None;
        }
    }
}

fn bytes(organisation: &Organisation, zone: Tz, format: Format) -> Vec<u8> {
    let mut namer = Namer::new(organisation, zone);
    let lines: Vec<Line> = organisation.assignments.values().map(|a| namer.line(a)).collect();
    written(&lines, format)
}

fn read(
    organisation: &Organisation,
    bytes: &[u8],
    zone: Tz,
    format: Format,
) -> Result<Vec<Assignment>, LineErrors> {
    let rows = format.read(bytes, &COLUMNS)?;
    Ok(wanted(organisation, &rows, zone)?.into_iter().map(|wanted| wanted.assignment).collect())
}

fn unnumbered<'a>(all: impl IntoIterator<Item = &'a Assignment>) -> Vec<Assignment> {
    all.into_iter().map(|a| Assignment { id: AssignmentId(0), ..a.clone() }).collect()
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        world in world(),
        zone in select(&[Tz::UTC, Tz::Europe__Stockholm, Tz::America__Havana, Tz::Asia__Kathmandu]),
        format in select(&[Format::Csv, Format::Json]),
        phones in prop::collection::vec(prop::option::of(select(&["+46 8 12", "=1+1", " a;b,\"c\"\n\td ", "\u{202e}x"])), 1..4),
    ) {
        let mut world = world;
        can_be(&mut world, &phones);
        let organisation = world.organisation();
        let text = bytes(&organisation, zone, format);
        let found = read(&organisation, &text, zone, format);
        prop_assert_eq!(found, Ok(unnumbered(world.assignments.values())), "{}", String::from_utf8_lossy(&text));

        // Where there are no assignments, all of it is known but for who and what is gone.
        let known = |a: &Assignment| {
            let unit = if let Place::Unit(id) = a.place { organisation.tree.index(id).is_some() } else { true };
            let subject = if let Place::Subject(name) = &a.place { world.subjects.contains_key(name) } else { true };
            unit && subject && a.holder.user().is_none_or(|id| organisation.user(id).is_some())
        };
        let (there, gone): (Vec<&Assignment>, Vec<_>) = world.assignments.values().partition(|a| known(a));
        let bare = World { assignments: Default::default(), ..world.clone() }.organisation();
        if gone.is_empty() {
            prop_assert_eq!(read(&bare, &text, zone, format), Ok(unnumbered(there)));
        } else {
            let errors = read(&bare, &text, zone, format).unwrap_err();
            prop_assert_eq!(errors.errors.len(), gone.len());
        }
    }

    #[test]
    fn whatever_comes_it_is_read_or_refused(bytes: Vec<u8>, text in "\\PC*") {
        let organisation = World::new(directory_of([user(1, 0)], [], [])).organisation();
        let json = serde_json::json!([{ "role": text, "user": "u1" }, { "role": LOCAL, "unit": text, "from": text }]).to_string();
        let csv = format!("role,user,rank,until\n{text}\n");
        for (bytes, format) in [(&*bytes, Format::Csv), (&*bytes, Format::Json), (json.as_bytes(), Format::Json), (csv.as_bytes(), Format::Csv)] {
            let _ = read(&organisation, bytes, Tz::UTC, format);
        }
    }
}

fn office() -> World {
    let units = [unit(1, 0), unit(2, 1), unit(3, 1)];
    let mut world = World::new(directory_of([user(1, 1), user(2, 2)], units, []));
    let subject = Subject::new("Heroma", None, Some(unit_id(1))).unwrap();
    world.subjects.insert(subject.name.clone(), subject);
    world
}

#[test]
fn what_is_wrong_is_said_of_each_line_whichever_way_it_is_written() {
    let organisation = office().organisation();
    let csv = "role,user,name,mail,unit,subject,rank,until,any_unit\n\
        locale,u1,,,,,,,\n\
        local,nobody,,,,,,,\n\
        local,User 1,,,Unit 7,,,,\n\
        global,,Desk,,,,,,\n\
        global,u1,Desk,,,,,,\n\
        global,,Desk,no address,,,,,\n\
        report,u1,,,,Herome,,,\n\
        report,u1,,,Unit 1,heroma,,,\n\
        local,u1,,,,,-1,,\n\
        local,u1,,,,,,juli,\n\
        local,u1,,,,,,,maybe\n\
        ,u1,,,,,,,\n";
    let said = read(&organisation, csv.as_bytes(), Tz::UTC, Format::Csv).unwrap_err();
    insta::assert_snapshot!(said, @r#"
    line 2, column role: "locale" is no role; there are: local, global, outage, ad-sync, account-manager, support, login, report, system-owner, superuser, password-helper, remote-access, message-reader, helper
    line 3, column user: there is no user "nobody"; give the account, the user principal name, the mail address or the GUID
    line 4, column unit: there is no unit "Unit 7"; did you mean Unit 1, or Unit 1 / Unit 2, or Unit 1 / Unit 3?
    line 5: say who: a user, or the mail address and name of somebody outside
    line 6: name is for somebody outside; a user has one already
    line 7, column mail: "no address" is not a mail address: it has no @
    line 8, column subject: there is no subject "Herome"; did you mean Heroma?
    line 9: name a unit, a directory or a subject, not several
    line 10, column rank: "-1" is no number from 0 to 65535
    line 11, column until: "juli" is no time; write 2026-07-15, 2026-07-15 08:00 or 2026-07-15T08:00:00+02:00
    line 12, column any_unit: "maybe" is neither yes nor no
    line 13, column role: is empty; every line needs it
    "#);
    let json = r#"[{"role": "global", "user": "u1"},
        {"role": "global", "usr": "u1"},
        {"role": "global", "user": ["u1"]},
        {"role": "global", "user": "u1", "USER": "u2"},
        7]"#;
    let said = read(&organisation, json.as_bytes(), Tz::UTC, Format::Json).unwrap_err();
    insta::assert_snapshot!(said, @r#"
    line 2: "usr" is no column here; did you mean user?
    line 3, column user: must be a text, not a list or an object
    line 4: "USER" stands there twice
    line 5: "7" must be an object with these keys: role, user, name, mail, phone, unit, directory, subject, rank, from, until, any_unit
    "#);
    let json = b"[\n{\"role\": \"global\",\n \"user\": \"u1\", \"rank\": 70000, \"phone\": null}\n]";
    let said = read(&organisation, json, Tz::UTC, Format::Json).unwrap_err();
    insta::assert_snapshot!(said, @r#"line 2, column rank: "70000" is no number from 0 to 65535"#);
    let said = read(&organisation, b"\n{\"role\": 1}", Tz::UTC, Format::Json).unwrap_err();
    assert!(said.to_string().starts_with("line 2: this is no list in JSON: "), "{said}");
}

#[test]
fn people_and_units_are_named_as_they_are_called_where_that_is_clear() {
    let mut world = office();
    world.assign(LOCAL, 2, Place::Unit(unit_id(2))).until = Some(hour(24));
    world.assign(GLOBAL, 9, Place::Organisation).rank = 5;
    world.assign(REPORT, 1, Place::Subject("Heroma".into())).phone = Some("12".into());
    world.assign(LOCAL, 1, Place::OwnUnit).from = Some(hour(8));
    let organisation = world.organisation();
    let text = String::from_utf8(bytes(&organisation, Tz::UTC, Format::Csv)).unwrap();
    insta::assert_snapshot!(text, @r#"
    role,user,name,mail,phone,unit,directory,subject,rank,from,until,any_unit
    local,u2,,,,Unit 1 / Unit 2,,,100,,2026-07-06,
    global,01010101-0101-0901-0101-010101010101,,,,,,,5,,,
    report,u1,,,12,,,Heroma,100,,,
    local,u1,,,,,,,100,2026-07-06T08:00:00+00:00,,
    "#);
    let mut twins = world.clone();
    let twin = Unit { id: unit_id(4), ..unit(2, 1) };
    twins.directory.units.insert(twin.id, twin.into());
    let organisation = twins.organisation();
    let text = String::from_utf8(bytes(&organisation, Tz::UTC, Format::Csv)).unwrap();
    assert!(text.contains(&unit_id(2).to_string()), "{text}");
    assert_eq!(
        read(&organisation, text.as_bytes(), Tz::UTC, Format::Csv),
        Ok(unnumbered(twins.assignments.values()))
    );
}
