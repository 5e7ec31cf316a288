//! What is said of reports on delivery, and the envelope without a sender.

use super::*;

const OFFERS: &[&str] = &["PIPELINING", "SIZE 10240000", "8BITMIME", "DSN"];

fn signed(from: Option<&str>, to: &str) -> Envelope {
    Envelope {
        from: from.map(|from| from.parse().unwrap()),
        to: to.parse().unwrap(),
        id: Some("1fz00".into()),
    }
}

#[tokio::test]
async fn reports_are_asked_for_where_the_server_knows_how_and_somebody_gets_them() {
    let from = Some("bounce+1fz00@corp.example");
    let cases = [
        (
            OFFERS,
            signed(from, "a+b=c@corp.example"),
            "MAIL FROM:<bounce+1fz00@corp.example> SIZE=48 RET=HDRS ENVID=1fz00\n\
             RCPT TO:<a+b=c@corp.example> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb+3Dc@corp.example",
        ),
        (
            &["DSN", "SMTPUTF8"],
            signed(from, "åsa@corp.example"),
            "MAIL FROM:<bounce+1fz00@corp.example> SMTPUTF8 RET=HDRS ENVID=1fz00\n\
             RCPT TO:<åsa@corp.example> NOTIFY=FAILURE,DELAY",
        ),
        (OFFERS, envelope(), "MAIL FROM:<budkavle@corp.example> SIZE=48\nRCPT TO:<asa@corp.example>"),
        (OFFERS, signed(None, "asa@corp.example"), "MAIL FROM:<> SIZE=48\nRCPT TO:<asa@corp.example>"),
        (
            &["SIZE"],
            signed(from, "asa@corp.example"),
            "MAIL FROM:<bounce+1fz00@corp.example> SIZE=48\nRCPT TO:<asa@corp.example>",
        ),
    ];
    for (offers, envelope, expected) in cases {
        let fake = Fake::start(vec![Script::new(offers)]).await;
        let channel = channel(SmtpSettings { sign_in: None, ..settings(&fake) });
        assert_eq!(word(&channel.send(&envelope, MIME).await), "accepted");
        let said: Vec<_> = fake
            .log()
            .commands
            .into_iter()
            .filter(|c| c.starts_with("MAIL") || c.starts_with("RCPT"))
            .collect();
        assert_eq!(said.join("\n"), expected);
    }
}

#[tokio::test]
async fn a_probe_offers_nobody_as_the_sender_if_that_is_what_mails_have() {
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    channel(SmtpSettings { sign_in: None, ..settings(&fake) }).probe(None).await.unwrap();
    assert_eq!(fake.log().count("MAIL FROM:<>"), 1);
}
