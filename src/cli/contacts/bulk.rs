//! `budkavle contacts export` and `budkavle contacts import`.

use std::path::PathBuf;

use crate::cli::bulk::{Changes, contents, format_of, word};
use crate::cli::client::Client;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::print::Out;
use crate::domain::roles::sheet::COLUMNS;
use crate::flow::assignments::Imported;

/// What to write.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    /// What to write it in
    #[arg(long, value_parser = ["csv", "json"], default_value = "csv")]
    format: String,
}

/// What to read, and how.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle contacts export > contacts.csv\n  budkavle contacts import contacts.csv --dry-run\n  budkavle contacts import contacts.csv --replace --dry-run\n\nA table (CSV) has a first line with the names of its columns: role, and user, or name and mail for somebody outside; if wanted unit, directory or subject, rank, phone, from, until, any_unit. JSON is a list of objects with these keys."
)]
pub struct ImportArgs {
    /// The file, `-` for the standard input
    file: PathBuf,
    /// Only say what would happen
    #[arg(long)]
    dry_run: bool,
    /// End every assignment that isn't in the file
    #[arg(long)]
    replace: bool,
    /// What it is written in; found out by itself
    #[arg(long, value_parser = ["csv", "json"])]
    format: Option<String>,
    /// The reason, for the audit log
    #[arg(long)]
    why: Option<String>,
}

pub async fn export(args: ExportArgs, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    // For programs, JSON is what they ask for.
    let format = if out.json { "json" } else { &*args.format };
    out.raw(&client.get_bytes("/v1/contacts/export", &[("format", format)]).await?);
    Ok(Exit::Done)
}

pub async fn import(args: ImportArgs, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    let bytes = contents(&args.file)?;
    let format = args.format.as_deref().unwrap_or_else(|| format_of(&bytes));
    if format == "ics" {
        let text = "a calendar has no contacts in it; `budkavle absence import` takes it".to_owned();
        return Err(Trouble { exit: Exit::Usage, text });
    }
    let mut query =
        vec![("format", format), ("dry_run", word(args.dry_run)), ("replace", word(args.replace))];
    query.extend(args.why.as_deref().map(|why| ("why", why)));
    let done: Imported = client.post_bytes("/v1/contacts/import", &query, bytes).await?;
    out.answer(&done, |out, done| {
        let changes = Changes {
            header: COLUMNS.iter().map(|column| column.name).collect(),
            added: done.added.iter().map(|line| line.cells().into()).collect(),
            changed: (done.changed.iter())
                .map(|changed| (changed.before.cells().into(), changed.after.cells().into()))
                .collect(),
            ended: done.ended.iter().map(|line| line.cells().into()).collect(),
            unchanged: done.unchanged,
        };
        changes.print(out, args.dry_run);
    });
    Ok(Exit::Done)
}
