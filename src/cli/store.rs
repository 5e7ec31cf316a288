//! `budkavle store`: moving everything from one kind of store to the other, while no daemon runs.

use std::path::Path;

use super::check;
use super::exit::{Exit, Trouble, block_on};
use super::print::Out;
use crate::runtime::clock::Clock;
use crate::runtime::migrate::{self, Kind};

/// What is done to it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Move everything from the folder to PostgreSQL, or back
    #[command(
        after_help = "No daemon may run, on no node. What is moved stays where it was, too. It is compared afterwards: every record is counted and checksummed. Cut short, the same command goes on where it was; until the end no daemon starts on a database that is half filled.\n\nExample:\n  systemctl stop budkavle\n  runuser -u budkavle -- budkavle store migrate --from sled --to postgresql\n  systemctl start budkavle"
    )]
    Migrate(Migrate),
}

#[derive(Debug, clap::Args)]
struct Migrate {
    /// Where everything is
    #[arg(long)]
    from: Kind,
    /// Where it is to be
    #[arg(long)]
    to: Kind,
    /// Put what is in the folder aside first
    #[arg(long)]
    replace: bool,
}

pub fn run(args: &Args, config: &Path, out: &Out) -> Exit {
    let Verb::Migrate(Migrate { from, to, replace }) = &args.verb;
    let work = || {
        if from == to {
            return Err(Trouble::usage("--from and --to are the same; there is nothing to move"));
        }
        let (config, _) = check::load(config)?;
        let moved = migrate::migrate(&config, *to, *replace, Clock::System);
        block_on(moved)?.map_err(Trouble::failed)
    };
    match work() {
        Ok(moved) => {
            out.answer(&moved, |out, moved| {
                let counts: Vec<String> =
                    moved.counts.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
                out.line(format!("Moved and compared: {}.", counts.join(", ")));
            });
            Exit::Done
        }
        Err(trouble) => trouble.tell(out),
    }
}
