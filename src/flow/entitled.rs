//! Notes what was given out of those who are entitled.

use std::sync::Arc;

use super::core::{Core, audit_entry};
use crate::domain::entitled::GivenOut;
use crate::store::{Change, Event, StoreError};

/// Notes it as the last one given out for its roles.
pub async fn give_out(core: &Core, given: GivenOut, why: Option<&str>) -> Result<(), StoreError> {
    let key = GivenOut::key(&given.roles);
    let object = format!("people of {key}");
    let turn = core.turn().await;
    let view = core.view();
    let before = view.given_out.get(key.as_str()).map(|before| &before.people);
    let audit = audit_entry(given.at, &given.by, "given out", object, before, Some(&given.people), why);
    let change = Change::GivenOut(Box::new(given.clone()));
    let event = Event { at: given.at, change, notices: Vec::new(), audit: Some(audit) };
    turn.commit(event, |view, _, _| {
        view.given_out.insert(key.into(), Arc::new(given));
    })
    .await?;
    Ok(())
}
