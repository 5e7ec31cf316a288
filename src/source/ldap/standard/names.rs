//! Who is meant by a name: directories of these kinds refer by distinguished name or by account, and objects are known by identity.

use std::collections::{BTreeSet, HashMap};

use ldap3::Scope;

use crate::domain::decode::{Mapping, account_key, without_bits};
use crate::domain::dn::Dn;
use crate::domain::entry::{Entry, TooLarge};
use crate::domain::follow::Follow;
use crate::domain::ids::Guid;
use crate::source::SourceError;
use crate::source::ldap::session::{Search, Session};

/// So many names are looked up one by one; with more, all names are read at once.
const ONE_BY_ONE: usize = 300;

/// What is known of names in one run.
pub(super) struct Names<'a> {
    mapping: &'a Mapping,
    bases: Vec<&'a str>,
    /// By name; None: nothing bears it.
    ids: HashMap<String, Option<Guid>>,
    dns: HashMap<Guid, String>,
    accounts: HashMap<Box<str>, BTreeSet<Guid>>,
    called: HashMap<Guid, Box<str>>,
    looked_up: usize,
    all_read: bool,
}

impl<'a> Names<'a> {
    pub(super) fn new(mapping: &'a Mapping, bases: Vec<&'a str>, follow: &Follow<'_>) -> Names<'a> {
        let mut names = Names {
            mapping,
            bases,
            ids: HashMap::new(),
            dns: HashMap::new(),
            accounts: HashMap::new(),
            called: HashMap::new(),
            looked_up: 0,
            all_read: false,
        };
        if !mapping.member_account.is_empty() {
            for (account, id) in follow.known_accounts() {
                names.call(id, account_key(account));
            }
        }
        names
    }

    /// Takes what an entry tells of names.
    pub(super) fn note(&mut self, entry: &Entry) {
        let Some(id) = self.mapping.id_of(entry) else {
            return;
        };
        if let Some(key) = key(&entry.dn) {
            self.ids.insert(key, Some(id));
            self.dns.insert(id, entry.dn.clone());
        }
        let account = entry.first(&self.mapping.account).and_then(|value| str::from_utf8(value).ok());
        if let Some(account) =
            account.filter(|_| self.called.contains_key(&id) || is_user(entry, self.mapping))
        {
            self.call(id, account_key(account));
        }
    }

    fn call(&mut self, id: Guid, account: Box<str>) {
        if let Some(before) = self.called.insert(id, account.clone())
            && let Some(bearers) = self.accounts.get_mut(&before)
        {
            bearers.remove(&id);
        }
        self.accounts.entry(account).or_default().insert(id);
    }

    /// The name of an object that an entry told.
    pub(super) fn dn(&self, id: Guid) -> Option<&str> {
        self.dns.get(&id).map(String::as_str)
    }

    /// The account of a user.
    pub(super) fn account(&self, id: Guid) -> Option<&str> {
        self.called.get(&id).map(|account| &**account)
    }

    /// The entries as if they came from a directory that refers by identity: what stands above, who is meant. None when it can't
    /// be told what stands above one of them.
    pub(super) async fn by_identity(
        &mut self,
        session: &mut Session<'_>,
        entries: &[Entry],
        bases: &BTreeSet<Guid>,
    ) -> Result<Option<Vec<Entry>>, SourceError> {
        let (m, mut wanted) = (self.mapping, BTreeSet::new());
        for entry in entries {
            self.note(entry);
        }
        for entry in entries {
            wanted.extend(parent(&entry.dn));
            for name in [&m.manager, &m.unit_manager, &m.member, &m.unique_member] {
                wanted.extend(
                    entry
                        .values(name)
                        .filter_map(|value| str::from_utf8(without_bits(value)).ok()?.parse::<Dn>().ok())
                        .map(|dn| dn.to_string()),
                );
            }
        }
        self.look_up(session, wanted).await?;
        let mut whole = Vec::new();
        for entry in entries {
            let id = m.id_of(entry);
            let above = parent(&entry.dn).and_then(|dn| self.who(&dn));
            let is_base = id.is_some_and(|id| bases.contains(&id));
            if above.is_none() && !is_base {
                return Ok(None);
            }
            let made = self.made(entry, above.filter(|_| !is_base));
            whole.push(made.map_err(|error| session.incomplete(&entry.dn, error.to_string()))?);
        }
        Ok(Some(whole))
    }

    fn made(&self, entry: &Entry, above: Option<Guid>) -> Result<Entry, TooLarge> {
        let m = self.mapping;
        let mut made = Entry::new(entry.dn.as_str());
        let refers = |name: &str| {
            [&m.manager, &m.unit_manager, &m.member, &m.unique_member]
                .iter()
                .any(|n| n.eq_ignore_ascii_case(name))
        };
        for attribute in entry.attributes() {
            let base = attribute.base();
            if !m.member_account.is_empty() && m.member_account.eq_ignore_ascii_case(base) {
                for value in attribute.values() {
                    let account = str::from_utf8(value).map(account_key).unwrap_or_default();
                    for id in self.accounts.get(&account).into_iter().flatten() {
                        made.add(&m.member, [format!("<GUID={id}>").as_bytes()])?;
                    }
                }
            } else if refers(base) {
                for value in attribute.values() {
                    let dn =
                        str::from_utf8(without_bits(value)).ok().and_then(|text| text.parse::<Dn>().ok());
                    match dn {
                        Some(dn) => {
                            if let Some(id) = self.who(&dn.to_string()) {
                                made.add(attribute.name(), [format!("<GUID={id}>").as_bytes()])?;
                            }
                        }
                        // That it is no name is told when it is decoded.
                        None => made.add(attribute.name(), [value])?,
                    }
                }
            } else {
                made.add(attribute.name(), attribute.values())?;
            }
        }
        if let Some(above) = above {
            made.add("parentGUID", [&above.0[..]])?;
        }
        Ok(made)
    }

    fn who(&self, dn: &str) -> Option<Guid> {
        self.ids.get(&key(dn)?).copied().flatten()
    }

    async fn look_up(
        &mut self,
        session: &mut Session<'_>,
        names: BTreeSet<String>,
    ) -> Result<(), SourceError> {
        let unknown: Vec<String> =
            names.into_iter().filter(|dn| key(dn).is_some_and(|key| !self.ids.contains_key(&key))).collect();
        if self.all_read || unknown.is_empty() {
            return Ok(());
        }
        self.looked_up += unknown.len();
        if self.looked_up > ONE_BY_ONE {
            self.all_read = true;
            for base in self.bases.clone() {
                let attributes = vec![&*self.mapping.id];
                let search = Search { base, scope: Scope::Subtree, filter: "(objectClass=*)", attributes };
                session.pages(&search, |entries| entries.iter().for_each(|entry| self.note(entry))).await?;
            }
            return Ok(());
        }
        for dn in unknown {
            let found = match session.look(&dn, vec![&self.mapping.id]).await {
                Ok(found) => found,
                // Nothing bears the name; or it is elsewhere, or none at all.
                Err(SourceError::BaseNotFound { .. } | SourceError::Referral { .. }) => None,
                Err(SourceError::Refused { answer, .. }) if matches!(answer.code, 34 | 50) => None,
                Err(error) => return Err(error),
            };
            if let Some(key) = key(&dn) {
                let id = found.and_then(|entry| self.mapping.id_of(&entry));
                self.ids.insert(key, id);
            }
        }
        Ok(())
    }
}

fn is_user(entry: &Entry, mapping: &Mapping) -> bool {
    let is = |class: &[u8]| mapping.user_classes.iter().any(|one| one.as_bytes().eq_ignore_ascii_case(class));
    entry.values("objectClass").any(is)
}

fn parent(dn: &str) -> Option<String> {
    Some(dn.parse::<Dn>().ok()?.parent()?.to_string())
}

/// The same for all ways to write a name.
fn key(dn: &str) -> Option<String> {
    let mut key = String::new();
    for rdn in dn.parse::<Dn>().ok()?.rdns() {
        let mut part = String::new();
        rdn.write_key(&mut part);
        // With its length, so that no two names have one key.
        key.push_str(&part.len().to_string());
        key.push(':');
        key.push_str(&part);
    }
    Some(key)
}
