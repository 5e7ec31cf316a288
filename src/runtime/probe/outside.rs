//! Whoever gets signs of life, and where pages are asked for.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Finding, finding, wire, wrong};
use crate::channel::Reached;
use crate::config::{self, Config};

/// A daemon on this machine answers sooner.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// Each address that gets signs of life: connected to, and told nothing, since any request might be taken for a sign.
pub(super) async fn pings(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    for directory in &config.directories {
        if let Some(wanted) = &directory.ping {
            findings.push(ping(directory, wanted).await);
        }
    }
    findings
}

async fn ping(directory: &config::Directory, wanted: &config::Ping) -> Finding {
    let what = format!("ping of the directory {}", directory.name);
    let ping = match wire::ping(&directory.name, wanted) {
        Ok(ping) => ping,
        Err(error) => return wrong(what, error),
    };
    match ping.reach().await {
        Err(error) => wrong(what, error),
        Ok(reached) => {
            let (doubtful, who) = match reached {
                Reached::Server { server, tls: true } => {
                    (false, format!("{server} is there, and its certificate is believed"))
                }
                Reached::Server { server, tls: false } => {
                    (true, format!("{server} is there; the connection is not protected"))
                }
                Reached::Proxy { proxy } => {
                    (false, format!("the proxy {proxy} is there; what is behind it wasn't asked"))
                }
            };
            finding(
                what,
                doubtful,
                format!("{who}; no sign of life was given, so whether it takes one shows the next good run"),
            )
        }
    }
}

/// Whether pages can be asked for, or are already.
pub(super) async fn pages(config: &Config) -> Option<Finding> {
    let address = config.public.as_ref()?.listen;
    let what = "public.listen".to_owned();
    Some(match TcpListener::bind(address).await {
        Ok(_) => {
            finding(what, false, format!("{address} is free to be listened on; no daemon answers there now"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => match are_ours(address).await {
            Some(true) => finding(what, false, format!("the daemon answers at {address}")),
            Some(false) => wrong(
                what,
                format!("{address} is taken by another program than Budkavle; give another address"),
            ),
            None => wrong(what, format!("{address} is taken, and nobody answers there")),
        },
        Err(error) => wrong(what, format!("{address} can't be listened on: {error}")),
    })
}

/// Whether it is a daemon's pages that answer at an address; None: nobody does.
async fn are_ours(mut address: SocketAddr) -> Option<bool> {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    let asking = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        let request = format!("GET /take-on/none HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.take(64 * 1024).read_to_string(&mut answer).await.ok()?;
        let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
        Some(head.starts_with("http/1.1 404") && head.contains("x-robots-tag: noindex"))
    };
    tokio::time::timeout(ANSWERS_WITHIN, asking).await.ok().flatten()
}
