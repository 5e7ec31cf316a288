use std::fs;

use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::pki::{Authority, Identity};
use super::*;

const NAME: &str = "dc1.corp.example";

fn ca_file(folder: &TempDir, content: impl AsRef<[u8]>) -> TlsTrust {
    let file = folder.path().join("ca.pem");
    fs::write(&file, content).unwrap();
    TlsTrust::CaFile(file)
}

/// One handshake in memory: `None` if it succeeds, else what `explain` says of the error.
async fn handshake(trust: &TlsTrust, server: Arc<ServerConfig>, name: &'static str) -> Option<String> {
    let (here, there) = tokio::io::duplex(16 * 1024);
    let config = client_config(trust).unwrap();
    let connected = TlsConnector::from(config).connect(ServerName::try_from(name).unwrap(), here);
    let (connected, _) = tokio::join!(connected, TlsAcceptor::from(server).accept(there));
    connected.err().map(|error| explain(&error).unwrap())
}

#[tokio::test]
async fn a_certificate_from_the_ca_file_is_believed_over_tls_1_2_and_1_3() {
    let (folder, authority) = (TempDir::new().unwrap(), Authority::new("Corp CA"));
    let identity = authority.issue(NAME);
    for content in [authority.pem().into_bytes(), authority.der().to_vec()] {
        let trust = ca_file(&folder, content);
        for version in [&TLS12, &TLS13] {
            assert_eq!(handshake(&trust, identity.server_with(&[version]), NAME).await, None);
        }
    }
}

#[tokio::test]
async fn a_refusal_names_what_is_wrong() {
    let (folder, authority) = (TempDir::new().unwrap(), Authority::new("Corp CA"));
    let trust = ca_file(&folder, authority.pem());
    let stranger = Authority::new("Strange CA").issue(NAME);
    let cases = [
        (authority.issue("other.corp.example"), "not valid for dc1.corp.example but for other.corp.example"),
        (authority.issue_nameless(NAME), "not valid for dc1.corp.example but for no name at all"),
        (authority.issue_expired(NAME), "expired on 31 Dec 2001 00:00 UTC"),
        (authority.issue_not_yet_valid(NAME), "not valid before 1 Jan 3000 00:00 UTC"),
        (stranger, "leads to CN=Strange CA, which nothing here trusts"),
        (Identity::self_signed(NAME, false), "signed by itself"),
        (Identity::self_signed(NAME, true), "marked as a certification authority's"),
    ];
    for (identity, words) in cases {
        for version in [&TLS12, &TLS13] {
            let said = handshake(&trust, identity.server_with(&[version]), NAME).await.expect(words);
            assert!(said.contains(words) && said.contains("CN="), "{said:?} lacks {words:?}");
        }
    }
}

#[tokio::test]
async fn a_self_signed_certificate_may_be_its_own_ca_file_unless_it_is_marked_as_a_ca() {
    let folder = TempDir::new().unwrap();
    let plain = Identity::self_signed(NAME, false);
    assert_eq!(handshake(&ca_file(&folder, plain.der()), plain.server(), NAME).await, None);

    let marked = Identity::self_signed(NAME, true);
    let said = handshake(&ca_file(&folder, marked.der()), marked.server(), NAME).await.unwrap();
    assert!(said.contains("marked as a certification authority's") && said.contains("pin it"), "{said}");
}

#[tokio::test]
async fn the_pinned_certificate_is_believed_whatever_it_says_and_no_other_is() {
    let authority = Authority::new("Corp CA");
    let odd = [
        Identity::self_signed("x.example", true),
        authority.issue_expired(NAME),
        authority.issue_nameless("y"),
    ];
    for identity in &odd {
        let trust = TlsTrust::Pinned(certificate::sha256(identity.der()));
        for version in [&TLS12, &TLS13] {
            assert_eq!(handshake(&trust, identity.server_with(&[version]), NAME).await, None);
        }
        let said = handshake(&trust, authority.issue(NAME).server(), NAME).await.unwrap();
        assert!(said.contains("not the pinned one"), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_holds_another_key_than_the_pinned_certificate_s_is_refused() {
    let (shown, other) = (Identity::self_signed(NAME, true), Identity::self_signed(NAME, true));
    let impostor = shown.with_key_of(&other);
    let trust = TlsTrust::Pinned(certificate::sha256(shown.der()));
    for version in [&TLS12, &TLS13] {
        assert!(handshake(&trust, impostor.server_with(&[version]), NAME).await.is_some());
    }
}

#[tokio::test]
async fn a_server_that_speaks_plain_text_is_named_as_such() {
    let (here, mut there) = tokio::io::duplex(1024);
    there.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
    let config = client_config(&TlsTrust::Pinned([0; 32])).unwrap();
    let error =
        TlsConnector::from(config).connect(ServerName::try_from(NAME).unwrap(), here).await.unwrap_err();
    assert!(explain(&error).unwrap().contains("did not answer in TLS"));
}

#[test]
fn an_error_that_has_nothing_to_do_with_tls_is_not_explained() {
    assert_eq!(explain(&io::Error::other("no route")), None);
}

#[test]
fn a_ca_file_that_is_no_use_is_named_with_the_reason() {
    let folder = TempDir::new().unwrap();
    let missing = TlsTrust::CaFile(folder.path().join("missing.pem"));
    assert!(
        matches!(client_config(&missing), Err(TlsError::CaFileUnreadable { file, .. }) if file.ends_with("missing.pem"))
    );

    let key_only = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
    for content in ["", "no certificate", key_only.as_str(), broken, cut, "0 but no DER"] {
        let said = client_config(&ca_file(&folder, content)).unwrap_err().to_string();
        assert!(said.contains("ca.pem is no use"), "{content:?}: {said}");
    }
}

#[test]
fn the_system_s_roots_load() {
    client_config(&TlsTrust::SystemRoots).unwrap();
}

#[test]
fn a_fingerprint_is_read_back_as_it_is_told() {
    let identity = Identity::self_signed(NAME, true);
    let summary = CertificateSummary::of(identity.der()).unwrap();
    assert_eq!(parse_sha256(&summary.sha256), Some(certificate::sha256(identity.der())));
    assert_eq!(parse_sha256(&summary.sha256.replace(':', "").to_lowercase()), parse_sha256(&summary.sha256));
    assert!(summary.is_ca && summary.names == [NAME] && summary.subject.contains(NAME));
    for wrong in ["", "AB", &"é".repeat(32), &"+1".repeat(32), &"G".repeat(64)] {
        assert_eq!(parse_sha256(wrong), None, "{wrong:?}");
    }
}

#[test]
fn what_is_no_certificate_has_no_summary() {
    assert_eq!(CertificateSummary::of(&CertificateDer::from(b"no certificate".to_vec())), None);
}
