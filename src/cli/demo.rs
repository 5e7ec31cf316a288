//! `budkavle demo`: the main job on one machine with nothing else installed, in a temporary folder.

mod cast;
mod stage;

use std::path::PathBuf;

use super::client::Client;
use super::exit::{Exit, Trouble};
use super::print::Out;
use super::{absence, contacts, outage, status, sync};
use crate::runtime::clock::Clock;
use cast::Cast;
use stage::Stage;

/// How the tour goes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle demo                          a tour, and then it stays up for your own questions\n  budkavle demo --exit                   only the tour\n  budkavle demo --ldif export.ldf        with your own organisation: ldifde -f export.ldf, or ldapsearch -LLL"
)]
pub struct Args {
    /// One's own organisation: LDIF as ldifde or ldapsearch write it
    #[arg(long, value_name = "FILE")]
    ldif: Option<PathBuf>,
    /// End after the tour
    #[arg(long)]
    exit: bool,
}

pub fn run(args: Args, out: &Out) -> Exit {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            return Trouble::failed(format!("the system refuses what is needed to run: {error}")).tell(out);
        }
    };
    match runtime.block_on(tour(args, &Out::new(false))) {
        Ok(()) => Exit::Done,
        Err(trouble) => trouble.tell(out),
    }
}

async fn tour(args: Args, out: &Out) -> Result<(), Trouble> {
    let own = args.ldif.is_some();
    let mut stage = Stage::set(args.ldif, args.exit).await?;
    let client = stage.client()?;
    let out = &out.on_clocks_of(client.zone().await?);
    out.line(format!(
        "Budkavle {} shows what it does, in {}",
        env!("CARGO_PKG_VERSION"),
        stage.folder().display()
    ));

    say(out, "A directory is read: users, units and groups, here from an LDIF file.");
    typed(out, "sync history");
    stage.first_sync().await?;
    show(sync::run(parse(&["history"])?, &client, out).await)?;

    let cast = if own { Cast::find(&stage.organisation())? } else { Cast::sample() };
    say(out, "Somebody is made responsible, and one of them goes on leave.");
    for words in cast.assignments() {
        typed(out, &format!("contacts {}", quoted(&words)));
        show(contacts::run(parse(&words)?, &client, out).await)?;
    }
    if let Some(words) = cast.absence(Clock::System.now().date_naive()) {
        typed(out, &format!("absence {}", quoted(&words)));
        show(absence::run(parse(&words)?, &client, out).await)?;
    }

    say(out, "Whom does a user turn to? The nearest who is there; and every answer has its reasons.");
    let words = vec!["of".to_owned(), cast.asker.clone(), "--why".to_owned()];
    typed(out, &format!("contacts {}", quoted(&words)));
    show(contacts::run(parse(&words)?, &client, out).await)?;

    say(
        out,
        "Something breaks: the outage contacts get a mail each (here a file; no mail leaves this machine).",
    );
    let words = [
        "open",
        "The patient records can't be reached",
        "--severity",
        "critical",
        "--service",
        "records",
        "--text",
        "Sign-in times out since 07:40. We are looking into it.",
    ];
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    typed(out, &format!("outage {}", quoted(&words)));
    show(outage::run(parse(&words)?, &client, out).await)?;
    out.line(stage.next_mail("Outage").await?);

    say(
        out,
        "The directory breaks: its export is cut off in the middle of an entry. Nothing is lost, and the AD-sync contact is alerted.",
    );
    stage.break_directory()?;
    typed(out, "sync");
    show(sync::run(parse::<sync::Args>(&NO_WORDS)?, &client, out).await)?;
    out.line(stage.next_mail("Directory sync").await?);

    say(out, "It is mended, and the contact hears that, too.");
    stage.mend_directory()?;
    typed(out, "sync");
    show(sync::run(parse::<sync::Args>(&NO_WORDS)?, &client, out).await)?;
    out.line(stage.next_mail("well again").await?);

    typed(out, "status");
    show(status::run(&client, out).await)?;
    if args.exit {
        say(out, "That was the tour.");
        return stage.end().await;
    }
    say(out, "That was the tour. The daemon stays up; try, in another terminal:");
    let program = std::env::current_exe().map_or_else(|_| "budkavle".to_owned(), |p| p.display().to_string());
    out.line(format!("  export BUDKAVLE_SOCKET={}", stage.socket().display()));
    for example in [
        format!("contacts of {} --why", cast.asker),
        "unit tree".to_owned(),
        "user find holm".to_owned(),
        "outage resolve 1 --text \"It works again.\"".to_owned(),
        "outbox list".to_owned(),
        "audit".to_owned(),
    ] {
        out.line(format!("  {program} {example}"));
    }
    out.line(format!(
        "\nThe mails lie in {}, the directory is {}.",
        stage.mails().display(),
        stage.ldif().display()
    ));
    out.line("Ctrl-C ends it and removes the folder.");
    stage.wait().await
}

const NO_WORDS: [&str; 0] = [];

/// A sentence between the scenes.
fn say(out: &Out, text: &str) {
    out.line(format!("\n── {text}"));
}

/// The command that is shown.
fn typed(out: &Out, command: &str) {
    out.line(format!("\n$ budkavle {command}"));
}

/// A scene that fails to be as expected (a held run, a failed one) is part of the show; one that can't be played is not.
fn show(played: Result<Exit, Trouble>) -> Result<(), Trouble> {
    played.map(|_| ())
}

fn parse<A: clap::Args>(words: &[impl AsRef<str>]) -> Result<A, Trouble> {
    let command = A::augment_args(clap::Command::new("budkavle").no_binary_name(true));
    let matches = command.try_get_matches_from(words.iter().map(AsRef::as_ref)).map_err(Trouble::failed)?;
    A::from_arg_matches(&matches).map_err(Trouble::failed)
}

fn quoted(words: &[String]) -> String {
    let quote = |w: &String| if w.contains([' ', '\'']) { format!("\"{w}\"") } else { w.clone() };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

impl Stage {
    fn client(&self) -> Result<Client, Trouble> {
        Client::new(Some(self.socket()), self.folder())
    }
}
