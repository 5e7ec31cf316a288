//! Two domain controllers replicate, lag, part and name each other like the real things that they are.

use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};

use crate::servers::forest::{Forest, SECOND_HOST, SITE};
use crate::servers::ldif;
use crate::servers::samba::{HOST, Samba};
use crate::servers::{PATIENCE, folder, wait_until};
use crate::world::{Organisation, PEOPLE, ROOT_UNIT};

fn title(dc: &Samba, dn: &str) -> Option<String> {
    dc.read(dn).unwrap().text("title")
}

#[test]
fn changes_are_told_to_the_other() {
    let world = Organisation::kommun();
    let mut forest = Forest::start(&world);
    let dn = world.dn(world.person("obrien"));
    assert_eq!(forest.second().search(ROOT_UNIT, PEOPLE, &["cn"]).len(), 2_000);
    let guid = |dc: &Samba| dc.read(&dn).unwrap().bytes("objectGUID").unwrap().to_vec();
    assert_eq!(guid(forest.first()), guid(forest.second()));
    assert_ne!(forest.first().invocation_id(), forest.second().invocation_id());

    forest.first().set(&dn, "title", "by the first");
    wait_until("the second has it by itself", PATIENCE, || {
        (title(forest.second(), &dn).as_deref() == Some("by the first")).then_some(())
    });
    forest.second().set(&dn, "title", "by the second");
    forest.wait_replicated();
    assert_eq!(title(forest.first(), &dn).unwrap(), "by the second");

    forest.lag();
    forest.first().set(&dn, "title", "too new");
    assert_eq!(title(forest.second(), &dn).unwrap(), "by the second");
    forest.catch_up();
    assert_eq!(title(forest.second(), &dn).unwrap(), "too new");

    forest.part();
    forest.first().set(&dn, "title", "far away");
    assert_eq!(title(forest.second(), &dn).unwrap(), "too new");
    forest.rejoin();
    assert_eq!(title(forest.second(), &dn).unwrap(), "far away");

    forest.first_mut().stop();
    assert!(TcpStream::connect((forest.first().address(), 636)).is_err());
    forest.second().set(&dn, "title", "while it slept");
    forest.first_mut().resume();
    forest.wait_replicated();
    assert_eq!(title(forest.first(), &dn).unwrap(), "while it slept");
    forest.second_mut().stop();
    assert!(TcpStream::connect((forest.second().address(), 636)).is_err());
    assert_eq!(title(forest.first(), &dn).unwrap(), "while it slept");
}

#[test]
fn a_cookie_of_the_one_is_good_for_the_other() {
    let world = Organisation::kommun();
    let forest = Forest::start(&world);
    let dn = world.dn(world.person("obrien"));
    let (everybody, cookie) = forest.first().dirsync(None, PEOPLE, &["title"]);
    assert!(everybody.len() > 1_000);
    let (nothing, _) = forest.second().dirsync(Some(&cookie), PEOPLE, &["title"]);
    assert!(nothing.is_empty(), "{nothing:?}");

    forest.lag();
    forest.first().set(&dn, "title", "carried over");
    let (seen, newer) = forest.first().dirsync(Some(&cookie), PEOPLE, &["title"]);
    assert_eq!(seen.len(), 1);
    let (nothing, from_second) = forest.second().dirsync(Some(&newer), PEOPLE, &["title"]);
    assert!(nothing.is_empty());
    forest.catch_up();
    let (again, _) = forest.second().dirsync(Some(&from_second), PEOPLE, &["title"]);
    let titles: Vec<Option<String>> = again.iter().map(|entry| entry.text("title")).collect();
    assert!(titles.len() <= 1, "once more at most: {titles:?}");
    let (seen, _) = forest.second().dirsync(Some(&cookie), PEOPLE, &["title"]);
    assert_eq!(seen.len(), 1, "it isn't lost to the older cookie");
}

#[test]
fn they_are_found_by_name() {
    let forest = Forest::start(&Organisation::kommun());
    for server in [forest.first().address(), forest.second().address()] {
        let both = [format!("0 100 389 {HOST}."), format!("0 100 389 {SECOND_HOST}.")];
        assert_eq!(ask(server, "_ldap._tcp.dc._msdcs.ad.kommun.example", "SRV"), both);
        assert_eq!(ask(server, &controllers_of(SITE), "SRV"), both);
        for dc in [forest.first(), forest.second()] {
            assert_eq!(ask(server, dc.host(), "A"), [dc.address().to_string()]);
        }
    }
    assert_eq!(forest.name_server(), forest.first().address());

    assert!(!knows_client_in(forest.first(), "Norr"));
    forest.put_tests_and_second_into_site("Norr");
    assert!(knows_client_in(forest.first(), "Norr"));
    let near = [format!("0 100 389 {SECOND_HOST}.")];
    assert_eq!(ask(forest.name_server(), &controllers_of("Norr"), "SRV"), near);
    wait_until("the second knows too", PATIENCE, || knows_client_in(forest.second(), "Norr").then_some(()));
}

fn controllers_of(site: &str) -> String {
    format!("_ldap._tcp.{site}._sites.dc._msdcs.ad.kommun.example")
}

fn ask(server: Ipv4Addr, name: &str, kind: &str) -> Vec<String> {
    let answer = Command::new("dig").args([&format!("@{server}"), "+short", name, kind]).output();
    let answer = String::from_utf8(answer.expect("bind9-dnsutils is installed").stdout).unwrap();
    let mut lines: Vec<String> = answer.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Whether a controller tells the tests that they are in this site: the last of the names that it gives to who asks it
/// before signing in (MS-ADTS 6.3.1.9). Names begin with their length.
fn knows_client_in(dc: &Samba, site: &str) -> bool {
    let mut search = Command::new("ldapsearch");
    search.args(["-x", "-H", &dc.ldap_url(), "-LLL", "-o", "ldif-wrap=no", "-b", "", "-s", "base"]);
    search.args(["(&(DnsDomain=ad.kommun.example)(NtVer=\\06\\00\\00\\00))", "netlogon"]);
    let found = ldif::parse(std::str::from_utf8(&search.output().unwrap().stdout).unwrap());
    let answer = found[0].bytes("netlogon").unwrap();
    let name = [&[site.len() as u8], site.as_bytes()].concat();
    answer.windows(name.len()).any(|part| part == name)
}

/// The tests themselves are killed: these are run again in a child process that starts two controllers and waits.
#[test]
fn nothing_is_left_of_a_network_when_the_tests_are_killed() {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    let run = folder("orphan").keep();
    tests.args(["--exact", "harness::forest::starts_a_network_and_waits", "--ignored"]);
    tests.env("BUDKAVLE_TEST_DIR", &run).stdout(Stdio::null()).stderr(Stdio::null());
    let mut tests = tests.spawn().unwrap();
    let address = wait_until("the other tests have a network", PATIENCE, || {
        std::fs::read_to_string(run.join("address")).ok().filter(|text| text.ends_with('\n'))
    });
    let ways = || String::from_utf8(Command::new("ip").args(["route"]).output().unwrap().stdout).unwrap();
    let leads_there = || ways().lines().any(|line| line.starts_with(&format!("{} ", address.trim())));
    assert!(leads_there());
    tests.kill().unwrap();
    tests.wait().unwrap();
    wait_until("the network is gone", PATIENCE, || (!leads_there()).then_some(()));
    std::fs::remove_dir_all(run).unwrap();
}

#[test]
#[ignore = "a part of nothing_is_left_of_a_network_when_the_tests_are_killed"]
fn starts_a_network_and_waits() {
    let network = crate::servers::network::Network::new();
    let [address, _] = network.addresses();
    let run = std::env::var("BUDKAVLE_TEST_DIR").unwrap();
    std::fs::write(format!("{run}/address"), format!("{address}\n")).unwrap();
    loop {
        std::thread::park();
    }
}
