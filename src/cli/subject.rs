//! `budkavle subject`: what somebody answers for that is no unit.

use clap::Subcommand;

use super::client::{Client, segment};
use super::contacts;
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, visible};
use crate::domain::subject::Subject;
use crate::http::answers::{SubjectAnswer, SubjectLine};
use crate::http::subjects::{ChangeRequest, SubjectRequest};

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle subject add Heroma --title \"Pay and staff\" --owner \"Personal\"\n  budkavle contacts assign report --subject Heroma --user asa.oberg\n  budkavle contacts of --subject Heroma --why\n  budkavle subject change Heroma --owner \"Ekonomi\"\n  budkavle subject list\n\nWhen none of a subject's own contacts counts, the local contacts of its owner answer, and those above."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Add a report, a system, or whatever else somebody answers for
    Add {
        /// Its short name: letters, digits, "-", "_" and "."
        name: String,
        /// What it is
        #[arg(long)]
        title: Option<String>,
        /// The unit that it belongs to: its path, name or GUID
        #[arg(long, value_name = "UNIT")]
        owner: Option<String>,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
    /// Change a subject; what isn't named stays as it is
    Change {
        /// Its name
        name: String,
        /// What it is; "" for its name
        #[arg(long)]
        title: Option<String>,
        /// The unit that it belongs to; "" for none
        #[arg(long, value_name = "UNIT")]
        owner: Option<String>,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
    /// All subjects, and who answers for them now
    List,
    /// A subject, and who holds a role for it
    Show {
        /// Its name
        name: String,
    },
    /// Remove a subject for which nobody holds a role any more
    Remove {
        /// Its name
        name: String,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let path = |name: &str| format!("/v1/subjects/{}", segment(name));
    match args.verb {
        Verb::Add { name, title, owner, why } => {
            let request = SubjectRequest { name, title, owner, why };
            let line: SubjectLine = client.post("/v1/subjects", &request).await?;
            out.answer(&line, told);
        }
        Verb::Change { name, title, owner, why } => {
            let line: SubjectLine = client.patch(&path(&name), &ChangeRequest { title, owner, why }).await?;
            out.answer(&line, told);
        }
        Verb::List => {
            let list: Vec<SubjectLine> = client.get("/v1/subjects", &[]).await?;
            out.answer(&list, |out, list| {
                let header = ["name", "title", "owner", "who answers"];
                out.table(
                    &header,
                    list.iter().map(row).collect(),
                    "there is no subject yet; add one with `budkavle subject add`",
                );
            });
        }
        Verb::Show { name } => {
            let answer: SubjectAnswer = client.get(&path(&name), &[]).await?;
            out.answer(&answer, |out, answer| {
                told(out, &answer.line);
                contacts::holdings(out, &answer.holds);
            });
        }
        Verb::Remove { name, why } => {
            let gone: Subject = client.delete(&path(&name), why.as_deref()).await?;
            out.answer(&gone, |out, gone| out.line(format!("{} is removed.", gone.name)));
        }
    }
    Ok(Exit::Done)
}

fn row(line: &SubjectLine) -> Vec<String> {
    let owner = line.owner_path.as_ref().or(line.problem.as_ref());
    vec![line.subject.name.to_string(), line.subject.title.to_string(), or_dash(owner), answering(line)]
}

fn answering(line: &SubjectLine) -> String {
    match &line.by {
        Some(role) => format!("{} ({role})", line.contacts.join(", ")),
        None => "nobody".to_owned(),
    }
}

fn told(out: &Out, line: &SubjectLine) {
    let Subject { name, title, .. } = &line.subject;
    let owner = line.owner_path.as_ref().map(|path| format!("it belongs to {path}"));
    let owner = owner.or_else(|| line.problem.clone()).unwrap_or_default();
    out.line(visible(&format!("{name} ({title}): {owner}; {} answers.", answering(line))));
}
