//! What a user says of units: of its own, and of those above.

use std::collections::HashMap;
use std::sync::Arc;

use super::{BETWEEN, UnitsFrom, identity};
use crate::domain::ids::{DirectoryName, UnitId};

/// What one user says of one unit.
pub(super) struct Claim {
    pub id: UnitId,
    pub name: Box<str>,
    pub above: UnitId,
    /// Of its own unit, or of a level of its path; not only by naming the code above its own.
    pub firm: bool,
}

impl Claim {
    /// Whether it says more than another spelling of the same.
    pub(super) fn contradicts(&self, name: &str, above: UnitId) -> bool {
        self.above != above || key(&self.name) != key(name)
    }
}

/// What users say, made out once for all who say the same.
pub(super) struct Claims<'a> {
    directory: &'a DirectoryName,
    from: &'a UnitsFrom,
    all: HashMap<Box<str>, Arc<[Claim]>>,
}

impl<'a> Claims<'a> {
    pub(super) fn new(directory: &'a DirectoryName, from: &'a UnitsFrom) -> Claims<'a> {
        Claims { directory, from, all: HashMap::new() }
    }

    /// What this [`unit_path`](crate::domain::user::User::unit_path) says, the user's own unit last; and whether nobody said it before.
    pub(super) fn of(&mut self, path: &str) -> (Arc<[Claim]>, bool) {
        if let Some(claims) = self.all.get(path) {
            return (Arc::clone(claims), false);
        }
        let claims: Arc<[Claim]> = match self.from {
            UnitsFrom::Code { .. } => self.code(path),
            _ => self.levels(path),
        }
        .into();
        self.all.insert(path.into(), Arc::clone(&claims));
        (claims, true)
    }

    fn levels(&self, path: &str) -> Vec<Claim> {
        let (mut above, mut whole) = (UnitId::ROOT, String::new());
        let claim = |level: &str| {
            whole.push_str(&key(level));
            let id = identity(self.directory, "path", whole.as_bytes());
            whole.push(BETWEEN);
            let claim = Claim { id, name: level.into(), above, firm: true };
            above = id;
            claim
        };
        path.split(BETWEEN).filter(|level| !level.is_empty()).map(claim).collect()
    }

    fn code(&self, path: &str) -> Vec<Claim> {
        let [code, parent, name] = code_parts(path);
        if code.is_empty() {
            return Vec::new();
        }
        let of = |code: &str| identity(self.directory, "code", key(code).as_bytes());
        let id = of(code);
        let above = Some(parent).filter(|parent| !parent.is_empty()).map(|parent| (parent, of(parent)));
        let above = above.filter(|(_, above)| *above != id);
        let name = if name.is_empty() { code } else { name };
        // However it is spelled, so that it doesn't matter who says it.
        let named_only = above.map(|(parent, above)| Claim {
            id: above,
            name: key(parent).to_uppercase().into(),
            above: UnitId::ROOT,
            firm: false,
        });
        let own =
            Claim { id, name: name.into(), above: above.map_or(UnitId::ROOT, |(_, id)| id), firm: true };
        named_only.into_iter().chain([own]).collect()
    }
}

/// Code, code above, name.
pub(super) fn code_parts(path: &str) -> [&str; 3] {
    let mut parts = path.split(BETWEEN);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

/// What is the same for two texts only if they mean the same unit.
pub(super) fn key(text: &str) -> String {
    let lower = text.to_lowercase();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}
