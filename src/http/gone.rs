//! Who and what is gone, and not yet forgotten.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::App;
use super::answers::{GoneLine, GoneSince, Page, UserAnswer};
use super::error::ApiError;
use super::look::{Moment, holding_answers};
use crate::domain::delta::ObjectKind;
use crate::domain::directory::User;
use crate::domain::gone::{Gone, users_called};
use crate::domain::ids::UserId;
use crate::domain::organisation::LookupError;
use crate::domain::roles::Holder;
use crate::flow::core::View;

/// What to look for, and how much of it.
#[derive(Debug, Deserialize)]
pub struct Search {
    /// Only of this kind.
    kind: Option<ObjectKind>,
    /// At most so many.
    limit: Option<usize>,
}

/// `GET /v1/gone`: the last to go first.
pub async fn list(State(app): State<Arc<App>>, Query(search): Query<Search>) -> Json<Page<GoneLine>> {
    let view = app.core.view();
    let limit = search.limit.unwrap_or(100).clamp(1, 10_000);
    let wanted = |gone: &&Arc<Gone>| search.kind.is_none_or(|kind| gone.kind() == kind);
    let mut found: Vec<&Arc<Gone>> = view.organisation.gone.values().filter(wanted).collect();
    found.sort_by(|a, b| (b.run, a.name(), a.id).cmp(&(a.run, b.name(), b.id)));
    let items = found.iter().take(limit).map(|gone| line(gone)).collect();
    Json(Page { items, more: found.len() > limit })
}

/// A user who is gone, by GUID, account, user principal name, mail address or full name; else why there is none.
pub fn user(view: &View, moment: Moment, who: &str, unknown: LookupError) -> Result<UserAnswer, ApiError> {
    let found = users_called(&view.organisation.gone, who);
    let (gone, user) = match found.as_slice() {
        [] => return Err(unknown.into()),
        [only] => *only,
        // Somebody who was there several times, such as each summer.
        several => {
            let ids: Vec<String> = several.iter().map(|(gone, _)| gone.id.to_string()).collect();
            let text =
                format!("several users who are gone are called \"{who}\"; give the GUID: {}", ids.join(", "));
            return Err(ApiError::not_found(text));
        }
    };
    let organisation = &view.organisation;
    let theirs = Holder::User(UserId(gone.id));
    Ok(UserAnswer {
        unit_path: gone.unit.to_string(),
        manager_name: user.manager.and_then(|id| organisation.name_of(id.0)),
        away: organisation.absence_of(user.id, moment.now()).cloned(),
        holds: holding_answers(organisation, moment, |_, holding| holding.holder == theirs),
        gone: Some(since(gone)),
        past: None,
        user: User::clone(user),
    })
}

fn line(gone: &Gone) -> GoneLine {
    GoneLine {
        kind: gone.kind(),
        id: gone.id,
        directory: gone.directory.clone(),
        name: gone.name().into(),
        account: gone.account().map(Box::from),
        mail: gone.mail().map(Box::from),
        unit_path: gone.unit.clone(),
        gone: since(gone),
    }
}

fn since(gone: &Gone) -> GoneSince {
    GoneSince { since: gone.since, run: gone.run }
}
