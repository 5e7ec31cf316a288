//! The domain controller lets the account in that has a ticket instead of a password.

use std::fs;
use std::process::Command;

use crate::servers::folder;
use crate::servers::samba::{READER, Samba};
use crate::world::{BASE, Organisation};

#[test]
fn a_ticket_opens_the_directory() {
    let mut dc = Samba::start(&Organisation::kommun());
    let kerberos = dc.kerberos();
    // `ldapsearch` asks for a ticket for the host in the URL only, so that name must lead to the address: in a
    // file of names of its own.
    let folder = folder("hosts");
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, format!("{} {}\n", dc.address(), dc.host())).unwrap();
    let ca = dc.ca_file().to_owned();
    let search = |url: &str, options: &str| {
        let script = format!(
            "mount --bind {} /etc/hosts && exec ldapsearch -LLL -Q -Y GSSAPI -N {options} -H {url} -b {BASE} '(sAMAccountName={})'",
            hosts.display(),
            READER.split('@').next().unwrap(),
        );
        let mut search = Command::new("unshare");
        search.args(["--mount", "sh", "-c", &script]).envs(kerberos.environment());
        search.env("LDAPTLS_CACERT", &ca).env("LDAPTLS_REQCERT", "demand");
        search
    };
    let outcome = |mut search: Command| {
        let found = search.output().unwrap();
        (String::from_utf8(found.stdout).unwrap(), String::from_utf8(found.stderr).unwrap())
    };
    let (ldaps, ldap) = (format!("ldaps://{}", dc.host()), format!("ldap://{}", dc.host()));

    let mut without_keys = search(&ldaps, "-O maxssf=0");
    without_keys.env_remove("KRB5_CLIENT_KTNAME");
    let (found, _) = outcome(without_keys);
    assert_eq!(found, "", "there is no ticket yet");
    assert!(kerberos.sign_in());
    for (url, options) in [(&ldaps, "-O maxssf=0"), (&ldap, "-ZZ -O maxssf=0"), (&ldap, "")] {
        let (found, complaint) = outcome(search(url, options));
        assert!(found.contains("sAMAccountName: svc-budkavle"), "{url} {options}: {complaint}");
    }
    let (found, complaint) = outcome(search(&ldaps, ""));
    assert!(found.is_empty() && complaint.contains("not allowed if TLS"), "{complaint}");

    fs::remove_file(&kerberos.cache).unwrap();
    let (found, complaint) = outcome(search(&ldaps, "-O maxssf=0"));
    assert!(found.contains("sAMAccountName: svc-budkavle"), "the key table alone is enough: {complaint}");

    // `ldapsearch` brings no binding: the GSSAPI of Cyrus SASL 2.1.28 has none.
    if dc.demand_binding() {
        let (found, complaint) = outcome(search(&ldaps, "-O maxssf=0"));
        assert!(found.is_empty() && complaint.contains("80090346"), "{complaint}");
    }

    dc.set_password(&format!("CN=svc-budkavle,CN=Users,{BASE}"), "An0ther.Password");
    assert!(!kerberos.sign_in(), "the key table is for the old password");
    assert!(dc.kerberos().sign_in());
}
