//! What others tell becomes outages: a vendor's status page over HTTPS, a real Alertmanager that calls, jobs that give no sign of life.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

use serde_json::{Value, json};

use crate::servers::process::Process;
use crate::servers::web::Web;
use crate::servers::{PATIENCE, folder, free_address, wait_until};
use crate::site::Site;
use crate::world::Organisation;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PORT: u16 = 8095;
const ALERTMANAGER_PORT: u16 = 9093;

/// A site whose configuration has this, too.
fn site(more: &str) -> Site {
    let site = Site::new(Organisation::kommun());
    site.configure(&|text| text.push_str(more));
    site
}

fn intake(site: &Site, address: Ipv4Addr) -> String {
    let file = site.path().join("intake.token");
    std::fs::write(&file, TOKEN).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, mode).unwrap();
    format!("[intake]\nlisten = \"{address}:{PORT}\"\ntoken_file = \"{}\"\n", file.display())
}

/// Posts; gives the status.
fn post(address: Ipv4Addr, port: u16, path: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect((address, port)).unwrap();
    let length = body.len();
    write!(stream, "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// The state of an outage, once there is one of this title that has it.
fn wait_for(site: &Site, title: &str, state: &str) -> Value {
    wait_until(&format!("{title} is {state}"), PATIENCE, || {
        let all = site.budkavle.json(&["outage", "list", "--all"]);
        let found = all.as_array()?.iter().find(|outage| outage["title"] == title)?.clone();
        let last = found["updates"].as_array()?.last()?["state"].clone();
        (last == state).then_some(found)
    })
}

#[test]
fn a_status_page_is_followed_from_the_first_word_to_the_last() {
    let web = Web::start();
    let site = site(&format!(
        "[service.mail]\n[[feed]]\nname = \"cloud\"\naddress = \"{}\"\nca_file = \"{}\"\nformat = \"statuspage\"\nschedule = \"0 3 1 1 *\"\ngrace = \"0s\"\n[feed.component]\n\"Mail delivery\" = \"mail\"\n",
        web.at("/api/v2/summary.json"),
        web.ca_file().display()
    ));
    let check = site.budkavle.run(&["check", "--online"]).ended_with(1).stdout;
    assert!(check.contains("feed cloud") && check.contains("404"), "{check}");
    let _daemon = site.start();
    let contacts = site.outage_contacts();
    let now = site.get("/v1/status")["started"].as_str().unwrap().to_owned();
    let page = |status: &str, body: &str| {
        let update = json!([{ "body": body, "created_at": now }]);
        let incident = json!({ "id": "x1", "name": "Mail is delayed", "status": status, "impact": "major", "updated_at": now,
            "incident_updates": update, "components": [{ "name": "Mail delivery" }] });
        json!({ "incidents": [incident] }).to_string()
    };
    let poll = |code| site.budkavle.run(&["feed", "poll", "cloud"]).ended_with(code).stdout;
    assert!(poll(1).contains("404"));
    let status = site.budkavle.run(&["status"]).success().stdout;
    assert!(status.contains("the feed cloud is in trouble"), "{status}");

    web.says("/api/v2/summary.json", "\"1\"", &page("investigating", "We are looking."));
    let dry = site.budkavle.run(&["feed", "poll", "cloud", "--dry-run"]).success().stdout;
    assert!(dry.contains("Would open an outage: Mail is delayed (major, mail)"), "{dry}");
    assert!(poll(0).contains("Opened outage 1: Mail is delayed"));
    assert!(poll(0).contains("nothing has changed"));
    // What waits when the last word comes isn't sent any more.
    contacts.iter().for_each(|contact| drop(site.post.wait_for(contact, 1, PATIENCE)));
    web.says("/api/v2/summary.json", "\"2\"", &page("resolved", "It works."));
    assert!(poll(0).contains("Resolved outage 1"));
    for contact in &contacts {
        let mails = site.post.wait_for(contact, 2, PATIENCE);
        assert!(mails[0].subject().contains("Mail is delayed"), "{}", mails[0].subject());
        assert!(mails[0].text().contains("We are looking.") && mails[1].text().contains("It works."));
    }
    let audit = site.budkavle.run(&["audit"]).success().stdout;
    assert!(audit.contains("feed cloud"), "{audit}");
    let list = site.budkavle.json(&["feed", "list"]);
    assert_eq!((&list[0]["trouble"], &list[0]["entries"]), (&Value::Null, &1.into()), "{list}");
}

#[test]
fn rss_atom_and_other_json_are_followed() {
    let web = Web::start();
    let feed = |name: &str, format: &str, more: &str| {
        let (address, ca) = (web.at(&format!("/{name}")), web.ca_file().display());
        format!(
            "[[feed]]\nname = \"{name}\"\naddress = \"{address}\"\nca_file = \"{ca}\"\nformat = \"{format}\"\nschedule = \"0 3 1 1 *\"\n{more}"
        )
    };
    let mapping = "[feed.json]\nentries = \"/störungen\"\nid = \"/nr\"\ntitle = \"/was\"\ntext = \"/text\"\nstate = \"/stand\"\nat = \"/zeit\"\nover = [\"behoben\"]\n";
    let site = site(&(feed("rss", "rss", "") + &feed("atom", "atom", "") + &feed("json", "json", mapping)));
    let _daemon = site.start();
    let now = site.get("/v1/status")["started"].as_str().unwrap().to_owned();
    let rss = |title: &str| {
        let date = chrono::DateTime::parse_from_rfc3339(&now).unwrap().to_rfc2822();
        format!(
            "<rss version=\"2.0\"><channel><title>S</title><link>https://s.example/</link><item><title>{title}</title><pubDate>{date}</pubDate></item></channel></rss>"
        )
    };
    let atom = |title: &str| {
        format!(
            "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>S</title><id>s</id><updated>{now}</updated><entry><id>tag:1</id><title>{title}</title><updated>{now}</updated><summary>More &lt;b&gt;soon&lt;/b&gt;.</summary></entry></feed>"
        )
    };
    let json = |state: &str| {
        json!({ "störungen": [{ "nr": 7, "was": "Netz", "text": "Langsam.", "stand": state, "zeit": now }] })
            .to_string()
    };
    let poll = |name: &str| site.budkavle.run(&["feed", "poll", name]).success().stdout;
    for (n, (name, first, last)) in [
        ("rss", rss("[Investigating] Network is slow"), rss("[Resolved] Network is slow")),
        ("atom", atom("Login: errors"), atom("Resolved: Login: errors")),
        ("json", json("offen"), json("behoben")),
    ]
    .into_iter()
    .enumerate()
    {
        let id = n + 1;
        web.says(&format!("/{name}"), "\"1\"", &first);
        assert!(poll(name).contains(&format!("Opened outage {id}: ")), "{name}");
        web.says(&format!("/{name}"), "\"2\"", &last);
        assert!(poll(name).contains(&format!("Resolved outage {id}")), "{name}");
    }
    let all = site.budkavle.json(&["outage", "list", "--all"]);
    let authors: Vec<_> =
        all.as_array().unwrap().iter().map(|outage| outage["updates"][0]["by"].clone()).collect();
    for source in ["feed rss", "feed atom", "feed json"] {
        assert!(authors.contains(&json!({ "source": source })), "{authors:?}");
    }
    web.says("/atom", "\"3\"", "<!doctype html><title>Down</title>");
    let failed = site.budkavle.run(&["feed", "poll", "atom"]).ended_with(1).stdout;
    assert!(failed.contains("a page for people"), "{failed}");
}

/// An Alertmanager that posts here, at once.
fn alertmanager(folder: &Path, address: Ipv4Addr, to: Ipv4Addr) -> Process {
    let hook = |path: &str| {
        format!(
            "  - url: http://{to}:{PORT}{path}\n    send_resolved: true\n    http_config:\n      authorization:\n        credentials: {TOKEN}\n"
        )
    };
    let config = format!(
        "route:\n  receiver: budkavle\n  group_by: [alertname]\n  group_wait: 0s\n  group_interval: 1s\nreceivers:\n- name: budkavle\n  webhook_configs:\n{}{}",
        hook("/alertmanager"),
        // As another one, which doesn't know of the first, would.
        hook("/alertmanager/other")
    );
    let file = folder.join("alertmanager.yml");
    std::fs::write(&file, config).unwrap();
    let mut process = Process::start(
        "prometheus-alertmanager",
        |command| {
            command
                .arg(format!("--config.file={}", file.display()))
                .arg(format!("--storage.path={}", folder.join("data").display()))
                .arg(format!("--web.listen-address={address}:{ALERTMANAGER_PORT}"))
                .arg("--cluster.listen-address=");
        },
        &folder.join("log"),
    );
    process.wait_until_ready(|| TcpStream::connect((address, ALERTMANAGER_PORT)).ok());
    process
}

#[test]
fn an_alertmanager_and_jobs_call_over_the_network() {
    let site = site("");
    let (address, other) = (free_address(&[PORT]), free_address(&[ALERTMANAGER_PORT]));
    let more = intake(&site, address)
        + "[service.storage]\n[[heartbeat]]\nname = \"backup\"\ntitle = \"the backup\"\nevery = \"1m\"\ngrace = \"0s\"\n";
    site.configure(&|text| text.push_str(&more));
    let _daemon = site.start();
    let folder = folder("alertmanager");
    let _alertmanager = alertmanager(folder.path(), other, address);
    let alert = |more: Value| {
        let labels = json!({ "alertname": "DiskFull", "instance": "san1", "severity": "critical", "service": "storage" });
        let mut alert = json!({ "labels": labels, "annotations": { "summary": "san1 has no room left" } });
        alert.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(post(other, ALERTMANAGER_PORT, "/api/v2/alerts", &json!([alert]).to_string()), 200);
    };
    alert(json!({}));
    let opened = wait_for(&site, "san1 has no room left", "investigating");
    assert_eq!((&opened["severity"], &opened["services"]), (&"critical".into(), &json!(["storage"])));
    assert_eq!(opened["updates"][0]["by"], json!({ "source": "alertmanager" }));
    alert(json!({ "endsAt": "2026-01-01T00:00:00Z", "startsAt": "2025-12-31T00:00:00Z" }));
    wait_for(&site, "san1 has no room left", "resolved");
    wait_until("both are over", PATIENCE, || {
        let all = site.budkavle.json(&["outage", "list", "--all"]);
        let of = |outage: &&Value| outage["title"] == "san1 has no room left";
        let last = |outage: &Value| outage["updates"].as_array().unwrap().last().unwrap()["state"].clone();
        let states: Vec<Value> = all.as_array()?.iter().filter(of).map(last).collect();
        (states == ["resolved", "resolved"]).then_some(())
    });

    // Nothing comes from the job for a minute; then it does, over the network and over the socket.
    wait_for(&site, "No sign of life from the backup", "investigating");
    assert_eq!(post(address, PORT, "/heartbeat/backup", ""), 200);
    wait_for(&site, "No sign of life from the backup", "resolved");
    let heard = site.budkavle.run(&["heartbeat", "backup"]).success().stdout;
    assert!(heard.contains("Heard."), "{heard}");
    let list = site.budkavle.json(&["heartbeat", "list"]);
    assert_eq!((&list[0]["name"], &list[0]["life"]["state"]), (&"backup".into(), &"due".into()), "{list}");
    let unknown = site.budkavle.run(&["heartbeat", "other"]).ended_with(1).stderr;
    assert!(unknown.contains("there are: backup"), "{unknown}");
}
