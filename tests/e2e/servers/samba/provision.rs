//! Makes a domain with an organisation in it, once, and copies it.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::{ADMINISTRATOR_PASSWORD, HOST, READER, READER_PASSWORD};
use crate::servers::ldif::Record;
use crate::servers::network::Namespace;
use crate::servers::run_folder;
use crate::world::{BASE, Organisation};

/// The configuration that a domain is made with: works on file systems without extended attributes too.
pub const TEMPLATE: &str = "[global]\nvfs objects = dfs_samba4 acl_xattr xattr_tdb\n";
/// An account whose password doesn't expire, so that the cache can grow old.
const NORMAL_ACCOUNT_PASSWORD_STAYS: &str = "66048";
/// `maxPwdAge` for "never", in negative ticks of 100 ns (MS-ADTS 3.1.1.1.4).
const NEVER: &str = "-9223372036854775808";

/// Makes a domain with this organisation in an empty folder, from nothing. It isn't started. `names` is where the
/// controller will run, if it is to give the names of the domain too.
pub fn provision(folder: &Path, world: &Organisation, names: Option<(Namespace, Ipv4Addr)>) {
    let template = folder.join("provision.conf");
    fs::write(&template, TEMPLATE).unwrap();
    let (mut provision, address, dns) = match names {
        None => (Command::new("samba-tool"), Ipv4Addr::LOCALHOST, "NONE"),
        Some((namespace, address)) => (namespace.command("samba-tool"), address, "SAMBA_INTERNAL"),
    };
    provision.args(["domain", "provision", "--configfile"]).arg(&template);
    provision.arg(format!("--targetdir={}", folder.display()));
    provision.arg(format!("--adminpass={ADMINISTRATOR_PASSWORD}"));
    provision.args(["--realm=AD.KOMMUN.EXAMPLE", "--domain=KOMMUN", "--server-role=dc", "--host-name=dc1"]);
    provision.arg(format!("--host-ip={address}")).arg(format!("--dns-backend={dns}"));
    provision.args(["--backend-store=mdb", "--option=ldb:nosync=yes"]);
    finish(&mut provision, folder);

    let ldif = folder.join("organisation.ldif");
    fs::write(&ldif, accounts() + &world.to_ldif()).unwrap();
    let mut fill = Command::new("ldbmodify");
    fill.arg("-H").arg(folder.join("private/sam.ldb")).args(["--nosync", "-o", "batch_mode:1"]);
    // As many buckets as there may be keys: with the usual 491 a large organisation takes hours (ldb_kv(3), as `samba-tool domain join` has it).
    fill.args(["-o", "transaction_index_cache_size:200000"]);
    fill.stdin(File::open(ldif).unwrap());
    finish(&mut fill, folder);
}

/// Copies a domain with this organisation into an empty folder; makes it first if there is none yet.
pub fn copy_to(folder: &Path, world: &Organisation) {
    let original = cached("samba", world, |folder| provision(folder, world, None));
    copy(&original.join("private"), folder);
    fs::create_dir_all(folder.join("state")).unwrap();
}

/// Copies a folder of databases into another folder.
pub fn copy(databases: &Path, into: &Path) {
    let mut copy = Command::new("cp");
    // The databases are mostly holes.
    copy.args(["--archive", "--sparse=always", "--reflink=auto"]).arg(databases).arg(into);
    finish(&mut copy, into);
}

/// A domain that is the same whoever made it: what it depends on is in its name. It is made by `make` if there is none.
pub fn cached(kind: &str, world: &Organisation, make: impl FnOnce(&Path)) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);

    let version = Command::new("samba").arg("--version").output().expect("samba is installed");
    let mut hasher = DefaultHasher::new();
    let code = (include_str!("provision.rs"), include_str!("../forest/provision.rs"));
    (version.stdout, world.to_ldif(), accounts(), code).hash(&mut hasher);
    let cache = run_folder().unwrap_or_else(|| env!("CARGO_TARGET_TMPDIR").into());
    let domain = cache.join(format!("{kind}-{:016x}", hasher.finish()));
    if !domain.exists() {
        let unfinished = tempfile::Builder::new().prefix("samba-unfinished-").tempdir_in(&cache).unwrap();
        make(unfinished.path());
        // Another run may have been faster: then its folder stays.
        let _ = fs::rename(unfinished.path(), &domain);
    }
    domain
}

/// Budkavle's account, passwords that last, and the name that Kerberos knows the directory by (a service that we don't
/// run would add it).
fn accounts() -> String {
    let account = READER.split('@').next().unwrap();
    let dn = format!("CN={account},CN=Users,{BASE}");
    let reader = Record::add(&dn, "user")
        .value("sAMAccountName", account)
        .value("userAccountControl", NORMAL_ACCOUNT_PASSWORD_STAYS)
        .values("unicodePwd", [unicode_password(READER_PASSWORD)]);
    let policy = Record::modify(BASE, "replace", "maxPwdAge", [NEVER]);
    let service = Record::modify(
        &format!("CN=DC1,OU=Domain Controllers,{BASE}"),
        "add",
        "servicePrincipalName",
        [format!("ldap/{HOST}")],
    );
    reader.to_ldif() + &policy.to_ldif() + &service.to_ldif()
}

/// A password as `unicodePwd` takes it: in quotation marks, as UTF-16 (MS-ADTS 3.1.1.3.1.5).
pub fn unicode_password(password: &str) -> Vec<u8> {
    format!("\"{password}\"").encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Runs a command to its end and shows what it wrote if it fails.
pub fn finish(command: &mut Command, folder: &Path) {
    let log = folder.join("provision.log");
    let output = File::options().create(true).append(true).open(&log).unwrap();
    let status = command.stdout(output.try_clone().unwrap()).stderr(output).status();
    let complete = status.as_ref().is_ok_and(|status| status.success());
    assert!(complete, "{command:?}: {status:?}\n{}", fs::read_to_string(&log).unwrap_or_default());
}
