//! An outage leaves by mail, to a web server and into a program; the web server is away, and neither repeats nor delays the others.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::servers::web::{Posted, Web};
use crate::servers::{PATIENCE, wait_until};
use crate::site::Site;
use crate::world::Organisation;

/// In base64, as the specification has it: its bytes are the key.
const SECRET: &str = "whsec_QnVka2F2bGUgZ2VyIGJ1ZGV0IHZpZGFyZSE=";

/// HMAC-SHA256 over what the specification signs, by Python's own libraries.
fn signature(posted: &Posted) -> String {
    let script = "import base64,hashlib,hmac,sys\n\
        key = base64.b64decode(sys.argv[1].removeprefix('whsec_'))\n\
        signed = ('%s.%s.' % (sys.argv[2], sys.argv[3])).encode() + sys.stdin.buffer.read()\n\
        print('v1,' + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode())";
    let mut python = Command::new("python3")
        .args(["-c", script, SECRET, posted.header("webhook-id"), posted.header("webhook-timestamp")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(posted.body.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn each_channel_gets_it_once_and_one_that_is_away_later() {
    let site = Site::new(Organisation::generate(120, 24));
    let web = Web::start();
    web.takes("/hook", 202);
    let path = |name: &str| site.path().join(name).display().to_string();
    fs::write(site.path().join("secret"), SECRET).unwrap();
    fs::set_permissions(site.path().join("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let (program, noted) = (path("program"), path("noted"));
    fs::write(&program, format!("#!/bin/sh\ncat >> {noted}\necho taken\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    site.configure(&|text| {
        text.push_str(&format!(
            r#"
[[channel]]
name = "hook"
kind = "webhook"
url = "{url}"
ca_file = "{ca}"
secret_file = "{secret}"
allow_private = true
retry_first = "1s"
retry_longest = "1s"

[[channel]]
name = "pager"
kind = "command"
command = ["{program}"]

[[route]]
name = "outages"
kinds = ["outage"]
channels = ["mail", "hook", "pager"]
"#,
            url = web.at("/hook"),
            ca = web.ca_file().display(),
            secret = path("secret"),
        ));
    });
    let checked = site.budkavle.run(&["check", "--online", "--json"]).success().json();
    let about = |name: &str| {
        let servers = checked["servers"].as_array().unwrap();
        servers.iter().find(|finding| finding["what"] == name).cloned().unwrap_or_else(|| panic!("{checked}"))
    };
    assert_eq!(
        (&about("channel hook")["verdict"], &about("channel pager")["verdict"]),
        (&"right".into(), &"right".into())
    );
    assert_eq!(web.posted(), []);

    let _daemon = site.start();
    let contacts = site.outage_contacts();
    let list = |channel: &str| {
        let list = site.budkavle.json(&["outbox", "list", "--channel", channel]);
        list["items"].as_array().unwrap().clone()
    };
    web.stop();
    let opened = site.budkavle.json(&["outage", "open", "E-posten är nere", "--severity", "critical"]);
    assert_eq!(opened["messages"].as_u64(), Some(contacts.len() as u64 + 2));
    contacts.iter().for_each(|contact| drop(site.post.wait_for(contact, 1, PATIENCE)));
    wait_until("the program has got it", PATIENCE, || (list("pager")[0]["state"] == "sent").then_some(()));
    wait_until("the web server was tried", PATIENCE, || {
        (list("hook")[0]["state"] == "deferred").then_some(())
    });
    let waiting = list("hook")[0].clone();
    let id = waiting["id"].as_u64().unwrap().to_string();
    let shown = site.budkavle.json(&["outbox", "show", &id]);
    assert_eq!(shown["recipient"]["channel"], "hook");
    assert!(waiting["answer"].as_str().unwrap().contains("didn't answer"), "{waiting}");

    // It is back, and answers twice that it can't just now: it gets the same message again.
    web.takes("/hook", 503);
    web.resume();
    wait_until("two tries have come", PATIENCE, || (web.posted().len() >= 2).then_some(()));
    web.takes("/hook", 202);
    wait_until("the web server has taken it", PATIENCE, || {
        (list("hook")[0]["state"] == "sent").then_some(())
    });
    let posted = web.posted();
    let taken: Vec<&Posted> = posted.iter().filter(|posted| posted.status == 202).collect();
    assert_eq!(taken.len(), 1);
    for posted in &posted {
        assert_eq!(
            (posted.header("webhook-id"), &posted.body),
            (taken[0].header("webhook-id"), &taken[0].body)
        );
        assert_eq!(posted.header("webhook-signature"), signature(posted));
    }
    let message_id = shown["message_id"].as_str().unwrap().trim_matches(['<', '>']).to_owned();
    assert_eq!(taken[0].header("idempotency-key"), message_id);
    let body: Value = serde_json::from_str(&taken[0].body).unwrap();
    assert_eq!(
        (&body["version"], &body["kind"], &body["severity"]),
        (&1.into(), &"outage".into(), &"critical".into())
    );
    assert_eq!(body["heading"], "E-posten är nere");

    // Nobody got a second one meanwhile.
    let lines = fs::read_to_string(&noted).unwrap();
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert_eq!(serde_json::from_str::<Value>(&lines).unwrap()["subject"], "Outage 1: E-posten är nere");
    for contact in &contacts {
        assert_eq!(site.mails_when_quiet(contact), 1);
    }

    let tested = site.budkavle.run(&["notify", "test", "--channel", "pager"]).success();
    assert!(tested.stdout.contains("taken"), "{}", tested.stdout);
    let status = site.budkavle.run(&["status"]).success();
    assert!(status.stdout.contains("pager") && status.stdout.contains("hook"), "{}", status.stdout);
    site.budkavle.run(&["notify", "test", "--channel", "nowhere"]).ended_with(2);
}
