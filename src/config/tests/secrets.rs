//! Secrets: read from where they are, refused when something is wrong with them, and never shown.

use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::config::{LdapSignIn, Secret, SecretOrigin, Source};

fn password(config: &Config) -> &Secret {
    let Source::Ldap(ldap) = &config.directories[0].source else { panic!("not LDAP") };
    let LdapSignIn::Simple { bind_password, .. } = &ldap.sign_in else { panic!("no password") };
    bind_password
}

fn with_password(key: &str, value: &str, files: &[(&str, &str)]) -> Folder {
    let text = LEAST.replace("bind_password_env = \"BIND_PASSWORD\"", &format!("{key} = \"{value}\""));
    Folder::with(&[files, &[("budkavle.toml", &text)]].concat())
}

#[test]
fn a_file_holds_one() {
    let folder = with_password("bind_password_file", "secret", &[("secret", "geheim är \r\n")]);
    std::fs::set_permissions(folder.path("secret"), PermissionsExt::from_mode(0o640)).unwrap();
    let (config, warnings) = folder.load(&[]).unwrap();
    assert_eq!(warnings.render(Look::Plain), "");
    assert_eq!(password(&config).expose(), "geheim är ");
    assert_eq!(*password(&config).origin(), SecretOrigin::File(folder.path("secret")));
    assert_eq!(password(&config).file(), Some(&*folder.path("secret")));
}

#[test]
fn a_file_that_everybody_can_read_is_warned_of() {
    let folder = with_password("bind_password_file", "secret", &[("secret", "geheim")]);
    std::fs::set_permissions(folder.path("secret"), PermissionsExt::from_mode(0o644)).unwrap();
    insta::assert_snapshot!(folder.report(&[]));
}

#[test]
fn a_credential_holds_one() {
    let folder = with_password(
        "bind_password_credential",
        "ad",
        &[("credentials/ad", "geheim\n"), ("credentials/no", "")],
    );
    let credentials = Some(folder.path("credentials"));
    let environment = Environment { credentials, ..environment(&[]) };
    let (config, _) = load(&folder.path("budkavle.toml"), &environment).unwrap();
    assert_eq!(password(&config).expose(), "geheim");
    assert_eq!(password(&config).file(), Some(&*folder.path("credentials/ad")));
    insta::assert_snapshot!(folder.report(&[]));
}

#[test]
fn what_holds_none_is_refused() {
    let reports: Vec<String> =
        [("empty", "\n"), ("lines", "a\nb\n"), ("nul", "a\0"), ("large", &"x".repeat(20_000))]
            .into_iter()
            .map(|(name, text)| with_password("bind_password_file", name, &[(name, text)]).report(&[]))
            .chain([with_password("bind_password_file", ".", &[]).report(&[])])
            .chain([with_password("bind_password_file", "missing", &[]).report(&[])])
            .chain([with_password("bind_password_env", "NOT_SET", &[]).report(&[])])
            .chain([with_password("bind_password_credential", "../x", &[]).report(&[])])
            .collect();
    let without_modes = reports
        .concat()
        .lines()
        .filter(|line| !line.contains("mode ") && !line.contains("chmod"))
        .fold(String::new(), |all, line| all + line + "\n");
    insta::assert_snapshot!(without_modes);
}

#[test]
fn nothing_shows_one() {
    let folder = Folder::with(&[("budkavle.toml", LEAST)]);
    let (config, _) = folder.load(&[("BIND_PASSWORD", "hunter2")]).unwrap();
    assert_eq!(password(&config).expose(), "hunter2");
    assert_eq!(password(&config).file(), None);
    let summary = serde_json::to_string(config.summary()).unwrap();
    let lines: String = config.summary().iter().map(|setting| format!("{setting}\n")).collect();
    for text in [format!("{config:?}"), format!("{config:#?}"), summary, lines] {
        assert!(!text.contains("hunter2") && text.contains("BIND_PASSWORD"), "{text}");
    }
}

#[test]
fn one_in_the_configuration_is_refused_and_not_shown() {
    let inline = "bind_password = \"hunter2\"\nbases";
    let text = LEAST.replace("bind_password_env = \"BIND_PASSWORD\"\n", "").replace("bases", inline);
    let text = text.replace("[mail]", "[mail]\npassword = \"hunter2\"\napi_token = \"hunter2\"");
    let text = text.replace("ldaps://", "ldaps://anna:hunter2@");
    let folder = Folder::with(&[("budkavle.toml", &text)]);
    let variables = [("BUDKAVLE_MAIL__PASSWORD", "hunter2"), ("BUDKAVLE_PASSWORD", "hunter2")];
    let findings = folder.load(&variables).unwrap_err();
    let shown = [Look::Plain, Look::Drawn, Look::Coloured].map(|look| findings.render(look)).concat();
    assert!(!shown.contains("hunter2") && !findings.to_json().to_string().contains("hunter2"), "{shown}");
    insta::assert_snapshot!(folder.report(&variables));
    // A syntax error shows the lines around it.
    let broken =
        Folder::with(&[("budkavle.toml", &text.replace("[mail]\npassword = ", "[mail\npassword = "))]);
    let shown = broken.load(&[]).unwrap_err().render(Look::Drawn);
    assert!(!shown.contains("hunter2") && shown.contains("password = ****"), "{shown}");
}
