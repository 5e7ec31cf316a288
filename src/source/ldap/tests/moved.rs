//! Who is moved from one base to another while these are read, and who is gone.

use std::sync::Arc;
use std::sync::atomic::AtomicU8;

use super::*;
use crate::domain::decode::Schema;

/// How the server is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// It has Active Directory's identities, and is no domain controller.
    Plain,
    Controller,
    /// A controller whose numbers have come so far that it may be worthwhile to read it over several connections.
    Numbered,
    /// Its identities are texts.
    Standard,
}

const BASES: [&str; 2] = ["OU=a,DC=example,DC=org", "OU=b,DC=example,DC=org"];

/// Where the second user is: in the second base; in the first one, since that was read; nowhere.
const THERE: u8 = 0;
const MOVED: u8 = 1;
const GONE: u8 = 2;

fn object(kind: Kind, id: u32, number: u8, dn: &str, class: &str) -> Vec<u8> {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let uuid = Guid::from_uuid([number; 16]);
    let (dn, identity, account) = match kind {
        Kind::Plain => (dn.to_owned(), ("objectGUID", vec![vec![number; 16]]), "sAMAccountName"),
        Kind::Controller | Kind::Numbered => {
            let dn = format!("<GUID={}>;{dn}", Guid([number; 16]));
            (dn, ("objectGUID", vec![vec![number; 16]]), "sAMAccountName")
        }
        Kind::Standard => (dn.to_owned(), ("entryUUID", vec![bytes(&uuid.to_string())]), "uid"),
    };
    let account = (account, vec![format!("u{number}").into_bytes()]);
    entry(id, &dn, &[("objectClass", vec![bytes(class)]), identity, account])
}

fn server(kind: Kind, second: Arc<AtomicU8>) -> impl Fn(&Asked) -> Reply + Send + Sync + 'static {
    let class = if kind == Kind::Standard { "inetOrgPerson" } else { "user" };
    move |asked| {
        let (id, bytes) = (asked.id, |text: &str| text.as_bytes().to_vec());
        let What::Search { base, subtree, wanted, .. } = &asked.what else {
            return Reply::Usual;
        };
        let found = |entry: Vec<u8>| send(&[entry, done(id, SEARCH, 0, "", "")]);
        let place = BASES.iter().position(|name| name == base);
        let person = |number: u8, at: usize| {
            let dn = format!("CN=u{number},{}", BASES[at]);
            object(kind, id, number, &dn, class)
        };
        match (place, subtree) {
            (Some(at), true) => {
                let second = second.load(Ordering::SeqCst);
                let all = match (at, second, wanted.ids.is_empty()) {
                    (0, _, true) => person(1, 0),
                    (1, THERE, true) => person(2, 1),
                    (0, MOVED, false) => person(2, 0),
                    _ => Vec::new(),
                };
                send(&[all, page(id, 0, b"")])
            }
            (Some(at), false) => found(object(kind, id, [0xa, 0xb][at], BASES[at], "organizationalUnit")),
            (None, _) if base.is_empty() => {
                let mut about = vec![("namingContexts", vec![bytes(BASE)])];
                if kind == Kind::Numbered {
                    about.push(("highestCommittedUSN", vec![bytes("30000")]));
                }
                if matches!(kind, Kind::Controller | Kind::Numbered) {
                    let oids = ["319", "529"].map(|n| bytes(&format!("1.2.840.113556.1.4.{n}")));
                    about.push(("supportedControl", oids.to_vec()));
                    about.push(("dsServiceName", vec![bytes("CN=NTDS,DC=org")]));
                }
                found(entry(id, "", &about))
            }
            (None, _) if base == "CN=NTDS,DC=org" => found(object(kind, id, 0xd, base, "nTDSDSA")),
            (None, _) => Reply::Send(done(id, SEARCH, 32, "", "")),
        }
    }
}

#[tokio::test]
async fn who_is_moved_to_a_base_that_was_read_already_is_looked_for_before_being_lost() {
    for kind in [Kind::Plain, Kind::Controller, Kind::Numbered, Kind::Standard] {
        let second = Arc::new(AtomicU8::new(THERE));
        let responder = Responder::start(server(kind, Arc::clone(&second))).await;
        let mut ldap = settings(vec![responder.server().in_plain_text()]);
        ldap.bases = BASES.map(str::to_owned).to_vec();
        if kind == Kind::Standard {
            ldap.mapping = Schema::InetOrgPerson.mapping();
        }
        let first = ldap.read(&"main".into(), &ask(), &|_| {}).await.unwrap();
        let whole = Some(ModeReason::Asked);
        let again = Ask { known: &objects(&first).directory, cursor: Some(&first.cursor), whole, ..ask() };
        for (now, expected) in [(THERE, &[1, 2][..]), (MOVED, &[1, 2]), (GONE, &[1])] {
            second.store(now, Ordering::SeqCst);
            let reading = ldap.read(&"main".into(), &again, &|_| {}).await.unwrap();
            assert_eq!((reading.mode, &numbers(&reading)[..]), (Mode::Full, expected), "{kind:?}");
        }
    }
}
