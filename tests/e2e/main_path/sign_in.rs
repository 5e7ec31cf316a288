//! Signing in: another password without a restart, and what is told before an account ends.

use crate::servers::samba::READER_PASSWORD;
use crate::site::{Site, outcome};
use crate::world::{BASE, Organisation};

const READER_DN: &str = "CN=svc-budkavle,CN=Users";

#[test]
fn a_refused_password_is_told_of_and_the_right_one_taken_without_a_restart() {
    let site = Site::new(Organisation::generate(80, 20));
    site.set_password("Wr0ng.Password");
    let _daemon = site.start();
    let refused = site.get("/v1/runs")[0].clone();
    assert_eq!(outcome(&refused), "failed", "{refused}");
    assert!(refused.to_string().contains("the name or the password is wrong"), "{refused}");

    // Somebody who asks is heard at once, the same password or not.
    let again = site.sync(1);
    assert!(again.to_string().contains("the name or the password is wrong"), "{again}");
    site.set_password(READER_PASSWORD);
    let done = site.sync(0);
    assert_eq!(outcome(&done["run"]), "committed", "{done}");
}

#[test]
fn a_look_tells_when_the_password_ends() {
    let site = Site::new(Organisation::generate(80, 20));
    let check = || site.budkavle.run(&["check", "--online"]).success().stdout;
    assert!(!check().contains("the password of the account"), "{}", check());
    // An ordinary account in a domain where passwords last five days, in ticks of 100 ns.
    let reader = format!("{READER_DN},{BASE}");
    site.dc.set(&reader, "userAccountControl", "512");
    site.dc.set(BASE, "maxPwdAge", "-4320000000000");
    let told = check();
    assert!(told.contains(&format!("the password of the account {reader} ends in 4 days")), "{told}");
}
