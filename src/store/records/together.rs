//! What leaves as one mail.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::domain::ids::MessageId;

/// Which messages of a recipient leave together: when, and the first of them. Nothing joins them from then on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, serde::Deserialize)]
pub(crate) struct Gathering(pub(crate) Vec<(DateTime<Utc>, MessageId)>);

/// Messages that leave together, as one mail: the first one first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, serde::Deserialize)]
pub(crate) struct Together(pub(crate) Vec<MessageId>);
