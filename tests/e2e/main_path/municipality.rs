//! The summer of a municipality, step by step: who answers, what isn't covered, what would be, what has changed, and what is left without anybody.

use std::collections::BTreeSet;

use serde_json::Value;

use super::digests::by_day;
use crate::servers::budkavle::Daemon;
use crate::servers::{PATIENCE, wait_until};
use crate::site::{Site, escape};
use crate::world::{Organisation, Person, Unit};

/// Home care and the schools have two units each, each with a leader and staff; one above them owns the system and helps with passwords.
fn municipality() -> Organisation {
    let mut world = Organisation::generate(60, 24);
    let units = [
        ("Omsorg", "Kommunen"),
        ("Hemtjänst Norr", "Omsorg"),
        ("Hemtjänst Söder", "Omsorg"),
        ("Skola", "Kommunen"),
        ("Björkskolan", "Skola"),
        ("Ekskolan", "Skola"),
    ];
    for (name, above) in units {
        let parent = Some(world.unit(above));
        world.units.push(Unit { name: name.into(), parent, managed_by: None });
    }
    let people = [
        ("Omsorg", "gun.ask", "Gun Ask"),
        ("Omsorg", "nils.berg", "Nils Berg"),
        ("Hemtjänst Norr", "karin.lind", "Karin Lind"),
        ("Hemtjänst Norr", "maja.ek", "Maja Ek"),
        ("Hemtjänst Söder", "per.holm", "Per Holm"),
        ("Hemtjänst Söder", "ida.sten", "Ida Sten"),
        ("Björkskolan", "eva.strand", "Eva Strand"),
        ("Björkskolan", "olle.alm", "Olle Alm"),
        ("Ekskolan", "tove.dal", "Tove Dal"),
    ];
    for (unit, account, name) in people {
        let (given, surname) = name.split_once(' ').unwrap();
        let person = Person {
            account: account.into(),
            cn: name.into(),
            given_name: given.into(),
            surname: surname.into(),
            display_name: name.into(),
            unit: world.unit(unit),
            mail: Some(format!("{account}@kommun.example")),
            ..Person::default()
        };
        world.add(person);
    }
    world
}

/// The site, and what is asked of it again and again.
struct Summer(Site);

impl Summer {
    fn does(&self, words: &[&str]) -> String {
        self.0.budkavle.run(words).success().stdout
    }

    fn assign(&self, role: &str, user: &str, more: &[&str]) {
        self.does(&[&["contacts", "assign", role, "--user", user], more].concat());
    }

    fn away(&self, user: &str, from: &str, until: &str, more: &[&str]) {
        self.does(&[&["absence", "add", user, "--from", from, "--until", until], more].concat());
    }

    /// Whom a user turns to on a day of July 2027, by name; None: now.
    fn contacts(&self, user: &str, role: &str, july: Option<u8>) -> BTreeSet<String> {
        let at = july.map_or_else(String::new, |day| format!("&at=2027-07-{day:02}T10:00:00Z"));
        let answer = self.0.get(&format!("/v1/contacts/of?user={}&role={role}{at}", escape(user)));
        let name = |contact: &Value| contact["name"].as_str().unwrap().to_owned();
        answer["contacts"].as_array().unwrap().iter().map(name).collect()
    }

    /// The trail of that, as people read it.
    fn why(&self, user: &str, july: u8) -> String {
        let day = format!("2027-07-{july:02}T12:00");
        self.does(&["contacts", "of", user, "--at", &day, "--why"])
    }

    /// What isn't covered in July.
    fn gaps(&self, role: &str) -> String {
        let words = ["coverage", "--from", "2027-07-01", "--to", "2027-07-31", "--only", "gaps", "--role"];
        self.0.budkavle.run(&[&words[..], &[role]].concat()).ended_with(1).stdout
    }

    /// Whom it isn't answered for, and who answers for nothing any more.
    fn orphans(&self) -> String {
        self.does(&["contacts", "orphans"])
    }

    /// How many mails everybody has got.
    fn waits_for(&self, account: &str, mails: usize) -> String {
        let address = format!("{account}@kommun.example");
        let mail = self.0.post.wait_for(&address, mails, PATIENCE).pop().unwrap();
        assert_eq!(self.0.post.mails_for(&address).len(), mails, "{account}");
        mail.text()
    }

    /// The changes of a unit's local contacts.
    fn changed(&self, unit: &str) -> String {
        self.does(&["contacts", "changes", "--role", "local", "--unit", unit])
    }

    fn dn(&self, account: &str) -> String {
        self.0.world.dn(self.0.world.person(account))
    }

    fn unit_dn(&self, name: &str) -> String {
        self.0.world.unit_dn(self.0.world.unit(name))
    }
}

fn one(name: &str) -> BTreeSet<String> {
    BTreeSet::from([name.to_owned()])
}

const ZONE: &str = "Europe/Stockholm";

/// The configuration: told are changes, or not yet, and what is near.
fn configure(it: &Site, telling: bool, zone: &str, more: &str) {
    it.configure(&|text| {
        *text = text.replace("\"Europe/Stockholm\"", &format!("\"{zone}\""));
        *text = text.replace("name = \"Kommunen\"", "name = \"Ekfors\"");
        if telling {
            *text = text.replace("digest = \"off\"", "digest = \"at once\"\nmails_per_day = 20");
        }
        text.push_str("[roles.support]\nquota = 2\n");
        text.push_str(more);
    });
}

#[test]
fn the_summer_of_a_municipality() {
    let site = Site::new(municipality());
    configure(&site, false, ZONE, "");
    let daemon = site.start();
    let it = Summer(site);

    // Spring: everybody who answers for something is named.
    it.0.assign_contacts();
    for (leader, unit) in
        [("karin.lind", "Hemtjänst Norr"), ("per.holm", "Hemtjänst Söder"), ("eva.strand", "Björkskolan")]
    {
        it.assign("local", leader, &["--unit", unit]);
    }
    it.assign("system-owner", "gun.ask", &["--unit", "Omsorg"]);
    it.assign("password-helper", "nils.berg", &["--unit", "Omsorg"]);
    for user in ["gun.ask", "nils.berg"] {
        it.assign("support", user, &[]);
    }
    assert_eq!(it.contacts("maja.ek", "local", None), one("Karin Lind"));
    assert_eq!(it.contacts("tove.dal", "local", None), one("Åsa Öberg"), "no contact at or above the unit");
    let orphans = it.does(&["contacts", "orphans", "--role", "local"]);
    assert!(orphans.contains("Ekskolan") && !orphans.contains("Björkskolan"), "{orphans}");
    let gaps = it.gaps("local");
    assert!(gaps.contains("Kommunen (and ") && !gaps.contains("Hemtjänst"), "{gaps}");
    assert!(!gaps.contains("Björkskolan"), "{gaps}");
    let changed = it.changed("Hemtjänst Norr");
    assert!(changed.contains("nobody, so the fallback → Karin Lind"), "{changed}");
    let would = it.does(&["whatif", "--gone", "karin.lind"]);
    assert!(would.contains("nobody (global answers) instead of Karin Lind: "), "{would}");

    // From now on it is told by mail.
    daemon.terminate(PATIENCE);
    configure(&it.0, true, ZONE, "");
    let daemon = it.0.start();
    let told = || it.0.get("/v1/status")["contact_changes"].clone();
    wait_until("it is known from when on it is told", PATIENCE, || told()["last"].as_str().map(drop));
    assert!(it.0.post.delivered().is_empty(), "{:?}", it.0.post.delivered());

    leaders_on_leave(&it);
    the_only_password_helper_away(&it);
    the_quota_of_support_is_full(&it);
    a_contact_moves_in_mid_july(&it);
    a_unit_is_merged_into_another(&it);
    a_week_without_a_password_helper_is_near(&it, daemon);
}

/// One leader has a deputy; the other has none.
fn leaders_on_leave(it: &Summer) {
    let would = it.does(&["whatif", "--away", "per.holm", "--from", "2027-07-05", "--to", "2027-07-16"]);
    assert!(would.contains("nobody (global answers) instead of Per Holm: "), "{would}");
    assert!(would.contains("Hemtjänst Söder"), "{would}");

    it.away("karin.lind", "2027-07-05", "2027-07-30", &["--deputy", "nils.berg"]);
    it.away("per.holm", "2027-07-05", "2027-07-16", &[]);
    assert_eq!(it.contacts("maja.ek", "local", Some(2)), one("Karin Lind"));
    assert_eq!(it.contacts("maja.ek", "local", Some(6)), one("Nils Berg"));
    assert!(it.why("maja.ek", 6).contains("deputy for Karin Lind"), "{}", it.why("maja.ek", 6));
    assert_eq!(it.contacts("ida.sten", "local", Some(6)), one("Åsa Öberg"));
    assert!(it.why("ida.sten", 6).contains("away until"), "{}", it.why("ida.sten", 6));
    assert_eq!(it.contacts("ida.sten", "local", Some(19)), one("Per Holm"));

    let gaps = it.gaps("local");
    let of = |unit: &str| gaps.lines().filter(|line| line.contains(unit)).collect::<Vec<_>>().join("\n");
    assert!(of("Hemtjänst Söder").contains("5–16 Jul"), "{gaps}");
    assert_eq!(of("Hemtjänst Norr"), "", "the deputy is there: {gaps}");
    // It is planned: nobody has other contacts yet, and whoever will merely be away is no orphan.
    assert!(!it.changed("Hemtjänst Söder").contains("away"), "{}", it.changed("Hemtjänst Söder"));
    assert!(!it.orphans().contains("Per Holm") && !it.orphans().contains("Karin Lind"), "{}", it.orphans());
}

/// The deputy of the one leader is the one who helps with passwords, and wants a week, too.
fn the_only_password_helper_away(it: &Summer) {
    let would = it.does(&["whatif", "--away", "nils.berg", "--from", "2027-07-12", "--to", "2027-07-16"]);
    assert!(would.contains("fewer than the minimum of 1 would be there: "), "{would}");
    assert!(would.contains("instead of Nils Berg"), "{would}");

    it.away("nils.berg", "2027-07-12", "2027-07-16", &[]);
    let gaps = it.gaps("password-helper");
    assert!(gaps.contains("12–16 Jul") && gaps.contains("Nils Berg: away until"), "{gaps}");
    assert!(it.contacts("maja.ek", "password-helper", Some(9)).contains("Nils Berg"));
    assert!(!it.contacts("maja.ek", "password-helper", Some(13)).contains("Nils Berg"));
    // Where he was to stand in nobody is then, either, and the way there tells both.
    assert_eq!(it.contacts("maja.ek", "local", Some(13)), one("Åsa Öberg"));
    let why = it.why("maja.ek", 13);
    assert!(why.contains("Karin Lind") && why.contains("Nils Berg"), "{why}");
    let gaps = it.gaps("local");
    let norr = gaps.lines().filter(|line| line.contains("Hemtjänst Norr")).collect::<Vec<_>>().join("\n");
    assert!(norr.contains("12–16 Jul"), "{gaps}");
    assert!(!it.orphans().contains("Nils Berg"), "{}", it.orphans());
    let changed = it.does(&["contacts", "changes", "--role", "password-helper", "--unit", "Omsorg"]);
    assert!(changed.contains("→ Nils Berg") && !changed.contains("away"), "{changed}");
}

fn the_quota_of_support_is_full(it: &Summer) {
    let third = ["contacts", "assign", "support", "--user", "eva.strand"];
    let refused = it.0.budkavle.run(&third).ended_with(1).stderr;
    assert!(refused.contains("no more than 2") && refused.contains("Gun Ask, Nils Berg"), "{refused}");
    assert_eq!(it.0.get("/v1/contacts?role=support").as_array().map(Vec::len), Some(2));
    let both = ["Gun Ask", "Nils Berg"].map(String::from);
    assert_eq!(it.contacts("maja.ek", "support", Some(9)), both.into());
    assert_eq!(it.contacts("maja.ek", "support", Some(13)), one("Gun Ask"));
    assert!(!it.orphans().contains("may: "), "it is full, not over: {}", it.orphans());
    let would = it.does(&["whatif", "--gone", "gun.ask"]);
    assert!(would.contains("would turn to Nils Berg instead of Gun Ask, Nils Berg"), "{would}");
    let covered = it.does(&["coverage", "--from", "2027-07-12", "--to", "2027-07-16", "--role", "support"]);
    assert!(covered.contains("only Gun Ask") && covered.contains("is met everywhere"), "{covered}");
    let changed = it.does(&["contacts", "changes", "--role", "support"]);
    assert!(changed.contains("Gun Ask → Gun Ask, Nils Berg"), "{changed}");
}

/// A contact gets another post: suspended there, and told as holding the role in vain.
fn a_contact_moves_in_mid_july(it: &Summer) {
    assert_eq!(it.contacts("olle.alm", "local", None), one("Eva Strand"));
    let would = it.does(&["whatif", "--move", "eva.strand", "Ekonomi"]);
    assert!(would.contains("nobody (global answers) instead of Eva Strand: "), "{would}");

    it.0.dc.move_to(&it.dn("eva.strand"), &it.unit_dn("Ekonomi"));
    it.0.sync(0);
    assert_eq!(it.contacts("olle.alm", "local", None), one("Åsa Öberg"));
    let changed = it.changed("Björkskolan");
    assert!(changed.contains("Eva Strand → nobody, so the fallback"), "{changed}");
    assert!(changed.contains("Eva Strand moved to Ekonomi"), "{changed}");
    let orphans = it.does(&["contacts", "orphans"]);
    assert!(orphans.contains("Eva Strand") && orphans.contains("moved to Ekonomi"), "{orphans}");
    let gaps = it.gaps("local");
    let of_school: Vec<&str> = gaps.lines().filter(|line| line.contains("Björkskolan")).collect();
    assert!(of_school.iter().any(|line| line.contains("Eva Strand: moved to Ekonomi")), "{gaps}");
    // Who was contact is told, and, since nobody owns the system there, who answers for everything.
    let former = it.waits_for("eva.strand", 1);
    assert!(former.contains("Björkskolan") && former.contains("Before: you. Now: nobody"), "{former}");
    assert!(it.waits_for("asa.oberg", 1).contains("Eva Strand moved to Ekonomi"));
    let nobody = it.does(&["contacts", "orphans", "--role", "local", "--unit", "Björkskolan"]);
    assert!(nobody.contains("Björkskolan"), "{nobody}");
    it.assign("local", "olle.alm", &["--unit", "Björkskolan"]);
    let mended = it.does(&["contacts", "orphans", "--role", "local"]);
    assert!(!mended.lines().any(|line| line.contains("Björkskolan") && !line.contains("Eva")), "{mended}");
    assert!(it.changed("Björkskolan").contains("→ Olle Alm"), "{}", it.changed("Björkskolan"));
    assert!(!it.gaps("local").contains("Björkskolan"), "{}", it.gaps("local"));
    let new = it.waits_for("olle.alm", 1);
    assert!(new.contains("Björkskolan") && new.contains("Now: you."), "{new}");
    it.waits_for("asa.oberg", 2);
}

/// Home care becomes one unit: its people move, and what they came from goes.
fn a_unit_is_merged_into_another(it: &Summer) {
    let would = it.does(&["whatif", "--move", "ida.sten", "Hemtjänst Norr"]);
    assert!(would.contains("1 user would turn to Karin Lind instead of Per Holm"), "{would}");
    let norr = it.unit_dn("Hemtjänst Norr");
    for account in ["per.holm", "ida.sten"] {
        it.0.dc.move_to(&it.dn(account), &norr);
    }
    let soder = it.unit_dn("Hemtjänst Söder");
    it.0.dc.delete([&*soder]);
    let run = it.0.sync(0);
    assert_eq!(run["run"]["counts"]["units"]["removed"], 1, "{run}");

    assert_eq!(it.contacts("ida.sten", "local", None), one("Karin Lind"));
    let orphans = it.does(&["contacts", "orphans"]);
    assert!(orphans.contains("Per Holm"), "an assignment at a unit that is gone counts nowhere: {orphans}");
    // The summer was planned for two units; now the one deputy's week off is all that is uncovered.
    assert_eq!(it.contacts("ida.sten", "local", Some(6)), one("Nils Berg"));
    let gaps = it.gaps("local");
    assert!(!gaps.contains("Hemtjänst Söder") && gaps.contains("Hemtjänst Norr"), "{gaps}");
    it.assign("local", "per.holm", &["--unit", "Hemtjänst Norr"]);
    assert_eq!(
        it.contacts("ida.sten", "local", Some(20)),
        ["Nils Berg", "Per Holm"].map(String::from).into()
    );
    let changed = it.changed("Hemtjänst Norr");
    assert!(changed.contains("Karin Lind → Karin Lind, Per Holm"), "{changed}");
    let new = it.waits_for("per.holm", 1);
    assert!(new.contains("Hemtjänst Norr") && new.contains("Now: "), "{new}");
    let owner = it.waits_for("gun.ask", 1);
    assert!(owner.contains("Before: Karin Lind. Now: Karin Lind and Per Holm."), "{owner}");
}

/// He takes some days more, and soon: who owns the system of his units is warned, and who answers for everything.
fn a_week_without_a_password_helper_is_near(it: &Summer, daemon: Daemon) {
    let (zone, today) = by_day();
    it.away("nils.berg", &today(2).to_string(), &today(20).to_string(), &[]);
    daemon.terminate(PATIENCE);
    let (from, to) = (today(3).format("%m-%d"), today(9).format("%m-%d"));
    configure(
        &it.0,
        true,
        zone,
        &format!(
            "[coverage.near]\nfrom = \"{from}\"\nto = \"{to}\"\nroles = [\"password-helper\"]\nweeks_ahead = [2]\n"
        ),
    );
    let _daemon = it.0.start();
    let owner = it.waits_for("gun.ask", 2);
    assert!(owner.contains("Kommunen / Omsorg") && owner.contains("Nils Berg: away until"), "{owner}");
    assert!(owner.contains("budkavle contacts assign password-helper"), "{owner}");
    let all = it.waits_for("asa.oberg", 3);
    assert!(all.contains("Nils Berg: away until"), "{all}");
    // Nobody has got anything else.
    let accounts = [("asa.oberg", 3), ("eva.strand", 1), ("gun.ask", 2), ("olle.alm", 1), ("per.holm", 1)];
    let expected = accounts.map(|(account, mails)| (format!("{account}@kommun.example"), mails));
    it.0.mails_when_quiet("asa.oberg@kommun.example");
    assert_eq!(it.0.post.delivered(), expected.into());
}
