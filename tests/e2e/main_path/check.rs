//! `budkavle check --online` with everything in order, and the mail server's troubles in words.

use std::fs;

use crate::servers::samba::READER_PASSWORD;
use crate::site::Site;
use crate::world::Organisation;

#[test]
fn what_is_right_is_said_to_be_right_and_what_is_wrong_in_words() {
    let mut site = Site::new(Organisation::generate(80, 20));
    let check = |site: &Site, code: i32| {
        let outcome = site.budkavle.run(&["check", "--online"]).ended_with(code);
        let all = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!all.contains(READER_PASSWORD), "a secret is shown: {all}");
        all
    };
    let right = check(&site, 0);
    assert!(right.contains("dc1.ad.kommun.example"), "{right}");

    // Sign-in at a mail server that offers none.
    fs::write(site.path().join("mail_password"), "secret").unwrap();
    let password = site.path().join("mail_password").display().to_string();
    site.configure(&|text| {
        *text = text.replace(
            "retry_first",
            &format!("username = \"budkavle\"\npassword_file = \"{password}\"\nretry_first"),
        );
    });
    assert!(check(&site, 1).to_lowercase().contains("sign"), "{}", check(&site, 1));

    site.configure(&|_| {});
    site.post.stop();
    assert!(check(&site, 1).contains("refused"), "{}", check(&site, 1));
}

#[test]
fn every_mistake_is_reported_at_once() {
    let site = Site::new(Organisation::generate(80, 20));
    site.configure(&|text| {
        *text = text.replace("schedule = \"0 3 1 1 *\"", "schedule = \"61 3 1 1 *\"\nurl = \"x\"");
        *text = text.replace("Europe/Stockholm", "Europe/Stokholm");
    });
    let outcome = site.budkavle.run(&["check"]).ended_with(2);
    let all = format!("{}{}", outcome.stdout, outcome.stderr);
    for words in ["budkavle.toml", "schedule", "url", "timezone", "Europe/Stockholm"] {
        assert!(all.contains(words), "{words} is not in: {all}");
    }
    // The daemon refuses with the same words, and the exit code that keeps systemd from trying again.
    let run = site.budkavle.run(&["run"]).ended_with(2);
    assert!(run.stderr.contains("timezone"), "{}", run.stderr);
}

#[test]
fn without_a_daemon_the_commands_say_so() {
    let site = Site::new(Organisation::generate(80, 20));
    let outcome = site.budkavle.run(&["status"]).ended_with(4);
    assert!(outcome.stderr.contains("isn't running"), "{}", outcome.stderr);
}
