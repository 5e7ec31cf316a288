//! The check itself, on samples: what it must find and what it must pass.

use super::*;

fn mistakes(name: &str, code: &str) -> Vec<String> {
    check(name, &format!("//! A sample.\n{code}"))
}

#[track_caller]
fn refused(name: &str, code: &str, what: &str) {
    let mistakes = mistakes(name, code);
    assert!(mistakes.iter().any(|mistake| mistake.contains(what)), "{code}: {mistakes:?}");
}

#[track_caller]
fn passed(name: &str, code: &str) {
    assert_eq!(mistakes(name, code), Vec::<String>::new(), "{code}");
}

#[test]
fn a_forbidden_import_is_found_wherever_it_stands() {
    refused("channel/smtp.rs", "use crate::source::ldap::Client;", "imports `crate::source::ldap::Client`");
    for code in [
        "use crate::store::Store;",
        "pub use crate::store;",
        "use crate::{domain::ids::UserId, store::Store};",
        "use crate::{domain::{ids, delta}, store};",
        "use super::store::Store;",
        "use {crate::domain, crate::store::{self, Store}};",
        "use crate::store::*;",
        "fn f() -> crate::store::Store { todo!() }",
        "fn f() { tokio::select! { x = crate::store::open() => x } }",
        "fn f() { let text = r#\"a \" quote\"#; crate::store::open() }",
        "fn f() { let c = '\"'; crate::store::open() }",
        "fn f<'a>(x: &'a str) { let c = '\\''; crate::store::open() }",
        "mod tests { use super::super::store::Store; }",
        "fn f() { let _ = self::super::store::open(); }",
    ] {
        refused("channel.rs", code, "`channel` may import domain");
    }
    refused("channel/smtp/pool.rs", "use super::super::super::flow::deliver;", "imports `crate::flow");
    refused("channel/smtp/mod.rs", "mod tests { use super::super::super::flow; }", "imports `crate::flow");
}

#[test]
fn every_arrow_points_one_way() {
    refused("domain/guard.rs", "use crate::store::Store;", "`domain` may import nothing of ours");
    refused("store/sled.rs", "use crate::source::Entry;", "`store` may import");
    refused("source/ldif.rs", "use crate::config::Config;", "`source` may import");
    refused("flow/sync.rs", "use crate::runtime::lifecycle::Tasks;", "`flow` may import");
    refused("http/api.rs", "use crate::channel::smtp::Smtp;", "`http` may import");
    refused("config/mod.rs", "use crate::runtime::telemetry::Format;", "`config` may import");
    refused("runtime/wiring.rs", "use crate::cli::Arguments;", "`runtime` may import");
    refused("runtime/clock.rs", "use crate::runtime::systemd::Notifier;", "`runtime::clock` may import");
    refused("runtime/clock.rs", "use super::systemd::Notifier;", "`runtime::clock` may import");
    refused("tls.rs", "use crate::domain::ids;", "`tls` may import");
    refused("cli/sync.rs", "use crate::store::Store;", "`cli` may import");
    refused("main.rs", "use budkavle::runtime;", "`main` may import cli");
    refused("newcomer/mod.rs", "use crate::domain::ids;", "the part `newcomer` is not in the table");
    refused("flow/sync.rs", "use crate::Everything;", "names no part");
}

#[test]
fn an_allowed_import_passes() {
    passed("main.rs", "use budkavle::cli; fn main() { budkavle::cli::run() }");
    passed("cli/run.rs", "use crate::runtime::{clock::Clock, lifecycle::Lifecycle};");
    passed("runtime/wiring.rs", "use crate::{channel::smtp, config::Config, flow, source::ldap, store};");
    passed("flow/sync.rs", "use crate::source::ldap; use crate::store::{self, Store}; use super::deliver;");
    passed("flow/sync.rs", "use crate::runtime::clock::Clock; mod tests { use super::*; }");
    passed("flow/sync.rs", "pub(crate) fn f(&self) { self.x(); Self::y(); } pub(in crate::flow) fn g() {}");
    passed("config/schedule.rs", "use crate::runtime::schedule::Schedule;");
    passed(
        "channel/smtp.rs",
        "// crate::store::Store\n/* crate::store /* nested */ */ const A: &str = \"crate::store\";",
    );
    passed(
        "channel/mod.rs",
        "use crate::domain::notice::Notice; use super::tls::Trust; use self::smtp::Smtp;",
    );
    passed("domain/mod.rs", "mod ids; mod tests { use super::super::domain::ids; }");
    passed("lib.rs", "pub mod domain; pub mod flow; pub use crate::flow::sync;");
}

#[test]
fn domain_is_pure() {
    for code in [
        "use tokio::sync::Mutex;",
        "fn f() { let now = Utc::now(); }",
        "fn f() { let now = chrono::Utc :: now(); }",
        "use std::time::Instant;",
        "use std::fs;",
        "pub async fn f() {}",
        "fn f() -> u8 { rand::random() }",
    ] {
        refused("domain/alert.rs", code, "domain is pure and synchronous");
    }
    passed("domain/alert.rs", "// tokio is not for us\nuse chrono::{DateTime, Utc}; fn f(operand: u8) {}");
    passed("flow/alert.rs", "use tokio::sync::Mutex;");
}

#[test]
fn a_file_has_a_header_and_an_end() {
    assert!(check("flow/sync.rs", "use std::fmt;\n")[0].contains("does not begin with a `//!`"));
    let long = |lines: usize| format!("//! Long.\n{}", "fn f() {}\n".repeat(lines - 1));
    assert!(check("flow/sync.rs", &long(TOO_LONG)).is_empty());
    assert!(check("flow/sync.rs", &long(TOO_LONG + 1))[0].contains("has 601 lines"));
}
