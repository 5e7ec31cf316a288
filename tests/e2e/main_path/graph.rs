//! Without SMTP: mails leave by Microsoft Graph. Tests have none: a web server of theirs stands in for it and for Entra ID. What it answers is what
//! Microsoft documents; that the real ones answer so isn't seen here.

use std::collections::BTreeSet;
use std::fs;
use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::alone::Alone;
use crate::servers::mail::ParsedMail;
use crate::servers::web::Web;
use crate::servers::{PATIENCE, wait_until};

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"access_token":"t0ken"}"#;
const CONTACTS: usize = 3;

/// Where the mails of a mailbox are posted to.
fn path(mailbox: &str) -> String {
    format!("/v1.0/users/{mailbox}/sendMail")
}

/// The mails that were taken from a mailbox.
fn taken(web: &Web, mailbox: &str) -> Vec<ParsedMail> {
    let posted = web.posted().into_iter();
    let posted = posted.filter(|posted| posted.path == path(mailbox) && posted.status == 202);
    posted
        .map(|posted| {
            assert_eq!(posted.header("authorization"), "Bearer t0ken");
            assert_eq!(posted.header("content-type"), "text/plain");
            ParsedMail::parse(&BASE64_STANDARD.decode(&posted.body).unwrap())
        })
        .collect()
}

fn tokens(web: &Web) -> usize {
    web.posted().iter().filter(|posted| posted.path == "/token").count()
}

#[test]
fn without_smtp_mails_leave_by_graph() {
    let web = Web::start();
    web.answers("/token", 200, TOKEN);
    web.takes(&path("it@kommun.example"), 202);
    let site = Alone::new(Ipv4Addr::LOCALHOST);
    let secret = site.path().join("client-secret");
    fs::write(&secret, "geheim\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let file = site.path().join("budkavle.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (before, after) =
        (text.split_once("host = ").unwrap().0, text.split_once("[contact_changes]").unwrap().1);
    let configure = |mailbox: &str| {
        let graph = format!(
            "transport = \"graph\"\nurl = \"{}\"\nmailbox = \"{mailbox}\"\ntoken_url = \"{}\"\nclient_id = \"app\"\nclient_secret_file = \"client-secret\"\n\
             ca_file = \"{}\"\nallow_private = true\nretry_first = \"1s\"\nretry_longest = \"1s\"\n",
            web.at("/v1.0"),
            web.at("/token"),
            web.ca_file().display()
        );
        fs::write(&file, format!("{before}{graph}[contact_changes]{after}")).unwrap();
    };
    configure("it@kommun.example");

    let checked = site.budkavle.run(&["check", "--online", "--json"]).success().json();
    let servers = checked["servers"].as_array().unwrap();
    let mail = servers.iter().find(|finding| finding["what"] == "mail").unwrap();
    assert_eq!(mail["verdict"], "right", "{mail}");
    assert!(mail["text"].as_str().unwrap().contains("with an access token"), "{mail}");
    assert!(web.posted().iter().all(|posted| posted.path == "/token"), "a check sends nothing");
    let asked_by_checks = tokens(&web);

    let mut daemon = site.budkavle.start();
    daemon.wait_for_log("is ready", PATIENCE);
    site.budkavle.run(&["notify", "test", "somebody@kommun.example"]).success();
    let contacts = site.assign_contacts(CONTACTS);
    site.budkavle.run(&["outage", "open", "E-posten är nere"]).success();
    wait_until("everything is sent", PATIENCE, || (site.waiting() == 0).then_some(()));
    let mails = taken(&web, "it@kommun.example");
    assert_eq!(mails.len(), 1 + CONTACTS);
    let told: BTreeSet<String> = mails[1..].iter().flat_map(ParsedMail::to).collect();
    assert_eq!(told, contacts.iter().cloned().collect());
    assert!(mails.iter().all(|mail| mail.from() == "budkavle@kommun.example"));
    assert!(mails[1..].iter().all(|mail| mail.subject().ends_with("E-posten är nere")));
    assert_eq!(tokens(&web), asked_by_checks + 1, "one token does for all");

    // The mailbox may not send any more: what waits leaves from another one after a reload.
    web.takes(&path("it@kommun.example"), 403);
    web.takes(&path("post@kommun.example"), 202);
    site.budkavle.run(&["outage", "open", "Telefonen är nere"]).success();
    let refused = || web.posted().iter().any(|posted| posted.status == 403);
    wait_until("the mailbox was refused", PATIENCE, || refused().then_some(()));
    assert!(site.waiting() > 0);
    configure("post@kommun.example");
    daemon.reload();
    wait_until("everything is sent", PATIENCE, || (site.waiting() == 0).then_some(()));
    let told: BTreeSet<String> = taken(&web, "post@kommun.example").iter().flat_map(ParsedMail::to).collect();
    assert_eq!(told, contacts.into_iter().collect());
    daemon.terminate(PATIENCE);
}
