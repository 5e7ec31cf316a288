//! `budkavle contacts`: whom to turn to, and who holds which role.

mod bulk;
mod digest;
mod follow;

use clap::Subcommand;

use super::client::{Client, segment};
use super::exit::{Exit, Trouble};
use super::print::{Out, or_dash, visible};
use super::time;
use crate::domain::contacts::{Contact, Step};
use crate::domain::organisation::Origin;
use crate::domain::past::Told;
use crate::domain::roles::Assignment;
use crate::http::answers::{ContactsAnswer, HoldingAnswer, HoldingsAt, PastAnswer};
use crate::http::edit::AssignRequest;

/// What to do.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  budkavle contacts of asa.oberg --why\n  budkavle contacts of --unit \"Vård / Hemtjänst\" --at 2026-07-15\n  budkavle contacts of asa.oberg --at \"2026-03-02 09:00\" --why   (who was it then?)\n  budkavle contacts of --role outage\n  budkavle contacts assign local --user soren.odegard --unit Hemtjänst\n  budkavle contacts assign global --mail it@kommun.example --name \"IT-stöd\" --phone \"040-12 34 56\"\n  budkavle contacts list --role local --at 2026-03-02\n  budkavle contacts revoke 12\n  budkavle contacts assign report --subject Heroma --user asa.oberg\n  budkavle contacts of --subject Heroma --why\n  budkavle contacts export > contacts.csv\n  budkavle contacts import contacts.csv --dry-run\n  budkavle contacts changes --since 2026-07-01\n  budkavle contacts orphans\n  budkavle contacts digest anna.svensson --mail"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Whom a user, a unit or everybody turns to
    Of {
        /// The user who asks: account, address, UPN, name or GUID
        user: Option<String>,
        /// Ask for a unit instead: its path, name or GUID
        #[arg(long, conflicts_with = "user")]
        unit: Option<String>,
        /// Ask for a directory instead (role ad-sync)
        #[arg(long, conflicts_with_all = ["user", "unit"])]
        directory: Option<String>,
        /// Ask for a report or a system instead: its name (`budkavle subject list`)
        #[arg(long, conflicts_with_all = ["user", "unit", "directory"])]
        subject: Option<String>,
        /// Which role; local for a user or a unit, report for a subject, global for everybody
        #[arg(long)]
        role: Option<String>,
        /// At that time: one to come, with the absences that are planned; or one that is past, as it was known then (docs/past.md)
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        at: Option<time::Typed>,
        /// Say which units were passed, and who was skipped and why
        #[arg(long)]
        why: bool,
    },
    /// Who holds which role
    List {
        /// Only this role
        #[arg(long)]
        role: Option<String>,
        /// Only at this unit and below
        #[arg(long)]
        unit: Option<String>,
        /// Only for this subject
        #[arg(long)]
        subject: Option<String>,
        /// At that time; one that is past: as it was known then
        #[arg(long, value_name = "TIME", value_parser = time::parse)]
        at: Option<time::Typed>,
    },
    /// Assign a role
    Assign(AssignArgs),
    /// Print a table of all assignments that can be imported again
    Export(bulk::ExportArgs),
    /// Take everything in a table (CSV or JSON); what is there already stays, and one mistake stops all of it
    Import(bulk::ImportArgs),
    /// Which units got other contacts, when and why
    Changes(follow::ChangesArgs),
    /// What nobody answers for, and who holds a role in vain
    Orphans(follow::OrphansArgs),
    /// What somebody is contact for, how many people that is, and who stands in
    Digest(digest::DigestArgs),
    /// Who is entitled by a role, for the vendor, and what is different from what was last given out
    Entitled(super::entitled::EntitledArgs),
    /// End an assignment
    Revoke {
        /// Its number, as `contacts list` shows it
        assignment: u64,
        /// The reason, for the audit log
        #[arg(long)]
        why: Option<String>,
    },
}

#[derive(Debug, clap::Args)]
struct AssignArgs {
    /// Which role, such as local, global, outage, support, login, system-owner or password-helper; config/roles.toml has them all
    role: String,
    /// Who: account, address, UPN, name or GUID
    #[arg(long, required_unless_present = "mail")]
    user: Option<String>,
    /// The address of somebody outside, or one in place of the user's own
    #[arg(long)]
    mail: Option<String>,
    /// The name of somebody outside
    #[arg(long, conflicts_with = "user")]
    name: Option<String>,
    /// A phone number, in place of the user's own
    #[arg(long)]
    phone: Option<String>,
    /// At this unit and below; without it a local contact is one for their own unit, whichever that is
    #[arg(long)]
    unit: Option<String>,
    /// Only for this directory (role ad-sync)
    #[arg(long, conflicts_with = "unit")]
    directory: Option<String>,
    /// For this report or system (role report)
    #[arg(long, conflicts_with_all = ["unit", "directory"])]
    subject: Option<String>,
    /// The order among several, the lowest first
    #[arg(long, default_value_t = 0)]
    rank: u16,
    /// From when on
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    from: Option<time::Typed>,
    /// Until when; a mere date means the whole of that day
    #[arg(long, value_name = "TIME", value_parser = time::parse_end)]
    until: Option<time::Typed>,
    /// Take somebody whose main unit is another one
    #[arg(long)]
    any_unit: bool,
    /// The reason, for the audit log
    #[arg(long)]
    why: Option<String>,
}

pub async fn run(args: Args, client: &Client, out: &Out) -> Result<Exit, Trouble> {
    match args.verb {
        Verb::Of { user, unit, directory, subject, role, at, why } => {
            let fallback = match (&user, &unit, &directory, &subject) {
                (None, None, None, None) => Some("global".to_owned()),
                (None, None, Some(_), None) => Some("ad-sync".to_owned()),
                _ => None,
            };
            let query = [
                ("user", user),
                ("unit", unit),
                ("directory", directory),
                ("subject", subject),
                ("role", role.or(fallback)),
                ("at", time::text(at.as_ref(), client).await?),
            ];
            let answer: ContactsAnswer = client.get("/v1/contacts/of", &query).await?;
            out.answer(&answer, |out, answer| print(out, answer, why));
            Ok(if answer.answer.contacts.is_empty() { Exit::Failed } else { Exit::Done })
        }
        Verb::List { role, unit, subject, at: Some(at) } => {
            let path = format!("/v1/contacts/at/{}", segment(&at.at(client).await?.to_rfc3339()));
            let query = [("role", role), ("unit", unit), ("subject", subject)];
            let then: HoldingsAt = client.get(&path, &query).await?;
            out.answer(&then, |out, then| {
                as_of(out, then.past.as_ref());
                holdings(out, &then.holdings);
            });
            Ok(Exit::Done)
        }
        Verb::List { role, unit, subject, at: None } => {
            let query = [("role", role), ("unit", unit), ("subject", subject)];
            let list: Vec<HoldingAnswer> = client.get("/v1/contacts", &query).await?;
            out.answer(&list, |out, list| holdings(out, list));
            Ok(Exit::Done)
        }
        Verb::Assign(a) => {
            let request = AssignRequest {
                role: a.role,
                user: a.user,
                mail: a.mail,
                name: a.name,
                phone: a.phone,
                unit: a.unit,
                directory: a.directory,
                subject: a.subject,
                rank: a.rank,
                from: time::at(a.from.as_ref(), client).await?,
                until: time::at(a.until.as_ref(), client).await?,
                any_unit: a.any_unit,
                why: a.why,
            };
            let answer: HoldingAnswer = client.post("/v1/contacts", &request).await?;
            out.answer(&answer, |out, a| {
                let number = a.assignment.map_or_else(String::new, |n| format!(" (assignment {n})"));
                out.line(format!("{} holds {} for {}{number}.", a.holder, a.role, a.place));
                if let Some(reason) = &a.skipped {
                    out.line(format!("But {} doesn't count now: {reason}.", a.holder));
                }
            });
            Ok(Exit::Done)
        }
        Verb::Export(args) => bulk::export(args, client, out).await,
        Verb::Import(args) => bulk::import(args, client, out).await,
        Verb::Changes(args) => follow::changes(args, client, out).await,
        Verb::Orphans(args) => follow::orphans(args, client, out).await,
        Verb::Digest(args) => digest::run(args, client, out).await,
        Verb::Entitled(args) => super::entitled::run(args, client, out).await,
        Verb::Revoke { assignment, why } => {
            let gone: Assignment =
                client.delete(&format!("/v1/contacts/{assignment}"), why.as_deref()).await?;
            out.answer(&gone, |out, gone| {
                out.line(format!("Assignment {} of {} has ended.", gone.id, gone.role));
            });
            Ok(Exit::Done)
        }
    }
}

/// Of when an answer is, how that is known, and what isn't certain; nothing for what is not past.
pub fn as_of(out: &Out, past: Option<&PastAnswer>) {
    let Some(PastAnswer { told, uncertain }) = past else { return };
    let Told { as_of, runs, edits, .. } = told;
    let many = |n: &u32, what: &str| format!("{n} {what}{}", if *n == 1 { "" } else { "s" });
    let since = match (runs, edits) {
        (0, 0) => "nothing has changed since".to_owned(),
        _ => format!("{} and {} since then are taken back", many(runs, "run"), many(edits, "edit")),
    };
    out.line(format!("As it was known on {} ({since}):", out.when(*as_of)));
    uncertain.iter().for_each(|note| out.line(format!("Not certain: {}", visible(note))));
}

fn print(out: &Out, a: &ContactsAnswer, why: bool) {
    as_of(out, a.past.as_ref());
    let contacts = &a.answer.contacts;
    if contacts.is_empty() {
        out.line(format!("Nobody: no contact for {} counts for {}.", a.role, visible(&a.asker)));
    } else {
        out.line(format!("{} turns to ({}):", visible(&a.asker), a.role));
        for contact in contacts {
            out.line(format!("  {}", person(contact)));
        }
    }
    if why {
        out.line(format!("\nWhy, on {}:", out.when(a.at)));
        if let Some(note) = &a.note {
            out.line(format!("  {}", visible(note)));
        }
        trail(out, &a.answer.trail, a.zone);
        for contact in contacts {
            let origin = match &contact.origin {
                Origin::Assigned(id) => format!("by assignment {id}"),
                Origin::Group(name) => format!("as a member of the group {name}"),
                Origin::ManagedBy => "as the unit's managedBy".to_owned(),
                Origin::Attribute(value) => format!("by {value}"),
                Origin::List(name) => format!("by the list {name}"),
            };
            let deputy = contact.deputy_for.as_ref().map(|d| format!(", deputy for {d}")).unwrap_or_default();
            out.line(format!("  {} holds {} {origin}{deputy}", visible(&contact.name), contact.role));
        }
    }
}

/// Every place that was looked at, and who doesn't count there.
pub fn trail(out: &Out, trail: &[Step], zone: chrono_tz::Tz) {
    for step in trail {
        out.line(format!("  {}", place(step)));
        for skipped in &step.skipped {
            out.line(format!("    {}: {}", visible(&skipped.name), visible(&skipped.reason.in_zone(zone))));
        }
    }
}

/// A contact on one line.
pub fn person(c: &Contact) -> String {
    let parts = [
        c.title.as_ref().map(|t| format!("{}, {t}", c.name)).or_else(|| Some(c.name.to_string())),
        Some(c.mail.to_string()),
        c.phone.as_ref().map(ToString::to_string),
        c.mobile.as_ref().map(ToString::to_string),
        c.deputy_for.as_ref().map(|d| format!("(deputy for {d})")),
    ];
    visible(&parts.into_iter().flatten().collect::<Vec<_>>().join("  "))
}

fn place(step: &Step) -> String {
    let found = match step.found {
        0 if step.skipped.is_empty() => "nobody".to_owned(),
        0 => "nobody who counts".to_owned(),
        n => format!("{n} found"),
    };
    match &step.subject {
        Some(subject) => format!("{} of {}: {found}", step.role, visible(&subject.0)),
        None => format!("{} at {}: {found}", step.role, visible(&step.unit_name)),
    }
}

/// A table of those who hold roles.
pub fn holdings(out: &Out, list: &[HoldingAnswer]) {
    let row = |h: &HoldingAnswer| {
        let state = match (&h.skipped, &h.deputy) {
            (Some(reason), _) => reason.clone(),
            (None, Some(deputy)) => format!("away; {deputy} stands in"),
            (None, None) => "counts".to_owned(),
        };
        let number = h.assignment.map_or_else(|| h.origin.clone(), |n| n.to_string());
        vec![
            number,
            h.role.to_string(),
            h.place.clone(),
            h.holder.to_string(),
            or_dash(h.mail.as_ref()),
            or_dash(h.phone.as_ref()),
            state,
        ]
    };
    let header = ["no", "role", "for", "holder", "mail", "phone", "state"];
    out.table(
        &header,
        list.iter().map(row).collect(),
        "nobody holds a role here; assign one with `budkavle contacts assign`",
    );
}
