use super::*;
use crate::domain::ids::Generation;
use crate::domain::run::{Counts, Mode, ModeReason, Trigger};
use crate::domain::testing::hour;
use proptest::collection::vec;
use proptest::prelude::*;

/// Three failures in a row alert, or data of a day; reminders after 2, 4, 8, 8 … hours.
fn policy() -> Policy {
    let remind_after = [2, 4, 8].map(TimeDelta::hours).to_vec();
    Policy { after_failures: 3, stale_after: TimeDelta::hours(24), remind_after, ..Policy::default() }
}

/// Something that happens to a sync, after which it is decided whether to tell anybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Happening {
    Good,
    Unchanged,
    Failed,
    Held,
    HeldAgain,
    /// No run, only time.
    Nothing,
}
use Happening::{Failed, Good, Held, HeldAgain, Nothing, Unchanged};

fn run(id: u64, what: Happening, ended: DateTime<Utc>) -> Option<Run> {
    let held = |same_as| Outcome::Held { reasons: Vec::new(), same_as };
    let outcome = match what {
        Good => Outcome::Committed { generation: Generation(id) },
        Unchanged => Outcome::Unchanged,
        Failed => Outcome::Failed { error: format!("run {id} failed").into() },
        Held => held(None),
        HeldAgain => held(Some(RunId(1))),
        Nothing => return None,
    };
    Some(Run {
        id: RunId(id),
        directory: "main".into(),
        trigger: Trigger::Schedule,
        mode: Mode::Full,
        mode_reason: ModeReason::OnlyFull,
        server: "ldaps://dc1.org.example".into(),
        started: ended - TimeDelta::minutes(1),
        ended,
        outcome,
        counts: Counts::default(),
    })
}

/// Lives through what happens, each at its hour, and returns what is told: the hour and the decision, without the quiet ones.
fn tell(policy: &Policy, story: &[(i64, Happening)]) -> Vec<(i64, Decision)> {
    let mut health = Health::new(hour(0));
    let mut told = Vec::new();
    for (id, (at, what)) in (1..).zip(story) {
        if let Some(run) = run(id, *what, hour(*at)) {
            health = health.after(&run);
        }
        let decision = health.decide(policy, hour(*at));
        health = health.told(&decision, hour(*at));
        // Deciding again at the same moment adds nothing.
        assert!(matches!(health.decide(policy, hour(*at)), Decision::Quiet(_)), "{decision:?} twice");
        if !matches!(decision, Decision::Quiet(_)) {
            told.push((*at, decision));
        }
    }
    told
}

fn recovered(trouble: Trouble, since: i64) -> Decision {
    Decision::Recovered { trouble, since: hour(since) }
}

#[test]
fn the_third_failure_in_a_row_alerts_and_the_first_good_run_recovers() {
    let story = [(1, Failed), (2, Failed), (3, Failed), (4, Failed), (5, Unchanged), (6, Good)];
    assert_eq!(
        tell(&policy(), &story),
        [(3, Decision::Alert(Trouble::Failing)), (5, recovered(Trouble::Failing, 3))]
    );
}

#[test]
fn failures_with_a_good_run_between_them_are_not_in_a_row() {
    assert_eq!(
        tell(&policy(), &[(1, Failed), (2, Failed), (3, Good), (4, Failed), (5, Failed), (6, Unchanged)]),
        []
    );
}

#[test]
fn reminders_come_at_growing_intervals_and_stop_with_the_recovery() {
    let mut story = vec![(1, Failed), (1, Failed)];
    story.extend((1..32).map(|h| (h, Failed)));
    story.push((32, Good));
    story.extend((33..50).map(|h| (h, Nothing)));
    let remind = |at, n| (at, Decision::Remind(Trouble::Failing, n));
    assert_eq!(
        tell(&policy(), &story),
        [
            (1, Decision::Alert(Trouble::Failing)),
            remind(3, 1),
            remind(7, 2),
            remind(15, 3),
            remind(23, 4),
            remind(31, 5),
            (32, recovered(Trouble::Failing, 1))
        ]
    );
}

#[test]
fn without_intervals_nobody_is_reminded() {
    let policy = Policy { remind_after: Vec::new(), ..policy() };
    let story: Vec<_> = (1..100).map(|h| (h, Failed)).collect();
    assert_eq!(tell(&policy, &story).len(), 1);
}

#[test]
fn old_data_alerts_though_no_run_was_even_tried() {
    let story = [(0, Good), (24, Nothing), (25, Nothing), (26, Good)];
    assert_eq!(
        tell(&policy(), &story),
        [(25, Decision::Alert(Trouble::Stale)), (26, recovered(Trouble::Stale, 25))]
    );
    // Data that never came ages from when the directory became known.
    assert_eq!(tell(&policy(), &[(24, Nothing), (25, Nothing)]), [(25, Decision::Alert(Trouble::Stale))]);
}

#[test]
fn old_data_that_turns_into_failures_is_one_trouble() {
    let story = [(25, Nothing), (26, Failed), (26, Failed), (26, Failed), (27, Nothing), (28, Good)];
    let told = tell(&policy(), &story);
    assert_eq!(
        told,
        [
            (25, Decision::Alert(Trouble::Stale)),
            (27, Decision::Remind(Trouble::Failing, 1)),
            (28, recovered(Trouble::Failing, 25))
        ]
    );
}

#[test]
fn a_held_run_alerts_at_once_and_once_however_often_it_is_held_again() {
    let story = [(1, Held), (2, HeldAgain), (2, HeldAgain), (3, Good)];
    assert_eq!(
        tell(&policy(), &story),
        [(1, Decision::Alert(Trouble::Held)), (3, recovered(Trouble::Held, 1))]
    );
}

#[test]
fn failures_after_a_held_run_are_another_trouble_and_so_is_the_held_run_after_them() {
    let story = [(1, Held), (2, Failed), (2, Failed), (2, Failed), (3, HeldAgain), (4, Unchanged)];
    assert_eq!(
        tell(&policy(), &story),
        [
            (1, Decision::Alert(Trouble::Held)),
            (2, Decision::Alert(Trouble::Failing)),
            (3, Decision::Alert(Trouble::Held)),
            (4, recovered(Trouble::Held, 3))
        ]
    );
}

#[test]
fn a_held_run_does_not_make_the_data_younger() {
    let mut health = Health::new(hour(0));
    health = health.after(&run(1, Good, hour(1)).unwrap());
    health = health.after(&run(2, Held, hour(2)).unwrap());
    assert_eq!((health.last_good, health.held), (Some(hour(1)), Some(RunId(2))));
    health = health.after(&run(3, HeldAgain, hour(3)).unwrap());
    assert_eq!(health.held, Some(RunId(1)), "the run to approve is the first of them");
}

#[test]
fn a_single_failure_after_a_recovery_that_was_not_told_yet_is_waited_out() {
    let mut health = Health::new(hour(0));
    for n in 1..=3 {
        health = health.after(&run(n, Failed, hour(1)).unwrap());
    }
    health = health.told(&health.decide(&policy(), hour(1)), hour(1));
    // A good run and a failure, without a decision between them, as when the daemon is restarted.
    health = health.after(&run(4, Good, hour(2)).unwrap()).after(&run(5, Failed, hour(2)).unwrap());
    assert_eq!(health.decide(&policy(), hour(2)), Decision::Quiet(Quiet::NotYet));
    health = health.after(&run(6, Good, hour(3)).unwrap());
    assert_eq!(health.decide(&policy(), hour(3)), recovered(Trouble::Failing, 1));
}

#[test]
fn what_the_last_failure_said_is_kept_until_a_run_ends_well() {
    let mut health = Health::new(hour(0));
    health = health.after(&run(1, Failed, hour(1)).unwrap()).after(&run(2, Failed, hour(2)).unwrap());
    assert_eq!((health.failures, health.failing_since), (2, Some(hour(1))));
    assert_eq!(health.last_error.as_deref(), Some("run 2 failed"));
    health = health.after(&run(3, Unchanged, hour(3)).unwrap());
    assert_eq!(health, Health { last_good: Some(hour(3)), ..Health::new(hour(0)) });
}

#[test]
fn a_rejected_run_is_no_recovery_and_another_held_run_is_told_anew() {
    let policy = Policy {
        after_failures: 3,
        stale_after: TimeDelta::hours(99),
        remind_after: Vec::new(),
        ..Policy::default()
    };
    let alerted = |health: Health, at| {
        let decision = health.decide(&policy, hour(at));
        (health.told(&decision, hour(at)), decision)
    };
    let (health, first) = alerted(Health::new(hour(0)).after(&run(1, Held, hour(1)).unwrap()), 1);
    assert_eq!(first, Decision::Alert(Trouble::Held));
    // The same losses again: nothing new. Others: told at once.
    let (health, other) = alerted(health.after(&run(2, Held, hour(2)).unwrap()), 2);
    assert_eq!((other, health.held), (Decision::Alert(Trouble::Held), Some(RunId(2))));
    let (health, rejected) = alerted(health.rejected(), 3);
    assert_eq!((rejected, health.held), (Decision::Quiet(Quiet::Well), None));
}

/// What was told up to now, seen from outside.
#[derive(Default)]
struct Log {
    /// Since the last recovery: the troubles of the first words, and when each word was said.
    firsts: Vec<Trouble>,
    last_word: i64,
    reminders: usize,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn who_reads_the_mails_knows_how_the_sync_is_doing(
        after_failures in 0_u32..4,
        stale_after in 1_i64..40,
        remind_after in vec(1_i64..10, 0..4),
        steps in vec((0_i64..6, proptest::sample::select(&[Good, Unchanged, Failed, Failed, Failed, Held, HeldAgain, Nothing, Nothing])), 1..60),
    ) {
        let growing: Vec<i64> = remind_after.iter().scan(0, |sum, n| { *sum += n; Some(*sum) }).collect();
        let policy = Policy {
            after_failures,
            stale_after: TimeDelta::hours(stale_after),
            remind_after: growing.iter().map(|n| TimeDelta::hours(*n)).collect(),
            ..Policy::default()
        };
        let mut health = Health::new(hour(0));
        let mut history: Vec<(i64, Happening)> = Vec::new();
        let mut log = Log::default();
        let mut at = 0;
        for (id, (pause, what)) in (1..).zip(steps) {
            at += pause;
            let waited = health.held;
            if let Some(mut run) = run(id, what, hour(at)) {
                // It is the run that waits that wants the same.
                if let (HeldAgain, Outcome::Held { same_as, .. }, Some(_)) = (what, &mut run.outcome, health.held) {
                    *same_as = health.held;
                }
                health = health.after(&run);
                history.push((at, what));
            }
            let decision = health.decide(&policy, hour(at));
            health = health.told(&decision, hour(at));

            // How it is, from the whole history.
            let in_a_row = history.iter().rev().take_while(|(_, what)| *what == Failed).count();
            let answered = history.iter().rev().map(|(_, what)| *what).find(|what| *what != Failed);
            let waits = matches!(answered, Some(Held | HeldAgain));
            let good = history.iter().rev().find(|(_, what)| matches!(what, Good | Unchanged)).map_or(0, |(at, _)| *at);
            let trouble = if in_a_row >= after_failures.max(1) as usize {
                Some(Trouble::Failing)
            } else if waits {
                Some(Trouble::Held)
            } else if at - good > stale_after {
                Some(Trouble::Stale)
            } else {
                None
            };

            let is_held = |trouble: Option<&Trouble>| trouble.map(|t| *t == Trouble::Held);
            match decision {
                Decision::Alert(told) => {
                    prop_assert_eq!(Some(told), trouble);
                    // Never two first words on the same trouble, but for another run that waits.
                    let another = told == Trouble::Held && (what == Held || waited.is_none());
                    prop_assert!(another || is_held(log.firsts.last()) != is_held(Some(&told)));
                    log.firsts.push(told);
                    (log.last_word, log.reminders) = (at, 0);
                }
                Decision::Remind(told, number) => {
                    prop_assert_eq!(Some(told), trouble);
                    prop_assert!(!log.firsts.is_empty(), "a reminder of nothing");
                    let pause = growing.get(log.reminders).or(growing.last()).copied();
                    prop_assert!(pause.is_some_and(|pause| at - log.last_word >= pause), "too early");
                    (log.last_word, log.reminders) = (at, log.reminders + 1);
                    prop_assert_eq!(number as usize, log.reminders);
                }
                Decision::Recovered { trouble: was, .. } => {
                    prop_assert_eq!((trouble, in_a_row), (None, 0));
                    prop_assert!(!log.firsts.is_empty(), "a recovery from nothing");
                    prop_assert_eq!(is_held(log.firsts.last()), is_held(Some(&was)));
                    log = Log::default();
                }
                Decision::Quiet(why) => {
                    // Silence is right only if all is well, or it is too early, or it was said.
                    match why {
                        Quiet::Well => prop_assert!(trouble.is_none() && in_a_row == 0 && log.firsts.is_empty()),
                        Quiet::NotYet => prop_assert!(trouble.is_none() && in_a_row > 0),
                        Quiet::Told => {
                            prop_assert!(trouble.is_some() && is_held(log.firsts.last()) == is_held(trouble.as_ref()));
                            let pause = growing.get(log.reminders).or(growing.last()).copied();
                            prop_assert!(pause.is_none_or(|pause| at - log.last_word < pause), "a reminder is due");
                        }
                    }
                }
            }
        }
    }
}
