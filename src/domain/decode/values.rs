//! What the values of an entry say, and what is made of those that say nothing.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::references::is_locked;
use super::time::{from_days, from_filetime};
use super::{Decoder, Expiry, Reference, extended, generalized_time, text};
use crate::domain::absence::said;
use crate::domain::directory::User;
use crate::domain::entry::Entry;
use crate::domain::ids::UserId;
use crate::domain::shape::BETWEEN;

impl Decoder<'_> {
    /// A text, fit to be shown. Where it is damaged, what is known of it already is as good as anything.
    pub(super) fn text(&mut self, entry: &Entry, attribute: &str, known: Option<&str>) -> Option<Box<str>> {
        text::of(entry, attribute).unwrap_or_else(|reason| {
            self.keep(&entry.dn, &reason);
            known.map(Box::from)
        })
    }

    /// Tells of a value that is damaged rather than mistyped. The object itself was understood.
    pub(super) fn keep(&mut self, dn: &str, reason: &str) {
        self.set_aside(None, dn, format!("{reason} What was known of it before stays, the rest was taken."));
    }

    /// A tag (BCP 47). Of a list as browsers send it, which RFC 2798 §2.7 has here, the first.
    pub(super) fn language(&mut self, entry: &Entry, known: Option<&User>) -> Option<Box<str>> {
        let attribute = &*self.mapping.language;
        let text = self.text(entry, attribute, known.and_then(|user| user.language()))?;
        let tag = text::language(&text);
        if tag.is_none() {
            self.leave_out(&entry.dn, attribute, "is no language tag such as sv or sv-SE");
        }
        tag
    }

    /// Which of the values that some role is granted by it has. What isn't text is none of them.
    pub(super) fn marks(&self, entry: &Entry) -> Option<Box<str>> {
        let mut marks = BTreeSet::new();
        for mark in &self.mapping.marks {
            let values = entry.values(&mark.attribute).filter_map(|value| str::from_utf8(value).ok());
            for value in values.map(|value| value.trim().to_lowercase()) {
                if mark.values.iter().any(|wanted| **wanted == *value) {
                    marks.insert(format!("{}={value}", mark.attribute));
                }
            }
        }
        let marks: Vec<String> = marks.into_iter().collect();
        (!marks.is_empty()).then(|| marks.join(BETWEEN.encode_utf8(&mut [0; 4])).into())
    }

    /// The absences that it says. One that can't be read is left out; when the attribute is damaged, what is known of it stays.
    pub(super) fn away(&mut self, entry: &Entry, known: Option<&User>) -> Option<Box<str>> {
        let attribute = &*self.mapping.absence;
        if attribute.is_empty() {
            return None;
        }
        let values: Result<Vec<String>, String> = entry
            .values(attribute)
            .map(|value| text::readable(value, attribute).map(|text| text::clean(text, usize::MAX)))
            .collect();
        match values {
            Ok(values) => {
                let (away, wrong) = said::read(values.iter().map(String::as_str));
                wrong.iter().for_each(|what| self.leave_out(&entry.dn, attribute, what));
                away
            }
            Err(reason) => {
                self.keep(&entry.dn, &reason);
                known.and_then(|user| user.away()).map(Box::from)
            }
        }
    }

    pub(super) fn number(&mut self, entry: &Entry, attribute: &str) -> Option<i64> {
        let number = str::from_utf8(entry.first(attribute)?).ok().and_then(|text| text.trim().parse().ok());
        if number.is_none() {
            self.leave_out(&entry.dn, attribute, "is not a whole number");
        }
        number
    }

    /// Whether the account is enabled, and when it expires. Every account of Active Directory has a `userAccountControl`: where there is none, or
    /// none that can be read, it is hidden from the account that reads, as `accountExpires` is with it (both are of the property set
    /// User-Account-Restrictions, [MS-ADTS] 3.1.1.2.3.3), and what is known of it stays.
    pub(super) fn in_use(
        &mut self,
        entry: &Entry,
        control: Option<i64>,
        known: Option<&User>,
    ) -> (bool, Option<DateTime<Utc>>) {
        let mapping = self.mapping;
        let unlocked = !is_locked(entry, mapping);
        if let Some(control) = control {
            return (control & 0x2 == 0 && unlocked, self.expiry(entry));
        }
        if !mapping.control.eq_ignore_ascii_case("userAccountControl") {
            return (unlocked, self.expiry(entry));
        }
        match &mut self.hidden {
            Some((_, count)) => *count += 1,
            none => *none = Some((entry.dn.as_str().into(), 1)),
        }
        match known {
            Some(user) => (user.enabled, user.expires),
            None => (unlocked, self.expiry(entry)),
        }
    }

    /// Sets aside, once, that it couldn't be read of some accounts whether they are enabled.
    pub(super) fn tell_hidden(&mut self) {
        let Some((dn, count)) = self.hidden.take() else { return };
        let others = match count {
            0 | 1 => String::new(),
            2 => ", nor that of another one".to_owned(),
            _ => format!(", nor that of {} others", count - 1),
        };
        let reason = format!(
            "Its {} can't be read{others}; may the account that reads it see that? Who was disabled stays so, who is new counts as enabled.",
            self.mapping.control
        );
        self.set_aside(None, &dn, reason);
    }

    pub(super) fn expiry(&mut self, entry: &Entry) -> Option<DateTime<Utc>> {
        let attribute = &*self.mapping.expires;
        let value = str::from_utf8(entry.first(attribute)?).ok();
        if let Some(time) = value.and_then(|text| generalized_time(text.trim())) {
            return Some(time);
        }
        let number = self.number(entry, attribute)?;
        if self.mapping.expiry == Expiry::Days {
            return from_days(number);
        }
        match number {
            0 | i64::MAX => None,
            filetime => {
                let time = from_filetime(filetime);
                if time.is_none() {
                    self.leave_out(
                        &entry.dn,
                        attribute,
                        "is no time; the account counts as one that never expires",
                    );
                }
                time
            }
        }
    }

    /// Who is named, by whichever name.
    pub(super) fn named(
        &mut self,
        entry: &Entry,
        attribute: &str,
        known: Option<UserId>,
    ) -> Option<Reference> {
        let text = match text::raw(entry, attribute) {
            Ok(text) => text?,
            Err(reason) => {
                self.keep(&entry.dn, &reason);
                return known.map(|id| Reference::Id(id.0));
            }
        };
        let reference = self.refer(text);
        if let Err(reason) = &reference {
            self.leave_out(&entry.dn, attribute, reason);
        }
        reference.ok()
    }

    pub(super) fn refer(&mut self, text: &str) -> Result<Reference, String> {
        match extended::split(text) {
            (Some(id), _) => Ok(Reference::Id(id)),
            (None, dn) => {
                let interned = self.names.intern(dn);
                let (node, _) = interned.map_err(|e| format!("is no distinguished name ({})", e.reason()))?;
                Ok(Reference::Name(node))
            }
        }
    }
}
