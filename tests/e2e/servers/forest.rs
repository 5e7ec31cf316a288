//! Two real domain controllers of one domain that replicate, each in a network namespace of its own.
//!
//! The tests reach both by their addresses; the controllers find each other by the names that they serve themselves.
//! Making them takes half a minute, so it is done once per organisation and `tests/run`, as for [`Samba`] alone.

mod provision;

use std::net::Ipv4Addr;

use super::ldif::Record;
use super::network::Network;
use super::samba::{ADMINISTRATOR_PASSWORD, Samba};
use super::{PATIENCE, wait_until};
use crate::world::{BASE, Organisation};

/// What the second domain controller is called; the first is [`HOST`](super::samba::HOST).
pub const SECOND_HOST: &str = "dc2.ad.kommun.example";
/// The site that both are in.
pub const SITE: &str = "Default-First-Site-Name";

/// `options` of a controller's settings (MS-ADTS 6.1.1.2.2.1.2.1.1): it has a global catalogue.
const GLOBAL_CATALOGUE: &str = "1";
/// The same, and it fetches nothing from others.
const GLOBAL_CATALOGUE_AND_NO_FETCHING: &str = "3";

/// Two domain controllers, running or stopped.
pub struct Forest {
    first: Samba,
    second: Samba,
    // Last: it lasts as long as somebody is in it.
    network: Network,
}

impl Forest {
    /// A domain of its own for one test, with this organisation at both controllers; returns when they replicate.
    pub fn start(world: &Organisation) -> Self {
        let forest = provision::copy(world);
        forest.wait_replicated();
        forest
    }

    /// The controller that was there first.
    pub fn first(&self) -> &Samba {
        &self.first
    }

    /// The controller that joined.
    pub fn second(&self) -> &Samba {
        &self.second
    }

    /// To stop, resume or restore it.
    pub fn first_mut(&mut self) -> &mut Samba {
        &mut self.first
    }

    /// To stop, resume or restore it.
    pub fn second_mut(&mut self) -> &mut Samba {
        &mut self.second
    }

    /// The address of the name server of the domain (port 53, UDP and TCP): the first controller. The second gives the
    /// same answers at its own address.
    pub fn name_server(&self) -> Ipv4Addr {
        self.first.address()
    }

    /// Makes a site of which only the second is known as a controller, and says that the tests' address is in it: the
    /// controllers tell a client so (MS-ADTS 6.3.3), and the name service has the site. The first knows at once, the
    /// second a little later.
    pub fn put_tests_and_second_into_site(&self, site: &str) {
        let sites = format!("CN=Sites,CN=Configuration,{BASE}");
        let site_dn = format!("CN={site},{sites}");
        let subnet = format!("CN={},CN=Subnets,{sites}", self.network.block());
        self.first.change(&[
            Record::add(&site_dn, "site"),
            Record::add(&subnet, "subnet").value("siteObject", &site_dn),
        ]);
        let (zone, name) = ("_msdcs.ad.kommun.example", format!("_ldap._tcp.{site}._sites.dc"));
        let record = format!("{SECOND_HOST} 389 0 100");
        let mut add =
            self.first.tool("samba-tool", &["dns", "add", self.first.host(), zone, &name, "SRV", &record]);
        let done = add.arg(format!("-Uadministrator%{ADMINISTRATOR_PASSWORD}")).output().unwrap();
        assert!(done.status.success(), "samba-tool dns add: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// The second fetches nothing from the first any more, but answers.
    pub fn lag(&self) {
        let settings = self.second.root("dsServiceName");
        self.second.set(&settings, "options", GLOBAL_CATALOGUE_AND_NO_FETCHING);
    }

    /// Ends [`Self::lag`]; returns when the second has everything.
    pub fn catch_up(&self) {
        self.second.set(&self.second.root("dsServiceName"), "options", GLOBAL_CATALOGUE);
        self.wait_replicated();
    }

    /// Cuts the connection between the two; everybody else reaches both.
    pub fn part(&self) {
        self.network.connect_each_other(false);
    }

    /// Ends [`Self::part`]; returns when each has everything.
    pub fn rejoin(&self) {
        self.network.connect_each_other(true);
        self.wait_replicated();
    }

    /// Waits until each has what the other had at the time of the call. Both must run.
    pub fn wait_replicated(&self) {
        self.replicate(BASE);
    }

    /// The same for the names that they serve.
    fn wait_replicated_names(&self) {
        for zone in ["DomainDnsZones", "ForestDnsZones"] {
            self.replicate(&format!("DC={zone},{BASE}"));
        }
    }

    fn replicate(&self, context: &str) {
        for (from, to) in [(&self.first, &self.second), (&self.second, &self.first)] {
            wait_until(&format!("{} has {context} from {}", to.host(), from.host()), PATIENCE, || {
                let mut replicate =
                    to.tool("samba-tool", &["drs", "replicate", to.host(), from.host(), context]);
                replicate.arg(format!("-Uadministrator%{ADMINISTRATOR_PASSWORD}"));
                replicate.output().unwrap().status.success().then_some(())
            });
        }
    }
}
