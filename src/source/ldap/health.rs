//! Which servers are in trouble, and in what order they are tried. The calculation only: it is told the time and what happened.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::backoff::Backoff;

/// How long a server that failed is left alone: from half a minute up to an hour.
const PAUSES: Backoff = Backoff { first: TimeDelta::seconds(30), longest: TimeDelta::hours(1) };

/// What is known of a directory's servers, by their URLs. One that isn't in it is believed to work.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct ServerHealth {
    troubles: BTreeMap<Box<str>, Trouble>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Trouble {
    /// How often in a row.
    failures: u32,
    /// Until when it is tried only if there is no other.
    until: DateTime<Utc>,
}

impl ServerHealth {
    /// The order in which servers are tried: the one that was read `last` first, the others as they are given; those in a pause
    /// after all that are in none, the pause that ends first in front.
    ///
    /// Staying with one server keeps what was read of it comparable: two controllers replicate on their own clocks.
    pub(super) fn order<S: ToString>(
        &self,
        servers: Vec<S>,
        last: Option<&str>,
        now: DateTime<Utc>,
    ) -> Vec<S> {
        let mut keyed: Vec<_> = servers
            .into_iter()
            .map(|server| {
                let name = server.to_string();
                let pause = self.troubles.get(name.as_str()).map(|t| t.until).filter(|until| *until > now);
                ((pause, last != Some(name.as_str())), server)
            })
            .collect();
        // None comes before any time, and the sort keeps the order of equals.
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, server)| server).collect()
    }

    /// Notes that a server failed; returns until when it is left alone. `chance` is a random number from 0 to 1.
    pub(super) fn failed(&mut self, server: &str, now: DateTime<Utc>, chance: f64) -> DateTime<Utc> {
        let trouble = self.troubles.entry(server.into()).or_insert(Trouble { failures: 0, until: now });
        trouble.failures = trouble.failures.saturating_add(1);
        trouble.until = now + PAUSES.delay(trouble.failures, chance);
        trouble.until
    }

    /// Notes that a server worked.
    pub(super) fn worked(&mut self, server: &str) {
        self.troubles.remove(server);
    }

    /// Forgets the troubles of servers that aren't there any more.
    pub(super) fn keep<'a>(&mut self, servers: impl Iterator<Item = &'a str>) {
        let there: std::collections::BTreeSet<&str> = servers.collect();
        self.troubles.retain(|name, _| there.contains(&**name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn order(health: &ServerHealth, last: Option<&str>, seconds: i64) -> String {
        health.order(vec!["a", "b", "c"], last, START + TimeDelta::seconds(seconds)).concat()
    }

    #[test]
    fn the_server_that_was_read_last_stays_first_as_long_as_it_works() {
        let mut health = ServerHealth::default();
        assert_eq!(order(&health, None, 0), "abc");
        assert_eq!(order(&health, Some("b"), 0), "bac");
        assert_eq!(order(&health, Some("gone"), 0), "abc");
        health.failed("b", START, 0.5);
        assert_eq!(order(&health, Some("b"), 29), "acb");
        assert_eq!(order(&health, Some("b"), 30), "bac", "the pause is over");
        assert_eq!(order(&health, Some("c"), 30), "cab", "and another has taken its place meanwhile");
    }

    #[test]
    fn the_pause_grows_with_each_failure_and_ends_with_a_success() {
        let mut health = ServerHealth::default();
        let pause = |health: &mut ServerHealth| (health.failed("a", START, 0.5) - START).num_seconds();
        assert_eq!([pause(&mut health), pause(&mut health), pause(&mut health)], [30, 60, 120]);
        health.worked("a");
        assert_eq!(health, ServerHealth::default());
        assert_eq!(pause(&mut health), 30);
        health.keep(["b"].into_iter());
        assert_eq!(health, ServerHealth::default());
    }

    #[test]
    fn when_all_are_in_a_pause_the_one_that_ends_first_is_tried_first() {
        let mut health = ServerHealth::default();
        health.failed("a", START, 0.5);
        health.failed("a", START, 0.5);
        health.failed("c", START, 0.5);
        assert_eq!(order(&health, Some("a"), 0), "bca");
        health.failed("b", START, 0.9);
        assert_eq!(order(&health, Some("a"), 0), "cba");
    }

    proptest! {
        #[test]
        fn every_server_is_tried_once_and_those_that_work_before_those_that_do_not(
            failures in prop::collection::vec(("[a-h]", 0..4000_i64), 0..20), last in proptest::option::of("[a-h]"), now in 0..4000_i64
        ) {
            let mut health = ServerHealth::default();
            for (server, at) in &failures {
                health.failed(server, START + TimeDelta::seconds(*at), 0.5);
            }
            let now = START + TimeDelta::seconds(now);
            let servers: Vec<String> = ('a'..='h').map(String::from).collect();
            let order = health.order(servers.clone(), last.as_deref(), now);
            let paused = |s: &String| health.troubles.get(s.as_str()).is_some_and(|t| t.until > now);
            prop_assert!(order.is_sorted_by_key(paused));
            if let Some(last) = last.filter(|last| !paused(last)) {
                prop_assert_eq!(&order[0], &last);
            }
            let mut sorted = order;
            sorted.sort();
            prop_assert_eq!(sorted, servers);
        }
    }
}
