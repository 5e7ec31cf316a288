//! What answering costs in a large organisation: `cargo bench --bench recompute [-- USERS UNITS]`, 1,000,000 users in 50,000 units
//! by default. The goals are in docs/performance.md.

#![expect(clippy::print_stdout, reason = "the numbers are the result")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark may end where it finds a mistake"
)]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use budkavle::domain::absence::{Absence, Origin};
use budkavle::domain::calendar::Calendar;
use budkavle::domain::changes::open::{Note, Told};
use budkavle::domain::changes::tell::{Mode, Policy, decide, facts};
use budkavle::domain::changes::{Cause, ChangeAt};
use budkavle::domain::contacts::{Asker, recompute, resolve};
use budkavle::domain::coverage::{Day, Period, Wanted, cover};
use budkavle::domain::delta::{apply, describe, diff};
use budkavle::domain::directory::{Directory, Found, Unit, Update, User, UserFields};
use budkavle::domain::duties::Book;
use budkavle::domain::guard::{Circumstances, Lately, Limit, Limits, approval_of, judge};
use budkavle::domain::ids::{AbsenceId, AssignmentId, Guid, UnitId, UserId};
use budkavle::domain::language::Language;
use budkavle::domain::locale::{Locale, Locales, Rule};
use budkavle::domain::map::Map;
use budkavle::domain::notice::Recipient;
use budkavle::domain::organisation::Organisation;
use budkavle::domain::roles::{Assignment, Holder, LOCAL, Pick, Place, Role, RoleName, Scope, built_in};
use budkavle::domain::whatif::{Step, compare, imagine};
use budkavle::flow::core::contact_changes;
use chrono::{DateTime, TimeDelta, Utc};

fn main() {
    let mut sizes = std::env::args().skip(1).filter_map(|a| a.parse::<u64>().ok());
    let (users, units) = (sizes.next().unwrap_or(1_000_000), sizes.next().unwrap_or(50_000));
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
    println!("{users} users in {units} units");

    let directory = directory(users, units);
    println!("{:<44} {:>9} MB", "resident with the directory alone", resident());
    let (assignments, absences) = (assignments(&directory, units * 3 / 5), absences(users, now));
    println!("{} local contacts, {} away", assignments.len(), absences.len());

    let build = || {
        Organisation::new(
            "Kommun",
            directory.clone(),
            built_in(),
            assignments.clone(),
            absences.clone(),
            Arc::default(),
        )
    };
    let built = repeat("Organisation::new", 5, build);
    println!("{:<44} {:>9} MB", "resident with the organisation", resident());

    let local = built.role(LOCAL).expect("a built-in role");
    let map = repeat("recompute, everybody's local contact", 20, || recompute(&built, local, now));
    println!("  {} without one", map.uncovered_users(&built));
    summer(&built, &directory, units, now);

    let some = |n: u64| person(scatter(n) % users);
    each("resolve, one user's local contact", 200_000, |n| {
        resolve(&built, local, &Asker::User(some(n)), now)
    });

    let text = |n: u64| built.user(some(n)).map_or_else(String::new, |u| u.account().to_owned());
    repeat("find_user, the first one (builds the index)", 1, || built.find_user(&text(0)).is_ok());
    println!("{:<44} {:>9} MB", "resident with the index", resident());
    each("find_user by account", 200_000, |n| built.find_user(&text(n)).is_ok());
    written_to(&built, users, now);
    each("find_unit by path", 200, |n| {
        built.find_unit(&built.tree.path((scatter(n) % units) as u32)).is_ok()
    });
    each("search_users, two words", 5, |_| built.search_users("asa oberg 77", 20).len());
    each("search_users, one letter", 5, |_| built.search_users("a", 20).len());
    each("find_user, mistyped", 5, |n| built.find_user(&format!("x{}", text(n))).is_err());

    for k in [1, 100, 1_000] {
        run(&format!("an incremental run, {k} users changed"), &built, some_users(&built, users, k), now);
    }
    let holder = built.holding_users().iter().find_map(|id| built.user(*id)).expect("a holder");
    let out = User::from(UserFields { enabled: false, ..holder.fields() });
    run("an incremental run, a local contact disabled", &built, vec![out.into()], now);
    let moved = Unit { name: "Enhet X".into(), ..Unit::clone(built.unit(place(7)).expect("a unit")) };
    let mut written = Directory::default();
    written.units.insert(moved.id, Arc::new(moved));
    run_of("an incremental run, a unit renamed", &built, written, now);

    println!("{:<44} {:>9} MB, at most {} MB", "resident", memory("VmRSS:"), memory("VmHWM:"));
    let changed = change(&directory, users, 1_000);
    let name = "main".into();
    let found = Found::from(changed);
    println!("{:<44} {:>9} MB", "resident with a whole read beside it", memory("VmRSS:"));
    let delta = repeat("diff of a whole read, 1,000 users changed", 5, || diff(&directory, &name, &found));
    repeat("apply", 5, || apply(&directory, &delta));
    println!("  {} objects", delta.len());
    println!("{:<44} {:>9} MB, at most {} MB", "resident", memory("VmRSS:"), memory("VmHWM:"));
}

/// Who is there on 90 days: three fifths of the units have holders of each role that is looked at, each of them away twice, half of the
/// times with a deputy.
fn summer(built: &Organisation, directory: &Directory, units: u64, now: DateTime<Utc>) {
    let roles: Vec<RoleName> = Wanted::usual(built).iter().map(|wanted| wanted.role.name.clone()).collect();
    let mut held = BTreeMap::new();
    for role in &roles {
        let from = held.len() as u64;
        let place = |place| {
            if built.role(&role.0).is_some_and(|r| r.scope == Scope::Unit) {
                place
            } else {
                Place::Organisation
            }
        };
        let of = |(id, a): (AssignmentId, Assignment)| {
            let id = AssignmentId(id.0 + from);
            (id, Assignment { id, role: role.clone(), place: place(a.place.clone()), ..a })
        };
        let wanted =
            if built.role(&role.0).is_some_and(|r| r.scope == Scope::Unit) { units * 3 / 5 } else { 20 };
        held.extend(assignments(directory, wanted).into_iter().map(of));
    }
    let holders: BTreeSet<UserId> = held.values().filter_map(|a| a.holder.user()).collect();
    let away = |(n, user): (u64, &UserId)| {
        let from = now + TimeDelta::hours((scatter(n) % (80 * 24)) as i64);
        let deputy = n.is_multiple_of(2).then(|| person(scatter(n) % 1_000));
        Absence {
            id: AbsenceId(n),
            user: *user,
            from,
            until: from + TimeDelta::days(7),
            deputy,
            note: None,
            origin: Origin::ByHand,
        }
    };
    let absences: Vec<Absence> = (1..).zip(holders.iter().chain(&holders)).map(away).collect();
    println!("{} holders in {} roles, {} absences", held.len(), roles.len(), absences.len());
    let staffed = Organisation::new("Kommun", directory.clone(), built_in(), held, absences, Arc::default());
    let first = now.date_naive();
    let calendar = Calendar::default();
    let day = |date| if calendar.is_working_day(date) { Day::Work } else { Day::Closed };
    let period = Period::new(first, first + TimeDelta::days(89), chrono_tz::Europe::Stockholm, day);
    let period = period.expect("a period");
    let covers = repeat("coverage over 90 days", 5, || {
        Wanted::usual(&staffed).into_iter().map(|wanted| cover(&staffed, wanted, &period)).collect::<Vec<_>>()
    });
    let runs: usize = covers.iter().flat_map(|c| c.places().map(|place| c.of_unit(place).len())).sum();
    println!(
        "  {runs} runs of days in {} units and roles",
        covers.iter().map(|c| c.places().count()).sum::<usize>()
    );
    let local = holders.iter().next().expect("a holder");
    repeat("what would be if a local contact were gone", 3, || {
        let after = imagine(&staffed, &[Step::Gone(*local)]).expect("it can be");
        compare(&staffed, &after, now)
    });
    everybody(&staffed, now);
    noted(&staffed, now);
}

/// Who answers for everybody in each role.
fn everybody(staffed: &Organisation, now: DateTime<Utc>) {
    let (nearest, all): (Vec<&Role>, _) = staffed.roles.iter().partition(|role| role.pick == Pick::Nearest);
    let held = nearest.iter().filter(|role| staffed.holders(&role.name).places().next().is_some()).count();
    println!("{} roles of units, of which {held} are held, and {} others", nearest.len(), all.len());
    repeat("recompute, everybody's contacts in all roles", 20, || {
        let maps: Vec<_> = nearest.iter().map(|role| recompute(staffed, role, now)).collect();
        let others = all.iter().map(|role| resolve(staffed, role, &Asker::Organisation, now));
        (maps, others.collect::<Vec<_>>())
    });
}

/// What it costs to note who gets other contacts, the store's commit aside, and to work out whom to tell.
fn noted(staffed: &Organisation, now: DateTime<Utc>) {
    let mut fewer = BTreeMap::clone(&staffed.assignments);
    let revoked = fewer.pop_first().and_then(|(_, a)| a.holder.user()).expect("an assignment");
    repeat("an edit: an assignment revoked", 11, || staffed.with_assignments(fewer.clone()));
    let after = staffed.with_assignments(fewer);
    let changes =
        repeat("  and who gets other contacts by it", 11, || contact_changes(staffed, &after, &[], now));
    println!("  {} changes", changes.len());

    // A sync: 1,000 people have another unit, and somebody who answers for others is disabled.
    let mut written = Directory::default();
    let others = staffed.directory.users.values().filter(|user| !staffed.holding_users().contains(&user.id));
    let moved = others.take(1_000).map(|user| {
        let unit = place(1 + scatter(user.id.0.0[0].into()) % 100);
        User::from(UserFields { unit, above: unit.0, ..user.fields() })
    });
    let out = staffed.user(revoked).map(|user| User::from(UserFields { enabled: false, ..user.fields() }));
    written.users.extend(moved.chain(out).map(|user| (user.id, Arc::new(user))));
    let delta =
        diff(&staffed.directory, &"main".into(), &Found::Changes(Update { written, ..Update::default() }));
    let after = staffed.updated(&delta);
    let changes = repeat("a sync of 1,001 changes: who gets other contacts", 11, || {
        contact_changes(staffed, &after, &delta.users.changed, now)
    });
    println!("  {} changes", changes.len());

    // Everybody of one role is revoked: every unit has others.
    let without = staffed.assignments.iter().filter(|(_, a)| a.role != LOCAL.into());
    let after = staffed.with_assignments(without.map(|(id, a)| (*id, a.clone())).collect());
    let changes = repeat("all local contacts revoked: who gets others", 3, || {
        contact_changes(staffed, &after, &[], now)
    });
    let notes: Vec<Note> = (1..)
        .zip(changes)
        .map(|(number, change)| Note { number, change: ChangeAt { at: now, by: Cause::Edit, change } })
        .collect();
    let policy = Policy { mode: Mode::AtOnce, ..Policy::never() };
    let told = Told::up_to(0, now);
    let decision = repeat("  and whom to tell, and what", 3, || {
        let decision = decide(&after, now, &policy, &told, &notes);
        decision.letters.iter().map(|letter| facts(&after, letter, &told, now)).collect::<Vec<_>>()
    });
    println!("  {} notes, {} mails", notes.len(), decision.len());
    let duties = repeat("what each local contact is contact for", 3, || {
        let book = Book::new(staffed, now, chrono_tz::Europe::Stockholm);
        book.holders(&[LOCAL.into()]).map(|who| book.of(who)).collect::<Vec<_>>()
    });
    println!("  {} mails", duties.len());
}

/// In which language and by whose clocks people are written to: once for each message.
fn written_to(organisation: &Organisation, users: u64, now: DateTime<Utc>) {
    let tree = &organisation.tree;
    let paths: Vec<Box<str>> =
        tree.indices().step_by(7).take(50).map(|unit| tree.path(unit).into()).collect();
    let rules = paths.chunks(5).map(|units| Rule {
        name: "rule".into(),
        units: units.to_vec(),
        language: Some(Language::Finnish),
        zone: Some(chrono_tz::Europe::Helsinki),
    });
    let locales = Locales { organisation: Locale::default(), rules: rules.collect() };
    let arranged = repeat("find the 50 units of 10 [[locale]]", 20, || locales.arrange(organisation));
    each("language and clocks of a recipient", 200_000, |n| {
        let user = Some(person(scatter(n) % users));
        arranged.of(organisation, &Recipient { user, ..Recipient::place("sms".into()) }, now)
    });
}

fn change_phone(user: &User) -> Arc<User> {
    Arc::new(User::from(UserFields { phone: Some("0".into()), ..user.fields() }))
}

/// So many of the users who hold no role, with another phone number.
fn some_users(organisation: &Organisation, users: u64, k: usize) -> Vec<Arc<User>> {
    let holds = organisation.holding_users();
    let some = (1..).filter_map(|n| organisation.user(person(scatter(n) % users)));
    some.filter(|u| !holds.contains(&u.id)).take(k).map(|u| change_phone(u)).collect()
}

fn run(what: &str, old: &Organisation, users: Vec<Arc<User>>, now: DateTime<Utc>) {
    let written = Directory { users: users.into_iter().map(|u| (u.id, u)).collect(), ..Directory::default() };
    run_of(what, old, written, now);
}

/// All that a run does between "read" and "shown", but for the store: as `flow::sync`.
fn run_of(what: &str, old: &Organisation, written: Directory, now: DateTime<Utc>) {
    let name = "main".into();
    let found = Found::Changes(Update { written, ..Update::default() });
    let limit = Limit { count: 100, percent: 5, floor: 10 };
    let limits = Limits::same(limit);
    let times = Cell::new([Duration::ZERO; 4]);
    repeat(what, 21, || {
        let start = Instant::now();
        let delta = diff(&old.directory, &name, &found);
        let lines = describe(&delta, |id| old.name_of(id));
        let diffed = start.elapsed();
        let after = old.updated(&delta);
        let updated = start.elapsed();
        let given = Circumstances {
            directory: &name,
            before: &old.tally(&name),
            users: &old.directory.users,
            limits: &limits,
            holders: old.holding_users(),
            holders_after: after.holding_users(),
            approved: &BTreeSet::new(),
            scope_changed: false,
            vetoes: &[],
            lately: Lately::default(),
        };
        let approval = approval_of(&delta, &given);
        let verdict = judge(delta, &given);
        let judged = start.elapsed();
        let role = after.role(LOCAL).expect("a built-in role");
        let map = (!after.answers_like(old)).then(|| recompute(&after, role, now));
        times.set([diffed, updated - diffed, judged - updated, start.elapsed() - judged]);
        (after, lines, approval, verdict, map)
    });
    let [diff, update, guard, contacts] = times.get().map(|d| d.as_secs_f64() * 1e3);
    println!("  diff {diff:.3}, organisation {update:.3}, guard {guard:.3}, contacts {contacts:.3} ms");
}

/// Does it several times, prints the median and returns the last result.
fn repeat<T>(what: &str, times: usize, run: impl Fn() -> T) -> T {
    let timed = || {
        let start = Instant::now();
        let result = black_box(run());
        (start.elapsed(), result)
    };
    let mut took: Vec<Duration> = (1..times).map(|_| timed().0).collect();
    let (last, result) = timed();
    took.push(last);
    took.sort_unstable();
    let median = took.get(took.len() / 2).copied().unwrap_or_default();
    println!("{what:<44} {:>9.3} ms", median.as_secs_f64() * 1e3);
    result
}

/// Does it for many and prints the distribution.
fn each<T>(what: &str, times: u64, run: impl Fn(u64) -> T) {
    let one = |n| {
        let start = Instant::now();
        black_box(run(n));
        start.elapsed()
    };
    let mut took: Vec<Duration> = (0..times).map(one).collect();
    took.sort_unstable();
    let at = |percent: usize| {
        took.get((took.len() * percent / 100).min(took.len() - 1)).copied().unwrap_or_default()
    };
    let micros = |d: Duration| d.as_secs_f64() * 1e6;
    println!(
        "{what:<44} p50 {:.1} µs, p99 {:.1} µs, max {:.1} µs",
        micros(at(50)),
        micros(at(99)),
        micros(at(100))
    );
}

fn resident() -> u64 {
    memory("VmRSS:")
}

/// A line of proc(5)'s status, in MB.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(what));
    line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1000
}

/// A number that looks random, always the same one for `n` (the mixing of SplitMix64).
fn scatter(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

fn guid(kind: u64, n: u64) -> Guid {
    Guid((u128::from(scatter(n)) << 64 | u128::from(n << 8 | kind)).to_le_bytes())
}

fn person(n: u64) -> UserId {
    UserId(guid(1, n))
}

/// Unit 0 is the root.
fn place(n: u64) -> UnitId {
    if n == 0 { UnitId::ROOT } else { UnitId(guid(2, n)) }
}

fn directory(users: u64, units: u64) -> Directory {
    let first = ["Åsa", "Bo", "Søren", "Mari", "Jón", "Päivi", "Ulla-Britt", "Erik"];
    let last = ["Öberg", "Ek", "Ødegård", "Lindqvist", "Virtanen", "O'Brien", "Sæmundsdóttir", "Svensson"];
    let user = |n: u64| {
        let pick = |names: [&'static str; 8], shift: u64| names[(scatter(n) >> shift & 7) as usize];
        let (first, last) = (pick(first, 0), pick(last, 3));
        let plain: String = format!("{first}.{last}").to_lowercase().chars().filter(char::is_ascii).collect();
        let account = format!("{}{n:07}", &plain[..2]);
        let unit = place(1 + scatter(n ^ 0xabcd) % units);
        Arc::new(User::from(UserFields {
            rdn: format!("{last}, {first} {n}").into(),
            upn: Some(format!("{account}@ad.kommun.example").into()),
            name: format!("{first} {last}").into(),
            mail: Some(format!("{plain}.{n}@kommun.example").into()),
            phone: Some(format!("+46 8 {n:07}").into()),
            mobile: n.is_multiple_of(3).then(|| format!("+46 70 {n:07}").into()),
            title: Some("Undersköterska".into()),
            manager: (n > 20).then(|| person(n / 20)),
            language: n.is_multiple_of(10).then(|| "sv-SE".into()),
            enabled: !n.is_multiple_of(50),
            ..UserFields::bare(person(n), "main".into(), unit, &account)
        }))
    };
    let unit = |n: u64| {
        let name = format!("Enhet {n}").into();
        Arc::new(Unit {
            id: place(n),
            directory: "main".into(),
            parent: place((n - 1) / 8),
            above: place((n - 1) / 8).0,
            name,
            managed_by: None,
        })
    };
    Directory {
        users: (0..users).map(user).map(|u| (u.id, u)).collect(),
        units: (1..=units).map(unit).map(|u| (u.id, u)).collect(),
        groups: Map::new(),
        containers: Map::new(),
    }
}

/// As many users hold the role `local` at their unit.
fn assignments(directory: &Directory, wanted: u64) -> BTreeMap<AssignmentId, Assignment> {
    let one = |(n, user): (u64, &Arc<User>)| {
        let id = AssignmentId(n);
        let assignment = Assignment {
            id,
            role: LOCAL.into(),
            holder: Holder::User(user.id),
            place: Place::Unit(user.unit),
            rank: 100,
            mail: None,
            phone: None,
            from: None,
            until: None,
            any_unit: false,
        };
        (id, assignment)
    };
    (1..=wanted).zip(directory.users.values()).map(one).collect()
}

/// Every twentieth is away, half of these with a deputy.
fn absences(users: u64, now: DateTime<Utc>) -> Vec<Absence> {
    let away = |n: u64| Absence {
        id: AbsenceId(n),
        user: person(n),
        from: now - TimeDelta::days(1),
        until: now + TimeDelta::days(9),
        deputy: n.is_multiple_of(40).then(|| person((n + 1) % users)),
        note: None,
        origin: Origin::ByHand,
    };
    (0..users).step_by(20).map(away).collect()
}

/// The directory as it is read again: everything a new copy, with as many changes.
fn change(directory: &Directory, users: u64, wanted: u64) -> Directory {
    let copy = |u: &Arc<User>| Arc::new(User::clone(u));
    let mut changed = directory.clone();
    changed.users = directory.users.values().map(copy).map(|u| (u.id, u)).collect();
    for n in 0..wanted {
        if let Some(user) = changed.users.get_mut(&person(scatter(n) % users)) {
            *user = change_phone(user);
        }
    }
    changed
}
