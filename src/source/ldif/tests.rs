use proptest::prelude::*;

use std::sync::LazyLock;

use chrono::DateTime;

use super::*;
use crate::domain::directory::Directory;
use crate::domain::directory::Objects;
use crate::source::ErrorKind;

/// All entries of these bytes, given in pieces of this size.
fn parse_in(pieces: usize, bytes: &[u8]) -> Result<Vec<Entry>, Problem> {
    let mut entries = Vec::new();
    let mut parser = Parser::new("objectGUID");
    for piece in bytes.chunks(pieces) {
        parser.push(piece, |entry| entries.push(entry.clone()))?;
    }
    parser.end(|entry| entries.push(entry.clone()))?;
    Ok(entries)
}

fn parse(text: &str) -> Result<Vec<Entry>, Problem> {
    parse_in(1 << 20, text.as_bytes())
}

fn text(entry: &Entry, name: &str) -> String {
    String::from_utf8(entry.first(name).unwrap().to_vec()).unwrap()
}

fn malformed(text: &str) -> (u64, String) {
    match parse(text) {
        Err(Problem::Malformed(line, reason)) => (line, reason),
        other => panic!("{other:?}"),
    }
}

fn incomplete(text: &str) -> String {
    match parse(text) {
        Err(Problem::Incomplete(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

async fn read(bytes: &[u8]) -> Result<Reading, SourceError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let ldif = Ldif::new(file.path(), Mapping::default());
    ldif.read(&"main".into(), &ask(), &|_| {}).await
}

fn ask() -> Ask<'static> {
    static NOTHING: LazyLock<Directory> = LazyLock::new(Directory::default);
    Ask::first(&NOTHING, DateTime::UNIX_EPOCH)
}

fn objects(reading: &Reading) -> &Objects {
    match &reading.found {
        Found::Whole(objects) => objects,
        Found::Changes(_) => panic!("only changes were read"),
    }
}

/// As ldapsearch 2.5 writes it, from a Samba domain controller: two pages, folded, a reference.
const LDAPSEARCH: &str = "\
# extended LDIF
#
# LDAPv3
# base <DC=ad,DC=kommun,DC=example> with scope subtree
# filter: (objectClass=*)
# requesting: objectClass objectGUID sAMAccountName 
# with pagedResults control: size=1
#

# Enhet\\2C 42 \\2B #42, Staff, ad.kommun.example
dn:: T1U9RW5oZXRcLCA0MiBcKyBcIzQyLE9VPVN0YWZmLERDPWFkLERDPWtvbW11bixEQz1leGFt
 cGxl
objectClass: top
objectClass: organizationalUnit
objectGUID:: AHYfDwyMdk2S2GEkS3mE6Q==

# search reference
ref: ldaps://ad.kommun.example/CN=Configuration,DC=ad,DC=kommun,DC=example

# search result
search: 2
result: 0 Success
control: 1.2.840.113556.1.4.319 false MAgCAgGRBAIxAA==
pagedresults: estimate=401 cookie=MQA=
# extended LDIF
#
# LDAPv3
#

# Anna, Enhet
dn: CN=Anna,OU=Enhet\\, 42 \\+ \\#42,OU=Staff,DC=ad,DC=kommun,DC=exa
 mple
objectClass: user
objectGUID:: CPGWz5FnmEi8BE1S1ibj9A==
sAMAccountName: anna

# search result
search: 3
result: 0 Success
control: 1.2.840.113556.1.4.319 false MAUCAQAEAA==
pagedresults: cookie=

# numResponses: 4
# numEntries: 2
# numReferences: 1
";

/// As `ldifde -u` writes it, apart from its encoding.
const LDIFDE: &str = "dn: OU=Åsele,DC=x\r\nchangetype: add\r\nobjectClass: organizationalUnit\r\nobjectGUID:: \
    AHYfDwyMdk2S2GEkS3mE6Q==\r\n\r\ndn: CN=Åsa,OU=Åsele,DC=x\r\nchangetype: add\r\nobjectClass: user\r\nobjectGUID:: \
    CPGWz5FnmEi8BE1S1ibj9A==\r\nsAMAccountName: asa\r\ntelephoneNumber: +46\r\n 8 1\r\n\r\n";

fn people(objects: &Objects) -> Vec<(String, String)> {
    let units = &objects.directory.units;
    let unit = |id| units.get(id).map_or("-", |unit| &unit.name).to_owned();
    objects.directory.users.values().map(|user| (user.name().to_owned(), unit(&user.unit))).collect()
}

#[tokio::test]
async fn what_ldapsearch_writes_is_read() {
    let reading = read(LDAPSEARCH.as_bytes()).await.unwrap();
    assert_eq!(people(objects(&reading)), [("Anna".to_owned(), "Enhet, 42 + #42".to_owned())]);
    // Whether Anna's account is enabled wasn't asked for, which is told.
    assert_eq!((objects(&reading).quarantined.len(), reading.cursor.position), (1, Position::None));
}

#[tokio::test]
async fn what_ldifde_writes_is_read_in_every_encoding() {
    let utf16 = |unit: fn(u16) -> [u8; 2]| LDIFDE.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    let encodings = [
        LDIFDE.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", LDIFDE.as_bytes()].concat(),
        [&b"\xff\xfe"[..], &utf16(u16::to_le_bytes)].concat(),
        [&b"\xfe\xff"[..], &utf16(u16::to_be_bytes)].concat(),
    ];
    for bytes in encodings {
        let reading = read(&bytes).await.unwrap();
        let objects = objects(&reading);
        assert_eq!(people(objects), [("Åsa".to_owned(), "Åsele".to_owned())]);
        let phone = objects.directory.users.values().next().unwrap().phone().map(str::to_owned);
        assert_eq!(phone.as_deref(), Some("+468 1"));
        for pieces in [1, 2, 3, 7] {
            assert_eq!(parse_in(pieces, &bytes).unwrap(), parse(LDIFDE).unwrap());
        }
    }
}

#[test]
fn a_hand_written_file_is_read() {
    let entries = parse("version: 1\n# a comment\n  that goes on\n\n\ndn:CN=a\nobjectGUID: x\ncn:  two\nCN:: dGhyZWU= \n\ndn: CN=b\nobjectGUID: y\nmail: b@x").unwrap();
    assert_eq!(entries.iter().map(|e| e.dn.as_str()).collect::<Vec<_>>(), ["CN=a", "CN=b"]);
    assert_eq!(entries[0].values("cn").collect::<Vec<_>>(), [&b"two"[..], b"three"]);
    assert_eq!(text(&entries[1], "mail"), "b@x");
}

#[test]
fn what_is_no_export_is_refused_with_its_line() {
    for (text, line, words) in [
        ("dn: CN=a\nchangetype: modify\nreplace: mail\n", 2, "changetype: modify"),
        ("dn: CN=a\nchangetype: delete\n", 2, "it is a change"),
        ("dn: CN=a\ncontrol: 1.2.3 true\n", 2, "control"),
        ("dn: CN=a\ncn: a\n-\n", 3, "it is a change"),
        ("version: 2\n", 1, "version 2"),
        ("\n\ncn: a\n", 3, "must begin with dn"),
        ("dn: CN=a\ncn\n", 2, "no colon"),
        ("dn: CN=a\nc n: x\n", 2, "no attribute's name"),
        ("dn: CN=a\n: x\n", 2, "no attribute's name"),
        ("dn: CN=a\n\ncn: b\n b\n", 3, "must begin with dn"),
        ("dn: CN=a\ndn: CN=b\n", 2, "without an empty line"),
        ("search: 2\ndn: CN=b\n", 2, "without an empty line"),
        ("dn: CN=a\njpegPhoto:< file:///etc/passwd\n", 2, "never opened"),
        ("dn: CN=a\ncn: one\n two\nobjectGUID:: AHYfDwyMdk2S2GEkS3mE6\n", 4, "base64 is damaged or cut"),
        ("\n  x\n", 2, "continues"),
        ("dn:: /w==\n", 1, "not in UTF-8"),
        ("dn: CN=a\ncn: \0\n", 2, "NUL"),
        ("d\0n\0", 1, "byte-order mark"),
    ] {
        let (found, reason) = malformed(text);
        assert_eq!(found, line, "{text:?}: {reason}");
        assert!(reason.contains(words), "{text:?}: {reason}");
    }
}

#[test]
fn damaged_utf_16_is_refused() {
    let bytes = [
        &b"\xff\xfe"[..],
        &"dn: CN=a\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
        b"\x00\xd8\x41\x00",
    ]
    .concat();
    assert!(matches!(parse_in(5, &bytes), Err(Problem::Malformed(2, reason)) if reason.contains("UTF-16")));
}

#[test]
fn a_file_that_was_cut_is_not_believed() {
    let cuts = |text: &'static str| {
        (0..text.len()).filter(|cut| text.is_char_boundary(*cut)).map(|cut| (cut, parse(&text[..cut])))
    };
    let whole = parse(LDAPSEARCH).unwrap();
    for (cut, result) in cuts(LDAPSEARCH) {
        // Nothing before the first sign of ldapsearch; everything once the last page has said so.
        assert!(
            result.is_err() || result == Ok(whole.clone()) || cut < "# extended LDIF".len(),
            "cut at {cut}: {result:?}"
        );
    }
    let whole = parse(LDIFDE).unwrap();
    let mut believed = 0;
    for (cut, result) in cuts(LDIFDE) {
        let Ok(entries) = result else { continue };
        // ldifde doesn't say how many entries there are, but none may be half there.
        assert!(whole.starts_with(&entries), "cut at {cut}: {entries:?}");
        believed += 1;
    }
    assert_eq!(
        believed, 4,
        "nothing, one entry (its empty line with and without its end), all but the last byte"
    );
}

#[test]
fn what_ldapsearch_says_at_the_end_is_believed() {
    let header = "# extended LDIF\n#\n# LDAPv3\n\ndn: CN=a\ncn: a\n\n";
    for (end, words) in [
        ("", "result of the search that wrote it is missing"),
        ("search: 2\nresult: 4 Size limit exceeded\n", "result 4 Size limit exceeded"),
        ("search: 2\nresult: 32 No such object\ntext: gone\n", "result 32"),
        ("search: 2\nresult: 0 Success\npagedresults: cookie=MQA=\n", "more pages"),
        ("search: 2\nresult: 0 Success\n\n# numEntries: 2\n", "2 entries, but there are 1"),
    ] {
        let reason = incomplete(&format!("{header}{end}"));
        assert!(reason.contains(words), "{reason}");
    }
    assert!(parse(&format!("{header}search: 2\nresult: 0 Success\n\n# numEntries: 1\n")).is_ok());
    // -LLL leaves only comments.
    assert!(incomplete("dn: CN=a\ncn: a\n\n# pagedresults: estimate=9 cookie=MQA=\n").contains("more pages"));
    assert!(parse("dn: CN=a\ncn: a\n\n# pagedresults: cookie=MQA=\ndn: CN=b\ncn: b\n\n# refldap://x\n\n# pagedresults: cookie=\n").is_ok());
}

#[test]
fn an_entry_that_lacks_its_identity_at_the_end_was_cut() {
    let reason = incomplete("dn: CN=a\nobjectGUID: x\n\ndn: CN=b\nobjectClass: user");
    assert!(reason.contains("the entry that begins in line 4"), "{reason}");
}

#[test]
fn a_line_has_an_end() {
    let endless = [&b"dn: CN=a\ncn: "[..], &vec![b'x'; 17 << 20]].concat();
    assert!(
        matches!(parse_in(1 << 20, &endless), Err(Problem::Malformed(2, reason)) if reason.contains("16 MiB"))
    );
    let folded = [&b"dn: CN=a\ncn: "[..], &[&[b'x'; 4096][..], b"\n "].concat().repeat(17 << 8)].concat();
    assert!(
        matches!(parse_in(1 << 20, &folded), Err(Problem::Malformed(_, reason)) if reason.contains("16 MiB"))
    );
}

#[tokio::test]
async fn a_file_that_gives_nothing_is_an_error() {
    for (bytes, kind, words) in [
        ("", ErrorKind::FileEmpty, "no entries"),
        ("version: 1\n\n", ErrorKind::FileEmpty, "no entries"),
        ("dn: CN=a\ncn: a\n\n", ErrorKind::FileEmpty, "none of its 1 entries"),
        ("dn: CN=a\nchangetype: modrdn\n", ErrorKind::FileMalformed, "line 2"),
        ("# extended LDIF\n\n", ErrorKind::Incomplete, "not whole"),
    ] {
        let error = read(bytes.as_bytes()).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().contains(words), "{error}");
    }
    let ldif = Ldif::new("/nowhere/export.ldif", Mapping::default());
    let error = ldif.read(&"main".into(), &ask(), &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileUnreadable);
    assert!(error.to_string().contains("/nowhere/export.ldif can't be read: No such file"), "{error}");
}

#[tokio::test]
async fn what_is_no_file_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [pipe, folder.path().to_owned()] {
        let read = async { Ldif::new(path, Mapping::default()).read(&"main".into(), &ask(), &|_| {}).await };
        let read = tokio::time::timeout(Duration::from_secs(20), read).await.expect("nobody writes into it");
        let error = read.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileUnreadable);
        assert!(error.to_string().contains("it is no file"), "{error}");
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    // Large enough that it can't all be there at once.
    std::fs::write(file.path(), LDAPSEARCH.repeat(10_000)).unwrap();
    let late = Ldif { run_timeout: Duration::ZERO, ..Ldif::new(file.path(), Mapping::default()) };
    let error = late.read(&"main".into(), &ask(), &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
}

proptest! {
    #[test]
    fn whatever_bytes_come_they_are_read_or_refused_the_same_in_any_pieces(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "(dn|cn|version|result|#|changetype|-| |\r?\n|:|:: ?|:<|[a-zA-Z0-9=,+/]{1,4}){0,40}".prop_map(String::into_bytes),
            (any::<prop::sample::Index>(), any::<u8>()).prop_map(|(at, byte)| {
                let mut bytes = LDAPSEARCH.as_bytes().to_vec();
                let at = at.index(bytes.len());
                bytes[at] = byte;
                bytes
            }),
        ],
        bom in prop::sample::select(vec![&b""[..], b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]),
        pieces in 1..50usize,
    ) {
        let bytes = [bom, &bytes].concat();
        let whole = parse_in(usize::MAX, &bytes);
        match (parse_in(pieces, &bytes), whole) {
            // Where UTF-16 breaks is told to the line as far as it was read.
            (Err(Problem::Malformed(..)), Err(Problem::Malformed(..))) => {}
            (in_pieces, whole) => prop_assert_eq!(in_pieces, whole),
        }
    }

    #[test]
    fn any_value_comes_back_from_base64_however_it_is_folded(value in prop::collection::vec(any::<u8>(), 0..300), width in 1..80usize, dn in "\\PC{1,30}") {
        let encode = |bytes: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes);
        let fold = |line: String| line.as_bytes().chunks(width).map(|part| String::from_utf8_lossy(part)).collect::<Vec<_>>().join("\n ");
        let file = format!("{}\n{}\n\n", fold(format!("dn:: {}", encode(dn.as_bytes()))), fold(format!("x:: {}", encode(&value))));
        let entries = parse(&file).unwrap();
        prop_assert_eq!(entries[0].dn.as_str(), dn.as_str());
        prop_assert_eq!(entries[0].first("x"), Some(&value[..]));
    }
}
