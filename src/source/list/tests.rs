use std::path::PathBuf;

use super::*;
use crate::domain::lists::Listing;
use crate::source::fetch::Location;
use crate::source::fetch::web::Server;

// Made by `minisign -S` with a key of its own: the public key, the file's bytes and the signature are those of the crate's tests.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
const SIGNED: &[u8] = b"test";
const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUQf6LRCGA9i559r3g7V1qNyJDApGip8MfqcadIgT9CuhV3EMhHoN1mGTkUidF/z7SrlQgXdy8ofjb7bNJJylDOocrCo8KLzZwo=
trusted comment: timestamp:1633700835\tfile:test\tprehashed
wLMDjy9FLAuxZ3q4NlEvkgtyhrr0gtTu6KC4KBJdITbbOeAi1zBIYo0v4iTgt8jJpIidRJnp94ABQkJAgAooBQ==";

fn source_at(server: &Server, proof: Proof) -> ListSource {
    let tls = server.trust();
    ListSource { location: server.at("/list"), proof, tls, timeout: Duration::from_secs(20) }
}

fn taken(source: &ListSource, etag: &str) -> TakenList {
    TakenList {
        name: "vendor".into(),
        listing: Listing::default(),
        taken: chrono::DateTime::UNIX_EPOCH,
        from: "x".into(),
        sha256: [0; 32],
        terms: source.terms(),
        etag: Some(etag.into()),
        modified: None,
    }
}

async fn error(source: &ListSource) -> String {
    source.read(None).await.unwrap_err().to_string()
}

#[tokio::test]
async fn what_has_not_changed_is_not_read_again_unless_it_is_to_be_believed_by_something_else() {
    let server = Server::start().await;
    server.says("/list", 200, &[("etag", "\"1\"")], b"people = []");
    let source = source_at(&server, Proof::Transport);
    let Fetched::New(file) = source.read(None).await.unwrap() else { panic!() };
    assert_eq!((file.bytes.as_slice(), file.etag.as_deref()), (&b"people = []"[..], Some("\"1\"")));
    assert_eq!(source.read(Some(&taken(&source, "\"1\""))).await.unwrap(), Fetched::Same);
    assert!(matches!(source.read(Some(&taken(&source, "\"0\""))).await.unwrap(), Fetched::New(_)));
    let signed = source_at(&server, Proof::Sha256(file.sha256));
    assert!(matches!(signed.read(Some(&taken(&source, "\"1\""))).await.unwrap(), Fetched::New(_)));
    assert!(server.asked().last().unwrap().get("if-none-match").is_none());
}

#[tokio::test]
async fn a_checksum_is_compared_and_a_signature_verified() {
    let server = Server::start().await;
    server.says("/list", 200, &[], SIGNED);
    let right: [u8; 32] = Sha256::digest(SIGNED).into();
    assert!(source_at(&server, Proof::Sha256(right)).read(None).await.is_ok());
    assert!(error(&source_at(&server, Proof::Sha256([1; 32]))).await.contains("and should be 0101"));
    let sum = source_at(&server, Proof::Sha256At(server.at("/sum")));
    assert!(error(&sum).await.contains("404"));
    server.says("/sum", 200, &[], format!("{}  list\n", hex(&right)).as_bytes());
    assert!(sum.read(None).await.is_ok());
    server.says("/sum", 200, &[], b"<html>");
    assert!(error(&sum).await.contains("holds no SHA-256"));

    let key = PublicKey::from_base64(KEY).unwrap();
    let signed = source_at(&server, Proof::Signed { key, signature: server.at("/list.minisig") });
    server.says("/list.minisig", 200, &[], SIGNATURE.as_bytes());
    assert!(signed.read(None).await.is_ok());
    for wrong in
        [SIGNATURE.replace("file:test", "file:best"), "x".into(), "\u{0}\n\n\n".into(), String::new()]
    {
        server.says("/list.minisig", 200, &[], wrong.as_bytes());
        assert!(error(&signed).await.contains("isn't right"));
    }
    server.says("/list.minisig", 200, &[], SIGNATURE.as_bytes());
    server.says("/list", 200, &[], b"Test");
    assert!(error(&signed).await.contains("isn't right"));
}

#[tokio::test]
async fn what_is_too_large_elsewhere_or_of_an_unknown_server_is_not_read() {
    let server = Server::start().await;
    let source = source_at(&server, Proof::Transport);
    assert!(error(&source).await.contains("the server answered 404"));
    server.says("/list", 200, &[], &vec![b' '; LARGEST + 1]);
    assert!(error(&source).await.contains("more than 1048576 bytes"));
    server.says("/moved", 200, &[], b"people = []");
    server.says("/list", 302, &[("location", "/moved")], b"");
    assert!(source.read(None).await.is_ok());
    for away in ["https://127.0.0.1:1/", "http://localhost/"] {
        server.says("/list", 302, &[("location", away)], b"");
        let error = error(&source).await;
        assert!(error.contains("another host"), "{error}");
    }
    server.says("/list", 302, &[("location", "/list")], b"");
    assert!(error(&source).await.contains("from address to address"));
    server.says("/list", 200, &[], b"people = []");
    let stranger = ListSource { tls: TlsTrust::Pinned([0; 32]), ..source.clone() };
    let error = error(&stranger).await;
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn a_file_is_read_from_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    let source = |path: PathBuf| ListSource {
        location: Location::File(path),
        proof: Proof::Sha256(Sha256::digest(b"x").into()),
        tls: TlsTrust::Pinned([0; 32]),
        timeout: Duration::from_secs(20),
    };
    assert!(error(&source(path.clone())).await.contains("can't be read"));
    std::fs::write(&path, "x").unwrap();
    assert!(source(path.clone()).read(None).await.is_ok());
    std::fs::write(&path, vec![0; LARGEST + 1]).unwrap();
    assert!(error(&source(path)).await.contains("more than"));
    assert!(error(&source(folder.path().to_owned())).await.contains("no file"));
}
