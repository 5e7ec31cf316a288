use proptest::prelude::*;

use super::*;

const BASE: &str = "DC=example,DC=org";

struct Made(Entry);

impl Made {
    fn with(mut self, name: &str, value: impl AsRef<[u8]>) -> Made {
        self.0.add(name, [value.as_ref()]).unwrap();
        self
    }

    fn without(self, name: &str) -> Made {
        let mut left = Entry::new(self.0.dn.as_str());
        for attribute in self.0.attributes().filter(|a| a.base() != name) {
            left.add(attribute.name(), attribute.values()).unwrap();
        }
        Made(left)
    }
}

fn guid(number: u8) -> Guid {
    Guid([number; 16])
}

fn made(dn: &str, number: u8, classes: &[&str]) -> Made {
    let classes =
        classes.iter().fold(Made(Entry::new(format!("{dn},{BASE}"))), |e, c| e.with("objectClass", c));
    classes.with("objectGUID", guid(number).0)
}

fn user(dn: &str, number: u8) -> Made {
    made(dn, number, &["top", "person", "organizationalPerson", "user"])
        .with("sAMAccountName", format!("u{number}"))
        .with("userAccountControl", "512")
}

fn unit(dn: &str, number: u8) -> Made {
    made(dn, number, &["top", "organizationalUnit"])
}

fn group(dn: &str, number: u8) -> Made {
    made(dn, number, &["top", "group"]).with("sAMAccountName", format!("g{number}"))
}

fn decoded(entries: impl IntoIterator<Item = Made>) -> Objects {
    let entries: Vec<Entry> = entries.into_iter().map(|made| made.0).collect();
    decode(&entries, &Mapping::default(), &"main".into())
}

fn the_user(objects: &Objects) -> &User {
    assert_eq!(objects.directory.users.len(), 1, "{:?}", objects.quarantined);
    objects.directory.users.values().next().unwrap()
}

fn one(made: Made) -> User {
    let objects = decoded([made]);
    assert_eq!(objects.quarantined, []);
    the_user(&objects).clone()
}

fn reason_of(objects: &Objects) -> &str {
    assert_eq!(objects.quarantined.len(), 1);
    &objects.quarantined[0].reason
}

#[test]
fn a_user_is_taken_over_as_it_is() {
    let person = one(user(r"CN=Öberg\, Åsa,OU=Drift", 1)
        .with("userPrincipalName", "asa@example.org")
        .with("displayName", "  Åsa Öberg ")
        .with("mail", "asa.oberg@example.org")
        .with("telephoneNumber", "+46 8 1")
        .with("mobile", "+46 70 1")
        .with("title", "Chef")
        .with("preferredLanguage", "sv-SE")
        .with("userAccountControl", "512")
        .with("accountExpires", "133485408000000000"));
    let text = |text: &str| Some(Box::from(text));
    assert_eq!(
        person.fields(),
        UserFields {
            id: UserId(guid(1)),
            directory: "main".into(),
            unit: UnitId::ROOT,
            above: Guid::default(),
            rdn: "Öberg, Åsa".into(),
            account: "u1".into(),
            upn: text("asa@example.org"),
            name: "Åsa Öberg".into(),
            named: true,
            mail: text("asa.oberg@example.org"),
            phone: text("+46 8 1"),
            mobile: text("+46 70 1"),
            title: text("Chef"),
            manager: None,
            language: text("sv-SE"),
            enabled: true,
            expires: Some("2024-01-01T00:00:00Z".parse().unwrap()),
            unit_path: None,
            marks: None,
            away: None,
        }
    );
}

#[test]
fn the_name_falls_back_to_the_relative_name_and_then_the_account() {
    assert_eq!(one(user("CN=Anna", 1)).name(), "Anna");
    assert_eq!(one(user("CN=Anna", 1).with("displayName", " ")).name(), "Anna");
    assert_eq!(one(user(r"CN=\0A", 1)).name(), "u1");
}

#[test]
fn kinds_follow_the_object_classes() {
    let objects = decoded([
        user("CN=a", 1),
        made("CN=b", 2, &["top", "person", "INETORGPERSON"])
            .with("sAMAccountName", "b")
            .with("userAccountControl", "512"),
        made("CN=pc", 3, &["top", "person", "organizationalPerson", "user", "computer"])
            .with("sAMAccountName", "pc$"),
        unit("OU=c", 4),
        group("CN=d", 5),
        made("CN=e", 6, &["top", "container"]),
        made("CN=f", 7, &["top", "contact"]),
        user("CN=TRUSTED$", 8).without("userAccountControl").with("userAccountControl", "2080"),
    ]);
    let directory = &objects.directory;
    assert_eq!((directory.users.len(), directory.units.len(), directory.groups.len()), (2, 1, 1));
    assert_eq!(objects.quarantined, []);
}

#[test]
fn flags_and_times_of_an_account_are_understood() {
    assert!(one(user("CN=a", 1)).enabled);
    assert!(!one(user("CN=a", 1).without("userAccountControl").with("userAccountControl", "514")).enabled);
    for never in ["0", "9223372036854775807"] {
        assert_eq!(one(user("CN=a", 1).with("accountExpires", never)).expires, None);
    }
    for odd in ["-1", "soon", "99999999999999999999"] {
        let objects = decoded([user("CN=a", 1).with("accountExpires", odd)]);
        assert_eq!(the_user(&objects).expires, None);
        assert!(reason_of(&objects).contains("accountExpires"), "{objects:?}");
    }
    assert!(one(user("CN=a", 1).with("accountExpires", "9223372036854775806")).expires.is_some());
}

#[test]
fn text_loses_what_can_not_be_shown_and_what_is_too_long() {
    let person = one(user("CN=a", 1)
        .with("displayName", "An\u{202e}na\r\nBerg\u{0}\u{7f}")
        .with("title", "x".repeat(5000))
        .with("mobile", " \u{7} "));
    assert_eq!(person.name(), "Anna  Berg");
    assert_eq!(person.title().unwrap().len(), text::MAX_CHARS);
    assert_eq!(person.mobile(), None);
}

#[test]
fn a_damaged_value_costs_no_more_than_what_is_new_in_it() {
    let before = decoded([user("CN=a", 1).with("telephoneNumber", "12").with("mail", "old@example.org")]);
    let (mapping, name) = (Mapping::default(), "main".into());
    let large = vec![b'1'; 10 << 20];
    for (value, words) in [(&b"\xff\xfe"[..], "is not text in UTF-8"), (&large, "has 10485760 bytes")] {
        let damaged = user("CN=a", 1).with("telephoneNumber", value).with("mail", "a@example.org").0;
        let objects = decode([&damaged], &mapping, &name);
        assert_eq!((the_user(&objects).phone(), the_user(&objects).mail()), (None, Some("a@example.org")));
        assert!(reason_of(&objects).contains(words), "{:?}", objects.quarantined);
        let mut decoder = Decoder::new(&mapping, &name).with_known(&before.directory);
        decoder.push(&damaged);
        let objects = decoder.finish();
        assert_eq!(
            (the_user(&objects).phone(), the_user(&objects).mail()),
            (Some("12"), Some("a@example.org"))
        );
        assert!(reason_of(&objects).contains("was known of it before stays"), "{:?}", objects.quarantined);
    }
}

#[test]
fn who_is_in_use_stays_as_known_where_it_is_hidden() {
    let name = DirectoryName::from("main");
    let mapping = Mapping::default();
    let disabled = user("CN=a", 1)
        .without("userAccountControl")
        .with("userAccountControl", "514")
        .with("accountExpires", "133485408000000000");
    let before = decoded([disabled]);
    let hidden = || user("CN=a", 1).without("userAccountControl");
    let state = |objects: &Objects| (the_user(objects).enabled, the_user(objects).expires.is_some());
    assert_eq!(state(&before), (false, true));
    let mut decoder = Decoder::new(&mapping, &name).with_known(&before.directory);
    decoder.push(&hidden().0);
    let objects = decoder.finish();
    assert_eq!(state(&objects), (false, true), "hidden isn't enabled");
    assert!(reason_of(&objects).contains("userAccountControl can't be read"), "{:?}", objects.quarantined);
    let new = decoded([hidden()]);
    assert_eq!(state(&new), (true, false));
    let many = decoded((1..=3).map(|n| user(&format!("CN=a{n}"), n).without("userAccountControl")));
    assert!(reason_of(&many).contains("nor that of 2 others"), "{:?}", many.quarantined);
    assert!(reason_of(&new).contains("who is new counts as enabled"), "{:?}", new.quarantined);
}

#[test]
fn what_has_no_identity_is_set_aside_alone() {
    for (bad, words) in [
        (user("CN=a", 1).without("objectGUID"), "has no objectGUID"),
        (user("CN=a", 1).without("objectGUID").with("objectGUID", [1; 15]), "15 bytes instead of 16"),
        (user("CN=a", 1).without("objectGUID").with("objectGUID", [0; 16]), "all zeros"),
        (user("CN=a", 1).without("sAMAccountName"), "has no sAMAccountName"),
        (user("CN=a", 1).without("sAMAccountName").with("sAMAccountName", b"\xff"), "not text"),
        (
            user("CN=a", 1).without("sAMAccountName").with("sAMAccountName", " \0"),
            "nothing that can be shown",
        ),
        (user(r"CN=\zz", 1), "distinguished name can't be read"),
        (group("CN=a", 1).with("member;range=0-1", "CN=b"), "not whole: from number 1 on"),
        (unit(r"OU=\0A", 1), "nothing that can be shown"),
    ] {
        let objects = decoded([bad, user("CN=good", 9)]);
        assert!(reason_of(&objects).contains(words), "{:?}", objects.quarantined);
        assert_eq!(the_user(&objects).rdn(), "good");
    }
}

#[test]
fn of_two_with_one_identity_the_first_is_kept() {
    let objects = decoded([user("CN=a,OU=x", 1), user("CN=a,OU=y", 1), unit("OU=z", 1)]);
    assert_eq!(the_user(&objects).id, UserId(guid(1)));
    assert_eq!((objects.directory.units.len(), objects.quarantined.len()), (0, 2));
    assert!(objects.quarantined[0].dn.starts_with("CN=a,OU=y"));
}

#[test]
fn an_object_read_twice_under_one_name_counts_once() {
    let objects = decoded([user("CN=a,OU=x", 1), user("cn=A,ou=X", 1)]);
    assert_eq!(the_user(&objects).rdn(), "a");
    assert_eq!(objects.quarantined, []);
}

#[test]
fn one_bad_reading_does_not_hide_a_good_one() {
    let objects = decoded([user("CN=a", 1).without("sAMAccountName"), user("CN=b", 1)]);
    assert_eq!(the_user(&objects).rdn(), "b");
}

#[test]
fn the_unit_is_the_nearest_above_whatever_the_order_and_the_case() {
    let objects = decoded([
        user("CN=a,CN=Users,ou=inner,OU=Outer", 1),
        unit("OU=Inner,OU=OUTER", 2),
        user("CN=b,CN=Users", 3),
        unit("OU=Outer", 4),
        unit(r"OU=fake\,OU=Outer", 5),
        user(r"CN=c,OU=gone,OU=Outer", 6),
    ]);
    let unit_of = |number| objects.directory.users[&UserId(guid(number))].unit;
    let parent_of = |number| objects.directory.units[&UnitId(guid(number))].parent;
    assert_eq!((unit_of(1), unit_of(3), unit_of(6)), (UnitId(guid(2)), UnitId::ROOT, UnitId(guid(4))));
    assert_eq!((parent_of(2), parent_of(4), parent_of(5)), (UnitId(guid(4)), UnitId::ROOT, UnitId::ROOT));
}

#[test]
fn a_base_that_is_a_unit_counts_as_one() {
    let objects = decoded([user("CN=a,OU=Base", 1), unit("OU=Base", 2)]);
    assert_eq!(the_user(&objects).unit, UnitId(guid(2)));
}

#[test]
fn managers_and_members_are_those_that_were_read() {
    let dn = |name: &str| format!("{name},{BASE}");
    let objects = decoded([
        group("CN=g", 1)
            .with("member;range=1-*", dn("CN=h"))
            .with("member;range=0-0", dn("cn=b"))
            .with("member", dn("CN=B"))
            .with("member", dn("CN=stranger"))
            .with("member", dn("OU=u"))
            .with("member", "nonsense"),
        user("CN=a", 3).with("manager", dn("CN=B")),
        user("CN=b", 2).with("manager", dn("CN=h")),
        group("CN=h", 4).with("member", dn("CN=a")).with("member", dn("CN=b")),
        unit("OU=u", 5).with("managedBy", dn("CN=A")),
    ]);
    let directory = &objects.directory;
    assert_eq!(directory.users[&UserId(guid(3))].manager, Some(UserId(guid(2))));
    assert_eq!(directory.users[&UserId(guid(2))].manager, None);
    assert_eq!(directory.units[&UnitId(guid(5))].managed_by, Some(UserId(guid(3))));
    let of = |number| Group::clone(&directory.groups[&GroupId(guid(number))]);
    assert_eq!(*of(1).members, [guid(2), guid(4)]);
    assert_eq!(*of(4).members, [guid(2), guid(3)]);
    assert!(reason_of(&objects).contains("member is no distinguished name"));
}

#[test]
fn the_list_of_quarantined_objects_has_an_end() {
    let objects =
        decoded((0..MAX_QUARANTINED + 3).map(|n| user(&format!("CN={n}"), 1).without("objectGUID")));
    assert_eq!(objects.quarantined.len(), MAX_QUARANTINED + 1);
    assert!(objects.quarantined.last().unwrap().reason.starts_with("3 more"));
}

prop_compose! {
    fn any_entry()(
        dn in "((CN|OU|cn)=[ab,\\\\+#]{0,3},?){0,4}|.{0,12}",
        attributes in prop::collection::vec((0..20usize, prop::collection::vec(prop::collection::vec(any::<u8>(), 0..18), 0..3)), 0..8),
        class in prop::sample::select(vec!["user", "organizationalUnit", "group"]),
        number in 0..4u8,
        identified in any::<bool>(),
    ) -> Entry {
        let mapping = Mapping::default();
        let mut entry = Made(Entry::new(dn)).with("objectClass", class);
        if identified {
            entry = entry.with("objectGUID", [number; 16]).with("sAMAccountName", "x");
        }
        let names = mapping.attributes();
        for (which, values) in attributes {
            let name = names.get(which).copied().unwrap_or("member;range=0-1");
            entry.0.add(name, values.iter().map(Vec::as_slice)).unwrap();
        }
        entry.0
    }
}

proptest! {
    #[test]
    fn whatever_comes_the_tree_is_sound_and_references_lead_somewhere(entries in prop::collection::vec(any_entry(), 0..12)) {
        let Directory { users, units, groups, .. } = decode(&entries, &Mapping::default(), &"main".into()).directory;
        for unit in units.values() {
            let mut at = unit.parent;
            for _ in 0..=units.len() {
                let Some(above) = units.get(&at) else { break };
                at = above.parent;
            }
            prop_assert_eq!(at, UnitId::ROOT);
        }
        for user in users.values() {
            prop_assert!(user.unit == UnitId::ROOT || units.contains_key(&user.unit));
            prop_assert!(user.manager.is_none_or(|manager| users.contains_key(&manager)));
            prop_assert!(!user.name().is_empty() && !user.account().is_empty());
        }
        for group in groups.values() {
            let known = |id: &Guid| users.contains_key(&UserId(*id)) || groups.contains_key(&GroupId(*id));
            prop_assert!(group.members.iter().all(known) && group.members.is_sorted());
        }
    }

    #[test]
    fn the_order_of_entries_does_not_matter(order in Just((0..6usize).collect::<Vec<_>>()).prop_shuffle()) {
        let all = || vec![
            unit("OU=a", 1).0, unit("OU=b,OU=a", 2).0, user("CN=x,OU=b,OU=a", 3).0, user("CN=y,CN=c,OU=a", 4).0,
            group("CN=g", 5).with("member", format!("CN=x,OU=b,OU=a,{BASE}")).0, user("CN=z", 6).0,
        ];
        let shuffled: Vec<Entry> = order.iter().map(|n| all()[*n].clone()).collect();
        let (mapping, name) = (Mapping::default(), "main".into());
        prop_assert_eq!(decode(&shuffled, &mapping, &name), decode(&all(), &mapping, &name));
    }
}

#[test]
fn a_language_is_a_tag_and_of_a_list_the_first() {
    for (said, wanted) in [
        ("sv", Some("sv")),
        ("sv_SE", Some("sv-SE")),
        (" en-GB, sv;q=0.5", Some("en-GB")),
        ("zh-Hant-TW", Some("zh-Hant-TW")),
        ("*", None),
        ("Swedish (Sweden)", None),
        ("1053", None),
        ("s", None),
        ("sv-", None),
    ] {
        let objects = decoded([user("CN=a", 1).with("preferredLanguage", said)]);
        assert_eq!(
            (the_user(&objects).language(), objects.quarantined.len()),
            (wanted, usize::from(wanted.is_none())),
            "{said}"
        );
    }
}

#[test]
fn an_account_whose_end_is_no_time_counts_as_one_without_an_end_and_is_told() {
    for bad in ["-1", "-9223372036854775808", "never", "1.5", "9223372036854775808", "20241301000000Z", ""] {
        let objects = decoded([user("CN=a", 1).with("accountExpires", bad)]);
        assert_eq!(the_user(&objects).expires, None, "{bad}");
        assert!(reason_of(&objects).contains("accountExpires"), "{bad}");
    }
}
