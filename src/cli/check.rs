//! `budkavle check`: the configuration, and with `--online` every server it names.

use std::io::IsTerminal;
use std::path::Path;

use serde::Serialize;
use serde_json::json;

use super::exit::{Exit, Trouble, block_on};
use super::print::{Out, visible};
use crate::config::{self, Config, Environment, Findings, Look};
use crate::runtime::probe::{self, Finding, Verdict};

/// How far to check.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle check                 the file, and whether what it names can be written; no server\n  budkavle check --online        signs in to every directory and mail server, and sends nothing, signs of life neither"
)]
pub struct Args {
    /// Try every server named
    #[arg(long)]
    online: bool,
}

/// Loads a configuration; every mistake at once is the error.
pub fn load(file: &Path) -> Result<(Config, Findings), Trouble> {
    config::load(file, &Environment::of_process())
        .map_err(|mistakes| Trouble::usage(mistakes.render(look(std::io::stderr().is_terminal()))))
}

#[derive(Serialize)]
struct Answer {
    findings: serde_json::Value,
    files: Vec<Finding>,
    servers: Vec<Finding>,
}

pub fn run(args: &Args, file: &Path, out: &Out) -> Exit {
    let (config, findings) = match config::load(file, &Environment::of_process()) {
        Ok(loaded) => loaded,
        Err(mistakes) => {
            out.answer(&json!({ "findings": mistakes.to_json() }), |out, _| {
                out.line(mistakes.render(look(std::io::stdout().is_terminal())).trim_end());
            });
            return Exit::Usage;
        }
    };
    let servers = if args.online { block_on(probe::all(&config)) } else { Ok(Vec::new()) };
    let servers = match servers {
        Ok(servers) => servers,
        Err(trouble) => return trouble.tell(out),
    };
    let answer = Answer { findings: findings.to_json(), files: probe::files(&config), servers };
    out.answer(&answer, |out, answer| {
        if !findings.is_empty() {
            out.line(findings.render(look(std::io::stdout().is_terminal())).trim_end());
        }
        out.line(format!("The configuration {} is right: {}.", file.display(), overview(&config)));
        for finding in answer.files.iter().chain(&answer.servers) {
            let mark = match finding.verdict {
                Verdict::Right => "✓",
                Verdict::Doubtful => "!",
                Verdict::Wrong => "✗",
            };
            out.line(format!(
                "{mark} {}: {}",
                visible(&finding.what),
                visible(&finding.text).replace('\n', "\n    ")
            ));
        }
        if !args.online {
            out.line("No server was asked; `budkavle check --online` does.");
        }
    });
    let wrong = answer.files.iter().chain(&answer.servers).any(|f| f.verdict == Verdict::Wrong);
    if wrong { Exit::Failed } else { Exit::Done }
}

fn overview(config: &Config) -> String {
    let names: Vec<&str> = config.directories.iter().map(|d| &*d.name.0).collect();
    let mail = match &config.mail.transport {
        config::Transport::Smtp(smtp) => format!("mail by {}", smtp.host),
        config::Transport::Graph(graph) => {
            format!("mail by {}", graph.web.url.host_str().unwrap_or_default())
        }
        config::Transport::File { folder } => format!("mail into {}", folder.display()),
    };
    format!(
        "{}, {mail}",
        if names.len() == 1 {
            format!("directory {}", names.concat())
        } else {
            format!("directories {}", names.join(", "))
        }
    )
}

fn look(terminal: bool) -> Look {
    Look::suited(terminal, std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty()))
}
