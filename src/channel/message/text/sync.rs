//! The words on a directory's sync: in trouble, well again, about to lose what it needs.

use chrono::{DateTime, Utc};
use minijinja::context;

use super::{AMBER, GREEN, Page, RED, plain};
use crate::channel::words::{Words, say};
use crate::domain::alert::Trouble;
use crate::domain::alert::lasting::{Lasting, Small};
use crate::domain::ids::DirectoryName;
use crate::domain::notice::{HeldFacts, QuarantineFacts, SyncTrouble};
use crate::domain::warning::{Due, DueReason, WarningKind};

impl Words {
    pub(super) fn sync_trouble(&self, t: &SyncTrouble) -> Page {
        let directory = &*t.directory.0;
        let title = match t.trouble {
            Trouble::Failing => say!(self, "sync-failing", directory = directory),
            Trouble::Stale => say!(self, "sync-stale", directory = directory),
            Trouble::Held => say!(self, "sync-held", directory = directory),
        };
        let what = match t.trouble {
            Trouble::Failing if t.failures < 2 => say!(self, "sync-failed-once"),
            Trouble::Failing => say!(self, "sync-failed-often", n = t.failures),
            Trouble::Stale => say!(self, "sync-stale-what"),
            Trouble::Held => say!(self, "sync-held-what"),
        };
        let meanwhile = match t.last_good {
            Some(at) => say!(self, "sync-meanwhile", at = self.time(at)),
            None => say!(self, "sync-meanwhile-none"),
        };
        let since = match t.reminder {
            0 => String::new(),
            n => format!(" {}", say!(self, "sync-reminder", n = n, at = self.time(t.since))),
        };
        let held = t.held.as_ref().filter(|_| t.trouble == Trouble::Held);
        Page {
            template: "sync_trouble",
            subject: title.clone(),
            heading: title,
            label: if t.reminder == 0 { "label-alert" } else { "label-reminder" },
            colour: if t.trouble == Trouble::Failing { RED } else { AMBER },
            preheader: None,
            content: context! {
                what => what,
                error => t.error.as_deref().filter(|_| t.trouble != Trouble::Held),
                held => held.map(|held| context! {
                    changes => held.changes.iter().map(|change| self.object(change)).collect::<Vec<_>>(),
                    more => held.more,
                }),
                reasons => held.map(|h| h.reasons.iter().map(|reason| self.hold(reason)).collect::<Vec<_>>()),
                meanwhile => format!("{meanwhile}{since}"),
                todo => self.todo(directory, held),
            },
        }
    }

    fn todo(&self, directory: &str, held: Option<&HeldFacts>) -> Vec<String> {
        match held {
            Some(held) => {
                let command = |verb: &str| format!("budkavle sync {verb} {}", held.run);
                vec![
                    say!(self, "sync-todo-list", command = command("show")),
                    say!(self, "sync-todo-approve", command = command("approve")),
                    say!(self, "sync-todo-reject", command = command("reject")),
                ]
            }
            None => vec![
                say!(self, "sync-todo-check", command = "budkavle check --online"),
                say!(self, "sync-todo-try", command = format!("budkavle sync --directory {directory}")),
                say!(
                    self,
                    "sync-todo-history",
                    command = format!("budkavle sync history --directory {directory}")
                ),
            ],
        }
    }

    pub(super) fn sync_recovered(
        &self,
        directory: &DirectoryName,
        trouble: Trouble,
        since: DateTime<Utc>,
        at: DateTime<Utc>,
    ) -> Page {
        let directory = &*directory.0;
        let was = match trouble {
            Trouble::Failing => "recovered-failing",
            Trouble::Stale => "recovered-stale",
            Trouble::Held => "recovered-held",
        };
        let lines =
            vec![say!(self, was, since = self.time(since)), say!(self, "recovered-at", at = self.time(at))];
        Page {
            heading: say!(self, "recovered-heading", directory = directory),
            ..plain(say!(self, "recovered-subject", directory = directory), "label-recovery", GREEN, lines)
        }
    }

    pub(super) fn ending(&self, directory: &DirectoryName, due: &Due) -> Page {
        let directory = &*directory.0;
        let (subject, heading, todo) = match due.warning.kind {
            WarningKind::Password => {
                ("ending-subject-password", "ending-heading-password", "ending-todo-password")
            }
            WarningKind::Account => {
                ("ending-subject-account", "ending-heading-account", "ending-todo-account")
            }
            WarningKind::ServerCertificate => {
                ("ending-subject-server", "ending-heading-server", "ending-todo-server")
            }
            WarningKind::ClientCertificate => {
                ("ending-subject-client", "ending-heading-client", "ending-todo-client")
            }
        };
        let (over, when) = match due.reason {
            DueReason::Over => (true, say!(self, "ending-over")),
            DueReason::Soon { days } => (false, say!(self, "ending-soon", days = days)),
        };
        let lines = vec![
            say!(self, "ending-day", about = &*due.warning.about, at = self.time(due.warning.at)),
            self.say(todo, &[]),
            say!(self, "ending-without", directory = directory),
        ];
        Page {
            heading: say!(self, heading, directory = directory, when = when.as_str()),
            ..plain(
                say!(self, subject, directory = directory, when = when),
                if over { "label-alert" } else { "label-warning" },
                if over { RED } else { AMBER },
                lines,
            )
        }
    }
}

impl Words {
    /// That many more objects are set aside.
    pub(super) fn quarantine(&self, facts: &QuarantineFacts) -> Page {
        let QuarantineFacts { directory, objects, before, run, some } = facts;
        let directory = &*directory.0;
        // What is wrong with each is told in English only: the command shows it.
        let named = some.iter().map(|(name, _)| name.to_string()).filter(|name| !name.is_empty());
        let named: Vec<String> = named.collect();
        let what = say!(self, "quarantine-what", directory = directory, n = *objects);
        let lines = [what, say!(self, "quarantine-before", n = *before), say!(self, "quarantine-stays")];
        let first = (!named.is_empty()).then(|| say!(self, "quarantine-some"));
        let all = say!(self, "quarantine-all", command = format!("budkavle sync show {run} --quarantined"));
        let lines = lines.into_iter().chain(first).chain(named).chain([all]).collect();
        plain(say!(self, "quarantine-title", directory = directory), "label-alert", AMBER, lines)
    }

    /// That there aren't so many any more.
    pub(super) fn quarantine_over(
        &self,
        directory: &DirectoryName,
        objects: u32,
        since: DateTime<Utc>,
    ) -> Page {
        let title = say!(self, "quarantine-over-title", directory = &*directory.0);
        let lines = vec![
            say!(self, "quarantine-over-what", n = objects),
            say!(self, "quarantine-over-since", at = self.time(since)),
        ];
        plain(title, "label-recovery", GREEN, lines)
    }

    /// What lasts though it is too small to alert.
    pub(super) fn lasting(&self, lasting: &[Lasting], more: u32) -> Page {
        let count = lasting.len() + usize::try_from(more).unwrap_or_default();
        let title = say!(self, "lasting-title", n = count);
        let line = |Lasting { small, since }: &Lasting| {
            let what = match small {
                Small::Failing { directory, error } => {
                    say!(self, "lasting-failing", directory = directory.to_string(), error = &**error)
                }
                Small::Quarantined { directory, objects } => {
                    say!(self, "lasting-quarantined", directory = directory.to_string(), n = *objects)
                }
                Small::Undone { directory, runs } => {
                    say!(self, "lasting-undone", directory = directory.to_string(), n = *runs)
                }
                Small::Misplaced { units } => say!(self, "lasting-misplaced", n = *units),
                Small::NoGroup { group } => say!(self, "lasting-no-group", group = &**group),
            };
            say!(self, "lasting-since", what = what, at = self.time(*since))
        };
        let rest = (more > 0).then(|| say!(self, "lasting-more", n = more));
        let look = say!(self, "lasting-look", command = "budkavle status");
        let lines: Vec<String> = lasting.iter().map(line).chain(rest).chain([look]).collect();
        Page {
            template: "plain",
            subject: title.clone(),
            heading: title,
            label: "label-warning",
            colour: AMBER,
            preheader: None,
            content: context! { lines },
        }
    }
}
