use std::net::IpAddr;

use hickory_resolver::proto::op::ResponseCode;
use tokio::net::UdpSocket;

use super::netlogon::tests::SAMBA;
use super::*;
use crate::source::ldap::tests::dns::*;

const ALL: &str = "_ldap._tcp.dc._msdcs.ad.choice.example";
const STOCKHOLM: &str = "_ldap._tcp.Stockholm._sites.dc._msdcs.ad.choice.example";
const LIMIT: Duration = Duration::from_secs(30);

fn domain(dns: &DnsServer, site: Option<&str>) -> Domain {
    Domain {
        name: "ad.choice.example".into(),
        site: site.map(Box::from),
        dns_server: Some(dns.address),
        security: Security::Ldaps,
    }
}

fn dc(number: u8, priority: u16, port: u16) -> hickory_resolver::proto::rr::RData {
    srv(priority, 100, port, &format!("dc{number}.ad.choice.example"))
}

fn hosts(discovery: &Discovery) -> Vec<&str> {
    discovery.controllers.iter().map(|c| c.server.host()).collect()
}

/// A controller that answers pings.
async fn controller(netlogon: Vec<u8>) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = socket.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut buffer = [0; 1000];
        while let Ok((length, asker)) = socket.recv_from(&mut buffer).await {
            let reply = ping::tests::reply(&buffer[..length], &netlogon);
            socket.send_to(&reply, asker).await.unwrap();
        }
    });
    port
}

#[tokio::test]
async fn those_of_the_configured_site_come_first_then_the_others_by_priority() {
    let dns = DnsServer::start(&[
        records(ALL, &[dc(1, 0, 389), dc(2, 5, 389), dc(3, 9, 389), dc(4, 1, 389)]),
        records(STOCKHOLM, &[dc(3, 9, 389), srv(0, 0, 389, "DC2.ad.CHOICE.example")]),
    ])
    .await;
    let found = domain(&dns, Some("Stockholm")).find(LIMIT).await.unwrap();
    assert_eq!(
        hosts(&found),
        ["dc2.ad.choice.example", "dc3.ad.choice.example", "dc1.ad.choice.example", "dc4.ad.choice.example"]
    );
    assert_eq!(found.controllers.iter().map(|c| c.near).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(found.controllers[0].server.to_string(), "ldaps://dc2.ad.choice.example");
    let found = domain(&dns, Some("Paris")).find(LIMIT).await.unwrap();
    assert_eq!((found.controllers.len(), found.controllers.iter().any(|c| c.near)), (4, false));
}

#[tokio::test]
async fn the_own_site_is_what_a_controller_says() {
    let nowhere = [&SAMBA[..SAMBA.len() - 10], &[0], &SAMBA[SAMBA.len() - 8..]].concat();
    for (netlogon, expected, first) in [
        (SAMBA.to_vec(), OwnSite::Told("Stockholm".into()), 2),
        (nowhere, OwnSite::NoSubnet, 1),
        (b"nonsense".to_vec(), OwnSite::NoAnswer, 1),
    ] {
        let port = controller(netlogon).await;
        let here = [a([127, 0, 0, 1])];
        let zone = [
            records(ALL, &[dc(1, 0, port), dc(2, 1, port)]),
            records(STOCKHOLM, &[dc(2, 1, port)]),
            records("dc1.ad.choice.example", &here),
            records("dc2.ad.choice.example", &here),
        ];
        let dns = DnsServer::start(&zone).await;
        let domain = domain(&dns, None);
        let mut found = domain.find(LIMIT).await.unwrap();
        assert_eq!(found.site, expected);
        assert_eq!(hosts(&found)[0], format!("dc{first}.ad.choice.example"));
        let told = found.site != OwnSite::NoAnswer;
        domain.ask_sites(&mut found.controllers.iter_mut().collect::<Vec<_>>()).await;
        assert!(found.controllers.iter().all(|c| c.site.as_deref() == told.then_some("Stockholm")));
    }
}

#[tokio::test]
async fn a_host_outside_the_domain_gets_no_password() {
    let strange = ["dc1.example.net", "ad.choice.example", "badad.choice.example", "choice.example"];
    let strangers = strange.map(|host| srv(0, 0, 389, host));
    let dns = DnsServer::start(&[records(ALL, &strangers)]).await;
    let error = domain(&dns, Some("Stockholm")).find(LIMIT).await.unwrap_err().to_string();
    assert!(error.contains("outside the domain"), "{error}");
    dns.change(&[records(
        ALL,
        &[&strangers[..], &[dc(1, 9, 389), srv(0, 0, 0, "dc9.ad.choice.example")]].concat(),
    )]);
    let found = domain(&dns, Some("Stockholm")).find(LIMIT).await.unwrap();
    assert_eq!(hosts(&found), ["dc1.ad.choice.example"]);
    assert_eq!(found.outside.len(), 5);
}

#[tokio::test]
async fn dns_that_does_not_answer_well_is_told() {
    let service_there_is_none = Answer::Records(vec![srv(0, 0, 0, "")]);
    for (answer, words) in [
        (Answer::Code(ResponseCode::NXDomain), "there is no record _ldap._tcp.dc._msdcs.ad.choice.example"),
        (Answer::Records(Vec::new()), "there is no record"),
        (service_there_is_none, "there is no record"),
        (Answer::Code(ResponseCode::ServFail), "can't be looked up"),
        (Answer::Code(ResponseCode::Refused), "can't be looked up"),
        (Answer::Bytes(vec![0xc0; 600]), "DNS did not answer within 0.5 s"),
        (Answer::Nothing, "DNS did not answer within 0.5 s"),
    ] {
        let dns = DnsServer::start(&[(ALL, answer)]).await;
        let limit = if words.contains("within") { Duration::from_millis(500) } else { LIMIT };
        let error = domain(&dns, Some("Stockholm")).find(limit).await.unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("ad.choice.example"), "{error}");
    }
}

#[tokio::test]
async fn a_host_has_the_addresses_that_dns_gives_each_once() {
    let two = [a([127, 0, 0, 1]), a([127, 0, 0, 2]), a([127, 0, 0, 1])];
    let dns = DnsServer::start(&[records("dc1.ad.choice.example", &two)]).await;
    let found = locate("dc1.ad.choice.example", 636, Some(dns.address)).await.unwrap();
    let expected: [SocketAddr; 2] = ["127.0.0.1:636".parse().unwrap(), "127.0.0.2:636".parse().unwrap()];
    assert_eq!(found, expected);
    assert!(
        locate("dc2.ad.choice.example", 636, Some(dns.address)).await.unwrap_err().contains("no address")
    );
    let literal = locate("::1", 389, Some(dns.address)).await.unwrap();
    assert_eq!(literal, [("::1".parse::<IpAddr>().unwrap(), 389).into()]);
}
