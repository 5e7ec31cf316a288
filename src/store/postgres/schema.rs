//! The tables: made and brought forward by whichever node comes first, while the others wait at a row.

use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::super::error::StoreError;
use super::super::jobs::trouble::{Fault, Trouble};
use super::super::records::{Instance, Kind, NUMBERS, Record, key};
use super::connect::{Connections, SCHEMA, foreign};
use super::line::Line;
use super::said;

/// The steps from nothing to the tables as they are now, in order.
const STEPS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
];
/// A program that knows the tables up to this version can work with those that this one makes.
const OLDEST: i32 = 4;
/// The version of the tables that this program makes.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "there are few steps")]
pub(super) const VERSION: i32 = STEPS.len() as i32;
/// Says whose schema it is.
pub(super) const OURS: &str = "budkavle";
/// The same while everything is on its way into it: to a node it is another program's.
pub(super) const BEING_FILLED: &str = "budkavle, being filled";

const ANOTHERS: &str =
    "its schema \"budkavle\" belongs to another program; give Budkavle a database of its own";
const HALF_FULL: &str = "a move into it was interrupted; go on with it: `budkavle store migrate --from sled --to postgresql`, or give it up: \
                         DROP SCHEMA budkavle CASCADE";

/// What the tables are wanted for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Purpose {
    /// To work with.
    Work,
    /// To be filled, also if that was begun before.
    Fill,
}

/// Makes sure that the tables are there. Returns the random number of the installation.
pub(super) async fn prepare(connections: &Connections, purpose: Purpose) -> Result<u64, Fault> {
    let line = connections.line();
    let (place, pool) = (line.place.clone(), connections.pool());
    let bad = |error| Fault::Trouble(said::trouble(&place, error));
    let mut tx = line.ask(pool.begin()).await?;
    no_standby(&mut tx, &line).await?;
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1)")
            .bind(SCHEMA)
            .fetch_one(&mut *tx)
            .await
            .map_err(bad)?;
    let meta: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relname = 'budkavle_meta')",
    )
    .bind(SCHEMA)
    .fetch_one(&mut *tx)
    .await
    .map_err(bad)?;
    if !meta {
        let others: i64 =
            sqlx::query_scalar(
                "SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname = $1",
            )
            .bind(SCHEMA)
            .fetch_one(&mut *tx)
            .await
            .map_err(bad)?;
        if others > 0 {
            return Err(foreign(&place, ANOTHERS).into());
        }
        if !exists {
            // Two who make it at once meet here: one of them begins anew and finds it.
            sqlx::query("CREATE SCHEMA budkavle").execute(&mut *tx).await.map_err(|e| again(&place, e))?;
        }
        sqlx::raw_sql(
            "CREATE TABLE budkavle.budkavle_meta (one boolean PRIMARY KEY DEFAULT true CHECK (one), program text NOT NULL, \
             schema integer NOT NULL, oldest integer NOT NULL, instance bigint NOT NULL)",
        )
        .execute(&mut *tx)
        .await
        .map_err(|e| again(&place, e))?;
        sqlx::query("INSERT INTO budkavle_meta (program, schema, oldest, instance) VALUES ($1, 0, 0, $2)")
            .bind(OURS)
            .bind(rand::random::<i64>())
            .execute(&mut *tx)
            .await
            .map_err(|e| again(&place, e))?;
    }
    // The lock: whoever brings the tables forward has this row.
    let row = sqlx::query("SELECT program, schema, oldest, instance FROM budkavle_meta FOR UPDATE")
        .fetch_one(&mut *tx)
        .await
        .map_err(bad)?;
    let (program, schema, oldest): (String, i32, i32) = (
        row.try_get("program").map_err(bad)?,
        row.try_get("schema").map_err(bad)?,
        row.try_get("oldest").map_err(bad)?,
    );
    let instance: i64 = row.try_get("instance").map_err(bad)?;
    serves(&place, &program, purpose)?;
    if oldest > VERSION {
        return Err(too_old(&place, schema).into());
    }
    if schema < VERSION {
        // A step may build an index of a large table; the others wait.
        let patient = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
        sqlx::raw_sql(patient).execute(&mut *tx).await.map_err(bad)?;
    }
    for (version, step) in (1..).zip(STEPS).skip(usize::try_from(schema).unwrap_or(usize::MAX)) {
        sqlx::raw_sql(*step).execute(&mut *tx).await.map_err(|e| again(&place, e))?;
        tracing::info!("The tables of {place} are of version {version} now");
    }
    if schema < VERSION {
        if schema == 0 {
            first(&mut tx, instance.cast_unsigned()).await.map_err(bad)?;
        }
        sqlx::query("UPDATE budkavle_meta SET schema = $1, oldest = $2")
            .bind(VERSION)
            .bind(OLDEST)
            .execute(&mut *tx)
            .await
            .map_err(bad)?;
    }
    tx.commit().await.map_err(bad)?;
    Ok(instance.cast_unsigned())
}

/// Whether what the schema says of itself serves a purpose.
pub(super) fn serves(place: &str, program: &str, purpose: Purpose) -> Result<(), StoreError> {
    match (program, purpose) {
        (OURS, _) | (BEING_FILLED, Purpose::Fill) => Ok(()),
        (BEING_FILLED, Purpose::Work) => Err(foreign(place, HALF_FULL)),
        _ => Err(foreign(place, ANOTHERS)),
    }
}

/// A standby is another server's copy, and may be behind it.
pub(super) async fn no_standby(connection: &mut PgConnection, line: &Line) -> Result<(), Fault> {
    let query = sqlx::query_scalar("SELECT pg_is_in_recovery()");
    match line.ask(query.fetch_one(connection)).await? {
        true => {
            let (place, cause) = (line.place.clone(), "it is a standby, which takes nothing; name the server that takes writes in store.postgresql.servers, too".into());
            Err(StoreError::Away { place, cause }.into())
        }
        false => Ok(()),
    }
}

/// What is too old for the tables stays out.
pub(super) fn too_old(place: &str, schema: i32) -> StoreError {
    StoreError::TooNew {
        path: format!("in the database {place}"),
        what: format!("its tables are of version {schema}, this version knows {VERSION}"),
    }
}

/// The first rows of new tables.
async fn first(connection: &mut PgConnection, instance: u64) -> Result<(), sqlx::Error> {
    for (which, name) in (0_i16..).zip(NAMES) {
        // A later step may have brought its own.
        sqlx::query("INSERT INTO numbers (which, name, last) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING")
            .bind(which)
            .bind(name)
            .execute(&mut *connection)
            .await?;
    }
    let record = Instance(instance).encode().map_err(|e| sqlx::Error::Encode(e.into()))?;
    sqlx::query("INSERT INTO records (key, record, generation, kind) VALUES ($1, $2, 0, 'instance')")
        .bind(key(Kind::Instance, &[]))
        .bind(record)
        .execute(connection)
        .await?;
    Ok(())
}

/// What is counted, in the order of the numbers.
pub(super) const NAMES: [&str; NUMBERS] = [
    "runs",
    "outages",
    "assignments",
    "absences",
    "notices",
    "messages",
    "audit entries",
    "attempts",
    "generations",
    "changes of contacts",
    "silences",
    "subscribers",
];

/// Somebody may be doing the same at this moment.
fn again(place: &str, error: sqlx::Error) -> Fault {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    match code.as_str() {
        // There already: unique violation, duplicate schema, table, object.
        "23505" | "42P06" | "42P07" | "42710" => Fault::Trouble(Trouble::Again(error.to_string())),
        _ => Fault::Trouble(said::trouble(place, error)),
    }
}

/// A statement that was put together here from the names of our own tables.
pub(super) fn own(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}
