//! What is said of a notice that nobody has taken on, to whoever it goes to next.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Facts;
use crate::domain::climb::Rung;

/// A notice that nobody has taken on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Climbed {
    /// What it said last.
    pub facts: Facts,
    /// When it asked first.
    pub asked: DateTime<Utc>,
    /// Who was told before, the first of them.
    pub told: Vec<Box<str>>,
    /// How many more there were.
    pub more: u32,
    /// Why it goes to these people now.
    pub rung: Rung,
}
