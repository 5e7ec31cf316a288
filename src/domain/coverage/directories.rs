//! Whether somebody is there for each directory.

use std::sync::Arc;

use super::timeline::{self, Piece};
use super::{Period, Run, There, Wanted, runs};
use crate::domain::contacts;
use crate::domain::ids::DirectoryName;
use crate::domain::organisation::Organisation;
use crate::domain::tree;

/// How a role is covered for one directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DirectoryCover {
    /// Which.
    pub directory: DirectoryName,
    /// Its days, in order.
    pub runs: Vec<Run>,
}

impl DirectoryCover {
    /// Whether the minimum isn't met on some day.
    pub fn is_short(&self) -> bool {
        self.runs.iter().any(|run| run.short)
    }
}

/// Works out who is there for each directory on each day, in a role of directories: those who hold it for that one, and for all.
pub fn cover_directories(
    organisation: &Organisation,
    wanted: Wanted<'_>,
    period: &Period,
) -> Vec<DirectoryCover> {
    let Wanted { role, minimum } = wanted;
    let windows = period.windows(role.always);
    let judged = || windows.iter().filter_map(|(_, window)| *window);
    let span = judged().next().zip(judged().next_back()).map(|((from, _), (_, until))| (from, until));
    let holders = organisation.holders(&role.name).at(tree::ROOT);
    let moments = span.map(|span| timeline::moments(organisation, holders.iter(), span)).unwrap_or_default();
    let of = |directory: &DirectoryName| {
        let piece = |from| {
            let (contacts, skipped) = contacts::for_directory(organisation, role, directory, from);
            let people: Vec<_> = contacts.into_iter().map(timeline::person).collect();
            let missing = if people.is_empty() { skipped } else { Vec::new() };
            Piece { from, there: Arc::new(There { at: None, people, missing }) }
        };
        let line: Vec<Piece> = moments.iter().copied().map(piece).collect();
        DirectoryCover { directory: directory.clone(), runs: runs(&line, &windows, minimum) }
    };
    organisation.directories().map(of).collect()
}
