//! Secrets: named by a file, a variable or a systemd credential, read when the configuration is, and never shown.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::reader::{Problem, Section};
use super::words::{either, quoted};
use crate::domain::secret::{NotASecret, in_text};

/// No password is longer; what is longer is another file.
const LONGEST: u64 = 16 * 1024;

/// A secret, and where it is from. It has neither a form for people nor one for programs.
#[derive(Clone)]
pub struct Secret {
    value: SecretString,
    origin: SecretOrigin,
    file: Option<PathBuf>,
}

/// Where a secret is read from. Shown in its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SecretOrigin {
    /// A file, of which a trailing line break doesn't count.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A credential of the service (`LoadCredential=` in systemd.exec(5)).
    Credential(String),
}

impl Secret {
    /// The secret itself, to be handed to the other side and nowhere else.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// The secret in the wrapper that the adapters take.
    #[must_use]
    pub fn value(&self) -> &SecretString {
        &self.value
    }

    /// The file that it is from, which may hold another one later.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Where it is from.
    #[must_use]
    pub fn origin(&self) -> &SecretOrigin {
        &self.origin
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.origin == other.origin && self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(secret from {})", self.origin)
    }
}

impl SecretOrigin {
    fn file(&self, section: &Section) -> Option<PathBuf> {
        match self {
            SecretOrigin::File(path) => Some(path.clone()),
            SecretOrigin::Variable(_) => None,
            SecretOrigin::Credential(name) => {
                Some(section.reader().environment.credentials.as_ref()?.join(name))
            }
        }
    }
}

impl fmt::Display for SecretOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretOrigin::File(path) => write!(f, "the file {}", path.display()),
            SecretOrigin::Variable(name) => write!(f, "the variable {name}"),
            SecretOrigin::Credential(name) => write!(f, "the credential {name}"),
        }
    }
}

/// The keys of a secret: where it can be.
struct Keys {
    file: String,
    variable: String,
    credential: String,
}

impl Keys {
    fn of(name: &str) -> Keys {
        let key = |end| format!("{name}_{end}");
        Keys { file: key("file"), variable: key("env"), credential: key("credential") }
    }

    fn all(&self) -> [&str; 3] {
        [&self.file, &self.variable, &self.credential]
    }
}

/// Whether the secret is named in any way.
pub(super) fn is_named(section: &Section, name: &str) -> bool {
    // Not `any`: each key must become known.
    Keys::of(name).all().into_iter().filter(|key| section.is_set(key)).count() > 0
}

/// Reads the secret that `NAME_file`, `NAME_env` or `NAME_credential` names. None when none of them is set, or after a mistake.
pub(super) fn read(section: &Section, name: &str) -> Option<Secret> {
    let keys = Keys::of(name);
    let [file, variable, credential] = keys.all();
    explain_inline(section, name);
    let named: Vec<&str> = keys.all().into_iter().filter(|key| section.is_set(key)).collect();
    if let [first, more @ ..] = named.as_slice() {
        for key in more {
            let problem = Problem::new(format!("contradicts {first}: the secret can't be in two places"));
            section.mistake(key, problem.hint(format!("keep one of {}", either(&named))));
        }
    }
    let secrets = [
        section.path(file).map(|path| (file, SecretOrigin::File(path))),
        section.text(variable).map(|name| (variable, SecretOrigin::Variable(name))),
        section.parsed(credential, credential_name).map(|name| (credential, SecretOrigin::Credential(name))),
    ];
    let read = secrets.into_iter().flatten().map(|(key, origin)| {
        section.set(key, json!(format!("(secret from {origin})")));
        match load(section, key, &origin) {
            Ok(value) => Some(Secret { value: value.into(), file: origin.file(section), origin }),
            Err(problem) => {
                section.mistake(key, problem);
                None
            }
        }
    });
    let mut read: Vec<Option<Secret>> = read.collect();
    read.pop().flatten()
}

/// As [`read`], and a mistake when the secret isn't named at all.
pub(super) fn require(section: &Section, name: &str) -> Option<Secret> {
    if !is_named(section, name) && !explain_inline(section, name) {
        let keys = Keys::of(name);
        let example = format!(
            "{} = \"/etc/budkavle/{}\"; or use {}",
            keys.file,
            name.replace('_', "-"),
            either(&[&keys.variable, &keys.credential,])
        );
        section.require(&keys.file, &example);
    }
    read(section, name)
}

/// Whether the secret itself stands in the configuration; says where it belongs.
fn explain_inline(section: &Section, name: &str) -> bool {
    let problem = Problem::new("a secret doesn't stand in the configuration itself");
    let hint = "put it into a file that only root and budkavle can read, and name that with";
    section.explain(name, problem.hint(format!("{hint} {name}_file")))
}

fn credential_name(name: &str) -> Result<String, Problem> {
    if name.contains('/') || name.starts_with('.') {
        let problem = Problem::new(format!("must be the name of a credential, not {}", quoted(name)));
        return Err(problem.hint("LoadCredential=NAME:FILE in the service's unit gives it the name"));
    }
    Ok(name.to_owned())
}

fn load(section: &Section, key: &str, origin: &SecretOrigin) -> Result<String, Problem> {
    let environment = section.reader().environment;
    let text = match origin {
        SecretOrigin::File(path) => {
            let (text, mode) = read_file(path)?;
            if mode & 0o007 != 0 {
                section.warn(key, read_by_everybody(path, mode));
            }
            text
        }
        SecretOrigin::Variable(name) => {
            section.reader().use_variable(name);
            let problem = || Problem::new(format!("names the variable {}, which is not set", quoted(name)));
            let hint =
                "set it for the service (Environment= or EnvironmentFile= in its unit); it must be UTF-8";
            environment.get(name).ok_or_else(|| problem().hint(hint))?.to_owned()
        }
        SecretOrigin::Credential(name) => {
            let Some(folder) = &environment.credentials else {
                let problem =
                    "names a systemd credential, but this process was given none (no $CREDENTIALS_DIRECTORY)";
                return Err(Problem::new(problem).hint(format!(
                    "put LoadCredential={name}:FILE into the service's unit; to try it by hand: systemd-run --pipe \
                     -p LoadCredential={name}:FILE budkavle check"
                )));
            };
            read_file(&folder.join(name))?.0
        }
    };
    in_text(&text).map(str::to_owned).map_err(|error| {
        let hint = match error {
            NotASecret::Empty => "the secret must stand in it, on one line",
            NotASecret::NotOneLine => "nothing but the secret must stand in it, on one line",
        };
        Problem::new(format!("{origin} {error}")).hint(hint)
    })
}

/// What is doubtful about a secret's file with this mode.
pub(super) fn read_by_everybody(path: &Path, mode: u32) -> Problem {
    let problem = format!("{} can be read by everybody (mode {:04o})", path.display(), mode & 0o7777);
    Problem::new(problem).hint(format!("chown root:budkavle {0}; chmod 0640 {0}", path.display()))
}

/// The text of a file and its mode.
pub(super) fn read_file(path: &Path) -> Result<(String, u32), Problem> {
    let cannot = |error: io::Error| {
        let hint = match error.kind() {
            io::ErrorKind::NotFound => "make the file, or mend the name".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "run this as root or as the service's user (sudo -u budkavle), or let that user read the file"
                    .into()
            }
            _ => "it must be a file".to_owned(),
        };
        Problem::new(format!("names {}, which can't be read: {error}", path.display())).hint(hint)
    };
    // A pipe would never end.
    let metadata = path.metadata().map_err(cannot)?;
    if !metadata.is_file() {
        return Err(
            Problem::new(format!("names {}, which is no file", path.display())).hint("it must be a file")
        );
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > LONGEST {
        return Err(Problem::new(format!("names {}, which is too large for a secret", path.display()))
            .hint("nothing but the secret must stand in it, on one line"));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        Problem::new(format!("names {}, which isn't UTF-8", path.display())).hint("save it in UTF-8")
    })?;
    Ok((text, metadata.permissions().mode()))
}
