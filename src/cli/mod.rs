//! The command line: a file per verb. All but `run`, `demo`, `check`, `template`, `restore` and `store` are clients of the running daemon.

mod absence;
mod address;
mod audit;
mod backup;
mod bulk;
mod check;
mod client;
mod contacts;
mod coverage;
mod demo;
mod entitled;
mod exit;
mod feed;
mod heartbeat;
mod lists;
mod maintenance;
mod notice;
mod notify;
mod outage;
mod outbox;
mod print;
mod run;
mod service;
mod silence;
mod status;
mod store;
mod subject;
mod subscriber;
mod sync;
mod template;
mod time;
mod unit;
mod user;
mod whatif;
mod whoami;

use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use client::Client;
pub use exit::Exit;
use print::Out;

/// What is typed.
#[derive(Debug, Parser)]
#[command(
    name = "budkavle",
    version,
    about = "Knows who answers for whom, from Active Directory, and tells the right people when something breaks",
    after_help = "Examples:\n  budkavle demo                                  try everything, with nothing installed\n  budkavle check --online                        is the configuration right, and does every server answer?\n  budkavle contacts of asa.oberg --why           whom does she turn to, and why?\n  budkavle outage open \"Mail is down\" --severity major\n\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 held for approval, 4 the daemon isn't running.",
    arg_required_else_help = true,
    disable_help_subcommand = false
)]
pub struct Cli {
    /// The configuration
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "BUDKAVLE_CONFIG",
        default_value = "/etc/budkavle/budkavle.toml",
        help_heading = "Everywhere"
    )]
    config: PathBuf,
    /// The daemon's socket; by default the one that the configuration names
    #[arg(long, global = true, value_name = "PATH", env = "BUDKAVLE_SOCKET", help_heading = "Everywhere")]
    socket: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Show everything on this machine, with nothing else installed, in a temporary folder
    Demo(demo::Args),
    /// Run the daemon
    Run,
    /// Check the configuration, and with --online every server it names
    Check(check::Args),
    /// Sync the directories now, or look at earlier runs
    Sync(sync::Args),
    /// How the directories, the outbox, the notices that wait and the daemon are doing
    Status,
    /// Look up users
    User(user::Args),
    /// Look up units
    Unit(unit::Args),
    /// Whom to turn to, and who holds which role
    Contacts(contacts::Args),
    /// Reports, systems and whatever else somebody answers for
    Subject(subject::Args),
    /// Lists of people that others keep, such as the vendor's account managers
    Lists(lists::Args),
    /// The vendor's support: when it is there, the ways to it, whom to ask here
    Support,
    /// Who is away, and who stands in
    Absence(absence::Args),
    /// Who is there on each day of a period, and where nobody is
    Coverage(coverage::Args),
    /// Who would be contact for whom if somebody were away, gone or elsewhere; changes nothing
    Whatif(whatif::Args),
    /// Open, update, correct and resolve outages; those concerned get a mail each time
    Outage(outage::Args),
    /// Plan, move, cancel maintenance; it is told ahead, and begins and ends by the clock
    Maintenance(maintenance::Args),
    /// What people use, what depends on what, and who is told when it doesn't work
    Service(service::Args),
    /// What vendors' status pages say, and what becomes of it
    Feed(feed::Args),
    /// Give a sign of life for a job, or see which jobs gave one
    Heartbeat(heartbeat::Args),
    /// Who outside wants to be told of outages
    Subscriber(subscriber::Args),
    /// Tell nothing for a while of what is known already
    Silence(silence::Args),
    /// What is on its way, what arrived, what didn't
    Outbox(outbox::Args),
    /// Try whether mail arrives
    Notify(notify::Args),
    /// How notices look to those who get them
    Notice(notice::Args),
    /// Texts of notices in your own words
    Template(template::Args),
    /// Who changed what, when and why
    Audit(audit::Args),
    /// Who you are to the daemon, and what you may do
    #[command(
        after_help = "Examples:\n  budkavle whoami\n  budkavle --json whoami | jq '.grants[].units'\n\nWho may do what stands in [api] and [[administrator]] of the configuration."
    )]
    Whoami,
    /// Write everything the daemon knows into one file
    Backup(backup::BackupArgs),
    /// Put a backup back, while the daemon is stopped
    Restore(backup::RestoreArgs),
    /// Move everything between the folder and PostgreSQL, while the daemon is stopped
    Store(store::Args),
    /// Sign in by Kerberos for the daemon, which starts this by itself
    #[cfg(feature = "gssapi")]
    #[command(name = crate::kerberos::COMMAND, hide = true)]
    KerberosSignIn {
        #[arg(long)]
        principal: String,
        #[arg(long)]
        service: String,
    },
    /// Print the completions of a shell
    #[command(after_help = "Example:\n  budkavle completions bash > /etc/bash_completion.d/budkavle")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write all of them into a folder
    #[command(
        after_help = "Examples:\n  budkavle man | man -l -\n  budkavle man --into /usr/local/share/man/man1"
    )]
    Man {
        /// Write a page for each command into this folder
        #[arg(long, value_name = "FOLDER")]
        into: Option<PathBuf>,
    },
}

/// Runs what was typed.
pub fn run(cli: Cli) -> Exit {
    let out = Out::new(cli.json);
    match cli.verb {
        Verb::Run => run::run(&cli.config),
        Verb::Demo(args) => demo::run(args, &out),
        Verb::Check(args) => check::run(&args, &cli.config, &out),
        Verb::Restore(args) => backup::restore(&args, &cli.config, &out),
        Verb::Store(args) => store::run(&args, &cli.config, &out),
        Verb::Template(args) => template::run(args, &cli.config, &out),
        Verb::Notice(args) if args.needs_no_daemon() => notice::sample(&args, &cli.config, &out),
        Verb::Completions { shell } => completions(shell, &out),
        #[cfg(feature = "gssapi")]
        Verb::KerberosSignIn { principal, service } => kerberos_sign_in(&principal, &service),
        Verb::Man { into } => man(into, &out),
        verb => {
            let client = match Client::new(cli.socket, &cli.config) {
                Ok(client) => client,
                Err(exit) => return exit.tell(&out),
            };
            let work = async {
                // Programs are given times in UTC.
                let out = if out.json { out } else { out.on_clocks_of(client.zone().await?) };
                match verb {
                    Verb::Sync(args) => sync::run(args, &client, &out).await,
                    Verb::Status => status::run(&client, &out).await,
                    Verb::User(args) => user::run(args, &client, &out).await,
                    Verb::Unit(args) => unit::run(args, &client, &out).await,
                    Verb::Contacts(args) => contacts::run(args, &client, &out).await,
                    Verb::Subject(args) => subject::run(args, &client, &out).await,
                    Verb::Lists(args) => lists::run(args, &client, &out).await,
                    Verb::Support => lists::support(&client, &out).await,
                    Verb::Absence(args) => absence::run(args, &client, &out).await,
                    Verb::Coverage(args) => coverage::run(args, &client, &out).await,
                    Verb::Whatif(args) => whatif::run(args, &client, &out).await,
                    Verb::Outage(args) => outage::run(args, &client, &out).await,
                    Verb::Maintenance(args) => maintenance::run(args, &client, &out).await,
                    Verb::Service(args) => service::run(args, &client, &out).await,
                    Verb::Feed(args) => feed::run(args, &client, &out).await,
                    Verb::Heartbeat(args) => heartbeat::run(args, &client, &out).await,
                    Verb::Subscriber(args) => subscriber::run(args, &client, &out).await,
                    Verb::Silence(args) => silence::run(args, &client, &out).await,
                    Verb::Outbox(args) => outbox::run(args, &client, &out).await,
                    Verb::Notify(args) => notify::run(args, &client, &out).await,
                    Verb::Notice(args) => notice::run(args, &client, &out).await,
                    Verb::Audit(args) => audit::run(args, &client, &out).await,
                    Verb::Whoami => whoami::run(&client, &out).await,
                    Verb::Backup(args) => backup::run(args, &client, &out).await,
                    Verb::Run
                    | Verb::Demo(_)
                    | Verb::Check(_)
                    | Verb::Template(_)
                    | Verb::Restore(_)
                    | Verb::Store(_)
                    | Verb::Completions { .. }
                    | Verb::Man { .. } => Ok(Exit::Done),
                    #[cfg(feature = "gssapi")]
                    Verb::KerberosSignIn { .. } => Ok(Exit::Done),
                }
            };
            match exit::block_on(work) {
                Ok(Ok(exit)) => exit,
                Ok(Err(trouble)) | Err(trouble) => trouble.tell(&out),
            }
        }
    }
}

/// The daemon sees how it went; there is nobody else to tell.
#[cfg(feature = "gssapi")]
fn kerberos_sign_in(principal: &str, service: &str) -> Exit {
    match crate::kerberos::helper::run(principal, service, std::io::stdin().lock(), std::io::stdout().lock())
    {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Failed,
    }
}

fn completions(shell: clap_complete::Shell, out: &Out) -> Exit {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "budkavle", &mut text);
    out.raw(&text);
    Exit::Done
}

fn man(into: Option<PathBuf>, out: &Out) -> Exit {
    let done = match into {
        Some(folder) => clap_mangen::generate_to(Cli::command(), folder),
        None => {
            let mut page = Vec::new();
            let done = clap_mangen::Man::new(Cli::command()).render(&mut page);
            out.raw(&page);
            done
        }
    };
    match done {
        Ok(()) => Exit::Done,
        Err(error) => exit::Trouble::failed(format!("the manual can't be written: {error}")).tell(out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples that a command and those below it show, with what a shell would make of them left out.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().filter_map(|line| Some(line.strip_prefix("  budkavle ")?.trim().to_owned()));
        let shown = |line: String| -> String {
            // What it is for stands behind it.
            let line = line.split("   ").next().unwrap_or_default();
            let end = [" | ", " > "].iter().filter_map(|sign| line.find(sign)).min();
            line[..end.unwrap_or(line.len())].replace("$(date +%F)", "2026-11-28")
        };
        lines.map(shown).chain(command.get_subcommands().flat_map(examples)).collect()
    }

    #[test]
    fn every_example_can_be_typed() {
        let examples = examples(&Cli::command());
        assert!(examples.len() > 40, "{examples:?}");
        for example in examples {
            let words = shlex::split(&example).unwrap();
            if let Err(error) = Cli::try_parse_from([&["budkavle".to_owned()], &words[..]].concat()) {
                panic!("{example}: {error}");
            }
        }
    }
}
