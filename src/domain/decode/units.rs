//! What a user says of its unit, where units are no OUs; and what is left out by its name.

use super::{Decoder, text};
use crate::domain::decode::extended;
use crate::domain::directory::User;
use crate::domain::entry::Entry;
use crate::domain::ids::Guid;
use crate::domain::shape::{BETWEEN, MAX_LEVELS, MAX_VALUE, UnitsFrom};

impl Decoder<'_> {
    /// The parts of what a user says, fit for [`User::unit_path`](crate::domain::user::User::unit_path).
    pub(super) fn unit_path(&mut self, entry: &Entry, known: Option<&User>) -> Option<Box<str>> {
        self.said_of_unit(entry).unwrap_or_else(|reason| {
            self.keep(&entry.dn, &reason);
            known.and_then(|user| user.unit_path()).map(Box::from)
        })
    }

    fn said_of_unit(&mut self, entry: &Entry) -> Result<Option<Box<str>>, String> {
        let mapping = self.mapping;
        let parts: Vec<Box<str>> = match &mapping.units {
            UnitsFrom::Ous | UnitsFrom::Groups { .. } => return Ok(None),
            UnitsFrom::Attribute { attribute, separator } => {
                let Some(text) = self.about_unit(entry, attribute)? else {
                    return Ok(None);
                };
                let levels = match separator.as_deref() {
                    Some(separator) => text.split(separator).filter_map(text::value).collect(),
                    None => Vec::from_iter(text::value(&text)),
                };
                if levels.len() > MAX_LEVELS {
                    let what = format!("has {} levels, more than {MAX_LEVELS}", levels.len());
                    self.leave_out(&entry.dn, attribute, &what);
                    return Ok(None);
                }
                levels
            }
            UnitsFrom::Code { code, parent, name } => {
                let mut part = |attribute: Option<&str>| -> Result<Box<str>, String> {
                    let Some(attribute) = attribute else {
                        return Ok(Box::default());
                    };
                    Ok(self
                        .about_unit(entry, attribute)?
                        .as_deref()
                        .and_then(text::value)
                        .unwrap_or_default())
                };
                let parts = [part(Some(code))?, part(parent.as_deref())?, part(name.as_deref())?];
                // Without a code there is no unit; but what the others say is needed once there is one.
                if parts.iter().all(|part| part.is_empty()) { Vec::new() } else { parts.into() }
            }
        };
        Ok((!parts.is_empty()).then(|| parts.join(BETWEEN.encode_utf8(&mut [0; 4])).into()))
    }

    /// A text about the user's unit. Of several the first in order of the alphabet, as they come in no order.
    fn about_unit(&mut self, entry: &Entry, attribute: &str) -> Result<Option<String>, String> {
        let Some(value) = entry.values(attribute).min() else {
            return Ok(None);
        };
        let text = text::readable(value, attribute)?;
        if text.len() > MAX_VALUE {
            let what =
                format!("has {} bytes, more than the {MAX_VALUE} that can be said of units", text.len());
            self.leave_out(&entry.dn, attribute, &what);
            return Ok(None);
        }
        Ok(Some(text.to_owned()))
    }

    /// Whether an entry is, or stands below, what is left out.
    pub(super) fn is_excluded(&mut self, entry: &Entry) -> bool {
        if self.excluded.is_empty() {
            return false;
        }
        let Ok((node, _)) = self.names.intern(extended::split(&entry.dn).1) else {
            return false;
        };
        let mut above = std::iter::successors(Some(node), |node| self.names.parent_of(*node));
        above.any(|node| self.excluded.contains(&node))
    }

    /// What was read under this name, or stands above something that was.
    pub fn bearer_of(&mut self, dn: &str) -> Option<Guid> {
        let (node, _) = self.names.intern(dn).ok()?;
        self.names.identity(node)
    }
}
