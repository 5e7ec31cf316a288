//! What a mail carries so that it is known when it comes back, and whom nothing is sent to because it did.

use chrono::{DateTime, Utc};

use super::super::bounces;
use super::super::core::Core;
use crate::channel::message::ComposeError;
use crate::channel::{Channel, Parcel};
use crate::domain::bounce::{HEADER, ReturnPath};
use crate::domain::ids::MessageId;
use crate::domain::notice::{Message, Notice};

/// Why a message isn't even tried: mails to its address came back.
pub(super) fn refused(
    core: &Core,
    channel: &Channel,
    message: &Message,
    notice: &Notice,
    now: DateTime<Utc>,
) -> Option<String> {
    let address = message.recipient.mail.as_ref().filter(|_| channel.takes_mails())?;
    let mark = bounces::keeps_back(core, &notice.facts, address, now)?;
    let id = message.id.0;
    tracing::warn!(message = id, "A message isn't sent, since earlier ones to the same address came back");
    Some(format!(
        "not tried, since what was sent to this address came back ({}): {}; once it is right, `budkavle outbox address clear {address}` and \
         `budkavle outbox retry {id}` send it",
        mark.last.format("%-d %b %Y"),
        mark.answer
    ))
}

/// Puts the sign of the message where reports bring it back: into the return path, the envelope's id and a header.
pub(super) fn stamp(
    core: &Core,
    path: &ReturnPath,
    mut parcel: Parcel,
    message: MessageId,
) -> Result<Parcel, ComposeError> {
    let Parcel::Mail(mail) = &mut parcel else { return Ok(parcel) };
    let view = core.view();
    let signed = matches!(path, ReturnPath::Signed { .. }) || core.settings().bounces.is_some();
    let sign = view.return_key.as_ref().filter(|_| signed).map(|key| key.token(message));
    let broken = |e| ComposeError::Mail(format!("the return path can't be made: {e}"));
    match path.address(sign.as_deref().unwrap_or_default()) {
        Some(address) => mail.envelope.from = Some(address.parse().map_err(broken)?),
        None if *path == ReturnPath::Nobody => mail.envelope.from = None,
        None => {}
    }
    if let Some(sign) = sign {
        let header = format!("{HEADER}: {sign}\r\n");
        mail.bytes.splice(0..0, header.into_bytes());
        mail.envelope.id = Some(sign.into());
    }
    Ok(parcel)
}
