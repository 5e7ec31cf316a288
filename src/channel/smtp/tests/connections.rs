//! Which connection a message goes over, and what ends one.

use std::sync::Arc;

use tokio::time::timeout;

use super::*;

#[tokio::test]
async fn one_connection_serves_many_messages_without_a_question_between_them() {
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    let channel = channel(settings(&fake));
    for _ in 0..20 {
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    }
    let log = fake.log();
    assert_eq!((log.connections, log.accepted, log.commands.len()), (1, 20, 2 + 20 * 3));
}

#[tokio::test]
async fn a_connection_is_given_up_after_its_share_of_messages() {
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    let channel = channel(SmtpSettings { messages_per_connection: 3, ..settings(&fake) });
    for _ in 0..7 {
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    }
    let log = fake.log();
    assert_eq!((log.connections, log.accepted, log.count("QUIT")), (3, 7, 2));
}

#[tokio::test]
async fn there_are_never_more_connections_than_allowed() {
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    let channel = Arc::new(channel(SmtpSettings { connections: 3, ..settings(&fake) }));
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let channel = Arc::clone(&channel);
        tasks.spawn(async move { word(&channel.send(&envelope(), MIME).await) });
    }
    assert!(tasks.join_all().await.into_iter().all(|word| word == "accepted"));
    let log = fake.log();
    assert_eq!(log.accepted, 50);
    assert!(log.connections <= 3, "{} connections", log.connections);
}

#[tokio::test]
async fn a_refused_recipient_leaves_the_connection_to_the_next() {
    for verb in ["MAIL", "RCPT", "DATA", "."] {
        let fake = Fake::start(vec![Script::new(OFFERS).at(verb, 1, Act::Say(reply(450)))]).await;
        let channel = channel(settings(&fake));
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "deferred", "{verb}");
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted", "{verb}");
        let log = fake.log();
        let resets = usize::from(verb != ".");
        assert_eq!((log.connections, log.accepted, log.count("RSET")), (1, 1, resets), "{verb}");
    }
}

#[tokio::test]
async fn a_refused_reset_ends_the_connection() {
    let first = Script::new(OFFERS).at("RCPT", 1, Act::Say(reply(550))).at("RSET", 1, Act::Say(reply(500)));
    let fake = Fake::start(vec![first, Script::new(OFFERS)]).await;
    let channel = channel(settings(&fake));
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "refused");
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    assert_eq!(fake.log().connections, 2);
}

#[tokio::test]
async fn a_connection_that_died_while_idle_costs_nothing() {
    // Closed in silence, and closed with the 421 that RFC 5321 §3.8 asks for.
    for parting in [&b"250 queued\r\n"[..], b"250 queued\r\n421 4.4.2 idle too long\r\n"] {
        let first = Script::new(OFFERS).at(".", 1, Act::SayAndCut(parting.to_vec()));
        let fake = Fake::start(vec![first, Script::new(OFFERS)]).await;
        let channel = channel(settings(&fake));
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
        fake.until(|log| log.closed == 1).await;
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
        let log = fake.log();
        assert_eq!((log.connections, log.received.len()), (2, 2));
    }
}

#[tokio::test]
async fn a_connection_that_dies_at_the_first_word_after_idling_is_replaced_once() {
    for verb in ["MAIL", "RCPT", "DATA"] {
        for act in [Act::SayAndCut(Vec::new()), Act::SayAndCut(reply(421)), Act::Say(reply(421))] {
            let first = Script::new(OFFERS).at(verb, 2, act.clone());
            let fake = Fake::start(vec![first, Script::new(OFFERS)]).await;
            let channel = channel(settings(&fake));
            for _ in 0..2 {
                assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted", "{verb} {act:?}");
            }
            let log = fake.log();
            assert_eq!((log.connections, log.accepted), (2, 2), "{verb} {act:?}");
        }
        // The fresh one fails the same way: no third try.
        let dying = Script::new(OFFERS).at(verb, 2, Act::SayAndCut(Vec::new()));
        let stillborn = Script::new(OFFERS).at(verb, 1, Act::SayAndCut(Vec::new()));
        let fake = Fake::start(vec![dying, stillborn, Script::new(OFFERS)]).await;
        let channel = channel(settings(&fake));
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "deferred", "{verb}");
        assert_eq!(fake.log().connections, 2, "{verb}");
    }
}

#[tokio::test]
async fn a_cut_after_the_dot_is_never_repeated_over_another_connection() {
    let first = Script::new(OFFERS).at(".", 2, Act::SayAndCut(Vec::new()));
    let fake = Fake::start(vec![first, Script::new(OFFERS)]).await;
    let channel = channel(settings(&fake));
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "perhaps sent");
    let log = fake.log();
    assert_eq!((log.connections, log.received.len()), (1, 2));
}

#[tokio::test]
async fn an_abandoned_message_takes_its_connection_with_it() {
    for verb in ["MAIL", "RCPT", "DATA", "."] {
        let first = Script::new(OFFERS).at(verb, 2, Act::Hush);
        let fake = Fake::start(vec![first, Script::new(OFFERS)]).await;
        let channel = Arc::new(channel(settings(&fake)));
        assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");

        let task = tokio::spawn({
            let channel = Arc::clone(&channel);
            async move { channel.send(&envelope(), MIME).await }
        });
        match verb {
            "." => fake.until(|log| log.received.len() == 2).await,
            verb => fake.until(|log| log.count(verb) == 2).await,
        };
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());

        assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted", "{verb}");
        assert_eq!(fake.log().connections, 2, "{verb}");
    }
}

#[tokio::test]
async fn an_idle_connection_is_sent_goodbye() {
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    let channel = channel(SmtpSettings { idle: IMPATIENCE, ..settings(&fake) });
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    let log = fake.until(|log| log.closed == 1).await;
    assert_eq!(log.count("QUIT"), 1);
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    assert_eq!(fake.log().connections, 2);
}

#[tokio::test]
async fn closing_says_goodbye_to_all_and_dropping_hangs_up() {
    let fake = Fake::start(vec![Script::new(OFFERS)]).await;
    let first = channel(settings(&fake));
    assert_eq!(word(&first.send(&envelope(), MIME).await), "accepted");
    first.close().await;
    assert_eq!(fake.until(|log| log.closed == 1).await.count("QUIT"), 1);

    let second = channel(settings(&fake));
    assert_eq!(word(&second.send(&envelope(), MIME).await), "accepted");
    drop(second);
    assert_eq!(fake.until(|log| log.closed == 2).await.count("QUIT"), 1);
}

#[tokio::test]
async fn a_server_that_asks_for_the_message_after_refusing_the_recipient_gets_none() {
    let first = Script::new(OFFERS).at("RCPT", 1, Act::Say(reply(550))).at(
        "DATA",
        1,
        Act::Say(b"354 go ahead all the same\r\n".to_vec()),
    );
    let fake = Fake::start(vec![first, Script::new(OFFERS)]).await;
    let channel = channel(settings(&fake));
    // The server takes whatever comes for the message now, and answers none of it.
    let outcome =
        timeout(PATIENCE / 2, channel.send(&envelope(), MIME)).await.expect("no waiting for an answer");
    assert_eq!(word(&outcome), "refused");
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    let log = fake.log();
    assert_eq!((log.connections, log.received.len()), (2, 1));
}

#[tokio::test]
async fn of_several_refusals_the_first_counts() {
    let script = Script::new(OFFERS)
        .at("MAIL", 1, Act::Say(reply(452)))
        .at("RCPT", 1, Act::Say(reply(550)))
        .at("DATA", 1, Act::Say(reply(554)));
    let fake = Fake::start(vec![script]).await;
    let channel = channel(settings(&fake));
    let outcome = channel.send(&envelope(), MIME).await;
    assert!(format!("{outcome:?}").contains("the sender (MAIL FROM) with 452"), "{outcome:?}");
    assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted");
    assert_eq!(fake.log().connections, 1);
}

#[tokio::test]
async fn a_refusal_counts_even_if_the_server_falls_silent_after_it() {
    let mut waiting = JoinSet::new();
    for (offers, silent) in [(SERVERS[0], "DATA"), (SERVERS[0], "RSET"), (SERVERS[1], "RSET")] {
        waiting.spawn(async move {
            let first = Script::new(offers).at("RCPT", 1, Act::Say(reply(550))).at(silent, 1, Act::Hush);
            let fake = Fake::start(vec![first, Script::new(offers)]).await;
            let channel = channel(impatient(&fake));
            assert_eq!(word(&channel.send(&envelope(), MIME).await), "refused", "{silent}");
            assert_eq!(word(&channel.send(&envelope(), MIME).await), "accepted", "{silent}");
            assert_eq!(fake.log().connections, 2, "{silent}");
        });
    }
    waiting.join_all().await;
}
