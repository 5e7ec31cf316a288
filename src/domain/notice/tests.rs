use super::*;
use proptest::prelude::*;

fn id(instance: u64, event: &str, to: &str, domain: &str) -> String {
    message_id(instance, &EventKey(event.into()), &recipient("", to, ""), domain)
}

fn recipient(name: &str, mail: &str, why: &str) -> Recipient {
    Recipient::by_mail(name, mail.parse().unwrap(), why)
}

/// `msg-id` without the obsolete and the bracketed forms (RFC 5322 §3.6.4): `<dot-atom-text@dot-atom-text>`, in ASCII.
fn is_msg_id(text: &str) -> bool {
    let dot_atom = |text: &str| {
        let atext = |b: u8| b.is_ascii_graphic() && !b"()<>[]:;@\\,.\"".contains(&b);
        text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(atext))
    };
    let inner = text.strip_prefix('<').and_then(|t| t.strip_suffix('>'));
    inner.and_then(|t| t.split_once('@')).is_some_and(|(left, right)| dot_atom(left) && dot_atom(right))
}

#[test]
fn it_is_the_same_in_every_repeat_and_in_every_version() {
    // A change here makes a repeat of a message that is under way a second message: don't.
    let first = id(7, "outage/1/0", "asa@org.example", "org.example");
    assert_eq!(first, "<budkavle.c0047da1c99e691b.37767e5a2525ec85@org.example>");
    assert_eq!(id(7, "outage/1/0", "Asa@Org.Example", "org.example"), first, "the same mailbox");
}

#[test]
fn it_differs_by_event_by_recipient_and_by_installation() {
    let (instances, events, to) =
        ([1, 2, u64::MAX], ["outage/1/0", "outage/1/1", "outage/11/0"], ["a@x.example", "b@x.example"]);
    let mut ids = HashSet::new();
    for instance in instances {
        for event in events {
            for to in to {
                ids.insert(id(instance, event, to, "org.example"));
            }
        }
    }
    assert_eq!(ids.len(), 18);
}

#[test]
fn a_domain_that_is_not_ascii_or_no_domain_at_all_makes_a_valid_id_all_the_same() {
    let right = |domain: &str| {
        id(7, "test", "a@x.example", domain).split_once('@').map(|(_, right)| right.to_owned())
    };
    assert_eq!(right("org.example").as_deref(), Some("org.example>"));
    assert_eq!(right("hälsö.example").as_deref(), Some("xn--hls-qla6g.example>"));
    assert_eq!(right("mail_1.org.example").as_deref(), Some("mail_1.org.example>"));
    for none in ["", ".", "a..b", "[127.0.0.1]", "x>\r\nBcc: all@org.example", "a b"] {
        assert_eq!(right(none).as_deref(), Some("budkavle.invalid>"), "{none:?}");
    }
}

proptest! {
    #[test]
    fn it_is_always_a_message_id(instance in any::<u64>(), event in ".*", domain in ".*", local in "[a-zåäö]{1,64}") {
        let to = format!("{local}@x.example");
        if let Ok(to) = to.parse() {
            let to = Recipient::by_mail("", to, "");
            let id = message_id(instance, &EventKey(event.into()), &to, &domain);
            prop_assert!(is_msg_id(&id), "{}", id);
        }
    }
}

#[test]
fn each_address_is_told_once_for_the_first_reason() {
    let all = [
        recipient("Åsa", "asa@org.example", "outage"),
        recipient("Bo", "bo@org.example", "outage"),
        recipient("Åsa Öberg", "ASA@org.example", "global"),
    ];
    assert_eq!(once_each(all.clone()), all[..2]);
    assert_eq!(once_each([]), []);
}
