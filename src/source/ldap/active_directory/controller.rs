//! What a domain controller says of itself and of its numbers.

use ldap3::Scope;
use ldap3::controls::RawControl;

use super::EXTENDED_DN;
use super::dirsync::DIRSYNC;
use crate::domain::entry::Entry;
use crate::domain::ids::Guid;
use crate::domain::run::{ModeReason, UsnPosition};
use crate::source::SourceError;
use crate::source::ldap::session::{Search, Session};

pub(in crate::source::ldap) const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// Where the deleted objects of a naming context are, whatever the container is called ([MS-ADTS] 6.1.1.4.1).
const DELETED_OBJECTS: &str = "18E2EA80684F11D2B9AA00C04F79F805";
/// In days, where none is set ([MS-ADTS] 6.1.1.2.4.1.1).
const TOMBSTONE_LIFETIME: u32 = 60;

/// A domain controller.
pub(in crate::source::ldap) struct Controller {
    id: Option<Guid>,
    invocation: Option<Guid>,
    highest: Option<u64>,
    configuration: Option<String>,
    pub has_dirsync: bool,
    shows_deleted: bool,
}

impl Controller {
    /// Who answers; None when it is no domain controller.
    pub(in crate::source::ldap) async fn find(
        session: &mut Session<'_>,
    ) -> Result<Option<Controller>, SourceError> {
        let wanted =
            ["supportedControl", "dsServiceName", "highestCommittedUSN", "configurationNamingContext"];
        let root = look(session, "", &wanted).await?;
        let has = |oid: &str| root.values("supportedControl").any(|value| value == oid.as_bytes());
        let Some(service) = text(&root, "dsServiceName").filter(|_| has(EXTENDED_DN)) else {
            return Ok(None);
        };
        let settings = look(session, &service, &["objectGUID", "invocationId"]).await?;
        Ok(Some(Controller {
            id: guid(&settings, "objectGUID"),
            invocation: guid(&settings, "invocationId"),
            highest: number(&root),
            configuration: text(&root, "configurationNamingContext"),
            has_dirsync: has(DIRSYNC),
            shows_deleted: has(SHOW_DELETED),
        }))
    }

    /// Whether it is this one, with the same numbers.
    pub(super) fn is(&self, other: &Controller) -> bool {
        let known = |it: &Controller| Some((it.id?, it.invocation?));
        known(self).is_some() && known(self) == known(other)
    }

    /// How far its numbers had come at the start; None when it can't be known again.
    pub(super) fn at(&self) -> Option<UsnPosition> {
        let (controller, invocation) = (Some(self.id?), Some(self.invocation?));
        Some(UsnPosition { controller, invocation, highest: self.highest? })
    }

    /// Whether what follows a position is to be had here; numbers are of use at their own controller `only_here`.
    pub(super) fn goes_on_from(&self, position: UsnPosition, only_here: bool) -> Result<(), ModeReason> {
        let Some(here) = self.at().filter(|_| position.controller.is_some() && position.invocation.is_some())
        else {
            return Err(ModeReason::NoPosition);
        };
        if here.controller != position.controller {
            return if only_here { Err(ModeReason::OtherServer) } else { Ok(()) };
        }
        if here.invocation != position.invocation || here.highest < position.highest {
            return Err(ModeReason::Restored);
        }
        Ok(())
    }

    /// How far its numbers have come by now.
    pub(super) async fn at_now(&self, session: &mut Session<'_>) -> Result<Option<UsnPosition>, SourceError> {
        let highest = number(&look(session, "", &["highestCommittedUSN"]).await?);
        Ok(self.at().and_then(|at| Some(UsnPosition { highest: highest?, ..at })))
    }

    /// For how many days it remembers what was deleted.
    pub(super) async fn tombstone_lifetime(&self, session: &mut Session<'_>) -> Result<u32, SourceError> {
        let Some(configuration) = &self.configuration else {
            return Ok(TOMBSTONE_LIFETIME);
        };
        let service = format!("CN=Directory Service,CN=Windows NT,CN=Services,{configuration}");
        let found = look(session, &service, &["tombstoneLifetime"]).await?;
        let days = text(&found, "tombstoneLifetime").and_then(|days| days.parse().ok());
        Ok(days.unwrap_or(TOMBSTONE_LIFETIME))
    }

    /// Whether deletions can be asked for by the numbers, too.
    pub(super) fn shows_deleted(&self) -> bool {
        self.shows_deleted
    }
}

/// Whether the account may see what was deleted: a name without attributes isn't enough.
pub(in crate::source::ldap) async fn sees_deletions(
    session: &mut Session<'_>,
    context: &str,
) -> Result<bool, SourceError> {
    let base = deleted_objects(context);
    let attributes = vec!["objectClass"];
    let search = Search { base: &base, scope: Scope::Base, filter: "(objectClass=*)", attributes };
    let (found, result) = session.run(&search, vec![show_deleted()]).await?;
    if matches!(result.rc, 12 | 32 | 50) {
        return Ok(false);
    }
    session.judge(&search, &result)?;
    Ok(found.entries.first().is_some_and(|entry| entry.first("objectClass").is_some()))
}

pub(super) fn deleted_objects(context: &str) -> String {
    format!("<WKGUID={DELETED_OBJECTS},{context}>")
}

pub(super) fn show_deleted() -> RawControl {
    RawControl { ctype: SHOW_DELETED.to_owned(), crit: true, val: None }
}

/// An entry, empty when it can't be seen.
async fn look(session: &mut Session<'_>, dn: &str, attributes: &[&str]) -> Result<Entry, SourceError> {
    match session.look(dn, attributes.to_vec()).await {
        Ok(found) => Ok(found.unwrap_or_default()),
        Err(SourceError::BaseNotFound { .. }) => Ok(Entry::default()),
        Err(SourceError::Refused { answer, .. }) if answer.code == 50 => Ok(Entry::default()),
        Err(error) => Err(error),
    }
}

fn text(entry: &Entry, name: &str) -> Option<String> {
    let text = str::from_utf8(entry.first(name)?).ok()?;
    Some(crate::domain::decode::extended::split(text).1.to_owned()).filter(|text| !text.is_empty())
}

fn guid(entry: &Entry, name: &str) -> Option<Guid> {
    entry.first(name)?.try_into().ok().map(Guid)
}

fn number(root: &Entry) -> Option<u64> {
    text(root, "highestCommittedUSN")?.parse().ok()
}
