//! Which layer wins, and where a setting is said to be from.

use super::*;
use crate::config::{Source, Transport};
use crate::domain::roles::{Pick, Scope};

#[test]
fn a_later_layer_wins_key_by_key() {
    let folder = Folder::with(&[
        ("budkavle.toml", LEAST),
        ("conf.d/20-b.toml", "[mail]\nport = 2020\n[roles.outage]\ngroups = [\"B\"]"),
        (
            "conf.d/10-a.toml",
            "[mail]\nport = 1010\nconnections = 7\n[[directory]]\nname = \"main\"\npage_size = 10",
        ),
        ("conf.d/30.toml.old", "not = even [ toml"),
        ("conf.d/.hidden.toml", "not = even [ toml"),
    ]);
    let (config, _) = folder.load(&[]).unwrap();
    let Transport::Smtp(smtp) = &config.mail.transport else { panic!() };
    assert_eq!((smtp.port, config.mail.connections, smtp.host.as_str()), (2020, 7, "mail.example.org"));
    assert_eq!(*config.roles.iter().find(|r| &*r.name.0 == "outage").unwrap().grants.groups, ["B".into()]);
    let Source::Ldap(ldap) = &config.directories[0].source else { panic!() };
    let crate::config::LdapSignIn::Simple { bind_dn, .. } = &ldap.sign_in else { panic!() };
    assert_eq!((config.directories.len(), ldap.page_size, bind_dn.as_str()), (1, 10, "reader@example.org"));

    let (config, _) = folder.load(&[("BUDKAVLE_MAIL__PORT", "3030")]).unwrap();
    let from = |key| setting(&config, key);
    assert_eq!(from("mail.port"), (&3030.into(), "$BUDKAVLE_MAIL__PORT"));
    assert_eq!(from("mail.connections").0, 7);
    assert!(from("mail.connections").1.ends_with("conf.d/10-a.toml:3"), "{:?}", from("mail.connections"));
    assert_eq!(from("mail.reply_timeout"), (&"2m".into(), "default"));
    assert_eq!(from("mail.reply_to"), (&serde_json::Value::Null, "default"));
}

#[test]
fn another_file_adds_a_directory_and_so_do_variables() {
    let folder = Folder::with(&[
        ("budkavle.toml", LEAST),
        ("school.ldif", ""),
        (
            "conf.d/school.toml",
            "[[directory]]\nname = \"school\"\nsource = \"ldif\"\nfile = \"../school.ldif\"",
        ),
    ]);
    let library = [
        ("BUDKAVLE_DIRECTORY__THE_LIBRARY__SOURCE", "ldif"),
        ("BUDKAVLE_DIRECTORY__THE_LIBRARY__FILE", "/x.ldif"),
        ("BUDKAVLE_DIRECTORY__MAIN__SCHEDULE", "0 * * * *"),
        ("BUDKAVLE_DIRECTORY__MAIN__GUARD__USERS__COUNT", "7"),
    ];
    let (config, warnings) = folder.load(&library).unwrap();
    let names: Vec<_> = config.directories.iter().map(|d| d.name.to_string()).collect();
    assert_eq!(names, ["main", "school", "the-library"]);
    assert_eq!(config.directories[0].schedule.text(), "0 * * * *");
    assert_eq!((config.directories[0].guard.users.count, config.directories[1].guard.users.count), (7, 500));
    assert_eq!(config.directories[1].source, Source::Ldif { file: folder.path("conf.d/../school.ldif") });
    let warned: Vec<_> = warnings.iter().map(|w| w.key.as_str()).collect();
    assert_eq!(warned, ["directory.the-library.file"]);
}

#[test]
fn lists_and_switches_can_come_from_variables() {
    let folder = Folder::with(&[("budkavle.toml", LEAST)]);
    let variables = [
        ("BUDKAVLE_API__OPERATORS__USERS", r#"["anna", "bo"]"#),
        ("BUDKAVLE_API__OPERATORS__GROUPS", "wheel"),
        ("BUDKAVLE_API__READERS__EVERYBODY", "true"),
        ("BUDKAVLE_ROLES__AD_SYNC__GROUPS", "AD, sync"),
        ("BUDKAVLE_ALERTS__REMIND_AFTER", "[]"),
        ("BUDKAVLE_ORGANISATION__NAME", "112"),
    ];
    let (config, warnings) = folder.load(&variables).unwrap();
    assert_eq!(warnings.render(Look::Plain), "");
    assert_eq!(config.api.operators.users, ["anna", "bo"]);
    assert_eq!(config.api.operators.groups, ["wheel"]);
    assert!(config.api.readers.everybody);
    assert_eq!(*config.roles[3].grants.groups, ["AD, sync".into()]);
    assert!(config.alerts.remind_after.is_empty());
    assert_eq!(config.organisation.name, "112");
}

#[test]
fn systemds_folder_is_the_stores_default() {
    let folder = Folder::with(&[("budkavle.toml", LEAST)]);
    let of = |variables: &[(&str, &str)]| folder.load(variables).unwrap().0.store.folder;
    assert_eq!(of(&[]), Path::new("/var/lib/budkavle"));
    assert_eq!(of(&[("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")]), Path::new("/var/lib/a"));
    assert_eq!(of(&[("STATE_DIRECTORY", "/a"), ("BUDKAVLE_STORE__FOLDER", "/b")]), Path::new("/b"));
}

#[test]
fn what_needs_a_restart_is_listed() {
    let folder = Folder::with(&[("budkavle.toml", LEAST)]);
    let of = |variables: &[(&str, &str)]| folder.load(variables).unwrap().0;
    let before = of(&[]);
    assert_eq!(
        before.reload_differences(&of(&[("BUDKAVLE_MAIL__PORT", "26"), ("BUDKAVLE_LOG__LEVEL", "debug")])),
        [""; 0]
    );
    let after = of(&[
        ("BUDKAVLE_STORE__FOLDER", "/b"),
        ("BUDKAVLE_STORE__CACHE_MIB", "9"),
        ("BUDKAVLE_STORE__RESERVE_MIB", "9"),
        ("BUDKAVLE_STORE__KEEP_RUNS", "9d"),
        ("BUDKAVLE_API__SOCKET", "/s"),
        ("BUDKAVLE_LOG__FORMAT", "json"),
    ]);
    let keys = ["store.folder", "store.cache_mib", "store.reserve_mib", "api.socket", "log.format"];
    assert_eq!(before.reload_differences(&after), keys);
}

#[test]
fn mistakes_in_every_layer_are_told_together() {
    let folder = Folder::with(&[
        ("budkavle.toml", &LEAST.replace("host =", "hots =")),
        ("conf.d/10.toml", "[mail]\nport = 0\n"),
        ("conf.d/20.toml", "[alerts]\nafter_failures = \"many\"\n"),
    ]);
    insta::assert_snapshot!(
        folder.report(&[("BUDKAVLE_MAIL__CONNECTIONS", "lots"), ("BUDKAVLE_MAIL_FROM", "x")])
    );
}

#[test]
fn a_broken_file_hides_the_mistakes_of_the_others_but_not_its_own_kind() {
    let folder = Folder::with(&[
        ("budkavle.toml", "[mail\nhots = 1"),
        ("conf.d/10.toml", "a = 1\na = 2"),
        ("conf.d/20.toml", "unknown = 1"),
    ]);
    insta::assert_snapshot!(folder.report(&[]));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let folder = Folder::with(&[("conf.d/10.toml/x", "")]);
    std::fs::write(folder.path("conf.d/20.toml"), b"# latin1:\nname = \"\xc5sa\"").unwrap();
    std::fs::write(folder.path("conf.d/30.toml"), " ".repeat((1 << 20) + 1)).unwrap();
    insta::assert_snapshot!(folder.report(&[]));
}

#[test]
fn what_a_role_that_is_brought_along_applies_to_can_be_another_one() {
    let more =
        "[roles.superuser]\nscope = \"organisation\"\n[roles.local]\nscope = \"unit\"\npick = \"nearest\"\n";
    let folder = Folder::with(&[("budkavle.toml", LEAST), ("conf.d/10-roles.toml", more)]);
    let (config, _) = folder.load(&[]).unwrap();
    let held = |name: &str| {
        let role = config.roles.iter().find(|role| &*role.name.0 == name).unwrap();
        (role.scope, role.pick)
    };
    assert_eq!(held("superuser"), (Scope::Organisation, Pick::All));
    assert_eq!(held("local"), (Scope::Unit, Pick::Nearest));
    // What Budkavle itself asks for stays where it asks.
    for (role, scope) in [
        ("global", "unit"),
        ("outage", "unit"),
        ("ad-sync", "organisation"),
        ("report", "unit"),
        ("local", "subject"),
    ] {
        let more = format!("[roles.{role}]\nscope = \"{scope}\"\n");
        let folder = Folder::with(&[("budkavle.toml", LEAST), ("conf.d/10-roles.toml", &more)]);
        let said = folder.load(&[]).unwrap_err().render(Look::Plain);
        assert!(
            said.contains(&format!("roles.{role}.scope")) && said.contains("Budkavle itself asks"),
            "{said}"
        );
    }
}

#[test]
fn the_vendors_support_may_have_days_off_of_its_own() {
    let open = |more: &str| {
        let more = format!("[calendar]\ncountries = [\"se\"]\n[support]\n{more}");
        let folder = Folder::with(&[("budkavle.toml", LEAST), ("conf.d/10-support.toml", &more)]);
        let hours = folder.load(&[]).unwrap().0.support.hours;
        // The national days of Sweden, a Friday in 2025, and of Finland, a Monday in 2027.
        ["2025-06-06T10:00:00Z", "2027-12-06T10:00:00Z"].map(|at| hours.is_open(at.parse().unwrap()))
    };
    assert_eq!(open("phone = \"1\""), [false, true]);
    assert_eq!(open("calendar.countries = [\"fi\"]"), [true, false]);
    assert_eq!(open("calendar.closed_days = [\"2026-01-02\"]"), [true, true]);
}
