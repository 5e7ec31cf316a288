//! The nodes that share a store, for `GET /v1/status`.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::App;
use crate::store::Standing;

pub use crate::store::NodeState;

/// Clocks that differ by more are worth a word.
const CLOCK_OFF_MS: i64 = 10_000;

/// The nodes that share a database, as this one sees them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterStatus {
    /// What this node is called.
    pub node: Box<str>,
    /// Whether it is the one that syncs.
    pub leads: bool,
    /// When the database last answered; None: not yet.
    pub seen: Option<DateTime<Utc>>,
    /// Why the database doesn't serve this node, if it doesn't: then it answers from what it knew at `seen`.
    pub trouble: Option<String>,
    /// Every node.
    pub nodes: Vec<NodeState>,
}

/// How this node stands among the others; None: there are none.
pub(super) fn cluster(app: &App) -> Option<ClusterStatus> {
    let standing = app.core.store.standing()?;
    let leads = standing.leads();
    let Standing { seen, trouble, nodes, name, .. } = standing;
    Some(ClusterStatus { node: name, leads, seen, trouble, nodes })
}

/// In every answer while the database is away: when this node last heard it, and so how old what it says may be.
pub const AS_OF: &str = "budkavle-as-of";

/// Says with an answer how old it may be, when the database doesn't serve this node.
pub(super) async fn say_how_old(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut answer = next.run(request).await;
    let standing = app.core.store.standing().filter(|standing| standing.trouble.is_some());
    let seen = standing.and_then(|standing| standing.seen);
    let seen = seen.map(|seen| seen.to_rfc3339_opts(SecondsFormat::Secs, true));
    if let Some(seen) = seen.and_then(|seen| HeaderValue::from_str(&seen).ok()) {
        answer.headers_mut().insert(AS_OF, seen);
    }
    answer
}

/// What an administrator should know of the database and of the nodes.
pub(super) fn trouble(app: &App) -> Vec<String> {
    let Some(standing) = app.core.store.standing() else { return Vec::new() };
    let mut all = Vec::new();
    if let Some(trouble) = &standing.trouble {
        let of = standing.seen.map_or_else(|| "nothing".to_owned(), |seen| format!("what it knew at {seen}"));
        all.push(format!("this node answers from {of}: {trouble}"));
    }
    let off = standing.nodes.iter().filter(|node| node.alive && node.clock_ahead_ms.abs() > CLOCK_OFF_MS);
    all.extend(off.map(|node| {
        format!(
            "the clock of the node {} is {} s off that of the database",
            node.name,
            node.clock_ahead_ms / 1_000
        )
    }));
    all
}
