//! What the database says when it can't, and what is to be done about it.

use sqlx::Error;

use super::super::error::StoreError;
use super::super::jobs::trouble::{Fault, Trouble};

/// Where a database is, for what is said to people: `budkavle at db1.example.org:5432`.
pub(super) type Place = str;

/// An error of the database.
pub(super) fn trouble(place: &Place, error: Error) -> Trouble {
    match &error {
        Error::Database(said) => {
            let code = said.code().unwrap_or_default().into_owned();
            by_code(place, &code, said.message())
        }
        Error::Io(cause) if is_of_tls(cause) => by_tls(place, cause),
        Error::Io(_)
        | Error::PoolClosed
        | Error::PoolTimedOut
        | Error::WorkerCrashed
        | Error::BeginFailed
        | Error::Protocol(_) => {
            Trouble::Said(Box::new(StoreError::Away { place: place.to_owned(), cause: plain(&error) }))
        }
        Error::Tls(cause) if cause.to_string().contains("does not support TLS") => refused(
            place,
            "it offers no encrypted connections; set `ssl = on` in its postgresql.conf, or, when it is on this very machine, \
             store.postgresql.tls = \"off\" here"
                .into(),
        ),
        Error::Tls(cause) => by_tls(place, cause),
        Error::Configuration(cause) => refused(
            place,
            format!(
                "a file for the connection can't be used ({cause}); look at ca_file, cert_file and key_file of store.postgresql"
            ),
        ),
        other => refused(place, format!("it gave an answer that isn't understood: {other}")),
    }
}

fn is_of_tls(error: &std::io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>())
}

fn by_tls(place: &Place, cause: &dyn std::fmt::Display) -> Trouble {
    let what = format!(
        "no encrypted connection could be made ({cause}); name the authority of its certificate in store.postgresql.ca_file, and the server by \
         the name that the certificate has"
    );
    refused(place, what)
}

fn by_code(place: &Place, code: &str, message: &str) -> Trouble {
    let what = match code {
        // Serialization failure, deadlock, lock not available, a key that somebody else has written just now.
        "40001" | "40P01" | "55P03" | "23505" => {
            return Trouble::Again(format!("somebody else was in the way ({message})"));
        }
        "53100" => {
            return Trouble::Said(Box::new(StoreError::DiskFull { path: format!("the database {place}") }));
        }
        "25006" => {
            return away(
                place,
                format!("it is a standby, or set to read only, and takes nothing ({message})"),
            );
        }
        // Shut down, crashed, not up yet, thrown out for having been silent in a transaction, too many connections.
        "57P01" | "57P02" | "57P03" | "25P03" | "53300" | "08006" | "08003" | "08000" => {
            return away(place, message.to_owned());
        }
        "57014" => format!(
            "what was asked took too long, and was broken off ({message}); look at what it is busy with"
        ),
        "28P01" => format!(
            "the password is wrong ({message}); put the right one into what store.postgresql.password_file names"
        ),
        "28000" => format!(
            "it doesn't let us in ({message}); look at its pg_hba.conf, which must have a line for this user, database and address"
        ),
        "3D000" => format!("{message}; make it: CREATE DATABASE … OWNER …"),
        "42501" => {
            format!(
                "a right is missing ({message}); the user must own the database, or have the right CREATE on it"
            )
        }
        "42P01" | "42703" | "3F000" => {
            format!("its tables aren't what they should be ({message}); was something else done to them?")
        }
        _ => format!("{message} (error {code})"),
    };
    refused(place, what)
}

fn away(place: &Place, cause: String) -> Trouble {
    Trouble::Said(Box::new(StoreError::Away { place: place.to_owned(), cause }))
}

/// Trouble that doesn't pass by itself.
pub(super) fn refused(place: &Place, what: String) -> Trouble {
    Trouble::Said(Box::new(StoreError::Database { place: place.to_owned(), what }))
}

fn plain(error: &Error) -> String {
    match error {
        Error::Io(error) => error.to_string(),
        Error::PoolClosed => "the connection was given up".into(),
        Error::PoolTimedOut => "no connection became free in time".into(),
        other => other.to_string(),
    }
}

/// Whether its disk is full.
pub(super) fn is_full(fault: &Fault) -> bool {
    matches!(fault, Fault::Trouble(Trouble::Said(said)) if matches!(**said, StoreError::DiskFull { .. }))
}

/// Whether the database wasn't there, or took nothing.
pub(super) fn is_away(fault: &Fault) -> bool {
    match fault {
        Fault::Trouble(Trouble::Said(said)) if matches!(**said, StoreError::Away { .. }) => true,
        Fault::Refused(StoreError::Away { .. }) => true,
        _ => false,
    }
}
