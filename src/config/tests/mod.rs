//! Whole configurations: the fixtures in `tests/config`, the shipped file, the layers, secrets, and whatever else may come.

mod arbitrary;
mod fixtures;
mod graph;
mod layers;
mod secrets;
mod shipped;
mod sign_in;

use std::path::{Path, PathBuf};

use super::finding::{Findings, Look};
use super::{Config, Environment, load};

/// An environment with these variables.
fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment { variables: variables.collect(), credentials: None }
}

/// What a configuration needs at least, without warnings.
const LEAST: &str = r#"
[organisation]
name = "Kommunen"
timezone = "Europe/Stockholm"
[[directory]]
name = "main"
source = "ldap"
urls = ["ldaps://dc1.example.org"]
bind_dn = "reader@example.org"
bind_password_env = "BIND_PASSWORD"
bases = ["DC=example,DC=org"]
[mail]
from = "Budkavle <budkavle@example.org>"
host = "mail.example.org"
[roles.outage]
groups = ["Outage contacts"]
"#;

/// A folder with a configuration in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = folder.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<(Config, Findings), Findings> {
        let mut environment = environment(variables);
        environment.variables.entry("BIND_PASSWORD".into()).or_insert_with(|| "geheim".into());
        load(&self.path("budkavle.toml"), &environment)
    }

    /// What is said of it, without the name of the folder.
    fn report(&self, variables: &[(&str, &str)]) -> String {
        let findings = match self.load(variables) {
            Ok((_, warnings)) => warnings,
            Err(findings) => findings,
        };
        findings.render(Look::Plain).replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn setting<'a>(config: &'a Config, key: &str) -> (&'a serde_json::Value, &'a str) {
    let setting =
        config.summary().iter().find(|s| s.key == key).unwrap_or_else(|| panic!("no setting {key}"));
    (&setting.value, &setting.from)
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
