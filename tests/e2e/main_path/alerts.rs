//! The domain controller goes away: one alert, reminders by the policy, one recovery; and each failure in its own words.

use crate::servers::PATIENCE;
use crate::servers::certs::{Authority, Validity};
use crate::servers::samba::READER_PASSWORD;
use crate::site::{Site, outcome};
use crate::world::{BASE, Organisation, ROOT_UNIT};

const CONTACT: &str = "soren.odegard@kommun.example";

#[test]
fn an_absent_domain_controller_alerts_once_reminds_and_recovers() {
    let mut site = Site::new(Organisation::generate(120, 24));
    site.configure(&|text| {
        text.push_str("\n[alerts]\nafter_failures = 3\nremind_after = [\"1m\", \"1h\"]\n");
    });
    let _daemon = site.start();
    site.assign_contacts();
    let before = site.get("/v1/users?limit=10000");
    site.dc.stop();
    for _ in 0..2 {
        site.sync(1);
    }
    assert!(site.post.mails_for(CONTACT).is_empty(), "two failures are no alert yet");
    site.sync(1);
    let alert = site.post.wait_for(CONTACT, 1, PATIENCE).remove(0);
    assert_eq!(alert.subject(), "Directory sync of main is failing");
    assert!(
        alert.text().contains("3 syncs in a row") && alert.text().contains("budkavle check --online"),
        "{}",
        alert.text()
    );
    // More failures are no more alerts; the reminder comes with time.
    for _ in 0..3 {
        site.sync(1);
    }
    assert_eq!(site.get("/v1/users?limit=10000"), before, "the data stays in force");
    let mails = site.post.wait_for(CONTACT, 2, 2 * PATIENCE);
    assert!(mails[1].text().contains("reminder 1"), "{}", mails[1].text());
    assert_eq!(mails[1].references(), [alert.message_id()]);

    site.dc.resume();
    site.sync(0);
    let recovery = site.post.wait_for(CONTACT, 3, PATIENCE).remove(2);
    assert_eq!(recovery.subject(), "Directory sync of main is well again");
    assert_eq!(recovery.references(), [alert.message_id()]);
    site.sync(0);
    assert_eq!(site.mails_when_quiet(CONTACT), 3);
    assert_eq!(site.post.delivered().len(), 1, "nobody else is told");
}

#[test]
fn an_account_that_ends_soon_is_told_once_for_each_stage() {
    let site = Site::new(Organisation::generate(120, 24));
    let _daemon = site.start();
    site.assign_contacts();
    site.sync(0);
    assert_eq!(site.get("/v1/status")["warnings"], serde_json::json!([]));
    // 100 nanoseconds since 1601: in five days.
    #[expect(clippy::disallowed_methods, reason = "the controller's clock is that of the machine")]
    let seconds = chrono::Utc::now().timestamp() + 5 * 86_400 + 11_644_473_600;
    let reader = format!("CN=svc-budkavle,CN=Users,{BASE}");
    site.dc.set(&reader, "accountExpires", &format!("{}", seconds * 10_000_000));
    site.sync(0);
    let mail = site.post.wait_for(CONTACT, 1, PATIENCE).remove(0);
    assert_eq!(mail.subject(), "Directory main: the account that reads it ends in 4 days");
    assert!(mail.text().contains("extend it"), "{}", mail.text());
    let warnings = site.get("/v1/status")["warnings"].to_string();
    assert!(warnings.contains("ends in 4 days"), "{warnings}");
    site.sync(0);
    assert_eq!(site.mails_when_quiet(CONTACT), 1, "the same stage is told once");
}

#[test]
fn every_failure_says_what_is_wrong_and_changes_nothing() {
    let mut site = Site::new(Organisation::generate(120, 24));
    let daemon = site.start();
    let before = site.get("/v1/users?limit=10000");
    let fails = |site: &Site, says: &[&str]| {
        let report = site.sync(1);
        let error = report["run"]["outcome"]["failed"]["error"].as_str().unwrap().to_owned();
        for words in says {
            assert!(error.contains(words), "{words:?} is not in: {error}");
        }
        assert_eq!(site.get("/v1/users?limit=10000"), before);
        // `check --online` says the same, without the daemon.
        let check = site.budkavle.run(&["check", "--online"]).ended_with(1);
        let all =
            format!("{}{}", check.stdout, check.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(says.iter().all(|words| all.contains(words)), "{says:?} is not in: {all}");
    };
    let reload = |done: &str| {
        let lines = daemon.log().matches(done).count();
        daemon.reload();
        crate::servers::wait_until("the daemon has reloaded", PATIENCE, || {
            (daemon.log().matches(done).count() > lines).then_some(())
        });
    };

    site.set_password("Wr0ng.Password");
    reload("was reloaded");
    fails(&site, &["password"]);
    site.set_password(READER_PASSWORD);

    site.configure(&|text| *text = text.replace(ROOT_UNIT, &format!("OU=Borta,{ROOT_UNIT}")));
    reload("was reloaded");
    fails(&site, &["OU=Borta"]);
    site.configure(&|_| {});
    reload("was reloaded");
    assert_eq!(outcome(&site.sync(0)["run"]), "unchanged");

    site.dc.use_certificate_of(&Authority::new("Somebody else"), Validity::Now);
    // The authority's file came with the new certificate; the one that is trusted is the old one's.
    let trusted = site.post.ca_file().display().to_string();
    let dc_ca = site.dc.ca_file().display().to_string();
    site.configure(&|text| *text = text.replace(&dc_ca, &trusted));
    reload("was reloaded");
    fails(&site, &["certificate", "Somebody else"]);
    site.configure(&|_| {});
    reload("was reloaded");
    assert_eq!(outcome(&site.sync(0)["run"]), "unchanged");

    site.dc.stop();
    fails(&site, &["refused"]);

    // A mistake in the configuration leaves the old one in force.
    site.configure(&|text| text.push_str("\n[nonsense]\nx = 1\n"));
    reload("was not reloaded");
    site.dc.resume();
    assert_eq!(outcome(&site.sync(0)["run"]), "unchanged");
}
