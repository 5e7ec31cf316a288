//! An outage is opened, updated and resolved: the outage contacts get their mails, threaded, and nobody else gets any.

use std::collections::BTreeMap;

use crate::servers::PATIENCE;
use crate::site::Site;
use crate::world::Organisation;

#[test]
fn the_outage_contacts_are_told_and_nobody_else() {
    let mut site = Site::new(Organisation::kommun());
    let _daemon = site.start();
    site.assign_contacts();
    let contacts = site.outage_contacts();
    assert!(contacts.len() > 2);

    let opened = site.budkavle.json(&[
        "outage",
        "open",
        "E-posten är nere",
        "--severity",
        "critical",
        "--service",
        "mail",
        "--unit",
        "Ekonomi",
        "--text",
        "Ingen kan logga in.\nVi letar.",
    ]);
    assert_eq!(opened["messages"].as_u64(), Some(contacts.len() as u64));
    for contact in &contacts {
        let mail = &site.post.wait_for(contact, 1, PATIENCE)[0];
        assert_eq!(mail.subject(), "Outage 1: E-posten är nere");
        assert!(
            mail.text().contains("Ingen kan logga in.") && mail.html().contains("Ingen kan logga in."),
            "{}",
            mail.text()
        );
        assert!(mail.text().contains("Ekonomi"), "{}", mail.text());
        assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
        assert_eq!(mail.header("X-Auto-Response-Suppress").as_deref(), Some("All"));
        assert_eq!(mail.to().len(), 1, "one envelope and one recipient: {:?}", mail.to());
    }

    // The mail server is away for the second word: nothing is lost, and it goes out when the server is back.
    site.post.stop();
    site.budkavle
        .run(&["outage", "update", "1", "--state", "identified", "--text", "En disk är full."])
        .success();
    let list = |state: &str| {
        site.budkavle.json(&["outbox", "list", "--state", state])["items"].as_array().unwrap().len()
    };
    // Once a few have found that it isn't there, the others aren't tried.
    crate::servers::wait_until("messages are deferred and the others wait", PATIENCE, || {
        let deferred = list("deferred");
        (deferred > 0 && deferred + list("queued") == contacts.len()).then_some(())
    });
    site.post.resume();
    contacts.iter().for_each(|c| drop(site.post.wait_for(c, 2, PATIENCE)));
    site.budkavle.run(&["outage", "resolve", "1", "--text", "Disken är bytt."]).success();

    for contact in &contacts {
        let mails = site.post.wait_for(contact, 3, PATIENCE);
        let [first, second, third] = mails.as_slice() else { panic!("{contact} has {} mails", mails.len()) };
        for later in [second, third] {
            assert_eq!(later.subject(), first.subject());
            assert_eq!(later.references(), [first.message_id()]);
            assert_ne!(later.message_id(), first.message_id());
        }
        assert!(third.text().contains("Resolved"), "{}", third.text());
    }
    let everybody: BTreeMap<String, usize> = contacts.iter().map(|c| (c.clone(), 3)).collect();
    assert_eq!(site.post.delivered(), everybody);
    let message = &site.budkavle.json(&["outbox", "list", "--state", "sent", "--limit", "1"])["items"][0];
    assert!(message["answer"].as_str().unwrap().contains("250"), "{message}");

    let over = site.budkavle.run(&["outage", "update", "1", "--text", "Mer."]).ended_with(1);
    assert!(over.stderr.contains("was resolved"), "{}", over.stderr);
    let audit = site.budkavle.json(&["audit"]);
    let actions: Vec<&str> = audit.as_array().unwrap().iter().filter_map(|e| e["action"].as_str()).collect();
    assert_eq!(
        actions,
        ["role assigned", "role assigned", "outage opened", "outage updated", "outage resolved"]
    );
}

#[test]
fn one_refused_recipient_stops_nobody() {
    let site = Site::new(Organisation::generate(120, 24));
    let _daemon = site.start();
    let contacts = site.outage_contacts();
    let (dead, full, others) = (&contacts[0], &contacts[1], &contacts[2..]);
    site.post.refuse(dead, "550 5.1.1 no such person");
    site.budkavle.run(&["outage", "open", "Something"]).success();
    others.iter().for_each(|c| drop(site.post.wait_for(c, 1, PATIENCE)));
    let state = |address: &str| {
        let list = site.budkavle.json(&["outbox", "list"]);
        let line = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|m| m["recipient"]["mail"] == address)
            .cloned()
            .unwrap();
        (
            line["state"].as_str().unwrap().to_owned(),
            line["answer"].as_str().unwrap_or_default().to_owned(),
            line["id"].as_u64().unwrap(),
        )
    };
    crate::servers::wait_until("the dead address has failed", PATIENCE, || {
        (state(dead).0 == "failed").then_some(())
    });
    assert!(state(dead).1.contains("no such person"));
    drop(site.post.wait_for(full, 1, PATIENCE));

    // Mended, it can be tried again by hand; at once or, while the server remembers its table, a little later.
    site.post.refuse_nobody();
    let id = state(dead).2.to_string();
    crate::servers::wait_until("the message has arrived", PATIENCE, || {
        if state(dead).0 == "failed" {
            site.budkavle.run(&["outbox", "retry", &id]).success();
        }
        (state(dead).0 == "sent").then_some(())
    });
    assert_eq!(site.post.wait_for(dead, 1, PATIENCE).len(), 1);
    let tested = site.budkavle.run(&["notify", "test", full]).success();
    assert!(tested.stdout.contains("sent since"), "{}", tested.stdout);
}
