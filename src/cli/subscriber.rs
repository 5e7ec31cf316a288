//! `budkavle subscriber`: who outside wants to be told of outages.

use clap::Subcommand;

use super::client::{Client, segment};
use super::exit::{Exit, Trouble};
use super::outage::Severity;
use super::print::Out;
use crate::domain::subscriber::{Standing, Subscriber};
use crate::http::subscribers::SubscriberRequest;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle subscriber add drift@partner.example --service mail --severity major\n  budkavle subscriber list\n  budkavle subscriber remove drift@partner.example\n\nWhoever is added gets a mail with a link, and is told of outages once they have said there that they want it. Each mail has a link, and a header for mail\nprograms, by which they are taken off. It takes the pages of [public]."
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Ask somebody whether they want to be told of outages
    Add {
        /// Their address
        mail: String,
        /// Only of outages of this service, and of what it depends on
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
        /// Only of outages that are at least so bad
        #[arg(long, value_enum, default_value_t = Severity::Minor)]
        severity: Severity,
    },
    /// Who is subscribed, or was asked
    List,
    /// Take somebody off
    Remove {
        /// Their address, or their number
        who: String,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::Add { mail, services, severity } => {
            let severity = Some(severity.into());
            let request = SubscriberRequest { mail, services, severity };
            let answer: Subscriber = client.post("/v1/subscribers", &request).await?;
            out.answer(&answer, |out, s| {
                out.line(match s.standing {
                    Standing::Asked { .. } => format!("{} is asked whether they want it.", s.mail),
                    Standing::Confirmed { .. } => format!("{} is subscribed already.", s.mail),
                });
            });
        }
        Verb::List => {
            let all: Vec<Subscriber> = client.get("/v1/subscribers", &[]).await?;
            out.answer(&all, |out, all| {
                let row = |s: &Subscriber| {
                    let services: Vec<String> = s.services.iter().map(ToString::to_string).collect();
                    let services = if services.is_empty() { "all".to_owned() } else { services.join(", ") };
                    let standing = match s.standing {
                        Standing::Asked { at } => format!("asked {}", out.when(at)),
                        Standing::Confirmed { at } => format!("since {}", out.when(at)),
                    };
                    vec![s.id.to_string(), s.mail.to_string(), services, s.severity.to_string(), standing]
                };
                let header = ["no", "mail", "services", "at least", "standing"];
                out.table(&header, all.iter().map(row).collect(), "nobody is subscribed");
            });
        }
        Verb::Remove { who, why } => {
            let path = format!("/v1/subscribers/{}", segment(&who));
            let answer: Subscriber = client.delete(&path, why.as_deref()).await?;
            out.answer(&answer, |out, s| out.line(format!("{} isn't told any more.", s.mail)));
        }
    }
    Ok(Exit::Done)
}
