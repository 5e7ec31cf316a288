//! A user, kept small: there may be a million of them.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};

use super::ids::{DirectoryName, Guid, UnitId, UserId};
use super::mailbox::{Address, Mailable};
use super::shape::BETWEEN;

/// A person with an account.
///
/// Its texts lie in one piece of memory, which takes half the room that one piece for each takes. So they are read by methods,
/// and written by making a user of [`UserFields`].
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "UserFields")]
pub struct User {
    /// `objectGUID`.
    pub id: UserId,
    /// The directory it was read from.
    pub directory: DirectoryName,
    /// The *main unit*: the nearest OU above the object, or whatever else [units are made of](super::shape::UnitsFrom);
    /// [`UnitId::ROOT`] when there is none.
    pub unit: UnitId,
    /// What stands right above it in the directory: the unit itself, or a [`Container`](super::directory::Container) in between.
    /// Zero when not known.
    pub above: Guid,
    /// Whether [`User::name`] is a `displayName`. Else it follows the RDN.
    pub named: bool,
    /// Who `manager` names: perhaps nobody who was read.
    pub manager: Option<UserId>,
    /// Bit 0x2 of `userAccountControl` is not set.
    pub enabled: bool,
    /// `accountExpires`: from then on the account can't sign in. None: never.
    pub expires: Option<DateTime<Utc>>,
    texts: Texts,
}

impl User {
    /// The value of the object's own relative distinguished name, unescaped (`Smith, John`).
    pub fn rdn(&self) -> &str {
        self.texts.get(0)
    }

    /// `sAMAccountName`: unique in its domain, compared without case.
    pub fn account(&self) -> &str {
        self.texts.get(1)
    }

    /// `userPrincipalName`.
    pub fn upn(&self) -> Option<&str> {
        self.texts.some(2)
    }

    /// `displayName`, else the RDN. Never empty.
    pub fn name(&self) -> &str {
        self.texts.get(3)
    }

    /// `mail`, as written in the directory; whether it can be mailed to is decided when it is used.
    pub fn mail(&self) -> Option<&str> {
        self.texts.some(4)
    }

    /// `telephoneNumber`.
    pub fn phone(&self) -> Option<&str> {
        self.texts.some(5)
    }

    /// `mobile`.
    pub fn mobile(&self) -> Option<&str> {
        self.texts.some(6)
    }

    /// `title`.
    pub fn title(&self) -> Option<&str> {
        self.texts.some(7)
    }

    /// `preferredLanguage`, a language tag (BCP 47).
    pub fn language(&self) -> Option<&str> {
        self.texts.some(8)
    }

    /// Where units are no OUs but come from attributes of the user: what these say, separated by U+001F. Of a path the levels from the top,
    /// of a code the code, that of the unit above, and the unit's name, each perhaps empty.
    pub fn unit_path(&self) -> Option<&str> {
        self.more(0)
    }

    /// Which of the values that some role is granted by it has: `attribute=value` as the configuration writes them, in order.
    pub fn marks(&self) -> impl Iterator<Item = (&str, &str)> {
        self.marks_text().unwrap_or_default().split(BETWEEN).filter_map(|mark| mark.split_once('='))
    }

    /// The same in one text, separated by U+001F.
    pub fn marks_text(&self) -> Option<&str> {
        self.more(1)
    }

    /// The absences that an attribute says, in order of time, as [`said`](super::absence::said) reads them.
    pub fn away(&self) -> Option<&str> {
        self.more(2)
    }

    /// What few users have stands together in one text, so that the others need no room for it.
    fn more(&self, number: usize) -> Option<&str> {
        self.texts.get(9).split(APART).nth(number).filter(|text| !text.is_empty())
    }

    /// Whether the account can be used at `now`: enabled and not expired.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        self.enabled && self.expires.is_none_or(|end| now < end)
    }

    /// The mail address, when there is one that can be mailed to.
    pub fn address(&self) -> Option<Address> {
        self.mailable().map(Mailable::owned)
    }

    /// Whether the directory has the user in use, with a mail address.
    pub fn is_reachable(&self) -> bool {
        self.enabled && self.mail().is_some()
    }

    /// The same where it is.
    pub fn mailable(&self) -> Option<Mailable<'_>> {
        Mailable::parse(self.mail()?).ok()
    }

    /// Everything one by one, to make another user of it.
    pub fn fields(&self) -> UserFields {
        let own = |text: Option<&str>| text.map(Box::from);
        UserFields {
            id: self.id,
            directory: self.directory.clone(),
            unit: self.unit,
            above: self.above,
            rdn: self.rdn().into(),
            account: self.account().into(),
            upn: own(self.upn()),
            name: self.name().into(),
            named: self.named,
            mail: own(self.mail()),
            phone: own(self.phone()),
            mobile: own(self.mobile()),
            title: own(self.title()),
            manager: self.manager,
            language: own(self.language()),
            enabled: self.enabled,
            expires: self.expires,
            unit_path: own(self.unit_path()),
            marks: own(self.marks_text()),
            away: own(self.away()),
        }
    }
}

/// What a [`User`] is made of. An optional text that is empty is none.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[expect(missing_docs, reason = "they are the user's, and described there")]
pub struct UserFields {
    pub id: UserId,
    pub directory: DirectoryName,
    pub unit: UnitId,
    pub above: Guid,
    pub rdn: Box<str>,
    pub account: Box<str>,
    pub upn: Option<Box<str>>,
    pub name: Box<str>,
    pub named: bool,
    pub mail: Option<Box<str>>,
    pub phone: Option<Box<str>>,
    pub mobile: Option<Box<str>>,
    pub title: Option<Box<str>>,
    pub manager: Option<UserId>,
    pub language: Option<Box<str>>,
    pub enabled: bool,
    pub expires: Option<DateTime<Utc>>,
    // Answers say of a user besides which unit that is, by its path: under the name that this field has here.
    #[serde(rename = "unit_levels")]
    pub unit_path: Option<Box<str>>,
    #[serde(default)]
    pub marks: Option<Box<str>>,
    #[serde(default, rename = "away_by_attribute")]
    pub away: Option<Box<str>>,
}

impl UserFields {
    /// A user with an account that is enabled, called as it is, of whom nothing else is known.
    pub fn bare(id: UserId, directory: DirectoryName, unit: UnitId, account: &str) -> UserFields {
        UserFields {
            id,
            directory,
            unit,
            above: unit.0,
            rdn: account.into(),
            account: account.into(),
            upn: None,
            name: account.into(),
            named: true,
            mail: None,
            phone: None,
            mobile: None,
            title: None,
            manager: None,
            language: None,
            enabled: true,
            expires: None,
            unit_path: None,
            marks: None,
            away: None,
        }
    }
}

impl From<UserFields> for User {
    fn from(f: UserFields) -> User {
        let [path, marks, away] = [&f.unit_path, &f.marks, &f.away].map(|t| t.as_deref().unwrap_or_default());
        let more = if marks.is_empty() && away.is_empty() {
            Cow::Borrowed(path)
        } else {
            Cow::Owned([path, marks, away].join(APART.encode_utf8(&mut [0; 4])))
        };
        let texts = Texts::of([
            &f.rdn,
            &f.account,
            f.upn.as_deref().unwrap_or_default(),
            &f.name,
            f.mail.as_deref().unwrap_or_default(),
            f.phone.as_deref().unwrap_or_default(),
            f.mobile.as_deref().unwrap_or_default(),
            f.title.as_deref().unwrap_or_default(),
            f.language.as_deref().unwrap_or_default(),
            &more,
        ]);
        let UserFields { id, directory, unit, above, named, manager, enabled, expires, .. } = f;
        User { id, directory, unit, above, named, manager, enabled, expires, texts }
    }
}

impl From<UserFields> for Arc<User> {
    fn from(fields: UserFields) -> Arc<User> {
        Arc::new(fields.into())
    }
}

/// Between texts that stand together. No text that was read has it in it.
const APART: char = '\u{1d}';

/// How a user is written: as [`UserFields`] are read, in this order for good.
#[derive(Serialize)]
struct Wire<'a> {
    id: UserId,
    directory: &'a DirectoryName,
    unit: UnitId,
    above: Guid,
    rdn: &'a str,
    account: &'a str,
    upn: Option<&'a str>,
    name: &'a str,
    named: bool,
    mail: Option<&'a str>,
    phone: Option<&'a str>,
    mobile: Option<&'a str>,
    title: Option<&'a str>,
    manager: Option<UserId>,
    language: Option<&'a str>,
    enabled: bool,
    expires: Option<DateTime<Utc>>,
    #[serde(rename = "unit_levels")]
    unit_path: Option<&'a str>,
    marks: Option<&'a str>,
    #[serde(rename = "away_by_attribute")]
    away: Option<&'a str>,
}

impl<'a> From<&'a User> for Wire<'a> {
    fn from(u: &'a User) -> Wire<'a> {
        Wire {
            id: u.id,
            directory: &u.directory,
            unit: u.unit,
            above: u.above,
            rdn: u.rdn(),
            account: u.account(),
            upn: u.upn(),
            name: u.name(),
            named: u.named,
            mail: u.mail(),
            phone: u.phone(),
            mobile: u.mobile(),
            title: u.title(),
            manager: u.manager,
            language: u.language(),
            enabled: u.enabled,
            expires: u.expires,
            unit_path: u.unit_path(),
            marks: u.marks_text(),
            away: u.away(),
        }
    }
}

impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Wire::from(self).serialize(serializer)
    }
}

/// Texts one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Texts {
    all: Box<str>,
    lengths: [u16; 10],
}

impl Texts {
    /// A text is cut after 65,535 bytes; what is read of a directory is shorter.
    fn of(texts: [&str; 10]) -> Texts {
        let most = usize::from(u16::MAX);
        let texts = texts.map(|text| text.get(..text.floor_char_boundary(most)).unwrap_or_default());
        let lengths = texts.map(|text| u16::try_from(text.len()).unwrap_or(u16::MAX));
        Texts { all: texts.concat().into(), lengths }
    }

    fn get(&self, number: usize) -> &str {
        let mut lengths = self.lengths.iter().map(|n| usize::from(*n));
        let from: usize = lengths.by_ref().take(number).sum();
        self.all.get(from..from + lengths.next().unwrap_or_default()).unwrap_or_default()
    }

    fn some(&self, number: usize) -> Option<&str> {
        Some(self.get(number)).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::testing::user;

    fn text() -> impl Strategy<Value = Option<Box<str>>> {
        proptest::option::of("[a-zåö€]{1,30}".prop_map(Box::from))
    }

    proptest! {
        #[test]
        fn a_user_is_what_it_was_made_of(
            texts in (text(), text(), text(), text(), text()),
            more in (text(), text(), text(), text()),
            name in ".{1,20}",
        ) {
            let (upn, mail, phone, mobile, title) = texts;
            let (language, unit_path, marks, away) = more;
            let plain = user(1, 2);
            let fields = UserFields { upn, mail, phone, mobile, title, language, unit_path, marks, away, name: name.into(), ..plain };
            let user = User::from(fields.clone());
            prop_assert_eq!(&user.fields(), &fields);
            prop_assert_eq!(user.phone(), fields.phone.as_deref());
            let json = serde_json::to_string(&user).unwrap();
            prop_assert_eq!(serde_json::from_str::<User>(&json).unwrap(), user);
        }
    }

    #[test]
    fn a_text_too_long_is_cut_and_the_others_stay() {
        let long = "€".repeat(30_000).into();
        let user = User::from(UserFields { mail: Some(long), title: Some("x".into()), ..user(1, 2) });
        assert_eq!((user.mail().unwrap().chars().count(), user.title()), (21_845, Some("x")));
    }

    #[test]
    fn a_user_is_small() {
        assert!(size_of::<User>() <= 136, "{}", size_of::<User>());
    }
}
