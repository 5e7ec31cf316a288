//! Who takes a notice on, whom it goes to when nobody does, what waits for the morning, and who asked for it from outside: by real mails, and by the pages
//! that their links lead to. The clock is set ahead between two starts of the daemon.

mod nodes;
mod peace;
mod signs;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use chrono::{TimeDelta, Utc};
use serde_json::Value;
use tempfile::TempDir;

use crate::servers::budkavle::{Budkavle, Daemon};
use crate::servers::chromium::{self, Page};
use crate::servers::mail::ParsedMail;
use crate::servers::postfix::{PORT, Postfix};
use crate::servers::{PATIENCE, folder, free_address, wait_until};

const ANNA: &str = "anna@kommun.example";
const BO: &str = "bo@kommun.example";
const CILLA: &str = "cilla@kommun.example";
const DRIFT: &str = "drift@partner.example";
/// Where the pages are, as the mails have it.
const URL: &str = "https://notices.kommun.example/it";

/// Anna and Bo belong to the unit Drift, Cilla to the one above.
fn directory() -> String {
    let unit = |place: &str, name: &str, id: &str| {
        format!("dn: OU={name},{place}\nobjectClass: organizationalUnit\nou: {name}\nobjectGUID:: {id}\n\n")
    };
    let user = |place: &str, name: &str, id: &str| {
        format!(
            "dn: CN={name},{place}\nobjectClass: user\nobjectCategory: person\ncn: {name}\nsAMAccountName: {name}\ndisplayName: {name}\n\
             mail: {name}@kommun.example\nuserAccountControl: 512\nobjectGUID:: {id}\n\n"
        )
    };
    let (top, it, drift) =
        ("DC=kommun,DC=example", "OU=IT,DC=kommun,DC=example", "OU=Drift,OU=IT,DC=kommun,DC=example");
    [
        unit(top, "IT", "AAAAAAAAAAAAAAAAAAAAAQ=="),
        unit(it, "Drift", "AAAAAAAAAAAAAAAAAAAAAg=="),
        user(drift, "Anna", "AAAAAAAAAAAAAAAAAAAAAw=="),
        user(drift, "Bo", "AAAAAAAAAAAAAAAAAAAABA=="),
        user(it, "Cilla", "AAAAAAAAAAAAAAAAAAAABQ=="),
    ]
    .concat()
}

/// Anna is told of every outage, Bo is the local contact of her unit, Cilla of the one above.
struct Place {
    post: Postfix,
    budkavle: Budkavle,
    pages: SocketAddr,
    daemon: Option<Daemon>,
    folder: TempDir,
}

impl Place {
    /// Shows a page or a mail in a browser.
    fn reads_well(&self, name: &str, page: &str, what: Page) {
        chromium::reads_well(&self.folder.path().join(format!("{name}.html")), page, what);
    }

    /// With this beside the usual configuration.
    fn new(more: &str) -> Place {
        Place::with("", more)
    }

    /// With this of the directory, and that beside it.
    fn with(of_directory: &str, more: &str) -> Place {
        let folder = folder("notices");
        let post = Postfix::start([ANNA, BO, CILLA, DRIFT]);
        let pages = SocketAddr::from((free_address(&[8096]), 8096));
        fs::write(folder.path().join("directory.ldif"), directory()).unwrap();
        let text = format!(
            "[organisation]\nname = \"Kommunen\"\ntimezone = \"Europe/Stockholm\"\n[store]\nfolder = \"{folder}/state\"\n[api]\nsocket = \"{folder}/socket\"\n\
             [[directory]]\nname = \"main\"\nsource = \"ldif\"\nfile = \"{folder}/directory.ldif\"\nschedule = \"0 3 1 1 *\"\n{of_directory}\n\
             [mail]\nfrom = \"Budkavle <budkavle@kommun.example>\"\nhost = \"{host}\"\nport = {PORT}\nca_file = \"{ca}\"\nretry_first = \"1s\"\n\
             [contact_changes]\ndigest = \"off\"\n{more}\n[public]\nurl = \"{URL}/\"\nlisten = \"{pages}\"\nsubscribe = true\n",
            folder = folder.path().display(),
            host = post.address(),
            ca = post.ca_file().display(),
        );
        fs::write(folder.path().join("budkavle.toml"), text).unwrap();
        let budkavle = Budkavle::new(folder.path());
        let mut daemon = budkavle.start();
        daemon.wait_for_log("is ready", PATIENCE);
        wait_until("the first run has ended", PATIENCE, || {
            budkavle.run(&["sync", "history", "--json"]).stdout.contains("\"id\"").then_some(())
        });
        let assign = |words: &[&str]| budkavle.run(&[&["contacts", "assign"], words].concat()).success();
        assign(&["outage", "--user", "Anna"]);
        assign(&["local", "--user", "Bo", "--unit", "Drift"]);
        assign(&["local", "--user", "Cilla", "--unit", "IT"]);
        Place { post, budkavle, pages, daemon: Some(daemon), folder }
    }

    /// Starts the daemon anew, by a clock that is ahead by so much.
    fn ahead(&mut self, by: &str) {
        assert!(self.daemon.take().unwrap().terminate(PATIENCE).success());
        let mut next = self.budkavle.start_ahead(by);
        next.wait_for_log("is ready", PATIENCE);
        self.daemon = Some(next);
    }

    /// Opens an outage; its number.
    fn open(&self, title: &str, severity: &str) -> u64 {
        self.budkavle.json(&["outage", "open", title, "--severity", severity])["id"].as_u64().unwrap()
    }

    /// Waits for so many mails to somebody, and gives what they are about.
    fn subjects(&self, to: &str, count: usize) -> Vec<String> {
        let mut subjects: Vec<String> =
            self.post.wait_for(to, count, PATIENCE).iter().map(ParsedMail::subject).collect();
        subjects.sort();
        assert_eq!(subjects.len(), count, "{to}: {subjects:?}");
        subjects
    }

    /// What waits for somebody to take it on.
    fn waiting(&self) -> Vec<Value> {
        self.budkavle.json(&["notice", "list"]).as_array().unwrap().clone()
    }

    /// Asks for a page as whatever is behind the link does: the status, the head and the page.
    fn ask(&self, method: &str, link: &str, body: &str) -> (u16, String, String) {
        ask_at(self.pages, method, link, body)
    }
}

/// The same at an address.
fn ask_at(pages: SocketAddr, method: &str, link: &str, body: &str) -> (u16, String, String) {
    let path = link.strip_prefix(URL).unwrap_or_else(|| panic!("{link} isn't at {URL}"));
    let mut stream = TcpStream::connect(pages).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: notices.kommun.example\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_lowercase(), page.to_owned())
}

/// The one link of a mail that leads to such a page; it is one in the page, too.
fn link(mail: &ParsedMail, page: &str) -> String {
    let text = mail.text();
    let mut links = text.split_whitespace().filter(|word| word.starts_with(&format!("{URL}/{page}/")));
    let link = links.next().unwrap_or_else(|| panic!("no link to {page} in:\n{text}")).to_owned();
    assert_eq!(links.next(), None);
    assert!(mail.html().contains(&format!("<a href=\"{link}\"")), "{}", mail.html());
    link
}

#[test]
fn what_nobody_takes_on_climbs_and_stops_once_somebody_presses_the_button() {
    let mut place = Place::new("[acknowledge]\nkinds = [\"outage\"]\nafter = \"1h\"");
    let taken = place.open("E-posten är nere", "critical");
    place.open("Telefonerna är nere", "critical");
    place.open("Skrivaren är trasig", "minor");
    let mails = place.post.wait_for(ANNA, 3, PATIENCE);
    let of = |title: &str| mails.iter().find(|mail| mail.subject().ends_with(title)).unwrap();
    assert!(!of("Skrivaren är trasig").text().contains(URL), "what is small asks nothing");
    let hers = link(of("E-posten är nere"), "take-on");
    assert_eq!(place.waiting().len(), 2);

    // Programs look at what mails lead to: that does nothing, however often.
    for method in ["GET", "HEAD", "GET"] {
        let (status, head, page) = place.ask(method, &hers, "");
        assert_eq!(status, 200, "{page}");
        assert!(head.contains("no-store") && head.contains("default-src 'none'"), "{head}");
        if method == "GET" {
            assert!(page.contains("E-posten är nere") && page.contains("<form method=\"post\">"), "{page}");
            place.reads_well("take-on", &page, Page::Short);
        }
    }
    assert_eq!(place.waiting().len(), 2);
    place.ahead("+90m");
    assert_eq!(
        place.subjects(BO, 2),
        ["Outage 1: E-posten är nere", "Outage 2: Telefonerna är nere"],
        "the colleague"
    );
    let first =
        place.post.mails_for(BO).into_iter().find(|mail| mail.subject().starts_with("Outage 1")).unwrap();
    assert!(
        first.text().contains("Nobody has taken this on") && first.text().contains("Anna"),
        "{}",
        first.text()
    );
    let his = link(&first, "take-on");
    assert_ne!(his, hers, "each has a link of their own");

    // A link that was cut or changed is none, nor does one do what another is for.
    let mut cut = hers.clone();
    cut.pop();
    let other = hers.replace("take-on", "unsubscribe");
    for (bad, status) in [(&cut, 404), (&other, 404)] {
        assert_eq!(place.ask("POST", bad, "").0, status, "{bad}");
    }
    assert_eq!(place.waiting().len(), 2);

    let (status, _, page) = place.ask("POST", &hers, "");
    assert!(status == 200 && page.contains("You have it"), "{page}");
    place.reads_well("taken-on", &page, Page::Short);
    place.reads_well("climbed", &first.html(), Page::Mail);
    let (_, _, page) = place.ask("GET", &his, "");
    assert!(page.contains("Anna") && !page.contains("<form"), "whoever comes later sees who has it: {page}");
    let (_, _, page) = place.ask("POST", &his, "");
    assert!(page.contains("Anna") && !page.contains("You have it"), "{page}");
    let waiting = place.waiting();
    assert_eq!(waiting.len(), 1);
    assert!(waiting[0]["about"].as_str().unwrap().contains("Telefonerna"), "{waiting:?}");
    let audit = place.budkavle.json(&["audit"]).to_string();
    assert!(audit.contains("notice taken on") && audit.contains("by the link in the message"), "{audit}");

    // The one goes on, the other doesn't, nor when there is more to say of it.
    place.ahead("+3h");
    assert_eq!(place.subjects(CILLA, 1), ["Outage 2: Telefonerna är nere"], "the unit above");
    place.budkavle.run(&["outage", "update", &taken.to_string(), "--text", "En disk är full."]).success();
    let later = place.subjects(ANNA, 4);
    assert_eq!(later.iter().filter(|subject| subject.starts_with("Outage 1")).count(), 2);
    let notice = place.waiting()[0]["notice"].to_string();
    let told = place.budkavle.run(&["notice", "ack", &notice]).success();
    assert!(place.waiting().is_empty(), "{}", told.stdout);
    place.ahead("+30h");
    place.open("Något annat", "critical");
    place.subjects(ANNA, 5);
    assert_eq!((place.subjects(BO, 2).len(), place.subjects(CILLA, 1).len()), (2, 1));
}

#[test]
fn what_is_minor_waits_for_the_morning_and_what_is_critical_does_not() {
    #[expect(clippy::disallowed_methods, reason = "the daemon goes by the machine's clock")]
    let now = Utc::now().with_timezone(&chrono_tz::Europe::Stockholm);
    let clock = |hours: i64| (now + TimeDelta::hours(hours)).format("%H:%M").to_string();
    let night = format!("[quiet_hours]\nnight = \"{}-{}\"", clock(-2), clock(3));
    let mut place = Place::new(&night);
    place.open("Skrivaren är trasig", "minor");
    place.open("E-posten är nere", "critical");
    assert_eq!(place.subjects(ANNA, 1), ["Outage 2: E-posten är nere"]);
    let waits = place.budkavle.json(&["outbox", "list", "--state", "queued"]);
    let waits = waits["items"].as_array().unwrap();
    assert_eq!(waits.len(), 1, "{waits:?}");
    let due: chrono::DateTime<Utc> = waits[0]["due"].as_str().unwrap().parse().unwrap();
    assert!(due > now + TimeDelta::hours(2) && due <= now + TimeDelta::hours(3), "{due}");
    // Of several words only the last is told in the morning.
    place.budkavle.run(&["outage", "update", "1", "--text", "Den är på lagning."]).success();
    place.ahead("+4h");
    assert_eq!(place.subjects(ANNA, 2), ["Outage 1: Skrivaren är trasig", "Outage 2: E-posten är nere"]);
    let mails = place.post.mails_for(ANNA);
    assert!(mails.iter().any(|mail| mail.text().contains("Den är på lagning.")));
    wait_until("nothing waits any more", PATIENCE, || {
        let waits = place.budkavle.json(&["outbox", "list", "--state", "queued"]);
        waits["items"].as_array().unwrap().is_empty().then_some(())
    });
    assert_eq!(place.post.delivered().get(ANNA), Some(&2));
}

#[test]
fn who_asks_from_outside_is_told_once_they_confirm_until_they_click() {
    let place = Place::new("");
    let form = format!("mail={}", DRIFT.replace('@', "%40"));
    let (status, _, page) = place.ask("GET", &format!("{URL}/subscribe"), "");
    assert!(status == 200 && page.contains("type=\"email\""), "{page}");
    place.reads_well("subscribe", &page, Page::Short);
    let (_, _, page) = place.ask("POST", &format!("{URL}/subscribe"), &form);
    assert!(!page.contains(DRIFT) && !page.contains("<form"), "{page}");
    let asked = place.post.wait_for(DRIFT, 1, PATIENCE).remove(0);
    let confirm = link(&asked, "confirm");
    assert_eq!(asked.header("List-Unsubscribe"), None, "they get nothing yet");
    // Once more is answered alike, and nobody is written to again.
    assert_eq!(place.ask("POST", &format!("{URL}/subscribe"), &form).2, page);

    place.open("Innan", "major");
    place.subjects(ANNA, 1);
    let (status, _, page) = place.ask("GET", &confirm, "");
    assert!(status == 200 && page.contains("<form method=\"post\">"), "{page}");
    let standing = || place.budkavle.json(&["subscriber", "list"])[0]["standing"].to_string();
    assert!(standing().contains("asked"), "{}", standing());
    assert_eq!(place.ask("POST", &confirm, "").0, 200);
    assert!(standing().contains("confirmed"), "{}", standing());

    place.open("Sedan", "major");
    place.subjects(ANNA, 2);
    let mails = place.post.wait_for(DRIFT, 2, PATIENCE);
    assert_eq!(place.subjects(DRIFT, 2), ["Outage 2: Sedan", &asked.subject()]);
    let told = mails.iter().find(|mail| mail.subject() == "Outage 2: Sedan").unwrap();
    let unsubscribe = link(told, "unsubscribe");
    assert_eq!(told.header("List-Unsubscribe").unwrap(), format!("<{unsubscribe}>"));
    assert_eq!(told.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert!(!place.post.mails_for(ANNA).iter().any(|mail| mail.header("List-Unsubscribe").is_some()));

    // A look takes nobody off; what a mail program sends does (RFC 8058), and again does no harm.
    assert_eq!(place.ask("GET", &unsubscribe, "").0, 200);
    assert!(standing().contains("confirmed"));
    for _ in 0..2 {
        assert_eq!(place.ask("POST", &unsubscribe, "List-Unsubscribe=One-Click").0, 200);
    }
    assert_eq!(place.budkavle.json(&["subscriber", "list"]), serde_json::json!([]));
    assert_ne!(place.ask("POST", &confirm, "").0, 500);
    assert_eq!(
        place.budkavle.json(&["subscriber", "list"]),
        serde_json::json!([]),
        "an old link brings nobody back"
    );
    place.open("Efter", "major");
    place.subjects(ANNA, 3);
    assert_eq!(place.post.delivered().get(DRIFT), Some(&2));
}
