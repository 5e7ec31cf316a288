//! How a node comes to its picture, and how it follows what others commit: by generation, at the cost of what changed.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::{PgConnection, Postgres, Row, Transaction};

use crate::domain::delta::Delta;
use crate::domain::ids::DirectoryName;
use crate::domain::run::Run;

use super::super::cluster::CaughtUp;
use super::super::error::StoreError;
use super::super::jobs::state::StateBuilder;
use super::super::jobs::trouble::{Fault, Trouble};
use super::super::jobs::tx::decode;
use super::super::records::{ContactsSeen, Kind, LastNumber, Numbers, Record, key};
use super::super::types::State;
use super::PgStore;
use super::line::Line;
use super::read::last_runs;
use super::schema::own;
use super::tables::{ALL, table_of};

impl PgStore {
    /// Everything that is held in memory, as of one moment.
    pub(in super::super) async fn load(&self) -> Result<State, StoreError> {
        let line = self.shared.connections.line().patient();
        let loaded = async {
            let mut tx = self.picture().await?;
            let generation = self.generation(&mut tx).await?;
            let mut builder = StateBuilder::default();
            for table in ALL.iter().filter(|table| table.followed) {
                let sql = own(format!("SELECT key, record FROM {}", table.name));
                let mut rows = sqlx::query(sql).fetch(&mut *tx);
                while let Some(row) = line.ask(rows.try_next()).await? {
                    let (key, record): (Vec<u8>, Vec<u8>) = self.pair(&row)?;
                    builder.take(kind_of(&key)?, &key, &record)?;
                }
            }
            if generation > 0 {
                let number = LastNumber(generation).encode().map_err(Trouble::from)?;
                builder.take(Kind::Numbers, &key(Kind::Numbers, &[Numbers::Generation as u8]), &number)?;
            }
            let runs = line.ask(last_runs(&mut tx)).await?;
            let run = |name: &DirectoryName| runs.get(name).map(|record| decode(record)).transpose();
            let state = builder.end(run)?;
            let stamp = self.stamp(&mut tx, generation).await?;
            Ok::<_, Fault>((state, generation, stamp))
        };
        let (state, generation, stamp) = loaded.await.map_err(|fault| self.fault(fault))?;
        self.shared.show(generation, stamp);
        Ok(state)
    }

    /// Whether others have committed something that isn't in a picture.
    pub(in super::super) async fn is_behind(
        &self,
        generation: u64,
        contacts_seen: Option<DateTime<Utc>>,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT last, (SELECT record FROM records WHERE key = $2), \
                   (SELECT token FROM commits WHERE generation = last LIMIT 1) FROM numbers WHERE which = $1";
        let query = sqlx::query_as(sql).bind(Numbers::Generation as i16).bind(key(Kind::ContactsSeen, &[]));
        let row: (i64, Option<Vec<u8>>, Option<i64>) = self.ask(query.fetch_one(&self.looking())).await?;
        let seen = row.1.map(|record| ContactsSeen::decode(&record)).transpose();
        let seen = seen.map_err(|e| self.unreadable(e))?.map(|seen| seen.0);
        let is_another = !self.is_basis(generation, row.2);
        Ok(row.0.cast_unsigned() != generation || is_another || (seen.is_some() && seen != contacts_seen))
    }

    /// What others have committed since `known`, taken into it.
    pub(in super::super) async fn catch_up(&self, known: State) -> Result<CaughtUp, StoreError> {
        let since = known.generation.map_or(0, |generation| generation.0);
        let line = self.shared.connections.line().patient();
        let caught = async {
            let mut tx = self.picture().await?;
            let generation = self.generation(&mut tx).await?;
            let query = sqlx::query_scalar("SELECT since FROM removed_known");
            let known_since: i64 = line.ask(query.fetch_one(&mut *tx)).await?;
            let stamp = self.stamp(&mut tx, since).await?;
            if since == 0
                || known_since.cast_unsigned() > since
                || generation < since
                || !self.is_basis(since, stamp)
            {
                // Nothing is known yet, or what was removed isn't any more, or this is another database than before (a standby that was behind).
                return Ok(None);
            }
            let mut lost = Delta::default();
            let mut builder = StateBuilder::on(known);
            let removed =
                sqlx::query("SELECT key FROM removed WHERE generation > $1").bind(since.cast_signed());
            for row in line.ask(removed.fetch_all(&mut *tx)).await? {
                let key: Vec<u8> = row.try_get(0).map_err(|e| self.shared.bad(e))?;
                builder.lose(kind_of(&key)?, &key, &mut lost);
            }
            let mut synced = HashSet::new();
            for table in ALL.iter().filter(|table| table.followed) {
                let sql =
                    own(format!("SELECT key, record FROM {} WHERE generation > $1 OR key = $2", table.name));
                let query = sqlx::query(sql).bind(since.cast_signed()).bind(key(Kind::ContactsSeen, &[]));
                for row in line.ask(query.fetch_all(&mut *tx)).await? {
                    let (key, record) = self.pair(&row)?;
                    let kind = kind_of(&key)?;
                    if kind == Kind::Health {
                        let name = String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned();
                        synced.insert(name);
                    }
                    builder.take(kind, &key, &record)?;
                }
            }
            let number = LastNumber(generation).encode().map_err(Trouble::from)?;
            builder.take(Kind::Numbers, &key(Kind::Numbers, &[Numbers::Generation as u8]), &number)?;
            let mut runs = self.runs_of(&mut tx, synced).await?;
            let (state, delta) = builder.merged(lost, |name| runs.remove(name));
            let stamp = self.stamp(&mut tx, generation).await?;
            Ok::<_, Fault>(Some((CaughtUp { state, delta: Some(delta) }, generation, stamp)))
        };
        let (caught, generation, stamp) = match caught.await.map_err(|fault| self.fault(fault))? {
            Some(caught) => caught,
            None => return Ok(CaughtUp { state: self.load().await?, delta: None }),
        };
        self.shared.show(generation, stamp);
        Ok(caught)
    }

    /// A transaction that sees one moment.
    pub(super) async fn picture(&self) -> Result<Transaction<'static, Postgres>, Fault> {
        let begun = async {
            let mut tx = self.looking().begin().await?;
            let sql = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
            sqlx::query(sql).execute(&mut *tx).await?;
            // A million users take longer than anything else.
            sqlx::query("SET LOCAL statement_timeout = '10min'").execute(&mut *tx).await?;
            // It holds nothing that others wait for.
            sqlx::query("SET LOCAL idle_in_transaction_session_timeout = '10min'").execute(&mut *tx).await?;
            Ok(tx)
        };
        let line = self.shared.connections.line();
        let mut tx: Transaction<'static, Postgres> = line.ask(begun).await?;
        super::schema::no_standby(&mut tx, &line).await?;
        Ok(tx)
    }

    /// Whether the picture of a generation is of the one that was made by the commit with this token, as far as it can be told.
    fn is_basis(&self, generation: u64, stamp: Option<i64>) -> bool {
        let basis = self.shared.basis();
        basis.generation != generation || basis.stamp.is_none() || basis.stamp == stamp
    }

    /// The token of the commit that made a generation.
    async fn stamp(&self, connection: &mut PgConnection, generation: u64) -> Result<Option<i64>, Fault> {
        let query = sqlx::query_scalar("SELECT token FROM commits WHERE generation = $1 LIMIT 1");
        let query = query.bind(generation.cast_signed());
        Ok(self.shared.connections.line().ask(query.fetch_optional(connection)).await?)
    }

    async fn generation(&self, connection: &mut PgConnection) -> Result<u64, Fault> {
        let query = sqlx::query_scalar("SELECT last FROM numbers WHERE which = $1");
        let query = query.bind(Numbers::Generation as i16);
        let last: i64 = self.shared.connections.line().ask(query.fetch_one(connection)).await?;
        Ok(last.cast_unsigned())
    }

    async fn runs_of(
        &self,
        connection: &mut PgConnection,
        directories: HashSet<String>,
    ) -> Result<HashMap<DirectoryName, Run>, Fault> {
        let mut runs = HashMap::new();
        for name in directories {
            let sql = "SELECT record FROM runs WHERE directory = $1 ORDER BY key DESC LIMIT 1";
            let query = sqlx::query_scalar(sql).bind(&name);
            let line = self.shared.connections.line();
            let record: Option<Vec<u8>> = line.ask(query.fetch_optional(&mut *connection)).await?;
            if let Some(record) = record {
                runs.insert(DirectoryName::from(&*name), decode(&record)?);
            }
        }
        Ok(runs)
    }

    pub(super) fn pair(&self, row: &sqlx::postgres::PgRow) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let get = |n: usize| row.try_get(n).map_err(|e| self.shared.bad(e));
        Ok((get(0)?, get(1)?))
    }

    fn fault(&self, fault: Fault) -> StoreError {
        fault.at_database(&self.shared.connections.place())
    }
}

fn kind_of(key: &[u8]) -> Result<Kind, Trouble> {
    let byte = key.first().copied().unwrap_or_default();
    Kind::from_byte(byte).ok_or_else(|| Trouble::TooNew(format!("records of kind {byte}")))
}

/// Refuses to overwrite what others have changed since the picture of a generation was made.
pub(super) async fn refuse_unseen<'a>(
    connection: &mut PgConnection,
    line: &Line,
    keys: impl Iterator<Item = &'a Vec<u8>>,
    known: i64,
) -> Result<(), Fault> {
    let mut tables: BTreeMap<&'static str, Vec<&Vec<u8>>> = BTreeMap::new();
    for key in keys {
        let kind = Kind::from_byte(key.first().copied().unwrap_or_default());
        if let Some(kind) = kind.filter(|kind| is_of_a_picture(*kind)) {
            tables.entry(table_of(kind).name).or_default().push(key);
        }
    }
    for (name, keys) in tables {
        let sql = format!(
            "SELECT key FROM {name} WHERE key = ANY($1) AND generation > $2 \
             UNION ALL SELECT key FROM removed WHERE key = ANY($1) AND generation > $2 LIMIT 1"
        );
        let query = sqlx::query_scalar(own(sql)).bind(keys).bind(known);
        let changed: Option<Vec<u8>> = line.ask(query.fetch_optional(&mut *connection)).await?;
        if let Some(key) = changed {
            let kind = kind_of(&key)?;
            return Err(StoreError::Conflict(format!("something among the {}", kind.name())).into());
        }
    }
    Ok(())
}

/// Whether what is written of a kind was made from a picture. The rest is compared with what is stored, or put together with it, by the job itself; the numbers are
/// held; and when contacts were last looked at is anybody's to say.
fn is_of_a_picture(kind: Kind) -> bool {
    let by_itself = matches!(
        kind,
        Kind::Users
            | Kind::Units
            | Kind::Groups
            | Kind::Containers
            | Kind::Gone
            | Kind::Outage
            | Kind::Mark
            | Kind::Numbers
            | Kind::ContactsSeen
    );
    !by_itself && table_of(kind).followed
}
