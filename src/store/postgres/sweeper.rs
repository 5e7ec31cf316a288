//! What dead nodes leave: their sessions, what they were sending, and what nobody needs any more.

use std::sync::Arc;

use sqlx::PgConnection;

use super::super::error::StoreError;
use super::super::jobs::outbox;
use super::super::jobs::trouble::{Fault, Trouble};
use super::keeper::{BEAT, LEASE, YOUNG};
use super::{NODE_DEAD_AFTER, Patience, Shared, Tx, Way};

/// How often what nobody needs any more is cleared up, in beats.
const CLEAR_UP: u64 = 40;

/// Says of nodes that have been silent for long that they are dead, and ends the sessions of those that have been for a while: one that is stopped in the
/// middle of a commit holds up all others, and no time limit ends a session that waits for more to be copied.
pub(super) async fn bury(connection: &mut PgConnection, node: i64) -> Result<(), sqlx::Error> {
    let sql = "UPDATE nodes SET ended = true WHERE id IN (SELECT id FROM nodes WHERE NOT ended AND id <> $1 \
               AND seen < clock_timestamp() - make_interval(secs => $2) FOR UPDATE SKIP LOCKED)";
    let query = sqlx::query(sql).bind(node).bind(NODE_DEAD_AFTER.as_secs_f64());
    query.execute(&mut *connection).await?;
    let sql = "SELECT a.pid, pg_terminate_backend(a.pid) FROM pg_stat_activity a \
               WHERE a.datname = current_database() AND a.usename = current_user AND a.pid <> pg_backend_pid() \
               AND EXISTS (SELECT FROM nodes n WHERE n.sessions = a.application_name) \
               AND NOT EXISTS (SELECT FROM nodes n WHERE n.sessions = a.application_name \
               AND n.seen > clock_timestamp() - make_interval(secs => $1))";
    let query = sqlx::query(sql).bind(LEASE.as_secs_f64());
    match query.fetch_all(connection).await {
        Ok(ended) if !ended.is_empty() => {
            tracing::warn!(
                sessions = ended.len(),
                "The sessions of a node that has fallen silent were ended"
            );
            Ok(())
        }
        // An engine that only speaks the protocol may not know how.
        Err(error) if error.as_database_error().is_none() => Err(error),
        _ => Ok(()),
    }
}

/// Sweeps up until the store is closed.
pub(super) async fn sweep(shared: Arc<Shared>) {
    let mut beats: u64 = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(BEAT) => {}
            () = shared.closed.cancelled() => return,
        }
        beats += 1;
        // What this node itself left in an earlier life is freed at its start.
        if beats < YOUNG || shared.away().is_some() {
            continue;
        }
        free_claims(&shared).await;
        let leads = shared.standing().leads();
        if leads
            && beats.is_multiple_of(CLEAR_UP)
            && let Err(error) = clear_up(&shared).await
        {
            tracing::warn!("What nobody needs any more can't be cleared up: {error}");
        }
    }
}

/// What dead nodes were sending is due again.
async fn free_claims(shared: &Arc<Shared>) {
    let now = (shared.clock)();
    let job = Arc::new(move |tx: &mut Tx<'_>| outbox::release(tx, now, false));
    match shared.attempt(Way::Claim, job, Patience::short()).await {
        Ok(0) => {}
        Ok(freed) => {
            tracing::warn!(
                messages = freed,
                "Another node ended while it was sending; its messages are sent again, under the same Message-IDs"
            );
            shared.tell(|tidings| tidings.freed += freed);
        }
        Err(Fault::Trouble(Trouble::Again(_))) => {}
        Err(fault) => tracing::debug!("{}", fault.at_database(&shared.connections.place())),
    }
}

/// Takes away what nobody needs any more.
async fn clear_up(shared: &Arc<Shared>) -> Result<(), StoreError> {
    let (line, pool) = (shared.connections.line(), shared.connections.pool());
    let bad = |trouble: Trouble| Fault::from(trouble).at_database(&line.place);
    for sql in [
        "DELETE FROM commits WHERE at < clock_timestamp() - interval '1 hour' \
         AND (generation IS NULL OR generation < (SELECT max(generation) FROM commits))",
        "DELETE FROM begun WHERE at < clock_timestamp() - interval '1 hour'",
        "DELETE FROM nodes WHERE ended AND seen < clock_timestamp() - interval '1 day' \
         AND NOT EXISTS (SELECT FROM messages m WHERE m.node = nodes.id AND m.state = 'sending')",
    ] {
        line.ask(sqlx::query(sql).execute(&pool)).await.map_err(bad)?;
    }
    let forget = async {
        let mut tx = pool.begin().await?;
        let sql = "UPDATE removed_known SET since = GREATEST(since, \
                   (SELECT max(generation) FROM removed WHERE at < clock_timestamp() - interval '1 day'))";
        sqlx::query(sql).execute(&mut *tx).await?;
        let sql = "DELETE FROM removed WHERE generation <= (SELECT since FROM removed_known)";
        sqlx::query(sql).execute(&mut *tx).await?;
        tx.commit().await
    };
    line.ask(forget).await.map_err(bad)
}
