//! What the process was started with, as a value: no other code here looks at the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::document::KeyPath;

/// Environment variables and systemd's credentials.
#[derive(Clone, Default)]
pub struct Environment {
    /// The variables whose values are UTF-8. They may be secret.
    pub variables: BTreeMap<String, String>,
    /// Where systemd put the credentials of this service (`$CREDENTIALS_DIRECTORY`, systemd.exec(5)).
    pub credentials: Option<PathBuf>,
}

impl Environment {
    /// That of this process.
    #[must_use]
    pub fn of_process() -> Environment {
        let variables = std::env::vars_os();
        let variables = variables.filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        Environment {
            variables: variables.collect(),
            credentials: std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from),
        }
    }

    /// The value of a variable that is set to something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The variables that set a key: name, key, value.
    pub(super) fn settings(&self) -> impl Iterator<Item = (&str, KeyPath, &str)> {
        self.variables
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), path_of(name)?, value.as_str())))
    }

    /// The variables with our prefix that set no key, since no `__` is in them.
    pub(super) fn strays(&self) -> impl Iterator<Item = &str> {
        let ours = self.variables.keys().map(String::as_str).filter(|name| name.starts_with(PREFIX));
        ours.filter(|name| path_of(name).is_none() && !NOT_SETTINGS.contains(name))
    }
}

/// What our variables begin with.
pub(super) const PREFIX: &str = "BUDKAVLE_";

/// Variables that stand for switches of the command line, and the one that overrides the level of the log.
const NOT_SETTINGS: [&str; 4] = ["BUDKAVLE_CONFIG", "BUDKAVLE_SOCKET", "BUDKAVLE_JSON", "BUDKAVLE_LOG"];

/// The key that a variable sets: `BUDKAVLE_MAIL__REPLY_TO` is `mail.reply_to`. In the names of directories and roles a hyphen is
/// written as an underscore: `BUDKAVLE_ROLES__AD_SYNC__TITLE` is `roles.ad-sync.title`.
fn path_of(variable: &str) -> Option<KeyPath> {
    let rest = variable.strip_prefix(PREFIX).filter(|rest| rest.contains("__"))?;
    let mut path: KeyPath = rest.split("__").map(str::to_lowercase).collect();
    if let [first, name, ..] = path.as_mut_slice()
        && super::reader::NAMED.contains(&first.as_str())
    {
        *name = name.replace('_', "-");
    }
    Some(path)
}

/// The variable that sets a key.
pub(super) fn variable_of(path: &[String]) -> String {
    let levels: Vec<String> = path.iter().map(|level| level.replace('-', "_").to_uppercase()).collect();
    format!("{PREFIX}{}", levels.join("__"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_names_a_key() {
        for (variable, key) in [
            ("BUDKAVLE_MAIL__REPLY_TO", "mail.reply_to"),
            ("BUDKAVLE_ROLES__AD_SYNC__TITLE", "roles.ad-sync.title"),
            ("BUDKAVLE_DIRECTORY__MAIN_2__GUARD__USERS__COUNT", "directory.main-2.guard.users.count"),
        ] {
            let path = path_of(variable).unwrap();
            assert_eq!(path.join("."), key);
            assert_eq!(variable_of(&path), variable);
        }
        assert_eq!(path_of("BUDKAVLE_MAIL_HOST"), None);
        assert_eq!(path_of("OTHER_MAIL__HOST"), None);
    }
}
