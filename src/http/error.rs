//! How an error is told: a status, and a sentence in JSON.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::domain::organisation::{LookupError, NoSubject};
use crate::domain::outage::Refused;
use crate::flow::absence_sources::SourcesError;
use crate::flow::absences::ImportError;
use crate::flow::assign::AssignError;
use crate::flow::directories::NotUndone;
use crate::flow::intake::feeds::FeedsError;
use crate::flow::intake::heartbeats::HeartbeatError;
use crate::flow::lists::ListsError;
use crate::flow::outage::OutageError;
use crate::flow::past::PastError;
use crate::flow::subjects::SubjectError;
use crate::flow::sync::HeldError;
use crate::flow::undo::UndoError;
use crate::store::StoreError;

/// The body of every answer that isn't a 2xx.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    /// What went wrong and what to do about it, a full sentence.
    pub error: String,
}

/// An error on its way out.
#[derive(Debug)]
pub struct ApiError(StatusCode, String);

impl ApiError {
    /// There is no such thing.
    pub fn not_found(text: String) -> ApiError {
        ApiError(StatusCode::NOT_FOUND, text)
    }

    /// The request makes no sense.
    pub fn bad(text: impl ToString) -> ApiError {
        ApiError(StatusCode::BAD_REQUEST, text.to_string())
    }

    /// The caller may not do that.
    pub fn forbidden(text: String) -> ApiError {
        ApiError(StatusCode::FORBIDDEN, text)
    }

    /// It can't be answered yet.
    pub fn waits(text: String) -> ApiError {
        ApiError(StatusCode::SERVICE_UNAVAILABLE, text)
    }

    /// It makes sense, but not now.
    pub fn conflict(text: impl ToString) -> ApiError {
        ApiError(StatusCode::CONFLICT, text.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.0, Json(ErrorBody { error: self.1 })).into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let status = match &error {
            StoreError::NotFound(_) => StatusCode::NOT_FOUND,
            StoreError::Conflict(_) | StoreError::NotNow(_) | StoreError::NotLeading { .. } => {
                StatusCode::CONFLICT
            }
            StoreError::Away { .. } => StatusCode::SERVICE_UNAVAILABLE,
            StoreError::DiskFull { .. } => StatusCode::INSUFFICIENT_STORAGE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!("A request failed: {error}");
        }
        ApiError(status, error.to_string())
    }
}

impl From<LookupError> for ApiError {
    fn from(error: LookupError) -> Self {
        ApiError::not_found(error.to_string())
    }
}

impl From<AssignError> for ApiError {
    fn from(error: AssignError) -> Self {
        match error {
            AssignError::Store(error) => error.into(),
            AssignError::Missing(_) | AssignError::NoRole(..) | AssignError::NoSubject(_) => {
                ApiError::not_found(error.to_string())
            }
            AssignError::Twice(_) | AssignError::Full { .. } | AssignError::NotHere { .. } => {
                ApiError::conflict(error)
            }
            AssignError::Refused(refusal) => ApiError::forbidden(refusal.to_string()),
            _ => ApiError::bad(error),
        }
    }
}

impl From<NoSubject> for ApiError {
    fn from(error: NoSubject) -> Self {
        ApiError::not_found(error.to_string())
    }
}

impl From<SubjectError> for ApiError {
    fn from(error: SubjectError) -> Self {
        match error {
            SubjectError::Store(error) => error.into(),
            SubjectError::Unknown(error) => error.into(),
            SubjectError::NoUnit(_) => ApiError::not_found(error.to_string()),
            SubjectError::Taken(_) | SubjectError::Held { .. } => ApiError::conflict(error),
            SubjectError::Invalid(_) => ApiError::bad(error),
        }
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            ImportError::Lines(_) => ApiError::bad(error),
        }
    }
}

impl From<SourcesError> for ApiError {
    fn from(error: SourcesError) -> Self {
        match error {
            SourcesError::Store(error) => error.into(),
            SourcesError::NoSource(..) => ApiError::not_found(error.to_string()),
            SourcesError::NotWaiting(_) => ApiError::conflict(error),
        }
    }
}

impl From<FeedsError> for ApiError {
    fn from(error: FeedsError) -> Self {
        match error {
            FeedsError::Store(error) => error.into(),
            FeedsError::NoFeed(..) => ApiError::not_found(error.to_string()),
        }
    }
}

impl From<HeartbeatError> for ApiError {
    fn from(error: HeartbeatError) -> Self {
        match error {
            HeartbeatError::Outage(error) => error.into(),
            HeartbeatError::NoJob(..) => ApiError::not_found(error.to_string()),
        }
    }
}

impl From<ListsError> for ApiError {
    fn from(error: ListsError) -> Self {
        match error {
            ListsError::Store(error) => error.into(),
            ListsError::NoList(..) => ApiError::not_found(error.to_string()),
            ListsError::NotWaiting(_) => ApiError::conflict(error),
        }
    }
}

impl From<OutageError> for ApiError {
    fn from(error: OutageError) -> Self {
        match error {
            OutageError::Store(error) => error.into(),
            OutageError::NoUnit(_) | OutageError::NoService(_) => ApiError::not_found(error.to_string()),
            OutageError::Refused(
                Refused::Over(..) | Refused::Same(_) | Refused::NotPlanned(_) | Refused::OtherKind { .. },
            ) => ApiError::conflict(error),
            OutageError::Refused(_) => ApiError::bad(error),
        }
    }
}

impl From<PastError> for ApiError {
    fn from(error: PastError) -> Self {
        match error {
            PastError::Store(error) => error.into(),
            PastError::Unknown(_) => ApiError::not_found(error.to_string()),
            PastError::BrokenOff => ApiError(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }
}

impl From<NotUndone> for ApiError {
    fn from(error: NotUndone) -> Self {
        match error {
            NotUndone::Undo(UndoError::Store(error)) => error.into(),
            NotUndone::Undo(_) | NotUndone::NotBegun(_) => ApiError::conflict(error),
        }
    }
}

impl From<HeldError> for ApiError {
    fn from(error: HeldError) -> Self {
        match error {
            HeldError::Store(error) => error.into(),
            HeldError::NotWaiting(..) => ApiError::conflict(error),
        }
    }
}
