//! Which attribute of a directory's schema means what here.

use super::extended;
use super::identity::{Identity, parse_uuid};
use crate::domain::dn::Dn;
use crate::domain::entry::Entry;
use crate::domain::ids::Guid;
use crate::domain::roles::AttributeGrant;
use crate::domain::shape::UnitsFrom;

/// The schemas that are known; each is where a [`Mapping`] begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Schema {
    /// Active Directory's.
    #[default]
    ActiveDirectory,
    /// People as `inetOrgPerson` (RFC 2798), groups that name their members by distinguished name (RFC 4519 §3.5, §3.6).
    InetOrgPerson,
    /// Accounts and groups of Unix (RFC 2307), whose members are named by their account; or by distinguished name, as in RFC 2307bis.
    Rfc2307,
}

/// In which unit the number is that says when an account expires. Generalized time (RFC 4517 §3.3.13) is understood besides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// 100 nanoseconds since 1601 ([MS-DTYP] 2.3.3).
    Filetime,
    /// Days since 1970, as `shadowExpire` (RFC 2307 §3, shadow(5)).
    Days,
}

/// Which attribute means what, and what is left out. The default is Active Directory's schema. An empty name is an attribute that there isn't.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// An entry of one of these classes is a user …
    pub user_classes: Vec<Box<str>>,
    /// … unless it is of one of these, too.
    pub not_user_classes: Vec<Box<str>>,
    /// An entry of one of these classes is a unit.
    pub unit_classes: Vec<Box<str>>,
    /// An entry of one of these classes is a group.
    pub group_classes: Vec<Box<str>>,
    /// An entry of one of these classes is neither, but may have some of these below it.
    pub container_classes: Vec<Box<str>>,
    /// The identity: 16 bytes, or a text that says as much ([`Mapping::identity`]).
    pub id: Box<str>,
    /// The account's name; of groups, too, where [`group_account`](Mapping::group_account) is empty.
    pub account: Box<str>,
    /// What a group is called for machines.
    pub group_account: Box<str>,
    /// The user principal name.
    pub upn: Box<str>,
    /// What people call a user.
    pub name: Box<str>,
    /// The mail address.
    pub mail: Box<str>,
    /// The telephone number.
    pub phone: Box<str>,
    /// The mobile telephone number.
    pub mobile: Box<str>,
    /// The title.
    pub title: Box<str>,
    /// The manager's distinguished name.
    pub manager: Box<str>,
    /// The language tag.
    pub language: Box<str>,
    /// The account's flags ([MS-ADTS] 2.2.16).
    pub control: Box<str>,
    /// An account with one of these is disabled when its value says so: TRUE, as `nsAccountLock` has it, or `000001010000Z`, which in
    /// `pwdAccountLockedTime` means for good. Any other time in that one is a lock after wrong passwords that ends by itself.
    pub locks: Vec<Box<str>>,
    /// When the account expires.
    pub expires: Box<str>,
    /// In which unit that is.
    pub expiry: Expiry,
    /// The distinguished name of who is responsible for a unit.
    pub unit_manager: Box<str>,
    /// The distinguished names of a group's direct members. Never empty.
    pub member: Box<str>,
    /// The same, each with a string of bits behind it at will (RFC 4517 §3.3.21).
    pub unique_member: Box<str>,
    /// The accounts of a group's direct members.
    pub member_account: Box<str>,
    /// Where units come from. When it isn't from OUs, they count as containers.
    pub units: UnitsFrom,
    /// What is left out, with all that is below it.
    pub exclude: Vec<Dn>,
    /// Attributes that some role is granted by, with the values that count.
    pub marks: Vec<AttributeGrant>,
    /// The absences of a user ([`said`](crate::domain::absence::said)).
    pub absence: Box<str>,
}

impl Default for Mapping {
    fn default() -> Mapping {
        Mapping {
            user_classes: list(&["user", "inetOrgPerson"]),
            not_user_classes: list(&["computer"]),
            unit_classes: list(&["organizationalUnit"]),
            group_classes: list(&["group"]),
            container_classes: list(&["container", "builtinDomain", "domainDNS", "lostAndFound"]),
            id: "objectGUID".into(),
            account: "sAMAccountName".into(),
            group_account: "".into(),
            upn: "userPrincipalName".into(),
            name: "displayName".into(),
            mail: "mail".into(),
            phone: "telephoneNumber".into(),
            mobile: "mobile".into(),
            title: "title".into(),
            manager: "manager".into(),
            language: "preferredLanguage".into(),
            control: "userAccountControl".into(),
            locks: Vec::new(),
            expires: "accountExpires".into(),
            expiry: Expiry::Filetime,
            unit_manager: "managedBy".into(),
            member: "member".into(),
            unique_member: "".into(),
            member_account: "".into(),
            units: UnitsFrom::Ous,
            exclude: Vec::new(),
            marks: Vec::new(),
            absence: "".into(),
        }
    }
}

impl Schema {
    /// Its attributes and classes.
    pub fn mapping(self) -> Mapping {
        let standard = Mapping {
            user_classes: list(&["inetOrgPerson"]),
            not_user_classes: Vec::new(),
            group_classes: list(&["groupOfNames", "groupOfUniqueNames"]),
            container_classes: list(&[
                "dcObject",
                "domain",
                "organization",
                "locality",
                "country",
                "nsContainer",
            ]),
            id: "entryUUID".into(),
            account: "uid".into(),
            group_account: "cn".into(),
            upn: "".into(),
            control: "".into(),
            locks: list(&["nsAccountLock", "pwdAccountLockedTime"]),
            expires: "pwdEndTime".into(),
            expiry: Expiry::Days,
            unit_manager: "".into(),
            unique_member: "uniqueMember".into(),
            ..Mapping::default()
        };
        match self {
            Schema::ActiveDirectory => Mapping::default(),
            Schema::InetOrgPerson => standard,
            Schema::Rfc2307 => Mapping {
                user_classes: list(&["posixAccount"]),
                group_classes: list(&["posixGroup"]),
                name: "cn".into(),
                expires: "shadowExpire".into(),
                member_account: "memberUid".into(),
                ..standard
            },
        }
    }
}

impl Mapping {
    /// All attributes that are needed, to be asked of the server.
    pub fn attributes(&self) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.always().into_iter().chain(self.sometimes()).filter(|name| !name.is_empty()).collect();
        let marks = self.marks.iter().map(|mark| &*mark.attribute);
        let absence = Some(&*self.absence).filter(|name| !name.is_empty());
        for name in self.units.attributes().into_iter().chain(marks).chain(absence) {
            if !all.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                all.push(name);
            }
        }
        all
    }

    /// All of it in words, for a digest that tells one mapping from another.
    pub fn words(&self) -> Vec<&str> {
        let classes = [&self.user_classes, &self.not_user_classes, &self.unit_classes, &self.group_classes];
        let mut words = self.always();
        for list in classes {
            words.push("");
            words.extend(list.iter().map(|class| &**class));
        }
        // Active Directory has none of these, and its digest mustn't change.
        if self.sometimes().iter().any(|name| !name.is_empty()) || self.expiry != Expiry::Filetime {
            words.push(match self.expiry {
                Expiry::Filetime => "filetime",
                Expiry::Days => "days",
            });
            words.extend(self.sometimes());
        }
        words
    }

    /// The identity that a value of [`id`](Mapping::id) gives.
    pub fn identity(&self, value: &[u8]) -> Option<Guid> {
        match Identity::of(&self.id) {
            Identity::Bytes => value.try_into().ok().map(Guid),
            Identity::Uuid | Identity::NsUniqueId => parse_uuid(value),
        }
    }

    /// Who an entry is, by its extended DN or by [`id`](Mapping::id); None when it doesn't say so, or not in this way.
    pub fn id_of(&self, entry: &Entry) -> Option<Guid> {
        let extended = if self.has_bytes_for_id() { extended::split(&entry.dn).0 } else { None };
        extended.or_else(|| self.identity(entry.first(&self.id)?))
    }

    /// Whether [`id`](Mapping::id) is 16 bytes, as Active Directory has it, rather than a text.
    pub fn has_bytes_for_id(&self) -> bool {
        Identity::of(&self.id) == Identity::Bytes
    }

    /// Whether [`id`](Mapping::id) is the one that only 389 Directory Server has.
    pub fn has_ns_unique_id(&self) -> bool {
        Identity::of(&self.id) == Identity::NsUniqueId
    }

    /// An identity as it is written in a filter (RFC 4515).
    pub fn assertion(&self, id: Guid) -> String {
        Identity::of(&self.id).assertion(id)
    }

    /// The attribute that names a group for machines.
    pub fn account_of_groups(&self) -> &str {
        if self.group_account.is_empty() { &self.account } else { &self.group_account }
    }

    fn always(&self) -> Vec<&str> {
        vec![
            "objectClass",
            &self.id,
            &self.account,
            &self.upn,
            &self.name,
            &self.mail,
            &self.phone,
            &self.mobile,
            &self.title,
            &self.manager,
            &self.language,
            &self.control,
            &self.expires,
            &self.unit_manager,
            &self.member,
        ]
    }

    /// Whether an attribute says two things of a user, of which one is kept only in part: which unit it belongs to, that it holds a role, or
    /// that it is away.
    pub fn shares_attributes(&self) -> bool {
        let plain = self.always().into_iter().chain(self.sometimes());
        let mut names: Vec<String> = plain.map(str::to_lowercase).collect();
        let (marks, absence) = (self.marks.iter().map(|mark| &*mark.attribute), Some(&*self.absence));
        let more = self.units.attributes().into_iter().chain(marks).chain(absence);
        let more: Vec<String> = more.filter(|name| !name.is_empty()).map(str::to_lowercase).collect();
        more.into_iter().any(|name| {
            let shared = names.contains(&name);
            names.push(name);
            shared
        })
    }

    /// Where units come from, what is left out, and what else is read of users, in words for the same digest; none for OUs, and when nothing
    /// is left out and no role is granted by an attribute.
    pub fn shape_words(&self) -> Vec<String> {
        let mut words = self.units.words();
        let mut excluded: Vec<String> = self.exclude.iter().map(|dn| dn.to_string().to_lowercase()).collect();
        excluded.sort_unstable();
        if !excluded.is_empty() {
            words.push("exclude".to_owned());
            words.extend(excluded);
        }
        for AttributeGrant { attribute, values } in &self.marks {
            words.extend(["mark".to_owned(), attribute.to_lowercase()]);
            words.extend(values.iter().map(|value| value.to_lowercase()));
        }
        if !self.absence.is_empty() {
            words.extend(["absence".to_owned(), self.absence.to_lowercase()]);
        }
        words
    }

    fn sometimes(&self) -> Vec<&str> {
        let mut names: Vec<&str> = vec![&self.group_account, &self.unique_member, &self.member_account];
        names.extend(self.locks.iter().map(|name| &**name));
        names
    }
}

fn list(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| Box::from(*name)).collect()
}
