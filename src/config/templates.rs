//! `[templates]`: an operator's own. Can be reloaded.

use std::path::PathBuf;

use super::reader::Section;

/// Where the operator's own templates are. None: nowhere.
pub(super) fn read(section: &Section) -> Option<PathBuf> {
    section.path("folder")
}
