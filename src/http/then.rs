//! The organisation at the time that a question is about: as it is now, for now and for what is to come; as it was known then, for the past.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::App;
use super::answers::PastAnswer;
use super::error::ApiError;
use super::look::Moment;
use crate::domain::directory::User;
use crate::domain::organisation::{LookupError, Organisation};
use crate::domain::tree;
use crate::flow::core::View;
use crate::flow::past::{self, PastError};

/// What a question is answered from.
pub struct Then {
    /// What is committed now.
    pub view: Arc<View>,
    /// The organisation at the time.
    pub organisation: Arc<Organisation>,
    /// The time.
    pub at: DateTime<Utc>,
    /// Where the organisation's clocks are.
    pub zone: Tz,
    /// How it is known, for the past.
    pub past: Option<PastAnswer>,
}

impl Then {
    /// The organisation at a time; None: now.
    ///
    /// # Errors
    /// It isn't known any more, or never was, how it was.
    pub async fn of(app: &App, at: Option<DateTime<Utc>>) -> Result<Then, ApiError> {
        let (now, zone) = (app.core.now(), app.core.settings().zone);
        let at = at.unwrap_or(now);
        let view = app.core.view();
        let (organisation, past) = if at < now {
            let past = past::at(&app.core, at).await.map_err(|error| match error {
                PastError::Unknown(unknown) => ApiError::not_found(unknown.in_zone(zone)),
                other => other.into(),
            })?;
            let uncertain = past.told.notes.iter().map(|note| note.in_zone(zone)).collect();
            (Arc::new(past.organisation), Some(PastAnswer { told: past.told, uncertain }))
        } else {
            (Arc::clone(&view.organisation), None)
        };
        Ok(Then { view, organisation, at, zone, past })
    }

    /// The time, and the clocks that show it.
    pub fn moment(&self) -> Moment {
        Moment::at(self.at, self.zone)
    }

    /// A user by what they were called then, or else by what they are called now.
    pub fn user(&self, who: &str) -> Result<&Arc<User>, LookupError> {
        self.organisation.find_user(who).or_else(|unknown| {
            if let LookupError::Ambiguous { .. } = unknown {
                return Err(unknown);
            }
            let now = self.view.organisation.find_user(who).ok();
            now.and_then(|user| self.organisation.user(user.id)).ok_or(unknown)
        })
    }

    /// A unit by what it was called then, or else by what it is called now.
    pub fn place(&self, unit: &str) -> Result<tree::Index, ApiError> {
        self.organisation.find_unit(unit).or_else(|unknown| {
            if let LookupError::Ambiguous { .. } = unknown {
                return Err(self.unknown(&unknown));
            }
            let now = self.view.organisation.find_unit(unit).ok();
            let id = now.map(|place| self.view.organisation.tree.id(place));
            id.and_then(|id| self.organisation.tree.index(id)).ok_or_else(|| self.unknown(&unknown))
        })
    }

    /// What to say of whom or what there is none of at the time.
    pub fn unknown(&self, error: &LookupError) -> ApiError {
        match &self.past {
            None => ApiError::not_found(error.to_string()),
            Some(past) => {
                let at = self.at.with_timezone(&self.zone).format("%Y-%m-%d %H:%M %Z");
                let sentences = past.uncertain.iter().map(|text| format!(". {text}")).collect::<String>();
                ApiError::not_found(format!("as of {at}: {error}{sentences}"))
            }
        }
    }
}
