//! Where the rules on languages and clocks hold: found once for the settings and the units as they are, not for each message.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};

use super::Settings;
use crate::domain::locale::{Arranged, Locale};
use crate::domain::notice::Recipient;
use crate::domain::organisation::Organisation;
use crate::domain::quiet::{self, Clocks};
use crate::domain::tree::UnitTree;

/// What was found last.
#[derive(Default)]
pub(super) struct Places(ArcSwapOption<Found>);

/// What was found, and in what.
struct Found {
    settings: Weak<Settings>,
    tree: Weak<UnitTree>,
    arranged: Arranged,
    nights: quiet::Arranged,
}

impl Places {
    /// How a recipient is written to at `now`.
    pub(super) fn locale_of(
        &self,
        recipient: &Recipient,
        settings: &Arc<Settings>,
        organisation: &Organisation,
        now: DateTime<Utc>,
    ) -> Locale {
        self.found(settings, organisation).arranged.of(organisation, recipient, now)
    }

    /// When it is night for a recipient, at `now`.
    pub(super) fn clocks_of(
        &self,
        recipient: &Recipient,
        settings: &Arc<Settings>,
        organisation: &Organisation,
        now: DateTime<Utc>,
    ) -> Clocks {
        let found = self.found(settings, organisation);
        let zone = found.arranged.of(organisation, recipient, now).zone;
        Clocks { zone, night: found.nights.of(organisation, recipient, now) }
    }

    fn found(&self, settings: &Arc<Settings>, organisation: &Organisation) -> Arc<Found> {
        let known = self.0.load_full().filter(|found| found.is_of(settings, &organisation.tree));
        known.unwrap_or_else(|| {
            let (settings_now, tree) = (Arc::downgrade(settings), Arc::downgrade(&organisation.tree));
            let arranged = settings.locales.arrange(organisation);
            let nights = quiet::Arranged::new(&settings.quiet.nights, organisation);
            let new = Arc::new(Found { settings: settings_now, tree, arranged, nights });
            self.0.store(Some(Arc::clone(&new)));
            new
        })
    }
}

impl Found {
    fn is_of(&self, settings: &Arc<Settings>, tree: &Arc<UnitTree>) -> bool {
        // While there is a weak pointer nothing else is at its address.
        std::ptr::eq(self.settings.as_ptr(), Arc::as_ptr(settings))
            && std::ptr::eq(self.tree.as_ptr(), Arc::as_ptr(tree))
    }
}
