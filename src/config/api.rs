//! `[api]`: where the daemon listens, and whom it lets do what. `socket` needs a restart, the others can be reloaded.

use std::path::PathBuf;

use super::reader::{Problem, Section};

/// The daemon's socket and who may use it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Api {
    /// The Unix socket. Restart.
    pub socket: PathBuf,
    /// Who may change things, and read.
    pub operators: Callers,
    /// Who may only read, besides the operators.
    pub readers: Readers,
}

/// Users and groups of this machine, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Callers {
    /// Names of users.
    pub users: Vec<String>,
    /// Names of groups.
    pub groups: Vec<String>,
}

/// Who may read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Readers {
    /// These.
    pub callers: Callers,
    /// Every user of this machine.
    pub everybody: bool,
}

pub(super) fn read(section: &Section) -> Api {
    let operators = section.section("operators");
    let readers = section.section("readers");
    let api = Api {
        socket: socket(section),
        operators: callers(&operators, &["root"], &["budkavle"]),
        readers: Readers {
            callers: callers(&readers, &[], &[]),
            everybody: readers.flag("everybody", false),
        },
    };
    if api.operators.users.is_empty() && api.operators.groups.is_empty() {
        let problem = Problem::new("names nobody: nobody could open an outage or approve a held run");
        operators.warn("users", problem.hint("for example: users = [\"root\"]"));
    }
    api
}

impl Api {
    pub(super) fn restart(&self, new: &Api) -> impl Iterator<Item = &'static str> {
        (self.socket != new.socket).then_some("api.socket").into_iter()
    }
}

pub(super) fn callers(section: &Section, users: &[&str], groups: &[&str]) -> Callers {
    Callers { users: section.texts("users", users), groups: section.texts("groups", groups) }
}

fn socket(section: &Section) -> PathBuf {
    const DEFAULT: &str = "/run/budkavle/budkavle.sock";
    /// `sun_path` has 108 bytes, one of them for the end (unix(7)).
    const LONGEST: usize = 107;
    let Some(socket) = section.path("socket") else {
        section.set("socket", DEFAULT.into());
        return DEFAULT.into();
    };
    let length = socket.as_os_str().len();
    if length > LONGEST {
        let problem =
            Problem::new(format!("has {length} bytes, and the path of a socket can have {LONGEST}"));
        section.mistake("socket", problem.hint(format!("for example: socket = \"{DEFAULT}\"")));
    }
    socket
}
