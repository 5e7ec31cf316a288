//! Who plays which part in the tour.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::cli::exit::Trouble;
use crate::domain::directory::User;
use crate::domain::organisation::Organisation;
use crate::domain::tree;

/// The accounts of those who appear.
pub struct Cast {
    /// Who asks whom to turn to.
    pub asker: String,
    global: String,
    ad_sync: String,
    outage: Option<String>,
    /// The account and the unit of the nearest contact, who goes on leave.
    nearest: Option<(String, String)>,
    /// The account and the unit of the contact further up.
    further: Option<(String, String)>,
}

impl Cast {
    /// The cast of the sample organisation; its outage contacts are a group.
    pub fn sample() -> Cast {
        let pair = |account: &str, unit: &str| Some((account.to_owned(), unit.to_owned()));
        Cast {
            asker: "asa.oberg".to_owned(),
            global: "ingrid.lindstrom".to_owned(),
            ad_sync: "soren.odegard".to_owned(),
            outage: None,
            nearest: pair("bjorn.sjoberg", "Hemtjänst Norr"),
            further: pair("karin.hakansson", "Ekfors kommun / Vård och omsorg"),
        }
    }

    /// A cast from an organisation that isn't known beforehand: whoever has an account and an address.
    pub fn find(organisation: &Organisation) -> Result<Cast, Trouble> {
        let able = |u: &&User| {
            u.enabled && u.mail().is_some_and(|m| m.parse::<crate::domain::mailbox::Address>().is_ok())
        };
        let users: Vec<&User> =
            organisation.directory.users.values().map(AsRef::as_ref).filter(able).collect();
        let [first, second, ..] = users.as_slice() else {
            return Err(Trouble::failed(
                "the tour needs at least two enabled users with a mail address in the LDIF file; was it exported with sAMAccountName, mail, userAccountControl and objectGUID?",
            ));
        };
        let mut by_unit: BTreeMap<tree::Index, Vec<&User>> = BTreeMap::new();
        for user in &users {
            by_unit.entry(organisation.place_of(user)).or_default().push(user);
        }
        // The deepest unit with somebody to ask and somebody to be asked.
        let scene = by_unit
            .iter()
            .filter(|(_, us)| us.len() > 1)
            .max_by_key(|(place, _)| organisation.tree.depth(**place));
        let role = |user: &User, place| (user.account().to_owned(), organisation.tree.path(place));
        let (asker, nearest, further) = match scene {
            Some((place, people)) if *place != tree::ROOT => {
                let (mut people, place) = (people.iter(), *place);
                let (asker, contact) = (people.next(), people.next());
                let above = organisation.tree.upwards(place).skip(1).filter(|p| *p != tree::ROOT);
                let further = above.filter_map(|p| Some(role(by_unit.get(&p)?.first()?, p))).next();
                (asker.copied(), contact.map(|c| role(c, place)), further)
            }
            _ => (Some(*second), None, None),
        };
        Ok(Cast {
            asker: asker.unwrap_or(second).account().to_owned(),
            global: first.account().to_owned(),
            ad_sync: second.account().to_owned(),
            outage: Some(first.account().to_owned()),
            nearest,
            further,
        })
    }

    /// The words after `budkavle contacts`.
    pub fn assignments(&self) -> Vec<Vec<String>> {
        let assign = |role: &str, account: &str, unit: Option<&str>| {
            let mut words = vec!["assign", role, "--user", account];
            words.extend(unit.iter().flat_map(|u| ["--unit", u]));
            words.into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        let local =
            [&self.nearest, &self.further].into_iter().flatten().map(|(a, u)| assign("local", a, Some(u)));
        let mut all: Vec<Vec<String>> = local.collect();
        all.push(assign("global", &self.global, None));
        all.push(assign("ad-sync", &self.ad_sync, None));
        all.extend(self.outage.as_ref().map(|a| assign("outage", a, None)));
        all
    }

    /// The words after `budkavle absence`, for three weeks around `today`.
    pub fn absence(&self, today: NaiveDate) -> Option<Vec<String>> {
        let (account, _) = self.nearest.as_ref()?;
        let (from, until) = (today - Days::new(3), today + Days::new(18));
        let words = [
            "add",
            account,
            "--from",
            &from.to_string(),
            "--until",
            &until.to_string(),
            "--note",
            "parental leave",
        ];
        Some(words.into_iter().map(str::to_owned).collect())
    }
}
