//! Whatever a server says, and whatever a message holds.

use proptest::prelude::*;

use super::*;

fn reply_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"250".to_vec()),
        Just(b"354".to_vec()),
        Just(b"550".to_vec()),
        Just(b"-".to_vec()),
        Just(b" ".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just("\u{a0}\u{2003}å".as_bytes().to_vec()),
        proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_message_is_accepted_only_where_the_server_said_so(
        bytes in reply_like(),
        verb in prop::sample::select(vec!["greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."]),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (word, words, log) in runtime.block_on(send_with(verb, Act::SayAndCut(bytes.clone()), true)) {
            prop_assert!(word != "accepted" || (verb == "." && bytes.starts_with(b"250")), "{words}");
            prop_assert_eq!(log.connections, 1);
        }
    }

    #[test]
    fn an_encoded_message_has_one_end_and_can_be_decoded(mime in "[ab.\r\n]{0,40}") {
        let encoded = Encoded::new(mime.as_bytes());
        let text = std::str::from_utf8(encoded.bytes()).unwrap();
        let body = text.strip_suffix(".\r\n").unwrap();
        prop_assert!(!format!("\r\n{body}").contains("\r\n.\r\n"), "{text:?}");
        prop_assert!(!body.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
        // Decoded as a server does it, it is the message, with LF for every kind of line end and one at its end.
        let lines = body.split_terminator("\r\n").map(|line| line.strip_prefix('.').unwrap_or(line));
        let decoded: String = lines.flat_map(|line| [line, "\n"]).collect();
        let mut expected = mime.replace("\r\n", "\n").replace('\r', "\n");
        if !expected.ends_with('\n') {
            expected.push('\n');
        }
        prop_assert_eq!(encoded.size(), decoded.replace('\n', "\r\n").len());
        prop_assert_eq!(decoded, expected);
    }
}
