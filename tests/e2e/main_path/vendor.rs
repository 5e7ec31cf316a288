//! What the vendor's part is: the lists that it keeps, its support, and the page for whoever can't sign in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::servers::web::Web;
use crate::servers::{PATIENCE, wait_until};
use crate::site::Site;
use crate::world::Organisation;

/// Signed by `minisign -S` with a key that was made for it.
const SIGNED: &str = r#"issued = 2026-11-01

[[people]]
name = "Eva Lind"
mail = "eva.lind@vendor.example"
phone = "+46 8 123 45 67"
for = "licences and contracts"

[[people]]
name = "Jens Ek"
mail = "jens.ek@vendor.example"
"#;
const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUSIyqzKtUBby0V6PDja2qUVIuxICO7hut8L0uhZbN1Gj6vpZVlWPpqm0iJT+xHtvz+w6iVP99STz4L0JrD9eanAi+ZZHA/+MwU=
trusted comment: timestamp:1795869638	file:contacts.toml	hashed
vPysgtKY65Ol6pdN6D/IyW58vaoddxx+ZGuetJVQBd7Rqtjl4HCnShrw+2v/FXQUGlSiD3sso2tOyN9C10RXDQ==
";
const KEY: &str = "RWSIyqzKtUBby496RrJmkavdmZOejkQmB37oRvJt7oRj2ABq1R81rMyF";

const NEVER: &str = "schedule = \"0 3 1 1 *\"";

/// Two lists: the account managers in a signed file, those entitled to support at an address with a checksum beside it.
struct Lists {
    site: Site,
    web: Web,
}

impl Lists {
    fn new() -> Lists {
        let (site, web) = (Site::new(Organisation::generate(60, 24)), Web::start());
        let file = site.path().join("contacts.toml");
        fs::write(file.with_extension("toml.minisig"), SIGNATURE).unwrap();
        fs::write(&file, SIGNED).unwrap();
        let tables = format!(
            r#"
[[list]]
name = "vendor"
roles = ["account-manager"]
file = "{}"
public_key = "{KEY}"
{NEVER}

[[list]]
name = "entitled"
roles = ["support"]
url = "{}"
sha256_url = "{}"
ca_file = "{}"
{NEVER}

[roles.support]
quota = 2
"#,
            file.display(),
            web.at("/entitled.csv"),
            web.at("/entitled.csv.sha256"),
            web.ca_file().display()
        );
        site.configure(&|text| text.push_str(&tables));
        Lists { site, web }
    }

    /// From now on the address answers this, with its checksum.
    fn answers(&self, text: &str) {
        let sum: String = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        self.web.says("/entitled.csv", &format!("\"{sum}\""), text);
        self.web.says("/entitled.csv.sha256", &format!("\"{sum}\""), &format!("{sum}  entitled.csv\n"));
    }

    fn refresh(&self, list: &str, code: i32) -> String {
        self.site.budkavle.run(&["lists", "refresh", list]).ended_with(code).stdout
    }

    fn does(&self, words: &[&str]) -> String {
        self.site.budkavle.run(words).success().stdout
    }

    fn people(&self, role: &str) -> Vec<String> {
        names(&self.site.get(&format!("/v1/contacts/of?role={role}")))
    }
}

fn names(answer: &Value) -> Vec<String> {
    let contacts = answer["contacts"].as_array().unwrap();
    contacts.iter().map(|contact| contact["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn lists_of_the_vendor_are_believed_when_they_are_proven_and_the_last_good_one_is_kept() {
    let it = Lists::new();
    let csv = |people: &[&str]| {
        let line = |name: &&str| format!("{name},{}@vendor.example\n", name.to_lowercase());
        format!("name,mail\n{}", people.iter().map(line).collect::<String>())
    };
    it.answers(&csv(&["Tora", "Kim"]));
    let daemon = it.site.start();
    it.site.assign_contacts();
    wait_until("both lists are taken", PATIENCE, || {
        (it.people("account-manager").len() == 2 && it.people("support").len() == 2).then_some(())
    });
    let manager = it.does(&["contacts", "of", "--role", "account-manager", "--why"]);
    assert!(manager.contains("+46 8 123 45 67") && manager.contains("by the list vendor"), "{manager}");

    // Nobody gives that role here, and no more people may be entitled than are.
    let refused = |words: &[&str], says: &str| {
        let outcome = it.site.budkavle.run(words);
        assert!(outcome.code != Some(0) && outcome.stderr.contains(says), "{words:?}: {}", outcome.stderr);
    };
    refused(&["contacts", "assign", "account-manager", "--user", "asa.oberg"], "isn't given by hand");
    refused(
        &["contacts", "assign", "support", "--user", "asa.oberg"],
        "no more than 2 may hold the role support",
    );

    // Somebody changes the signed file.
    let (file, forged) = (it.site.path().join("contacts.toml"), SIGNED.replace("45 67", "99 99"));
    fs::write(&file, forged).unwrap();
    assert!(it.refresh("vendor", 1).contains("signature"));
    let status = it.does(&["status"]);
    assert!(status.contains("the list vendor isn't taken, the last good one stays in force"), "{status}");
    assert!(it.does(&["contacts", "of", "--role", "account-manager"]).contains("45 67"));
    fs::write(&file, SIGNED).unwrap();
    it.refresh("vendor", 0);
    assert!(!it.does(&["status"]).contains("isn't taken"));

    // The address answers rubbish: with another checksum, with the right one, then nothing at all.
    let rubbish = "<!doctype html><title>Sign in</title>";
    it.web.says("/entitled.csv", "\"rubbish\"", rubbish);
    assert!(it.refresh("entitled", 1).contains("SHA-256"));
    it.answers(rubbish);
    assert!(it.refresh("entitled", 1).contains("line 1"));
    it.web.forgets("/entitled.csv");
    assert!(it.refresh("entitled", 1).contains("404"));
    assert_eq!(it.people("support"), ["Kim", "Tora"]);
    daemon.kill();
    let _daemon = it.site.start();
    wait_until("it was looked at after the start", PATIENCE, || {
        it.site.get("/v1/lists/entitled")["trouble"].as_str().map(drop)
    });
    assert_eq!(it.people("support"), ["Kim", "Tora"], "the last good list outlives the daemon");

    // A good one again: all on it are taken, also beyond the quota, and that is told.
    it.answers(&csv(&["Tora", "Ulf", "Ylva"]));
    assert!(it.refresh("entitled", 0).contains("3 people"));
    assert_eq!(it.people("support"), ["Tora", "Ulf", "Ylva"]);
    let status = it.does(&["status"]);
    assert!(status.contains("3 people hold the role support, and no more than 2 may"), "{status}");
    let entitled = it.does(&["contacts", "entitled"]);
    assert!(entitled.contains("Ulf") && !entitled.contains("Kim"), "{entitled}");
    let audit = it.does(&["audit", "--full"]);
    assert!(audit.contains("list taken") && audit.contains("Ylva"), "{audit}");

    // One that has nobody any more waits for a person's word.
    it.answers("name,mail\n");
    assert!(it.refresh("entitled", 1).contains("budkavle lists accept entitled"));
    assert_eq!(it.people("support").len(), 3);
    it.does(&["lists", "accept", "entitled"]);
    assert_eq!(it.people("support"), ["Åsa Öberg"], "who answers for everything");
}

#[test]
fn who_is_entitled_is_given_out_as_any_program_wants_it_with_what_is_different_since() {
    let site = Site::new(Organisation::generate(60, 24));
    let _daemon = site.start();
    let does = |words: &[&str]| site.budkavle.run(words).success().stdout;
    // A number of the assignment's own, and the order by rank, for users of the directory.
    does(&["contacts", "assign", "support", "--user", "asa.oberg", "--rank", "2"]);
    let desk = "+46 8 111 22 33";
    does(&["contacts", "assign", "support", "--user", "soren.odegard", "--rank", "1", "--phone", desk]);
    let answer = site.get("/v1/contacts/of?role=support");
    assert_eq!(names(&answer), ["Søren Ødegård", "Åsa Öberg"]);
    assert_eq!(
        (&answer["contacts"][0]["phone"], &answer["contacts"][0]["mobile"]),
        (&desk.into(), &Value::Null)
    );

    let csv = does(&["contacts", "entitled", "--format", "csv", "--given-out", "--why", "the yearly list"]);
    assert!(csv.trim_start_matches('\u{feff}').starts_with("name,title,unit,mail,phone,roles"), "{csv}");
    let lines = |name: &str| csv.lines().filter(|line| line.contains(name)).count();
    assert_eq!((lines("Åsa Öberg"), lines("Søren Ødegård"), csv.lines().count()), (1, 1, 3), "{csv}");
    let audit = does(&["audit", "--full"]);
    assert!(audit.contains("given out") && audit.contains("the yearly list"), "{audit}");
    let cards = does(&["contacts", "entitled", "--format", "vcard"]);
    assert_eq!(cards.matches("BEGIN:VCARD").count(), 2, "{cards}");
    assert!(cards.contains("Søren Ødegård") && cards.contains("111"), "{cards}");
    let json = |words: &[&str]| -> Value {
        let text = does(&[&["contacts", "entitled", "--format", "json"], words].concat());
        serde_json::from_str(&text).unwrap()
    };
    let since = json(&[]);
    assert_eq!(since["people"].as_array().map(Vec::len), Some(2), "{since}");
    assert!(since["last_given_out"].is_string(), "{since}");
    for what in ["added", "gone", "changed"] {
        assert_eq!(since["difference"][what].as_array().map(Vec::len), Some(0), "{since}");
    }

    // One goes, one comes; looking alone gives nothing out.
    // The first assignment there was.
    does(&["contacts", "revoke", "1"]);
    does(&["contacts", "assign", "support", "--user", "obrien"]);
    for _ in 0..2 {
        let table = does(&["contacts", "entitled"]);
        let has = |sign: &str, name: &str| {
            table.lines().any(|line| line.trim_start().starts_with(sign) && line.contains(name))
        };
        assert!(has("+", "Liam O'Brien") && has("-", "Åsa Öberg") && !has("-", "Søren"), "{table}");
    }
    let given = json(&["--given-out"]);
    assert_eq!(given["difference"]["added"][0]["name"], "Liam O'Brien", "since the one before: {given}");
    assert_eq!(given["difference"]["gone"][0]["name"], "Åsa Öberg", "{given}");
    assert_eq!(json(&[])["difference"]["added"].as_array().map(Vec::len), Some(0));
}

/// What a web server would show: somebody without any rights reads the file.
fn read_by_anybody(file: &Path) -> String {
    let mut command = Command::new("setpriv");
    let read = command.args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "cat"]).arg(file);
    String::from_utf8(read.output().unwrap().stdout).unwrap()
}

/// Well before the minute at which the page is looked at anyhow.
const RIGHT_AFTER: Duration = Duration::from_secs(30);

#[test]
fn the_support_keeps_its_hours_and_who_can_not_sign_in_finds_somebody_on_a_page() {
    let site = Site::new(Organisation::generate(60, 24));
    let file = site.path().join("public/sign-in.html");
    let configure = |hours: &str, closed: &str| {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let hours: String = days.iter().map(|day| format!("hours.{day} = \"{hours}\"\n")).collect();
        site.configure(&|text| {
            text.push_str(&format!(
                "
[calendar]
closed_days = [{closed}]

[support]
phone = \"+46 8 555 00 00\"
mail = \"support@vendor.example\"
urgent_phone = \"+46 8 555 99 99\"
covered = [\"Faults in the product\"]
billed = [\"Training\"]
{hours}
[login_page]
file = \"{}\"
language = \"sv\"
{hours}",
                file.display()
            ));
        });
    };
    configure("00:00-24:00", "");
    let mut daemon = site.start();
    let does = |words: &[&str]| site.budkavle.run(words).success().stdout;
    site.assign_contacts();
    does(&["contacts", "assign", "support", "--user", "soren.odegard"]);
    does(&["contacts", "assign", "login", "--user", "asa.oberg"]);

    let support = does(&["support"]);
    for line in [
        "open",
        "+46 8 555 00 00",
        "urgent    +46 8 555 99 99",
        "Faults in the product",
        "Training",
        "Søren Ødegård",
    ] {
        assert!(support.contains(line), "{line}: {support}");
    }
    let page = |says: &str, not: &str| {
        wait_until(&format!("the page says {says}"), RIGHT_AFTER, || {
            let (html, text) = (read_by_anybody(&file), read_by_anybody(&file.with_extension("txt")));
            let right = |page: &str| page.contains(says) && !page.contains(not);
            (right(&html) && right(&text)).then_some(())
        });
    };
    page("Åsa Öberg", "Liam");
    assert!(
        read_by_anybody(&file).contains("00:00–24:00") && read_by_anybody(&file).contains("+46 8 555 00 00")
    );
    let folder = file.parent().unwrap();
    assert_eq!(
        fs::metadata(folder).unwrap().permissions().mode() & 0o005,
        0o005,
        "a web server can look into it"
    );

    // A holiday closes it, and the urgent way stays.
    #[expect(clippy::disallowed_methods, reason = "Budkavle's clock is that of the machine")]
    let now = Utc::now();
    let around = [-1, 0, 1].map(|days| format!("\"{}\"", (now + TimeDelta::days(days)).format("%Y-%m-%d")));
    configure("00:00-24:00", &around.join(", "));
    daemon.reload();
    daemon.wait_for_log("reloaded", PATIENCE);
    let support = does(&["support"]);
    assert!(support.contains("closed; opens") && support.contains("+46 8 555 99 99"), "{support}");
    page("stängt", "Liam");

    // Somebody leaves, with a deputy; times are those of the organisation's clocks, not of this machine's.
    let day = |days| (now + TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let added =
        does(&["absence", "add", "asa.oberg", "--from", &day(-2), "--until", &day(2), "--deputy", "obrien"]);
    assert!(added.contains(&format!("from {} 00:00:00 until {} 00:00:00", day(-2), day(3))), "{added}");
    page("Liam", "Åsa");

    // The folder is gone, and something is in its place: told until that is mended.
    let aside = site.path().join("aside");
    fs::rename(folder, &aside).unwrap();
    fs::write(folder, "").unwrap();
    let number = site.get("/v1/absences")[0]["id"].to_string();
    does(&["absence", "remove", &number]);
    wait_until("it is told", RIGHT_AFTER, || {
        site.get("/v1/status")["login_page"]["trouble"].as_str().map(drop)
    });
    let status = does(&["status"]);
    assert!(status.contains("NOT WRITTEN") && status.contains("take away what is in the way"), "{status}");
    let checked = site.budkavle.run(&["check"]).ended_with(1).stdout;
    assert!(checked.contains("login page") && checked.contains("[login_page]"), "{checked}");
    fs::remove_file(folder).unwrap();
    does(&["contacts", "assign", "login", "--user", "obrien"]);
    page("Liam", "Søren");
    let status = does(&["status"]);
    assert!(!status.contains("NOT WRITTEN") && !status.contains("in the way"), "{status}");
    site.budkavle.run(&["check"]).success();
}
