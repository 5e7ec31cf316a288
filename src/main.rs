//! Parse the arguments, run one command, turn its result into an exit code.

use budkavle::cli::{Cli, Exit, run};
use clap::Parser;

fn main() -> Exit {
    run(Cli::parse())
}
