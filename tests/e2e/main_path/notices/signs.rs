//! Signs of life to a web server after real runs, what `check --online` finds of it without giving one, and where pages are asked for after a reload.

use std::fs;

use super::*;
use crate::servers::web::Web;

#[test]
fn each_good_run_gives_a_sign_of_life_and_a_check_gives_none() {
    let web = Web::start();
    web.takes("/sign/s3cret", 200);
    let ping = format!(
        "ping = {{ url = \"{}\", method = \"POST\", ca_file = \"{}\", allow_private = true }}",
        web.at("/sign/s3cret"),
        web.ca_file().display()
    );
    let mut place = Place::with(&ping, "");
    let signs = |status: u16| web.posted().iter().filter(|posted| posted.status == status).count();
    let sign = || place.budkavle.json(&["status"])["directories"][0]["ping"].clone();
    wait_until("the first run has given a sign", PATIENCE, || {
        (signs(200) == 1 && sign()["given"].is_string()).then_some(())
    });
    assert_eq!((web.posted()[0].path.as_str(), web.posted()[0].body.as_str()), ("/sign/s3cret", ""));

    let checked = |code| place.budkavle.run(&["check", "--online", "--json"]).ended_with(code).json();
    let found = |checked: &Value, what: &str| {
        let all = checked["servers"].as_array().unwrap().iter();
        let mut of = all.filter(|finding| finding["what"] == what);
        let finding = of.next().unwrap_or_else(|| panic!("nothing on {what} in {checked}"));
        (finding["verdict"].as_str().unwrap().to_owned(), finding["text"].as_str().unwrap().to_owned())
    };
    let well = checked(0);
    let (verdict, text) = found(&well, "ping of the directory main");
    assert!(verdict == "right" && text.contains("no sign of life was given"), "{well}");
    assert!(!text.contains("s3cret"), "the address is a secret: {text}");
    let (verdict, text) = found(&well, "public.listen");
    assert!(verdict == "right" && text.contains("the daemon answers at"), "{well}");

    // One that isn't taken is a warning until the next one is.
    web.takes("/sign/s3cret", 503);
    place.budkavle.run(&["sync"]).success();
    wait_until("it was tried", PATIENCE, || sign()["trouble"].is_string().then_some(()));
    let status = place.budkavle.run(&["status"]).success().stdout;
    assert!(status.contains("Warning: no sign of life of main is taken since"), "{status}");
    assert!(!status.contains("s3cret"), "{status}");
    web.takes("/sign/s3cret", 200);
    place.budkavle.run(&["sync"]).success();
    wait_until("the next one is taken", PATIENCE, || sign()["trouble"].is_null().then_some(()));
    assert_eq!(signs(200), 2, "three runs, of which one sign wasn't taken and is too old by now");

    // Whether somebody is there is found without a word; that nobody is, too.
    let posted = web.posted().len();
    assert!(place.daemon.take().unwrap().terminate(PATIENCE).success());
    let stopped = place.budkavle.run(&["check", "--online", "--json"]).success().json();
    assert!(found(&stopped, "public.listen").1.contains("is free"), "{stopped}");
    assert_eq!(web.posted().len(), posted);
    web.stop();
    let gone = place.budkavle.run(&["check", "--online", "--json"]).ended_with(1).json();
    let (verdict, text) = found(&gone, "ping of the directory main");
    assert!(verdict == "wrong" && text.contains("can't be reached"), "{gone}");
}

#[test]
fn after_a_reload_the_pages_are_where_the_links_lead() {
    let mut place = Place::new("[acknowledge]\nkinds = [\"outage\"]");
    place.open("Innan", "critical");
    let before = link(&place.post.wait_for(ANNA, 1, PATIENCE)[0], "take-on");
    let file = place.folder.path().join("budkavle.toml");
    let text = fs::read_to_string(&file).unwrap();
    let moved = SocketAddr::from((free_address(&[8096]), 8096));
    fs::write(&file, text.replace(&place.pages.to_string(), &moved.to_string())).unwrap();
    let daemon = place.daemon.as_mut().unwrap();
    daemon.reload();
    daemon.wait_for_log("The configuration was reloaded", PATIENCE);
    assert!(!daemon.log().contains("take a restart"), "{}", daemon.log());
    let (status, _, page) = ask_at(moved, "POST", &before, "");
    assert!(status == 200 && page.contains("You have it"), "{page}");
    wait_until("nobody listens any more where it was", PATIENCE, || {
        TcpStream::connect(place.pages).is_err().then_some(())
    });

    // An address that can't be had leaves everything as it was.
    let taken = std::net::TcpListener::bind((free_address(&[8096]), 8096)).unwrap();
    let other = taken.local_addr().unwrap().to_string();
    fs::write(&file, text.replace(&place.pages.to_string(), &other)).unwrap();
    let daemon = place.daemon.as_mut().unwrap();
    daemon.reload();
    daemon.wait_for_log("The configuration was not reloaded", PATIENCE);
    assert_eq!(ask_at(moved, "GET", &before, "").0, 200);
}
