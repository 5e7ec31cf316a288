//! A domain controller that is put back to an earlier state, the right way and the wrong way.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::Samba;
use super::provision::copy;
use crate::servers::folder;
use crate::servers::ldif::Record;

/// The databases of a domain controller as they were.
pub struct Backup {
    folder: TempDir,
}

impl Samba {
    /// Keeps a copy of its databases. The server isn't there for a second meanwhile.
    pub fn backup(&mut self) -> Backup {
        self.stop();
        let backup = Backup { folder: folder("backup") };
        copy(&self.databases(), backup.folder.path());
        self.resume();
        backup
    }

    /// Puts the files back and starts the server, as a snapshot of a virtual machine does: what happened since is gone,
    /// its USN is lower, and the invocation id is still the same ("USN rollback").
    pub fn roll_back(&mut self, backup: &Backup) {
        self.stop();
        self.put_back(backup.folder.path());
        self.resume();
    }

    /// Puts the files back and starts the server as a restore does that knows Active Directory: with a new invocation
    /// id, so that others see that its USNs count anew.
    pub fn restore(&mut self, backup: &Backup) {
        let settings = self.root("dsServiceName");
        self.stop();
        self.put_back(backup.folder.path());
        let id = fs::read_to_string("/proc/sys/kernel/random/uuid").unwrap();
        self.change_offline(&Record::modify(&settings, "replace", "invocationId", [id.trim()]));
        self.resume();
    }

    fn put_back(&self, backup: &Path) {
        fs::remove_dir_all(self.databases()).unwrap();
        copy(&backup.join("private"), self.folder.path());
    }
}
