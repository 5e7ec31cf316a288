//! What is asked of the database is answered within a limit, or it counts as away: a server that loses its power says nothing, and nothing ends
//! the connection to it.

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::time::Duration;

use super::super::jobs::trouble::Trouble;
use super::said;

/// The database breaks off by itself what takes too long; so much later that must have been heard.
const GRACE: Duration = Duration::from_secs(5);

/// Where a database is, and how long an answer may take.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// For what is said to people: `budkavle at db1.example.org:5432`.
    pub(super) place: String,
    limit: Duration,
}

impl Line {
    /// To a database that breaks off what takes longer than `statement`.
    pub(super) fn new(place: String, statement: Duration) -> Line {
        Line { place, limit: statement + GRACE }
    }

    /// The same for what may take as long as it likes to its end, but not between two words of an answer.
    pub(super) fn patient(self) -> Line {
        Line { limit: self.limit * 4, ..self }
    }

    /// Waits for an answer.
    pub(super) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Trouble> {
        self.hear(question).await.map_err(|error| said::trouble(&self.place, error))
    }

    /// The same, with the error as it came.
    pub(super) async fn hear<T>(
        &self,
        question: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        match tokio::time::timeout(self.limit, question).await {
            Ok(answer) => answer,
            Err(_) => {
                let silence = format!("it gave no answer within {} s", self.limit.as_secs());
                Err(sqlx::Error::Io(Error::new(ErrorKind::TimedOut, silence)))
            }
        }
    }
}
