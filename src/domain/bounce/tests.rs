//! Reports as servers write them, forged ones, and such as are none.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::domain::ids::NoticeId;
use crate::domain::notice::{Priority, Recipient};

const WINDOW: TimeDelta = TimeDelta::days(14);

fn key() -> ReturnKey {
    ReturnKey::new([7; 32])
}

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

/// The message 31 to Åsa, sent in the first hour.
fn message() -> Message {
    Message {
        id: MessageId(31),
        notice: NoticeId(1),
        recipient: Recipient::by_mail("Åsa", "asa@org.example".parse().unwrap(), "outage"),
        priority: Priority::Normal,
        state: MessageState::Sent,
        attempts: 1,
        at: at(0),
        due: at(0),
        changed: at(1),
        answer: Some("250 2.0.0 Ok".into()),
        together: None,
    }
}

/// A report as Postfix writes it, with these fields of the recipient and these headers of the message.
fn report(fields: &str, headers: &str) -> String {
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.org.example (Mail Delivery System)\r\nTo: bounce@org.example\r\n\
         Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b/mx\"\r\n\r\n\
         This is a MIME-encapsulated message.\r\n\r\n--b/mx\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         I'm sorry to have to inform you …\r\n\r\n--b/mx\r\nContent-Description: Delivery report\r\n\
         Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.org.example\r\n\
         X-Postfix-Queue-ID: 4F2A\r\nArrival-Date: Mon,  6 Jul 2026 10:00:00 +0200\r\n\r\n{fields}\r\n\
         --b/mx\r\nContent-Type: text/rfc822-headers\r\n\r\n{headers}\r\n--b/mx--\r\n"
    )
}

const GONE: &str = "Final-Recipient: rfc822; asa@org.example\r\nOriginal-Recipient: rfc822;asa@org.example\r\n\
    Action: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mail.org.example\r\n\
    Diagnostic-Code: smtp; 550 5.1.1 <asa@org.example>: Recipient address rejected:\r\n    User unknown\r\n";

fn headers() -> String {
    format!("{HEADER}: {}\r\nFrom: budkavle@org.example\r\nSubject: Outage\r\n", key().token(MessageId(31)))
}

fn judged(mail: &str) -> Result<Bounce, Ignored> {
    let report = read(mail.as_bytes())?;
    let id = key().find(report.signs.iter().map(|sign| &**sign)).ok_or(Ignored::Unproven)?;
    assert_eq!(id, MessageId(31));
    judge(&report, &message(), at(2), at(2), WINDOW)
}

#[test]
fn a_report_fails_the_message_and_marks_the_address() {
    let bounce = judged(&report(GONE, &headers())).unwrap();
    assert_eq!((bounce.message, bounce.fate), (MessageId(31), Fate::Failed));
    let said = "550 5.1.1 <asa@org.example>: Recipient address rejected: User unknown";
    assert_eq!(&*bounce.answer, format!("it came back: {said}"));
    let mark = bounce.mark.unwrap();
    assert_eq!((mark.address.as_str(), &*mark.status, &*mark.answer), ("asa@org.example", "5.1.1", said));
    let again = Mark::after(Some(&mark), Mark { since: at(9), last: at(9), ..mark.clone() });
    assert_eq!((again.since, again.last, again.times), (at(2), at(9), 2));
    assert!(!again.is_over(at(9) + TimeDelta::days(30), TimeDelta::days(30)));
    assert!(again.is_over(at(10) + TimeDelta::days(30), TimeDelta::days(30)));
}

#[test]
fn the_sign_is_found_wherever_a_server_returns_it() {
    let token = key().token(MessageId(31));
    let nothing = "Subject: Outage\r\n";
    let whole = |kind: &str, encoding: &str| {
        report(GONE, "").replace(
            "Content-Type: text/rfc822-headers\r\n\r\n",
            &format!(
                "Content-Type: {kind}\r\n{encoding}\r\n{HEADER}: {token}\r\nSubject: x\r\n\r\nText.\r\n"
            ),
        )
    };
    let encoded = base64::Engine::encode(
        &base64::prelude::BASE64_STANDARD,
        format!("Subject: x\r\n{HEADER}: {token}\r\n\r\nText.\r\n"),
    );
    let mails = [
        report(GONE, nothing).replace("To: bounce@", &format!("To: bounce+{token}@")),
        report(GONE, nothing)
            .replace("To: ", &format!("Delivered-To: {}@b.example\r\nTo: ", token.to_uppercase())),
        report(GONE, nothing)
            .replace("Arrival-Date", &format!("Original-Envelope-Id: {token}\r\nArrival-Date")),
        whole("message/rfc822", ""),
        whole("message/global", ""),
        whole("message/global-headers", ""),
        report(GONE, "").replace(
            "Content-Type: text/rfc822-headers\r\n\r\n",
            &format!(
                "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n"
            ),
        ),
    ];
    for mail in mails {
        assert!(judged(&mail).is_ok_and(|bounce| bounce.mark.is_some()), "{mail}");
    }
}

#[test]
fn who_does_not_know_the_key_can_say_nothing() {
    let others = ReturnKey::new([8; 32]).token(MessageId(31));
    let token = key().token(MessageId(31));
    let cut = &token[..token.len() - 1];
    let other_number = token.replacen("1f", "20", 1);
    for forged in
        ["", &others, cut, &format!("{cut}0"), &format!("{token}0"), &other_number, &format!("1{token}")]
    {
        let mail = report(GONE, &format!("{HEADER}: {forged}\r\nMessage-ID: <budkavle.1.2@org.example>\r\n"));
        assert_eq!(judged(&mail).unwrap_err(), Ignored::Unproven, "{forged}");
    }
    assert_eq!(format!("{:?}", key()), "ReturnKey");
}

#[test]
fn what_is_not_of_this_message_of_late_changes_nothing() {
    let mail = report(GONE, &headers());
    let read = read(mail.as_bytes()).unwrap();
    let with = |state, changed| Message { state, changed, ..message() };
    let judge = |message: &Message| judge(&read, message, at(2), at(2), WINDOW).unwrap_err();
    let id = MessageId(31);
    for state in [MessageState::Queued, MessageState::Sending, MessageState::Deferred] {
        assert_eq!(judge(&with(state, at(1))), Ignored::TooEarly(id));
        assert_eq!(judge(&with(state, at(1) - WINDOW)), Ignored::NotLately(id));
    }
    assert_eq!(judge(&with(MessageState::Cancelled, at(1))), Ignored::NotLately(id));
    assert_eq!(judge(&with(MessageState::Failed, at(1))), Ignored::Known(id));
    assert_eq!(judge(&with(MessageState::Sent, at(1) - WINDOW)), Ignored::NotLately(id));
    // When it came counts, not when somebody had time to read it.
    let late = at(2) + WINDOW * 9;
    assert!(super::judge(&read, &message(), late, at(2), WINDOW).is_ok());
    let mut other = message();
    other.recipient.mail = Some("bo@org.example".parse().unwrap());
    assert_eq!(judge(&other), Ignored::OtherRecipient(id));
    other.recipient.mail = None;
    assert_eq!(judge(&other), Ignored::OtherRecipient(id));
}

#[test]
fn delays_are_noted_once_and_arrivals_not_at_all() {
    let fields = |action: &str, status: &str| GONE.replace("failed", action).replace("5.1.1", status);
    let delayed = report(&fields("delayed (soon)", "4.4.1"), &headers());
    let bounce = judged(&delayed).unwrap();
    assert_eq!((bounce.fate, bounce.mark), (Fate::Delayed, None));
    let noted = Message { answer: Some(bounce.answer), ..message() };
    let again = judge(&read(delayed.as_bytes()).unwrap(), &noted, at(3), at(3), WINDOW);
    assert_eq!(again.unwrap_err(), Ignored::Known(MessageId(31)));
    // It may come back in the end.
    assert!(judge(&read(report(GONE, &headers()).as_bytes()).unwrap(), &noted, at(3), at(3), WINDOW).is_ok());
    for action in ["delivered", "relayed", "expanded", "what?"] {
        assert_eq!(judged(&report(&fields(action, "2.1.5"), &headers())).unwrap_err(), Ignored::Arrived);
    }
}

#[test]
fn only_an_address_that_is_not_there_is_marked() {
    for (status, said, marks) in [
        ("5.1.1", "550 no such user", true),
        ("5.1.10", "556 null MX", true),
        ("5.4.4", "host not found", true),
        ("5.2.1", "550 mailbox disabled", true),
        // Exim says no more itself, but quotes who did.
        ("5.0.0", "550 unknown user", true),
        ("5.1.0", "553 Recipient unknown", true),
        ("5.1.6", "551 moved", true),
        ("5.1.2", "bad domain", true),
        // But it says that of all that fails: retry time-outs, quotas, block lists.
        ("5.0.0", "550 unknown", false),
        ("5.0.0", "retry timeout exceeded", false),
        ("5.0.0", "554 user unknown to our block list", false),
        ("5.1.0", "550 sender rejected", false),
        ("5.1.5", "valid", false),
        ("5.1.9", "relay", false),
        ("5.1.20", "several senders", false),
        ("5.1.90", "550 daily limit of recipients", false),
        ("5.2.0", "store error", false),
        ("5.0.0", "550 5.7.1 spam", false),
        ("5.2.2", "552 mailbox full", false),
        ("5.3.4", "552 too big", false),
        ("5.7.1", "550 policy", false),
        ("5.4.6", "loop", false),
        ("5.6.0", "content", false),
        ("5.1.8", "sender refused", false),
        ("4.4.7", "gave up after five days", false),
    ] {
        let fields = GONE
            .replace("Status: 5.1.1", &format!("Status: {status}"))
            .replace("550 5.1.1 <asa@org.example>: Recipient address rejected:\r\n    User unknown", said);
        let bounce = judged(&report(&fields, &headers())).unwrap();
        assert_eq!((bounce.fate, bounce.mark.is_some()), (Fate::Failed, marks), "{status} {said}");
    }
}

#[test]
fn a_report_within_what_a_gateway_made_of_it_is_found() {
    let (before, after) = report(GONE, &headers())
        .split_once("Content-Type: multipart")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let inner = format!("Content-Type: multipart{after}");
    let mail = format!(
        "{before}Content-Type: Multipart/Mixed;\r\n\tboundary=outer\r\n\r\n--outer\r\n{inner}\r\n--outer\r\n\r\nFooter\r\n--outer--\r\n"
    );
    assert!(judged(&mail).unwrap().mark.is_some());
    // Cut off in the message that it returns.
    let cut = report(GONE, &headers()).replace("--b/mx--", "");
    assert!(judged(&cut).unwrap().mark.is_some());
}

#[test]
fn too_many_marks_at_once_are_one_too_many() {
    let mark = |name: &str, hour| Mark {
        since: at(hour),
        address: name.parse().unwrap(),
        ..judged(&report(GONE, &headers())).unwrap().mark.unwrap()
    };
    let of = |n: u32, domain: &str| (0..n).map(|n| mark(&format!("a{n}@{domain}"), 5)).collect::<Vec<_>>();
    let few: Marks = of(9, "x.example").into_iter().collect();
    assert!(!few.overflow_with(&mark("b@x.example", 5)));
    let many: Marks = of(10, "x.example").into_iter().collect();
    assert!(many.overflow_with(&mark("b@X.example", 5)));
    assert!(!many.overflow_with(&mark("a1@x.example", 5)), "it is marked already");
    assert!(!many.overflow_with(&mark("b@y.example", 5)));
    assert!(!many.overflow_with(&mark("b@x.example", 6)));
    let all: Marks = (0..30).map(|n| mark(&format!("a@d{n}.example"), 5)).collect();
    assert!(all.overflow_with(&mark("b@y.example", 5)));
    assert_eq!(all.only(|mark| mark.address.domain() == "d3.example").len(), 1);
}

#[test]
fn recipients_are_known_in_each_way_that_they_are_written() {
    for fields in [
        "Final-Recipient: RFC822; <ASA@Org.Example>\r\nAction: FAILED\r\nStatus: 5.1.1 (no such user)\r\n",
        "Original-Recipient: rfc822;asa+40org.example\r\nFinal-Recipient: rfc822; a@elsewhere.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
        "Action: failed\r\nStatus: 5.1.1\r\nfinal-recipient: asa@org.example\r\n",
        // Of several, ours counts.
        "Final-Recipient: rfc822; bo@org.example\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\nFinal-Recipient: rfc822; asa@org.example\r\nAction: failed\r\nStatus: 5.1.1\r\n",
    ] {
        assert!(judged(&report(fields, &headers())).unwrap().mark.is_some(), "{fields}");
    }
    // Some leave the block about the message out, and RFC 6533 has its own kind and way to write an address.
    let international = report("Final-Recipient: utf-8; \\x{E5}sa@bl\\x{E5}b\\x{E4}r.example\r\nAction: failed\r\nStatus: 5.1.1\r\n", &headers())
        .replace("message/delivery-status", "message/global-delivery-status")
        .replace("Reporting-MTA: dns; mx.org.example\r\nX-Postfix-Queue-ID: 4F2A\r\nArrival-Date: Mon,  6 Jul 2026 10:00:00 +0200\r\n\r\n", "");
    let read = read(international.as_bytes()).unwrap();
    for address in ["åsa@blåbär.example", "Åsa@xn--blbr-noae.example"] {
        let mut message = message();
        message.recipient.mail = Some(address.parse().unwrap());
        assert!(judge(&read, &message, at(2), at(2), WINDOW).is_ok(), "{address}: {read:?}");
    }
}

#[test]
fn answers_of_machines_and_other_mails_are_told_from_reports() {
    let plain = |header: &str| {
        format!(
            "From: asa@org.example\r\nTo: it@org.example\r\n{header}Subject: Out of office\r\n\r\nBack soon.\r\n"
        )
    };
    for header in ["Auto-Submitted: auto-replied\r\n", "X-Autoreply: yes\r\n", "Precedence: bulk\r\n"] {
        assert_eq!(read(plain(header).as_bytes()).unwrap_err(), Ignored::AutomaticAnswer);
    }
    for mail in [
        plain(""),
        plain("Auto-Submitted: no\r\n"),
        String::new(),
        "\r\n\r\n".into(),
        report("Action: failed\r\n", ""),
    ] {
        assert_eq!(read(mail.as_bytes()).unwrap_err(), Ignored::NoReport, "{mail}");
    }
    // A receipt that somebody has read it (RFC 8098) is no report on its delivery.
    let read_receipt =
        report(GONE, "").replace("message/delivery-status", "message/disposition-notification");
    assert_eq!(read(read_receipt.as_bytes()).unwrap_err(), Ignored::AutomaticAnswer);
}

#[test]
fn what_is_endless_is_read_in_part() {
    let many =
        "Final-Recipient: rfc822; x@y.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n".repeat(100_000);
    assert!(read(report(&many, "").as_bytes()).unwrap().returned.len() <= 20);
    let words = GONE.replace("User unknown", &"no ".repeat(20_000));
    assert!(judged(&report(&words, &headers())).unwrap().answer.len() < 500);
    let nested = format!("{}Subject: x\r\n\r\n", "Content-Type: message/rfc822\r\n\r\n".repeat(50_000));
    assert_eq!(read(nested.as_bytes()).unwrap_err(), Ignored::NoReport);
    let parts = "--a\r\nContent-Type: message/rfc822\r\n\r\n".repeat(20_000);
    let _ = read(format!("Content-Type: multipart/mixed; boundary=a\r\n\r\n{parts}").as_bytes());
    let signs = "1z".repeat(200_000);
    assert_eq!(key().find([signs.as_str()]), None);
}

proptest! {
    #[test]
    fn nothing_that_is_written_over_a_report_breaks_it(
        place in 0_usize..3000, length in 0_usize..80, with in proptest::collection::vec(any::<u8>(), 0..80)
    ) {
        let mut mail = report(GONE, &headers()).into_bytes();
        let from = place.min(mail.len());
        let to = (from + length).min(mail.len());
        mail.splice(from..to, with);
        if let Ok(report) = read(&mail) {
            // Whatever became of it, it speaks of this message or of none.
            let found = key().find(report.signs.iter().map(|sign| &**sign));
            prop_assert!(found.is_none_or(|id| id == MessageId(31)));
            let _ = judge(&report, &message(), at(2), at(2), WINDOW);
        }
    }

    #[test]
    fn a_sign_is_found_again_and_fits_before_an_at(number in any::<u64>()) {
        let token = key().token(MessageId(number));
        prop_assert!(token.len() <= 37);
        prop_assert_eq!(key().find([format!("<bounce+{token}@x.example>").as_str()]), Some(MessageId(number)));
        prop_assert_eq!(ReturnKey::new([8; 32]).find([token.as_str()]), None);
    }
}
