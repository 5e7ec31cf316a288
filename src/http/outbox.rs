//! The outbox: what is on its way, what arrived, what didn't.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use chrono::TimeDelta;
use serde::Deserialize;

use super::App;
use super::answers::{MessageAnswer, MessageLine, Page, TestRequest};
use super::error::ApiError;
use crate::domain::audit::Actor;
use crate::domain::ids::{MessageId, NoticeId};
use crate::domain::mailbox::Address;
use crate::domain::notice::{EventKey, Facts, MessageState, NewNotice, OutageWord, Recipient, message_id};
use crate::flow::core::audit_entry;
use crate::store::{Change, Event, Listed, MessageFilter, MessageOrder};

/// Which messages to list.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    /// Only those in this state.
    state: Option<MessageState>,
    /// Only those of this notice.
    notice: Option<u64>,
    /// At most so many, the newest first.
    limit: Option<usize>,
}

/// `GET /v1/messages`.
pub async fn list(
    State(app): State<Arc<App>>,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<MessageLine>>, ApiError> {
    let limit = query.limit.unwrap_or(50).clamp(1, 10_000);
    let filter = MessageFilter {
        states: query.state.into_iter().collect(),
        notice: query.notice.map(NoticeId),
        limit: limit + 1,
    };
    let found = app.core.store.messages(filter).await?;
    let more = found.len() > limit;
    let line = |l: Listed| MessageLine { about: about(&l.notice.facts), message: l.message };
    Ok(Json(Page { items: found.into_iter().take(limit).map(line).collect(), more }))
}

/// `GET /v1/messages/{id}`.
pub async fn show(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Result<Json<MessageAnswer>, ApiError> {
    answer(&app, MessageId(id)).await
}

/// `POST /v1/messages/{id}/retry`.
pub async fn retry(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
) -> Result<Json<MessageAnswer>, ApiError> {
    let lives = app.core.settings().expires_after;
    order(&app, MessageId(id), MessageOrder::Retry { lives }, &by, "message retried").await
}

/// `POST /v1/messages/{id}/cancel`.
pub async fn cancel(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Path(id): Path<u64>,
) -> Result<Json<MessageAnswer>, ApiError> {
    order(&app, MessageId(id), MessageOrder::Cancel, &by, "message cancelled").await
}

/// `POST /v1/test-message`.
pub async fn test(
    State(app): State<Arc<App>>,
    Extension(by): Extension<Actor>,
    Json(request): Json<TestRequest>,
) -> Result<(StatusCode, Json<MessageAnswer>), ApiError> {
    let core = &app.core;
    let view = core.view();
    let (name, mail): (Box<str>, Address) = match request.to.parse() {
        Ok(mail) => (request.to.as_str().into(), mail),
        Err(not_an_address) if request.to.contains('@') => return Err(ApiError::bad(not_an_address)),
        Err(_) => {
            let user = view.organisation.find_user(&request.to)?;
            let mail =
                user.mail().ok_or_else(|| ApiError::bad(format!("{} has no mail address", user.name())))?;
            (user.name().into(), mail.parse().map_err(ApiError::bad)?)
        }
    };
    let now = core.now();
    let event = EventKey(format!("test/{}/{}", now.timestamp_micros(), mail.key()).into());
    let notice = NewNotice {
        thread: event.clone(),
        event,
        // Who waits for a test doesn't wait for days.
        expires: now + TimeDelta::hours(1).min(core.settings().expires_after),
        facts: Facts::Test { by: by.to_string().into(), at: now },
        recipients: vec![Recipient { name, mail, why: "test".into() }],
        supersedes: Vec::new(),
    };
    let audit = audit_entry(now, &by, "test message", request.to.clone(), None, Some(&request.to), None);
    let event = Event { at: now, change: Change::None, notices: vec![notice], audit: Some(audit) };
    let committed = core.turn().await.commit(event, |_, _, _| {}).await?;
    let filter =
        MessageFilter { notice: committed.notices.first().copied(), limit: 1, ..MessageFilter::default() };
    let sent = core.store.messages(filter).await?;
    let id = sent
        .first()
        .map(|l| l.message.id)
        .ok_or_else(|| ApiError::conflict("the test message was not enqueued"))?;
    Ok((StatusCode::CREATED, answer(&app, id).await?))
}

async fn order(
    app: &App,
    id: MessageId,
    order: MessageOrder,
    by: &Actor,
    action: &str,
) -> Result<Json<MessageAnswer>, ApiError> {
    let now = app.core.now();
    let audit = audit_entry::<u64>(now, by, action, format!("message {id}"), None, None, None);
    app.core.store.order_message(id, order, now, Some(audit)).await?;
    app.core.outbox.notify_one();
    answer(app, id).await
}

async fn answer(app: &App, id: MessageId) -> Result<Json<MessageAnswer>, ApiError> {
    let detail = app.core.store.message(id).await?;
    let domain = &app.core.settings().mail_domain;
    let to = &detail.message.recipient.mail;
    Ok(Json(MessageAnswer {
        about: about(&detail.notice.facts),
        message_id: message_id(app.core.instance, &detail.notice.event, to, domain),
        expires: detail.notice.expires,
        facts: detail.notice.facts,
        log: detail.attempts,
        message: detail.message,
    }))
}

/// What a notice is about, in a few words.
fn about(facts: &Facts) -> String {
    match facts {
        Facts::Outage { outage, earlier, units } => {
            OutageWord::from((outage, *earlier, units.as_slice())).summary()
        }
        Facts::OutageWord(word) => word.summary(),
        Facts::SyncTrouble(t) => match t.trouble {
            crate::domain::alert::Trouble::Held => format!("sync of {} waits for approval", t.directory),
            crate::domain::alert::Trouble::Failing => format!("sync of {} is failing", t.directory),
            crate::domain::alert::Trouble::Stale => format!("data of {} is getting old", t.directory),
        },
        Facts::SyncRecovered { directory, .. } => format!("sync of {directory} is well again"),
        Facts::StoreRebuilt { .. } => "the store was rebuilt".to_owned(),
        Facts::Test { .. } => "test message".to_owned(),
        Facts::Coverage(facts) => match facts.gaps.as_slice() {
            [] => format!("{} is covered", facts.period),
            gaps => format!("{} isn't covered in {} places", facts.period, gaps.len() + facts.more as usize),
        },
        Facts::ContactNews(_) => "other contacts".to_owned(),
        Facts::ContactSummary(facts) => format!("other contacts of {} units", facts.units),
        Facts::Duties(_) => "what they are contact for".to_owned(),
        Facts::Ending { directory, due } => format!("something that {directory} needs: {}", due.stage()),
    }
}
