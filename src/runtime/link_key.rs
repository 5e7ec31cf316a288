//! The key that links in messages are signed with: made once, readable by the daemon alone.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::domain::link::{KEY_BYTES, LinkKey};

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum LinkKeyError {
    /// The system.
    #[error("the key of links, {}, can't be used: {cause}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// It holds something else.
    #[error(
        "the key of links, {}, hasn't {KEY_BYTES} bytes; remove it, and a new one is made: links that were sent don't hold any more then",
        .0.display()
    )]
    Damaged(PathBuf),
}

/// The key in a folder; it is made if there is none.
///
/// # Errors
/// [`LinkKeyError`].
pub fn read_or_make(folder: &Path) -> Result<LinkKey, LinkKeyError> {
    let path = folder.join("link-key");
    let failed = |cause| LinkKeyError::Io { path: path.clone(), cause };
    let mut bytes = [0; KEY_BYTES];
    match File::open(&path) {
        Ok(mut file) => {
            let open = file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0;
            if open {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
            }
            let whole = file.read_exact(&mut bytes).is_ok() && file.read(&mut [0]).map_err(failed)? == 0;
            if !whole {
                return Err(LinkKeyError::Damaged(path));
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            rand::fill(&mut bytes);
            // Whole or not at all, also when the power goes meanwhile.
            let new = folder.join("link-key.new");
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&new).map_err(failed)?;
            file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
            std::fs::rename(&new, &path).map_err(failed)?;
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    Ok(LinkKey::new(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::link::{Link, Purpose};
    use crate::domain::testing::hour;

    #[test]
    fn it_is_made_once_for_the_daemon_alone_and_a_damaged_one_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("link-key");
        let link = Link { purpose: Purpose::Acknowledge, id: 7, expires: hour(1) };
        let text = read_or_make(folder.path()).unwrap().sign(&link);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_or_make(folder.path()).unwrap().read(&text, hour(0)), Ok(link));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(read_or_make(other.path()).unwrap().sign(&link), text, "each installation has its own");
        for damage in [&b"short"[..], &[1; KEY_BYTES + 1]] {
            std::fs::write(&path, damage).unwrap();
            let error = read_or_make(folder.path()).unwrap_err();
            assert!(error.to_string().contains("remove it"), "{error}");
        }
    }
}
