//! Many changes at once, of mail addresses, phones and units.

use super::*;

#[test]
fn half_the_mails_phones_or_units_changed_at_once_is_an_accident() {
    let third = Limit { count: 1000, percent: 33, floor: 20 };
    let limits = Limits { mails: third, phones: third, moves: third, absences: third, ..NO_LIMITS };
    let moved: fn(&mut UserFields) = |u| u.unit = unit_id(2);
    type Cases = [(fn(&mut UserFields), &'static str); 7];
    let cases: Cases = [
        (
            |u| u.mail = Some(format!("{}@new.example", u.account).into()),
            "users with a mail address would get",
        ),
        (|u| u.phone = Some("0".into()), "users with a phone would get other phone numbers"),
        (|u| u.phone = None, "users with a phone would get other phone numbers"),
        (moved, "users in units would move to another unit"),
        (|u| u.unit = UnitId::ROOT, "users in units would move to another unit"),
        (|u| u.unit = unit_id(7), "users in units would move to another unit"),
        (|u| u.away = None, "users with an absence would no longer have one"),
    ];
    for (change, said) in cases {
        assert_eq!(changing(20, change).reasons(&limits), [""; 0], "{said}");
        assert_eq!(changing(33, change).reasons(&limits), [""; 0], "{said}");
        let held = changing(50, change).reasons(&limits);
        assert!(held.len() == 1 && held[0].starts_with(&format!("50 of 100 {said}")), "{held:?}");
        let all = changing(100, change).reasons(&NO_LIMITS);
        assert!(all.len() == 1 && all[0].starts_with(&format!("all 100 {said}")), "{all:?}");
    }
    // What comes where nothing was, and another case of the same address, are no accident.
    let harmless: [fn(&mut UserFields); 4] = [
        |u| u.mobile = Some("0".into()),
        |u| u.mail = u.mail.as_ref().map(|m| m.to_uppercase().into()),
        |u| u.title = Some("Nurse".into()),
        |u| u.away = Some("2026-07-06..2026-08-07".into()),
    ];
    for change in harmless {
        assert_eq!(changing(100, change).reasons(&limits), [""; 0]);
    }
    // A small organisation moves house.
    let few = Case::new(
        directory_of((1..=15).map(|n| user(n, 1)), [unit(1, 0), unit(2, 0)], []),
        directory_of((1..=15).map(|n| user(n, 2)), [unit(1, 0), unit(2, 0)], []),
    );
    assert_eq!(few.reasons(&limits), [""; 0]);
}

#[test]
fn a_change_is_approved_to_one_value_only() {
    let limits = Limits { mails: Limit { count: 10, percent: 50, floor: 20 }, ..NO_LIMITS };
    let to =
        |domain: &'static str| changing(60, move |u| u.mail = Some(format!("{}@{domain}", u.account).into()));
    let approved = to("new.example").approval();
    let verdict = |case: Case| match case.judge(&limits, &approved, false) {
        Verdict::Checked(_) => Vec::new(),
        Verdict::Held { reasons, .. } => reasons,
    };
    assert_eq!(verdict(to("new.example")), []);
    let limit = limits.mails;
    let other = [HoldReason::TooMany { kind: Kind::Mails, removed: 60, of: 100, limit }];
    assert_eq!(verdict(to("newer.example")), other);
}

#[test]
fn a_few_changes_are_no_part_of_an_approval() {
    let limits = Limits { phones: Limit { count: 10, percent: 10, floor: 20 }, ..NO_LIMITS };
    let listed =
        |case: Case| case.with(&limits, &BTreeSet::new(), false, |g| approval_of(&case.delta(), g)).len();
    assert_eq!(listed(changing(20, |u| u.phone = Some("0".into()))), 0);
    assert_eq!(listed(changing(21, |u| u.phone = Some("0".into()))), 21);
    assert!(
        CHANGES.iter().all(|kind| *kind > Kind::Holders),
        "they were added later: the store keeps their order"
    );
}
