use super::*;
use crate::domain::directory::{Quarantined, UserFields};
use crate::domain::testing::{
    DIRECTORIES, directory, directory_of, group, reading_of, unit, unit_id, user, user_id,
};
use proptest::prelude::*;

fn main_name() -> DirectoryName {
    DIRECTORIES[0].into()
}

/// What was held, of several directories, and what was read of the first.
fn held_and_read() -> impl Strategy<Value = (Directory, Directory)> {
    directory().prop_flat_map(|old| (Just(old.clone()), reading_of(old)))
}

/// The wanted objects that were not in the reading.
fn rest<K: Ord + Copy, V>(
    all: &Map<K, Arc<V>>,
    read: &Map<K, Arc<V>>,
    wanted: impl Fn(&V) -> bool,
) -> Vec<(K, Arc<V>)> {
    all.iter()
        .filter(|(id, v)| wanted(v) && !read.contains_key(id))
        .map(|(id, v)| (*id, Arc::clone(v)))
        .collect()
}

fn no_name(_: Guid) -> Option<Box<str>> {
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn applying_the_difference_gives_what_was_read((old, read) in held_and_read()) {
        let new = apply(&old, &diff(&old, &main_name(), &read.clone().into()));
        prop_assert_eq!(&new.part(&main_name()), &read);
        // Everything else is what the other directories gave and this one didn't take over.
        let others = |name: &DirectoryName| *name != main_name();
        prop_assert_eq!(rest(&new.users, &read.users, |_| true), rest(&old.users, &read.users, |u| others(&u.directory)));
        prop_assert_eq!(rest(&new.units, &read.units, |_| true), rest(&old.units, &read.units, |u| others(&u.directory)));
        prop_assert_eq!(rest(&new.groups, &read.groups, |_| true), rest(&old.groups, &read.groups, |g| others(&g.directory)));
        // It has come to rest: the same reading changes nothing more.
        prop_assert!(diff(&new, &main_name(), &read.into()).is_empty());
    }

    #[test]
    fn the_changes_alone_make_the_same_difference((old, read) in held_and_read()) {
        let whole = diff(&old, &main_name(), &read.into());
        let mut update = Update::default();
        update.written.users.extend(whole.users.written().map(|u| (u.id, Arc::clone(u))));
        update.written.units.extend(whole.units.written().map(|u| (u.id, Arc::clone(u))));
        update.written.groups.extend(whole.groups.written().map(|g| (g.id, Arc::clone(g))));
        update.removed.extend(whole.users.removed.iter().map(|u| u.id.0));
        update.removed.extend(whole.units.removed.iter().map(|u| u.id.0));
        update.removed.extend(whole.groups.removed.iter().map(|g| g.id.0));
        prop_assert_eq!(diff(&old, &main_name(), &Found::Changes(update.clone())), whole);
        // What is told again, though it is as it was, and what goes though nobody knew it, change nothing.
        update.removed.insert(Guid([0xee; 16]));
        let new = apply(&old, &diff(&old, &main_name(), &Found::Changes(update.clone())));
        prop_assert!(diff(&new, &main_name(), &Found::Changes(update)).is_empty());
    }

    #[test]
    fn nothing_differs_from_itself(old in directory()) {
        let delta = diff(&old, &main_name(), &old.part(&main_name()).into());
        prop_assert!(delta.is_empty());
        prop_assert_eq!(delta.len(), 0);
        let same = apply(&old, &delta);
        prop_assert!(same.users.values().zip(old.users.values()).all(|(a, b)| Arc::ptr_eq(a, b)), "shared, not copied");
    }

    #[test]
    fn the_lines_say_what_the_delta_does((old, read) in held_and_read()) {
        let delta = diff(&old, &main_name(), &read.into());
        let lines = describe(&delta, |id| old.units.get(&UnitId(id)).map(|u| u.name.clone()));
        prop_assert_eq!(lines.len(), delta.len());
        let count = |kind, what| lines.iter().filter(|l| l.kind == kind && l.what == what).count();
        prop_assert_eq!(count(ObjectKind::User, What::Added), delta.users.added.len());
        prop_assert_eq!(count(ObjectKind::User, What::Changed), delta.users.changed.len());
        prop_assert_eq!(count(ObjectKind::User, What::Removed), delta.users.removed.len());
        prop_assert_eq!(count(ObjectKind::Unit, What::Added), delta.units.added.len());
        prop_assert_eq!(count(ObjectKind::Unit, What::Removed), delta.units.removed.len());
        prop_assert_eq!(count(ObjectKind::Group, What::Changed), delta.groups.changed.len());
        prop_assert_eq!(count(ObjectKind::Group, What::Removed), delta.groups.removed.len());
        for line in &lines {
            prop_assert!(!line.fields.is_empty() && line.fields.iter().all(|f| f.before != f.after), "{:?}", line);
            // What came had nothing before, what went has nothing after.
            let (had, has) = (line.what != What::Added, line.what != What::Removed);
            prop_assert!(line.fields.iter().all(|f| (had || f.before.is_none()) && (has || f.after.is_none())), "{:?}", line);
        }
        let order = |l: &ObjectChange| {
            let kind = [ObjectKind::Unit, ObjectKind::User, ObjectKind::Group].iter().position(|k| *k == l.kind);
            (kind, l.what != What::Removed)
        };
        prop_assert!(lines.is_sorted_by_key(order));
    }
}

#[test]
fn an_object_that_came_over_from_another_directory_is_a_change() {
    let there = UserFields { directory: "branch".into(), ..user(1, 0) };
    let old = directory_of([there, user(2, 0)], [], []);
    let read = directory_of([user(1, 0), user(2, 0)], [], []);
    let delta = diff(&old, &main_name(), &read.into());
    assert_eq!((delta.users.added.len(), delta.users.changed.len(), delta.users.removed.len()), (0, 1, 0));
    let lines = describe(&delta, no_name);
    assert_eq!(
        lines[0].fields,
        [FieldChange {
            field: "directory".into(),
            before: Some("branch".into()),
            after: Some("main".into())
        }]
    );
    // The directory it left doesn't remove it any more.
    let new = apply(&old, &delta);
    assert!(diff(&new, &"branch".into(), &Directory::default().into()).is_empty());
}

#[test]
fn a_move_between_two_units_of_one_name_can_be_seen() {
    let [north, south] = [1, 2].map(|n| Unit { name: "Office".into(), ..unit(n, 0) });
    let old = directory_of([user(1, 1)], [north.clone(), south.clone()], []);
    let read = directory_of([user(1, 2)], [north, south], []);
    let lines = describe(&diff(&old, &main_name(), &read.into()), |_| Some("Office".into()));
    let field = &lines[0].fields[0];
    assert_eq!(field.before.as_deref(), Some(&*format!("Office ({})", unit_id(1))));
    assert_eq!(field.after.as_deref(), Some(&*format!("Office ({})", unit_id(2))));
    assert_eq!(without_id(field.after.as_deref().unwrap()), "Office");
    for text in ["Office", "Office (old)", "Office (0)", ")", " ()", ""] {
        assert_eq!(without_id(text), text);
    }
}

#[test]
fn a_unit_that_comes_in_the_same_run_is_named() {
    let old = directory_of([user(1, 0)], [], []);
    let read = directory_of([user(1, 1)], [unit(1, 0)], []);
    let lines =
        describe(&diff(&old, &main_name(), &read.into()), |id| (id == UnitId::ROOT.0).then(|| "Org".into()));
    let field = &lines[1].fields[0];
    assert_eq!(
        (&*field.field, field.before.as_deref(), field.after.as_deref()),
        ("unit", Some(&*format!("Org ({})", UnitId::ROOT)), Some(&*format!("Unit 1 ({})", unit_id(1))))
    );
    let told: Vec<_> =
        lines[0].fields.iter().map(|f| (&*f.field, f.before.as_deref(), f.after.as_deref())).collect();
    let above = format!("Org ({})", UnitId::ROOT);
    let [name, parent, ..] = &told[..] else { panic!("{told:?}") };
    assert_eq!((*name, *parent), (("name", None, Some("Unit 1")), ("parent", None, Some(&*above))));
}

#[test]
fn members_are_counted_and_each_is_named() {
    let members: Vec<u8> = (1..=60).collect();
    let old = directory_of([user(1, 0)], [], [group(1, &[1, 100, 101], &[])]);
    let read = directory_of([user(1, 0)], [], [group(1, &members, &[2])]);
    let name = |id: Guid| (id == user_id(100).0).then(|| "Åsa Öberg".into());
    let lines = describe(&diff(&old, &main_name(), &read.into()), name);
    let [numbers, each @ ..] = &lines[0].fields[..] else { panic!("{lines:?}") };
    assert_eq!((&*numbers.field, numbers.before.as_deref()), ("members", Some("3")));
    assert_eq!(numbers.after.as_deref(), Some("61 (+60 −2)"));
    assert!(each.iter().all(|f| &*f.field == "member"));
    let went: Vec<_> = each.iter().filter_map(|f| f.before.as_deref()).collect();
    assert_eq!(went, [format!("Åsa Öberg ({})", user_id(100)), user_id(101).to_string()]);
    assert_eq!(each.iter().filter(|f| f.after.is_some() && f.before.is_none()).count(), 60);
}

#[test]
fn of_a_huge_group_not_all_are_named() {
    let members = |n: u16| Group {
        members: (0..n)
            .map(|n| {
                let [a, b] = n.to_be_bytes();
                let mut id = [0; 16];
                (id[0], id[1]) = (a, b);
                Guid(id)
            })
            .collect(),
        ..group(1, &[], &[])
    };
    let (old, read) = (directory_of([], [], [members(0)]), directory_of([], [], [members(10_003)]));
    let lines = describe(&diff(&old, &main_name(), &read.into()), no_name);
    assert_eq!(lines[0].fields.len(), 10_002);
    assert_eq!(lines[0].fields.last().unwrap().after.as_deref(), Some("… and 3 more"));
}

#[test]
fn a_manager_is_named() {
    let with = |manager| UserFields { manager: Some(user_id(manager)), ..user(1, 0) };
    let old = directory_of([with(2), user(2, 0)], [], []);
    let read = directory_of([with(3), user(2, 0), user(3, 0)], [], []);
    let name = |id: Guid| (id == user_id(2).0).then(|| "User 2".into());
    let lines = describe(&diff(&old, &main_name(), &read.into()), name);
    let field = &lines[1].fields[0];
    let [before, after] = [2, 3].map(|n| format!("User {n} ({})", user_id(n)));
    assert_eq!((field.before.as_deref(), field.after.as_deref()), (Some(&*before), Some(&*after)));
}

#[test]
fn what_nobody_sees_makes_no_line() {
    let old = directory_of([user(1, 1)], [], []);
    let read = directory_of([UserFields { above: Guid([9; 16]), ..user(1, 1) }], [], []);
    let delta = diff(&old, &main_name(), &read.into());
    assert_eq!((delta.users.changed.len(), describe(&delta, no_name)), (1, Vec::new()));
}

#[test]
fn what_was_gone_comes_back() {
    let read = directory_of([user(1, 0), user(2, 0)], [], []);
    let mut lines = describe(&diff(&Directory::default(), &main_name(), &read.into()), no_name);
    mark_returns(&mut lines, |id| id == user_id(2).0);
    assert_eq!(lines.iter().map(|l| l.what).collect::<Vec<_>>(), [What::Added, What::CameBack]);
}

#[test]
fn what_is_written_is_what_was_added_and_what_changed() {
    let old = directory_of([user(1, 0), user(2, 0)], [], []);
    let read = directory_of([UserFields { phone: Some("1".into()), ..user(2, 0) }, user(3, 0)], [], []);
    let delta = diff(&old, &main_name(), &read.into());
    let written: Vec<_> = delta.users.written().map(|u| u.id).collect();
    assert_eq!(written, [user_id(3), user_id(2)]);
    assert_eq!(delta.users.len(), 3);
}

#[test]
fn what_could_not_be_understood_stays_as_it_was() {
    let old = directory_of([user(1, 1), user(2, 1)], [unit(1, 0)], [group(1, &[1], &[])]);
    let set_aside = |id| Quarantined { id: Some(id), dn: "CN=x".into(), reason: "It has no account.".into() };
    let quarantined = vec![set_aside(user_id(2).0), set_aside(unit_id(1).0)];
    let directory = directory_of([user(1, 1)], [], []);
    let delta =
        diff(&old, &main_name(), &Found::Whole(Objects { directory, quarantined, unidentified: None }));
    assert_eq!((delta.users.len(), delta.units.len(), delta.groups.removed.len()), (0, 0, 1));
}

#[test]
fn what_becomes_an_object_of_another_kind_is_gone_as_what_it_was() {
    let old = directory_of([user(1, 1)], [], []);
    let id = user_id(1).0;
    let group = Group { id: GroupId(id), ..group(1, &[], &[]) };
    let update = Update { written: directory_of([], [], [group]), ..Update::default() };
    let delta = diff(&old, &main_name(), &Found::Changes(update));
    assert_eq!((delta.users.removed.len(), delta.groups.added.len()), (1, 1));
}
