use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn envelope() -> Envelope {
    Envelope::new("budkavle@corp.example".parse().unwrap(), "asa@corp.example".parse().unwrap())
}

#[test]
fn an_address_is_parsed_once_and_its_domain_written_in_ascii() {
    for (text, written, smtputf8) in [
        ("asa@corp.example", "asa@corp.example", false),
        ("o'brien+x@corp.example", "o'brien+x@corp.example", false),
        ("asa@BLÅBÆR.example", "asa@xn--blbr-roah.example", false),
        ("åsa@corp.example", "åsa@corp.example", true),
        ("root@[192.0.2.1]", "root@[192.0.2.1]", false),
        ("\"a b\"@corp.example", "\"a b\"@corp.example", false),
    ] {
        let address: Address = text.parse().unwrap();
        assert_eq!((address.to_string().as_str(), address.needs_smtputf8()), (written, smtputf8));
    }
}

#[test]
fn what_could_leave_the_command_is_no_address() {
    let long = format!("{}@corp.example", "a".repeat(65));
    let longer = format!("a@{}.example", "b.".repeat(130));
    for text in [
        "",
        "asa",
        "@corp.example",
        "asa@",
        "asa@corp.example\r\nRCPT TO:<eve@evil.example>",
        "\"asa\r\nDATA\"@corp.example",
        "asa\0@corp.example",
        "asa@corp\t.example",
        "asa@corp.example> SIZE=1",
        "<asa@corp.example>",
        "a b@corp.example",
        "asa@corp..example",
        "asa@[192.0.2.1]> X",
        "asa\u{85}@corp.example",
        &long,
        &longer,
    ] {
        let error = text.parse::<Address>().unwrap_err();
        let control = matches!(error, AddressError::ControlCharacter(_));
        assert_eq!(control, text.contains(char::is_control), "{text:?}: {error}");
    }
}

#[test]
fn a_header_s_text_stays_on_its_line_and_reads_forwards() {
    for (text, clean) in [
        ("Mail is down", "Mail is down"),
        ("a\r\nBcc: eve@evil.example", "a Bcc: eve@evil.example"),
        ("\r\n\0a\u{1b}[31m\t\u{85}b\u{2028}c ", "a [31m b c"),
        ("\u{202e}nwod\u{2066} Åsa 🙂", "nwod Åsa 🙂"),
        ("\r\n", ""),
    ] {
        assert_eq!(clean_header(text), clean);
    }
}

#[tokio::test]
async fn a_message_becomes_a_file_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/out");
    let channel = Channel::File(FileChannel::new(out.clone()));
    let mime = b"Subject: Hej\r\nMessage-ID:\r\n <a/../b.1@corp.example>\r\n\r\nMessage-ID: <no@x>\r\n";
    let now = at("2026-11-22T08:30:00.5Z");
    for name in
        ["20261122T083000.500Z-a_.._b.1@corp.example.eml", "20261122T083000.500Z-a_.._b.1@corp.example-2.eml"]
    {
        let path = out.join(name);
        let answer = format!("written to {}", path.display());
        assert_eq!(channel.send(&envelope(), mime, now).await, Outcome::Accepted { answer });
        assert_eq!(fs::read(&path).unwrap(), mime);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 2, "a temporary file was left behind");
}

#[tokio::test]
async fn a_message_without_an_id_gets_a_name_too() {
    let folder = tempfile::tempdir().unwrap();
    let channel = Channel::File(FileChannel::new(folder.path().to_owned()));
    for mime in [&b""[..], b"Subject: x", b"\r\n\r\nMessage-ID: <in@body>\r\n", b"Message-ID\r\n\r\n\xff\xfe"]
    {
        channel.send(&envelope(), mime, at("2026-11-22T08:30:00Z")).await;
    }
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names.len(), 4);
    assert!(
        names.iter().all(|name| name.to_str().unwrap().starts_with("20261122T083000.000Z-no-message-id"))
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_breaks_the_channel() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let channel = Channel::File(FileChannel::new(file.join("out")));
    let outcome = channel.send(&envelope(), b"x", at("2026-11-22T08:30:00Z")).await;
    assert!(
        matches!(&outcome, Outcome::ChannelBroken { reason } if reason.contains("file/out")),
        "{outcome:?}"
    );
    let error = channel.probe(envelope().from.as_ref()).await.unwrap_err();
    assert!(error.to_string().contains("file/out"), "{error}");

    let good = Channel::File(FileChannel::new(folder.path().join("good")));
    assert!(matches!(good.probe(envelope().from.as_ref()).await, Ok(ProbeReport::Folder { .. })));
    assert_eq!(fs::read_dir(folder.path().join("good")).unwrap().count(), 0);
}
