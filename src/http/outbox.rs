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
use crate::domain::ids::{ChannelName, MessageId, NoticeId};
use crate::domain::notice::{EventKey, Facts, MessageState, NewNotice, Recipient, message_id, together};
use crate::domain::phone;
use crate::domain::route::Reach;
use crate::flow::core::audit_entry;
use crate::store::{Change, Event, Listed, MessageFilter, MessageOrder};

/// Which messages to list.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    /// Only those in this state.
    state: Option<MessageState>,
    /// Only those of this notice.
    notice: Option<u64>,
    /// Only those of this channel.
    channel: Option<ChannelName>,
    /// Only those to this address, number or name.
    to: Option<String>,
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
        channel: query.channel,
        to: query.to,
        limit: limit + 1,
    };
    let found = app.core.store.messages(filter).await?;
    let more = found.len() > limit;
    let line = |l: Listed| MessageLine { about: l.notice.facts.about(), message: l.message };
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
    let recipient = test_recipient(&app, &request)?;
    let now = core.now();
    let event = EventKey(format!("test/{}/{}", now.timestamp_micros(), recipient.key()).into());
    let (to, recipient_channel) = (recipient.to_string(), recipient.channel.clone());
    let notice = NewNotice::new(
        event,
        Facts::Test { by: by.to_string().into(), at: now },
        vec![recipient],
        // Who waits for a test doesn't wait for days.
        now + TimeDelta::hours(1).min(core.settings().expires_after),
    );
    lift(&app, &recipient_channel);
    let audit = audit_entry(now, &by, "test message", to.clone(), None, Some(&to), None);
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

/// Who gets a test: somebody, or whoever is at the end of a channel that leads to one place.
fn test_recipient(app: &App, request: &TestRequest) -> Result<Recipient, ApiError> {
    let channel = request.channel.clone().unwrap_or_else(ChannelName::mail);
    let settings = app.core.settings();
    let reach = settings.routing.reach(&channel).ok_or_else(|| {
        let names: Vec<&str> = settings.routing.channels.keys().map(|name| &*name.0).collect();
        ApiError::bad(format!("there is no channel {channel}; there are: mail {}", names.join(" ")))
    })?;
    if reach == Reach::Place {
        return match request.to {
            Some(_) => Err(ApiError::bad(format!("{channel} leads to one place: name nobody"))),
            None => Ok(Recipient { why: "test".into(), ..Recipient::place(channel) }),
        };
    }
    let to = request.to.as_deref().ok_or_else(|| ApiError::bad("name an address or a user"))?;
    let phone = || phone::number(to).map(Box::from);
    let mut recipient = match (to.parse(), reach) {
        (Ok(mail), _) => Recipient::by_mail(to, mail, "test"),
        (Err(_), Reach::Phone) if phone().is_some() => {
            let (name, why) = (to.into(), "test".into());
            Recipient {
                name,
                mail: None,
                phone: phone(),
                why,
                channel: channel.clone(),
                user: None,
                subscriber: None,
            }
        }
        (Err(not_an_address), _) if to.contains('@') => return Err(ApiError::bad(not_an_address)),
        (Err(_), _) => {
            let view = app.core.view();
            let user = view.organisation.find_user(to)?;
            let phone = user.mobile().or_else(|| user.phone()).map(Box::from);
            let mail = user.mail().map(|mail| mail.parse().map_err(ApiError::bad)).transpose()?;
            let (name, why) = (user.name().into(), "test".into());
            let (channel, user) = (channel.clone(), Some(user.id));
            Recipient { name, mail, phone, why, channel, user, subscriber: None }
        }
    };
    recipient.channel = channel;
    match reach {
        Reach::Mail if recipient.mail.is_none() => {
            Err(ApiError::bad(format!("{} has no mail address", recipient.name)))
        }
        Reach::Phone => match recipient.phone.as_deref().and_then(phone::number) {
            Some(number) => Ok(Recipient { mail: None, phone: Some(number.into()), ..recipient }),
            None => {
                let has = recipient.phone.map_or_else(String::new, |phone| format!(", only {phone}"));
                let who = recipient.name;
                Err(ApiError::bad(format!(
                    "{who} has no phone number that a text message can be sent to{has}"
                )))
            }
        },
        _ => Ok(recipient),
    }
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
    let ordered = app.core.store.order_message(id, order, now, Some(audit)).await?;
    if matches!(order, MessageOrder::Retry { .. }) {
        lift(app, &ordered.recipient.channel);
    }
    app.core.outbox.notify_one();
    answer(app, id).await
}

/// Who orders something wants to see now whether a channel works that pauses.
fn lift(app: &App, channel: &ChannelName) {
    if let Some(sender) = app.senders.all().get(channel) {
        sender.lift(app.core.now());
    }
}

async fn answer(app: &App, id: MessageId) -> Result<Json<MessageAnswer>, ApiError> {
    let detail = app.core.store.message(id).await?;
    let domain = &app.core.settings().mail_domain;
    let to = &detail.message.recipient;
    let event = match detail.with.is_empty() {
        true => detail.notice.event.clone(),
        false => together(detail.with.iter().copied().chain([id])),
    };
    Ok(Json(MessageAnswer {
        about: detail.notice.facts.about(),
        message_id: message_id(app.core.instance, &event, to, domain),
        expires: detail.notice.expires,
        facts: detail.notice.facts,
        log: detail.attempts,
        with: detail.with,
        message: detail.message,
    }))
}
