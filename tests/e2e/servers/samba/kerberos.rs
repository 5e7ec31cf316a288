//! Signing in by Kerberos: the key table of Budkavle's account, and how a client finds the key distribution centre.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{READER, Samba};

/// What a client needs to sign in by Kerberos without a password.
#[derive(Debug, Clone)]
pub struct Kerberos {
    /// For `KRB5_CONFIG`: names the key distribution centre by its address, and asks no name server for anything.
    pub config: PathBuf,
    /// The key table (`KRB5_CLIENT_KTNAME`, `kinit -k -t`).
    pub keytab: PathBuf,
    /// Where `kinit` puts the tickets (`KRB5CCNAME`).
    pub cache: PathBuf,
    /// Whose keys they are.
    pub principal: String,
}

impl Samba {
    /// Writes a key table for Budkavle's account. The keys are those of its present password.
    ///
    /// The service that a ticket is asked for is `ldap/` and the name of the host, [`Self::host`]: an address is in no
    /// database of principals.
    pub fn kerberos(&self) -> Kerberos {
        let folder = self.folder.path();
        let kerberos = Kerberos {
            config: folder.join("krb5.conf"),
            keytab: folder.join("reader.keytab"),
            cache: folder.join("reader.cache"),
            principal: READER.replace("ad.kommun.example", "AD.KOMMUN.EXAMPLE"),
        };
        let address = self.address;
        let text = format!(
            "[libdefaults]\n\
             default_realm = AD.KOMMUN.EXAMPLE\n\
             dns_lookup_kdc = false\n\
             dns_lookup_realm = false\n\
             dns_canonicalize_hostname = false\n\
             rdns = false\n\
             udp_preference_limit = 1\n\
             [realms]\n\
             AD.KOMMUN.EXAMPLE = {{\n  kdc = {address}:88\n}}\n\
             [domain_realm]\n\
             .ad.kommun.example = AD.KOMMUN.EXAMPLE\n"
        );
        fs::write(&kerberos.config, text).unwrap();
        let _ = fs::remove_file(&kerberos.keytab); // keys are added to those that are there
        let mut export = self.tool("samba-tool", &["domain", "exportkeytab"]);
        export.arg(&kerberos.keytab).arg(format!("--principal={}", kerberos.principal));
        let done = export.output().expect("samba-tool is installed");
        assert!(done.status.success(), "exportkeytab: {}", String::from_utf8_lossy(&done.stderr));
        kerberos
    }
}

impl Kerberos {
    /// The variables that a client is started with.
    pub fn environment(&self) -> [(&'static str, &Path); 3] {
        [("KRB5_CONFIG", &self.config), ("KRB5_CLIENT_KTNAME", &self.keytab), ("KRB5CCNAME", &self.cache)]
    }

    /// Gets a ticket by the key table; false when the key distribution centre refuses.
    pub fn sign_in(&self) -> bool {
        let mut kinit = Command::new("kinit");
        kinit.args(["-k", "-t"]).arg(&self.keytab).arg(&self.principal).envs(self.environment());
        kinit.output().expect("krb5-user is installed").status.success()
    }
}
