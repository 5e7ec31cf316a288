//! What somebody is contact for, asked or sent.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::App;
use super::error::ApiError;
use crate::domain::audit::Actor;
use crate::domain::changes::Who;
use crate::domain::duties::Duties;
use crate::domain::ids::MessageId;
use crate::domain::mailbox::Address;
use crate::flow::duties;
use crate::store::MessageFilter;

/// Of whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DigestQuery {
    /// Account, address, UPN, name or GUID; the address of somebody outside who holds a role.
    pub user: String,
}

/// What somebody is contact for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DigestAnswer {
    /// The duties.
    #[serde(flatten)]
    pub duties: Duties,
    /// To whom it was sent, if it was.
    pub sent_to: Option<Address>,
    /// The message that it was sent with.
    pub message: Option<MessageId>,
}

/// `GET /v1/contacts/digest`.
pub async fn show(
    State(app): State<Arc<App>>,
    Query(query): Query<DigestQuery>,
) -> Result<Json<DigestAnswer>, ApiError> {
    let (_, duties, _) = find(&app, &query.user).await?;
    Ok(Json(DigestAnswer { duties, sent_to: None, message: None }))
}

/// `POST /v1/contacts/digest`: sends it, too.
pub async fn send(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Json(query): Json<DigestQuery>,
) -> Result<Json<DigestAnswer>, ApiError> {
    let (who, duties, mail) = find(&app, &query.user).await?;
    let mail = mail.ok_or_else(|| {
        ApiError::bad(format!(
            "{} has no mail address, or a closed account, and can't be written to",
            duties.name
        ))
    })?;
    let committed = duties::send(&app.core, &who, mail.clone(), duties.clone(), &by).await?;
    let filter =
        MessageFilter { notice: committed.notices.first().copied(), limit: 1, ..MessageFilter::default() };
    let message = app.core.store.messages(filter).await?.first().map(|listed| listed.message.id);
    Ok(Json(DigestAnswer { duties, sent_to: Some(mail), message }))
}

/// Who it is, what they are contact for, and where to write to.
async fn find(app: &App, user: &str) -> Result<(Who, Duties, Option<Address>), ApiError> {
    let (view, now, zone) = (app.core.view(), app.core.now(), app.core.settings().zone);
    let outside = || user.parse::<Address>().ok().map(|mail| Who::new(None, &mail));
    let (who, unknown) = match view.organisation.find_user(user) {
        Ok(user) => (Who::User(user.id), None),
        Err(unknown) => match outside() {
            Some(who) => (who, Some(unknown)),
            None => return Err(unknown.into()),
        },
    };
    let asked = who.clone();
    // In a large organisation it takes a while: not on a thread that serves others.
    let work = move || duties::of_person(&view.organisation, &asked, now, zone);
    let duties = tokio::task::spawn_blocking(work).await.ok().flatten();
    if let Some(unknown) = unknown.filter(|_| duties.is_none()) {
        return Err(unknown.into());
    }
    let (duties, mail) =
        duties.ok_or_else(|| ApiError::conflict("what this user is contact for could not be worked out"))?;
    Ok((who, duties, mail))
}
