//! Which attribute of a directory's schema means what here.

use crate::domain::dn::Dn;
use crate::domain::shape::UnitsFrom;

/// Which attribute means what, and what is left out. The default is Active Directory's schema.
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
    /// The identity, 16 bytes.
    pub id: Box<str>,
    /// The account's name, of users and groups.
    pub account: Box<str>,
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
    /// When the account expires, as FILETIME ([MS-DTYP] 2.3.3).
    pub expires: Box<str>,
    /// The distinguished name of who is responsible for a unit.
    pub unit_manager: Box<str>,
    /// The distinguished names of a group's direct members.
    pub member: Box<str>,
    /// Where units come from. When it isn't from OUs, they count as containers.
    pub units: UnitsFrom,
    /// What is left out, with all that is below it.
    pub exclude: Vec<Dn>,
}

impl Default for Mapping {
    fn default() -> Mapping {
        let list = |names: &[&str]| names.iter().map(|name| Box::from(*name)).collect();
        Mapping {
            user_classes: list(&["user", "inetOrgPerson"]),
            not_user_classes: list(&["computer"]),
            unit_classes: list(&["organizationalUnit"]),
            group_classes: list(&["group"]),
            container_classes: list(&["container", "builtinDomain", "domainDNS", "lostAndFound"]),
            id: "objectGUID".into(),
            account: "sAMAccountName".into(),
            upn: "userPrincipalName".into(),
            name: "displayName".into(),
            mail: "mail".into(),
            phone: "telephoneNumber".into(),
            mobile: "mobile".into(),
            title: "title".into(),
            manager: "manager".into(),
            language: "preferredLanguage".into(),
            control: "userAccountControl".into(),
            expires: "accountExpires".into(),
            unit_manager: "managedBy".into(),
            member: "member".into(),
            units: UnitsFrom::Ous,
            exclude: Vec::new(),
        }
    }
}

impl Mapping {
    /// All attributes that are needed, to be asked of the server.
    pub fn attributes(&self) -> Vec<&str> {
        let mut all: Vec<&str> = [
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
        .into();
        for name in self.units.attributes() {
            if !all.iter().any(|other| other.eq_ignore_ascii_case(name)) {
                all.push(name);
            }
        }
        all
    }

    /// Whether an attribute says both which unit a user belongs to and something else of it.
    pub fn shares_unit_attributes(&self) -> bool {
        let plain = Mapping { units: UnitsFrom::Ous, exclude: Vec::new(), ..self.clone() };
        let shared = |name: &&str| plain.attributes().iter().any(|other| other.eq_ignore_ascii_case(name));
        self.units.attributes().iter().any(shared)
    }

    /// Where units come from and what is left out, in words for the same digest; none for OUs, and when nothing is left out.
    pub fn shape_words(&self) -> Vec<String> {
        let mut words = self.units.words();
        let mut excluded: Vec<String> = self.exclude.iter().map(|dn| dn.to_string().to_lowercase()).collect();
        excluded.sort_unstable();
        if !excluded.is_empty() {
            words.push("exclude".to_owned());
            words.extend(excluded);
        }
        words
    }

    /// All of it in words, for a digest that tells one mapping from another.
    pub fn words(&self) -> Vec<&str> {
        let classes = [&self.user_classes, &self.not_user_classes, &self.unit_classes, &self.group_classes];
        let mut words = self.attributes();
        for list in classes {
            words.push("");
            words.extend(list.iter().map(|class| &**class));
        }
        words
    }
}
