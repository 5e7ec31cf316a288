//! A backup of a database: the same file that the embedded store writes, so that either can be made of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use tokio::task::JoinError;

use crate::domain::directory::{Container, Group, Unit, User};
use crate::domain::gone::Gone;
use crate::domain::ids::Guid;

use super::super::backup::{self, BackupWriter, Header};
use super::super::counts::Counts;
use super::super::error::StoreError;
use super::super::jobs::trouble::{Fault, Trouble};
use super::super::jobs::tx::decode;
use super::super::records::{Kind, LastNumber, Numbers, Pack, Packed, Record, bucket, key};
use super::super::types::Exported;
use super::PgStore;
use super::schema::own;
use super::tables::table_of;

/// So many records are read at a time.
const PAGE: usize = 5_000;

impl PgStore {
    /// Exports are for a store that nobody else looks after.
    pub(in super::super) fn no_exports(&self) -> StoreError {
        let place = self.shared.connections.place();
        StoreError::Database {
            place,
            what: "it isn't exported; back it up with its own means, or by budkavle backup".into(),
        }
    }

    /// Whether a file is a whole backup of what is there now.
    pub(in super::super) async fn is_backup(&self, file: PathBuf) -> Result<bool, StoreError> {
        let checked = tokio::task::spawn_blocking(move || backup::check(&file).ok());
        let checked = checked.await.map_err(|died| self.troubled(Trouble::Io("read", died.to_string())))?;
        let Some(header) = checked.filter(|header| header.instance == self.shared.instance) else {
            return Ok(false);
        };
        let counts = async { self.counts(&mut *self.picture().await?).await };
        let counts =
            counts.await.map_err(|fault: Fault| fault.at_database(&self.shared.connections.place()))?;
        Ok(header.counts == counts)
    }

    /// Writes everything to a file, as of one moment.
    pub(in super::super) async fn backup(
        &self,
        file: PathBuf,
        now: DateTime<Utc>,
    ) -> Result<Exported, StoreError> {
        let place = self.shared.connections.place();
        self.write_backup(file, now).await.map_err(|fault| fault.at_database(&place))
    }

    async fn write_backup(&self, file: PathBuf, now: DateTime<Utc>) -> Result<Exported, Fault> {
        let died = |died: JoinError| Fault::from(Trouble::Io("read", died.to_string()));
        let mut tx = self.picture().await?;
        let counts = self.counts(&mut tx).await?;
        let (instance, budkavle) = (self.shared.instance, env!("CARGO_PKG_VERSION").into());
        let header = Header { budkavle, written: now, as_of: now, instance, commit: 1, counts };
        let mut writer = BackupWriter::create(&file, header)?;
        let mut pages = self.pages();
        while let Some(page) = pages.next(&mut tx).await? {
            // The disk may be slow.
            let written = tokio::task::spawn_blocking(move || {
                page.iter().try_for_each(|(key, record)| writer.record(key, record))?;
                Ok::<_, StoreError>(writer)
            });
            writer = written.await.map_err(died)??;
        }
        let finished = tokio::task::spawn_blocking(move || writer.finish());
        Ok(Exported { path: file, info: finished.await.map_err(died)??.info() })
    }

    /// How many records of each kind there are, and their digests, as the embedded store has them.
    pub(super) async fn counts(&self, connection: &mut PgConnection) -> Result<Counts, Fault> {
        let (mut counts, mut pages) = (Counts::default(), self.pages());
        while let Some(page) = pages.next(connection).await? {
            for (key, record) in &page {
                if let Some(kind) = key.first().and_then(|byte| Kind::from_byte(*byte)) {
                    counts.add(kind, key, record);
                }
            }
        }
        Ok(counts)
    }

    fn pages(&self) -> Pages<'_> {
        Pages { store: self, kinds: Kind::ALL, after: Vec::new() }
    }
}

/// Every record as the embedded store has it, kind by kind, so many at a time; of those that it packs, all of a kind.
struct Pages<'a> {
    store: &'a PgStore,
    /// Those that aren't read to their end.
    kinds: &'static [Kind],
    /// The last key that was read of the first of them.
    after: Vec<u8>,
}

/// Records with their keys.
type Page = Vec<(Vec<u8>, Vec<u8>)>;

impl Pages<'_> {
    async fn next(&mut self, connection: &mut PgConnection) -> Result<Option<Page>, Fault> {
        while let Some((kind, others)) = self.kinds.split_first() {
            let page = match kind {
                Kind::Numbers => self.numbers(connection).await?,
                Kind::Users => self.packed::<User>(connection).await?,
                Kind::Units => self.packed::<Unit>(connection).await?,
                Kind::Groups => self.packed::<Group>(connection).await?,
                Kind::Containers => self.packed::<Container>(connection).await?,
                Kind::Gone => self.packed::<Gone>(connection).await?,
                kind => {
                    let page = self.read(connection, *kind).await?;
                    if !page.is_empty() {
                        return Ok(Some(page));
                    }
                    page
                }
            };
            (self.kinds, self.after) = (others, Vec::new());
            if !page.is_empty() {
                return Ok(Some(page));
            }
        }
        Ok(None)
    }

    /// The next ones of a kind.
    async fn read(&mut self, connection: &mut PgConnection, kind: Kind) -> Result<Page, Fault> {
        let line = self.store.shared.connections.line().patient();
        let sql = own(format!(
            "SELECT key, record FROM {} WHERE key > $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT {PAGE}",
            table_of(kind).name
        ));
        let query = sqlx::query(sql).bind(&self.after).bind(vec![kind as u8]).bind(vec![kind as u8 + 1]);
        let rows = line.ask(query.fetch_all(connection)).await?;
        let page = rows.iter().map(|row| self.store.pair(row)).collect::<Result<Page, Fault>>()?;
        if let Some((last, _)) = page.last() {
            self.after.clone_from(last);
        }
        Ok(page)
    }

    /// All of a kind that is kept in buckets.
    async fn packed<T: Packed>(&mut self, connection: &mut PgConnection) -> Result<Page, Fault> {
        let mut buckets: BTreeMap<Vec<u8>, Vec<Vec<u8>>> = BTreeMap::new();
        loop {
            let page = self.read(connection, T::KIND).await?;
            if page.is_empty() {
                break;
            }
            for (at, record) in page {
                let id = at.get(1..).and_then(|id| id.try_into().ok()).unwrap_or_default();
                buckets.entry(key(T::KIND, &bucket(Guid(id)))).or_default().push(record);
            }
        }
        Ok(buckets
            .into_iter()
            .map(|(at, packed)| Ok((at, joined::<T>(&packed)?)))
            .collect::<Result<_, Trouble>>()?)
    }

    async fn numbers(&self, connection: &mut PgConnection) -> Result<Page, Fault> {
        let bad = |error| self.store.shared.bad(error);
        let query = sqlx::query_as("SELECT which, last FROM numbers ORDER BY which");
        let numbers: Vec<(i16, i64)> = query.fetch_all(&mut *connection).await.map_err(bad)?;
        let query = sqlx::query_scalar("SELECT last_value FROM attempt_numbers");
        let attempts: i64 = query.fetch_one(connection).await.map_err(bad)?;
        let mut page = Page::new();
        for (which, last) in numbers {
            let Ok(which) = u8::try_from(which) else { continue };
            let last = if which == Numbers::Attempt as u8 { attempts } else { last };
            let record = LastNumber(last.cast_unsigned()).encode().map_err(Trouble::from)?;
            page.push((key(Kind::Numbers, &[which]), record));
        }
        Ok(page)
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
