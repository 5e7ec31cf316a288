//! What the messages of a server are made of (RFC 4511 §4), and whether ldap3 can digest them.

use super::ber::{APPLICATION, CONTEXT, Element, Reader};
use crate::domain::entry::Entry;
use crate::source::Answer;

pub(super) const BIND_REQUEST: u8 = 0;
pub(super) const BIND_RESPONSE: u8 = 1;
pub(super) const SEARCH_REQUEST: u8 = 3;
pub(super) const SEARCH_ENTRY: u8 = 4;
pub(super) const SEARCH_DONE: u8 = 5;
pub(super) const SEARCH_REFERENCE: u8 = 19;
pub(super) const EXTENDED_RESPONSE: u8 = 24;
pub(super) const INTERMEDIATE: u8 = 25;

/// An entry (RFC 4511 §4.5.2).
pub(super) fn entry(operation: Element<'_>) -> Option<Entry> {
    let mut parts = operation.inside()?;
    // A name in another encoding is shown with marks in it, and stops nobody else.
    let name = parts.next()?.bytes()?;
    let attributes = parts.next()?;
    let mut entry = Entry::with_room(String::from_utf8_lossy(name), attributes.content.len());
    let mut attributes = attributes.inside()?;
    while let Some(attribute) = attributes.next() {
        let mut parts = attribute.inside()?;
        let name = parts.next()?.text()?;
        let mut values = parts.next()?.inside()?;
        let mut sound = true;
        let values = std::iter::from_fn(|| {
            let value = values.next();
            sound &= value.map_or(values.is_empty(), |value| !value.constructed);
            value.filter(|_| sound).map(|value| value.content)
        });
        entry.add(name, values).ok()?;
        if !sound {
            return None;
        }
    }
    attributes.is_empty().then_some(entry)
}

/// Number, operation and controls of a message (RFC 4511 §4.1.1).
pub(super) fn parts(message: &[u8]) -> Option<(u32, Element<'_>, Option<Element<'_>>)> {
    let mut parts = Reader(message).next()?.inside()?;
    let id = parts.next().filter(|id| (id.class, id.number) == (0, 2))?.unsigned()?;
    let operation = parts.next().filter(|operation| operation.class == APPLICATION)?;
    let controls = parts.next();
    // Active Directory puts the name of a Notice of Disconnection where controls belong.
    let controls = controls.filter(|_| operation.number != EXTENDED_RESPONSE);
    let are_fit = controls.is_none_or(|c| (c.class, c.number, c.constructed) == (CONTEXT, 0, true));
    (are_fit && parts.is_empty()).then_some((id, operation, controls))
}

/// What an operation's result says (RFC 4511 §4.1.9).
pub(super) fn answer(operation: Element<'_>) -> Option<Answer> {
    let mut parts = operation.inside()?;
    let code = parts.next().filter(|code| (code.class, code.number) == (0, 10))?.unsigned()?;
    let matched = parts.next()?.text()?;
    let text = parts.next()?.text()?;
    Some(Answer::new(code, matched, text))
}

/// The result of a StartTLS request: the whole reply in, what it says out.
pub(super) fn extended_answer(message: &[u8]) -> Option<Answer> {
    let (_, operation, _) = parts(message)?;
    (operation.number == EXTENDED_RESPONSE).then(|| answer(operation))?
}

pub(super) fn is_result(operation: Element<'_>) -> bool {
    let rest = |mut parts: Reader<'_>| {
        for _ in 0..3 {
            parts.next();
        }
        while let Some(part) = parts.next() {
            let fit = match part.number {
                3 => part.inside().is_some_and(are_texts),
                7 | 11 => part.bytes().is_some(),
                10 => part.text().is_some(),
                _ => true,
            };
            if !fit {
                return false;
            }
        }
        parts.is_empty()
    };
    answer(operation).is_some() && operation.inside().is_some_and(rest)
}

fn are_texts(mut parts: Reader<'_>) -> bool {
    while let Some(part) = parts.next() {
        if part.text().is_none() {
            return false;
        }
    }
    parts.is_empty()
}

pub(super) fn are_controls(controls: Element<'_>) -> bool {
    let one = |control: Element<'_>| {
        let mut parts = control.inside()?;
        parts.next()?.text()?;
        let mut next = parts.next();
        if let Some(criticality) = next.filter(|part| part.number == 1) {
            criticality.bytes().filter(|bytes| !bytes.is_empty())?;
            next = parts.next();
        }
        match next {
            Some(value) if value.number == 4 => value.bytes().map(|_| ()),
            Some(_) => None,
            None => Some(()),
        }
    };
    let Some(mut all) = controls.inside() else {
        return false;
    };
    while let Some(control) = all.next() {
        if one(control).is_none() {
            return false;
        }
    }
    all.is_empty()
}
