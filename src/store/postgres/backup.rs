//! A backup of a database: the same file that the embedded store writes, so that either can be made of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::PgConnection;

use crate::domain::directory::{Container, Group, Unit, User};
use crate::domain::gone::Gone;

use super::super::backup::{BackupWriter, Header};
use super::super::counts::Counts;
use super::super::error::StoreError;
use super::super::jobs::trouble::{Fault, Trouble};
use super::super::jobs::tx::decode;
use super::super::records::{Kind, LastNumber, Numbers, Pack, Packed, Record, bucket, key};
use super::PgStore;
use super::schema::own;
use super::tables::ALL;

impl PgStore {
    /// Exports are for a store that nobody else looks after.
    pub(in super::super) fn no_exports(&self) -> StoreError {
        let place = self.shared.connections.place();
        StoreError::Database {
            place,
            what: "it isn't exported; back it up with its own means, or by budkavle backup".into(),
        }
    }

    /// Writes everything to a file, as of one moment.
    pub(in super::super) async fn backup(
        &self,
        file: PathBuf,
        now: DateTime<Utc>,
    ) -> Result<super::super::types::Exported, StoreError> {
        let read = async {
            let mut tx = self.picture().await?;
            self.records(&mut tx).await
        };
        let records =
            read.await.map_err(|fault: Fault| fault.at_database(&self.shared.connections.place()))?;
        let instance = self.shared.instance;
        let written = tokio::task::spawn_blocking(move || {
            let mut counts = Counts::default();
            for (key, record) in &records {
                if let Some(kind) = key.first().and_then(|byte| Kind::from_byte(*byte)) {
                    counts.add(kind, key, record);
                }
            }
            let budkavle = env!("CARGO_PKG_VERSION").into();
            let header = Header { budkavle, written: now, as_of: now, instance, commit: 1, counts };
            let mut writer = BackupWriter::create(&file, header)?;
            for (key, record) in &records {
                writer.record(key, record)?;
            }
            let info = writer.finish()?.info();
            Ok(super::super::types::Exported { path: file, info })
        });
        written.await.map_err(|died| self.troubled(Trouble::Io("read", died.to_string())))?
    }

    /// Every record as the embedded store has it, in order of the keys.
    pub(super) async fn records(
        &self,
        connection: &mut PgConnection,
    ) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, Fault> {
        let line = self.shared.connections.line().patient();
        let mut records = BTreeMap::new();
        let mut objects: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        for table in ALL {
            let sql = own(format!("SELECT key, record FROM {} ORDER BY key", table.name));
            let mut rows = sqlx::query(sql).fetch(&mut *connection);
            while let Some(row) = line.ask(rows.try_next()).await? {
                let (at, record) = self.pair(&row)?;
                match (Kind::from_byte(at.first().copied().unwrap_or_default()), at.get(1..)) {
                    (
                        Some(
                            kind @ (Kind::Users | Kind::Units | Kind::Groups | Kind::Containers | Kind::Gone),
                        ),
                        Some(id),
                    ) => {
                        let id = crate::domain::ids::Guid(id.try_into().unwrap_or_default());
                        objects.entry(key(kind, &bucket(id))).or_default().push(record);
                    }
                    _ => drop(records.insert(at, record)),
                }
            }
        }
        for (at, packed) in objects {
            let record = match at.first().and_then(|byte| Kind::from_byte(*byte)) {
                Some(Kind::Users) => joined::<User>(&packed)?,
                Some(Kind::Units) => joined::<Unit>(&packed)?,
                Some(Kind::Groups) => joined::<Group>(&packed)?,
                Some(Kind::Containers) => joined::<Container>(&packed)?,
                _ => joined::<Gone>(&packed)?,
            };
            records.insert(at, record);
        }
        let query = sqlx::query_as("SELECT which, last FROM numbers");
        let numbers: Vec<(i16, i64)> =
            query.fetch_all(&mut *connection).await.map_err(|e| self.shared.bad(e))?;
        let attempts: i64 = sqlx::query_scalar("SELECT last_value FROM attempt_numbers")
            .fetch_one(&mut *connection)
            .await
            .map_err(|e| self.shared.bad(e))?;
        for (which, last) in numbers {
            let Ok(which) = u8::try_from(which) else { continue };
            let last = if which == Numbers::Attempt as u8 { attempts } else { last };
            let record = LastNumber(last.cast_unsigned()).encode().map_err(Trouble::from)?;
            records.insert(key(Kind::Numbers, &[which]), record);
        }
        Ok(records)
    }
}

/// Objects that are kept each by itself, as those of a bucket.
fn joined<T: Packed>(packed: &[Vec<u8>]) -> Result<Vec<u8>, Trouble> {
    let mut all = Vec::new();
    for record in packed {
        all.extend(decode::<Pack<T>>(record)?.0);
    }
    all.sort_by_key(|object| object.guid());
    Ok(Pack(all).encode()?)
}
