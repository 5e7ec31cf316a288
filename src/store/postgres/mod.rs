//! The store that several nodes share: PostgreSQL, or what speaks its protocol.
//!
//! In reading order: [`connect`] reaches it, [`schema`] makes its tables, [`tables`] says what stands where; [`rows`] is what a job reads in a
//! transaction and [`flush`] how its changes are written; [`keeper`] keeps this node and its lease alive, and [`sweeper`] takes over what dead ones
//! leave; [`contract`], [`read`] and [`backup`] are what the contract asks for, [`follow`] is how a node learns what others have committed, and [`hint`] how it
//! learns of it soon; [`line`](mod@line)
//! is how long an answer is waited for, [`patience`] how often it is tried, [`said`] what the database says when it can't.
//!
//! Who decides (a sync, an edit) holds the rows of `numbers` until the commit: those are one after the other on all nodes. What was decided on an
//! older picture is refused: what it changes mustn't have been changed by others since that picture. Claims and attempts hold
//! only their messages. No advisory lock is taken anywhere, so that engines without them serve, too.

mod backup;
mod connect;
mod contract;
mod flush;
mod follow;
mod hint;
mod keeper;
mod line;
mod patience;
mod probe;
mod read;
mod restore;
mod rows;
mod said;
mod schema;
mod sweeper;
mod tables;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Postgres, Row, Transaction};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::cluster::{BrokenChannel, Lease, Life, PostgresSettings, Standing, Tidings};
use super::error::StoreError;
use super::jobs::rows::Write;
use super::jobs::trouble::{Fault, Trouble};
use super::jobs::tx::Tx;
use super::records::{Kind, NUMBERS, Numbers, number_of};
use super::types::Opening;
use connect::Connections;
use flush::Flush;
use line::Line;
use patience::Patience;
use rows::PgRows;

pub use connect::{PostgresServer, PostgresTls};
pub(super) use probe::probe;
pub(super) use schema::Purpose;

/// A node that has given no sign of life for so long is dead: what it was sending is anybody's.
const NODE_DEAD_AFTER: Duration = Duration::from_secs(10);
/// Clocks that differ by less count as the same.
const CLOCKS_AGREE: chrono::TimeDelta = chrono::TimeDelta::seconds(2);

/// The one source of the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// A store in PostgreSQL. Cloning it is cheap.
#[derive(Clone)]
pub struct PgStore {
    shared: Arc<Shared>,
}

struct Shared {
    connections: Connections,
    instance: u64,
    clock: Clock,
    /// What this node's picture is of.
    basis: Mutex<Basis>,
    /// This run of the node.
    node: AtomicI64,
    /// One decision of this node at a time.
    deciding: tokio::sync::Mutex<()>,
    standing: Mutex<Standing>,
    hints: hint::Hints,
    /// The tasks that keep this node alive.
    keepers: Mutex<Vec<JoinHandle<()>>>,
    tidings: watch::Sender<Tidings>,
    unexported: watch::Sender<u64>,
    closed: CancellationToken,
}

/// A generation, and the token of the commit that made it: a standby that was behind makes others of the same numbers.
#[derive(Clone, Copy, Default)]
struct Basis {
    generation: u64,
    /// None: nobody knows it.
    stamp: Option<i64>,
}

/// How a job goes about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// It decides: nobody else does meanwhile.
    Alone,
    /// The same, and only the node with the lease may; with this one, if it is known.
    Lead(Lease),
    /// It holds the messages that it reads, and nothing else.
    Beside,
    /// The same, and only a node that the others count on may.
    Claim,
}

impl Way {
    /// Whether it decides.
    fn decides(self) -> bool {
        matches!(self, Way::Alone | Way::Lead(_))
    }
}

/// What a transaction came to.
struct Ended<T> {
    value: T,
    /// The generation before it and after it.
    generations: (u64, u64),
    /// Whether there is something in it for other nodes.
    news: bool,
    /// False: the connection was lost while it was being committed.
    known: bool,
}

impl PgStore {
    pub(super) async fn open(
        settings: PostgresSettings,
        clock: Clock,
        purpose: Purpose,
    ) -> Result<(PgStore, Opening), StoreError> {
        let connections = Connections::new(settings);
        let mut patience = Patience::short();
        let instance = loop {
            match schema::prepare(&connections, purpose).await {
                Ok(instance) => break instance,
                Err(fault) => {
                    let away = said::is_away(&fault);
                    patience.pause(&connections, fault).await?;
                    if away {
                        connections.turn_away();
                    }
                }
            }
        };
        let standing = Standing::new(connections.node(), clock());
        let shared = Arc::new(Shared {
            connections,
            instance,
            clock,
            basis: Mutex::default(),
            node: AtomicI64::new(0),
            deciding: tokio::sync::Mutex::new(()),
            standing: Mutex::new(standing),
            hints: hint::Hints::default(),
            keepers: Mutex::default(),
            tidings: watch::Sender::new(Tidings::default()),
            unexported: watch::Sender::new(0),
            closed: CancellationToken::new(),
        });
        let store = PgStore { shared };
        let numbers = keeper::begin(&store.shared, purpose).await?;
        let generation = numbers.get(Numbers::Generation as usize).copied().unwrap_or_default();
        store.shared.show(generation, None);
        let fresh = numbers.iter().all(|number| *number == 0);
        Ok((store, if fresh { Opening::Fresh } else { Opening::Intact }))
    }

    pub(super) async fn close(&self) {
        keeper::end(&self.shared).await;
    }

    pub(super) fn instance(&self) -> u64 {
        self.shared.instance
    }

    pub(super) fn unexported(&self) -> watch::Receiver<u64> {
        self.shared.unexported.subscribe()
    }

    pub(super) fn tidings(&self) -> watch::Receiver<Tidings> {
        self.shared.tidings.subscribe()
    }

    pub(super) fn standing(&self) -> Standing {
        self.shared.standing().clone()
    }

    pub(super) fn say_broken(&self, broken: Vec<BrokenChannel>) {
        self.shared.standing().broken = broken;
    }

    pub(super) fn life(&self) -> Option<Life> {
        self.shared.standing().life_at((self.shared.clock)())
    }

    pub(super) fn is_kept(&self) -> Result<bool, StoreError> {
        self.shared.is_kept()
    }

    /// Carries out a job in a transaction, and once more when somebody else was in the way. Without the database it isn't tried: the keeper
    /// does that.
    async fn carry_out<T: Send + 'static>(
        &self,
        way: Way,
        mut patience: Patience,
        job: impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let shared = &self.shared;
        let _one = if way.decides() { Some(shared.deciding.lock().await) } else { None };
        let job = Arc::new(job);
        loop {
            let tried = match shared.away() {
                Some(away) if !patience.is_long() => Err(away.at_database(&shared.connections.place()))?,
                Some(away) => Err(away),
                None => shared.attempt(way, Arc::clone(&job), patience.again()).await,
            };
            match tried {
                Ok(value) => return Ok(value),
                Err(fault) => patience.pause(&shared.connections, fault).await?,
            }
        }
    }
}

impl Write for PgStore {
    async fn write<T: Send + 'static>(
        &self,
        job: impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        // What is old is nobody's decision any more: nobody waits for it.
        self.carry_out(Way::Beside, Patience::short(), job).await
    }
}

impl Shared {
    fn standing(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn bad(&self, error: sqlx::Error) -> Fault {
        Fault::Trouble(said::trouble(&self.connections.place(), error))
    }

    fn basis(&self) -> Basis {
        *self.basis.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// From now on this node's picture is of this generation.
    fn show(&self, generation: u64, stamp: Option<i64>) {
        let mut basis = self.basis.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *basis = Basis { generation, stamp };
    }

    /// Why nothing can be done now, as far as that is known already.
    fn away(&self) -> Option<Fault> {
        self.standing().refusal.clone().map(Fault::Refused)
    }

    async fn attempt<T: Send + 'static>(
        self: &Arc<Self>,
        way: Way,
        job: Arc<impl Fn(&mut Tx<'_>) -> Result<T, Fault> + Send + Sync + 'static>,
        patience: Patience,
    ) -> Result<T, Fault> {
        let token: i64 = rand::random();
        let line = self.connections.line();
        let pool = self.connections.pool();
        let tx = line.ask(pool.begin()).await?;
        let (shared, handle) = (Arc::clone(self), Handle::current());
        let done =
            tokio::task::spawn_blocking(move || shared.in_transaction(&handle, line, tx, way, token, &*job));
        let Ended { value, generations: (before, made), news, known } =
            done.await.map_err(|died| Trouble::Io("written", died.to_string()))??;
        if !known && !self.was_committed(token, patience).await? {
            return Err(Trouble::Again("the connection was lost before the commit".into()).into());
        }
        if made != before {
            // What this node has committed is in its picture, unless others have committed before what isn't.
            let mut basis = self.basis.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if basis.generation == before {
                *basis = Basis { generation: made, stamp: Some(token) };
            }
        }
        if news {
            self.hints.wanted.notify_one();
        }
        Ok(value)
    }

    fn in_transaction<T>(
        &self,
        handle: &Handle,
        line: Line,
        tx: Transaction<'static, Postgres>,
        way: Way,
        token: i64,
        job: &impl Fn(&mut Tx<'_>) -> Result<T, Fault>,
    ) -> Result<Ended<T>, Fault> {
        let node = self.node.load(Ordering::SeqCst);
        let rows = PgRows::new(handle.clone(), line.clone(), node, tx);
        let mut numbers = [0; NUMBERS];
        if way.decides() {
            numbers = rows.with(async |tx| lock_numbers(tx).await)?;
        }
        let generation = |numbers: &[u64; NUMBERS]| numbers.get(Numbers::Generation as usize).copied();
        let before = generation(&numbers).unwrap_or_default();
        let epoch = match way {
            Way::Lead(lease) => Some(self.epoch(lease)?),
            _ => None,
        };
        let ahead = self.may(&rows, &line, way, node)?;
        let mut work = Tx::new(&rows, numbers);
        work.ahead = ahead;
        let value = job(&mut work)?;
        let effect = work.effect;
        let made = generation(&effect.numbers).unwrap_or_default();
        if effect.changes.is_empty() && effect.moves.is_empty() {
            return Ok(Ended { value, generations: (before, before), news: false, known: true });
        }
        let is_news = |of: Numbers| numbers.get(of as usize) != effect.numbers.get(of as usize);
        let news = way.decides() && (is_news(Numbers::Generation) || is_news(Numbers::Message));
        let last_message = numbers.get(Numbers::Message as usize).copied().unwrap_or_default();
        let (mut tx, read) = rows.end();
        let unseen = way.decides().then(|| self.basis().generation).filter(|known| *known != before);
        let written = handle.block_on(async {
            if let Some(known) = unseen {
                follow::refuse_unseen(&mut tx, &line, effect.changes.keys(), known.cast_signed()).await?;
            }
            let is_new = |key: &[u8]| match read.get(key) {
                Some(known) => known.is_none(),
                None => {
                    way.decides()
                        && key.first() == Some(&(Kind::Message as u8))
                        && number_of(key) > Some(last_message)
                }
            };
            let generation = made.cast_signed();
            let mut flush = Flush { connection: &mut tx, line: &line, node, generation };
            flush.write(effect, is_new).await?;
            if let Some(epoch) = epoch {
                keeper::fence(&mut tx, &line, node, epoch).await?;
            }
            let sql = "INSERT INTO commits (token, generation) VALUES ($1, $2)";
            let noted = sqlx::query(sql).bind(token).bind((made != before).then_some(generation));
            line.ask(noted.execute(&mut *tx)).await?;
            Ok::<(), Fault>(())
        });
        written?;
        let known = match handle.block_on(line.hear(tx.commit())) {
            Ok(()) => true,
            Err(error) if error.as_database_error().is_some() => return Err(self.bad(error)),
            Err(_) => false,
        };
        Ok(Ended { value, generations: (before, made), news, known })
    }

    /// Whether this node takes part, as the database has it at this moment; and how far its clock is before that of the database.
    fn may(&self, rows: &PgRows, line: &Line, way: Way, node: i64) -> Result<chrono::TimeDelta, Fault> {
        let sql = "SELECT schema, oldest, clock_timestamp(), EXISTS (SELECT FROM nodes WHERE id = $1 AND NOT ended) \
                   FROM budkavle_meta";
        let (tables, oldest, clock, lives) = rows.with(async |tx| {
            let row = sqlx::query(sql).bind(node).fetch_one(&mut **tx).await?;
            let clock: DateTime<Utc> = row.try_get(2)?;
            Ok((row.try_get::<i32, _>(0)?, row.try_get::<i32, _>(1)?, clock, row.try_get::<bool, _>(3)?))
        })?;
        if oldest > schema::VERSION {
            return Err(schema::too_old(&line.place, tables).into());
        }
        if way == Way::Claim && !lives {
            return Err(Trouble::Again("the others took this node for dead; it begins anew".into()).into());
        }
        let ahead = (self.clock)() - clock;
        Ok(if ahead.abs() < CLOCKS_AGREE { chrono::TimeDelta::zero() } else { ahead })
    }

    /// Whether a transaction was committed. When it wasn't, it never will be.
    async fn was_committed(&self, token: i64, mut patience: Patience) -> Result<bool, Fault> {
        loop {
            // Waits for the transaction if it is still under way, and takes its token from it if it isn't committed.
            let sql = "INSERT INTO commits (token) VALUES ($1) ON CONFLICT DO NOTHING";
            let (line, pool) = (self.connections.line(), self.connections.pool());
            match line.ask(sqlx::query(sql).bind(token).execute(&pool)).await {
                Ok(done) => return Ok(done.rows_affected() == 0),
                Err(trouble) => {
                    let unknown = |_| StoreError::Unknown { place: line.place };
                    patience.pause(&self.connections, trouble.into()).await.map_err(unknown)?;
                }
            }
        }
    }
}

/// Takes the numbers, and with them the right to decide.
async fn lock_numbers(tx: &mut Transaction<'static, Postgres>) -> Result<[u64; NUMBERS], sqlx::Error> {
    let rows: Vec<(i16, i64)> = sqlx::query_as("SELECT which, last FROM numbers ORDER BY which FOR UPDATE")
        .fetch_all(&mut **tx)
        .await?;
    let mut numbers = [0; NUMBERS];
    for (which, last) in rows {
        if let Some(number) = usize::try_from(which).ok().and_then(|which| numbers.get_mut(which)) {
            *number = last.cast_unsigned();
        }
    }
    Ok(numbers)
}
