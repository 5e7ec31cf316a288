//! Which addresses may be connected to. A name that means an address of this machine or of the inner network would let whoever controls
//! the name, or the configuration of a workflow, reach what isn't meant for them (server-side request forgery).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// All addresses of a server are inner ones.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "{host} has the address {address}, which is this machine's or of the inner network; if that is meant, allow it with allow_private = true"
)]
pub(super) struct InnerAddress {
    host: String,
    address: IpAddr,
}

/// Resolves names to outer addresses only. What it returns is what is connected to: the name isn't asked for a second time.
pub(super) struct OuterOnly;

impl Resolve for OuterOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            let outer: Vec<SocketAddr> =
                found.iter().copied().filter(|address| !is_inner(address.ip())).collect();
            match found.first() {
                Some(inner) if outer.is_empty() => {
                    Err(Arc::new(InnerAddress { host, address: inner.ip() }).into())
                }
                _ => Ok(Box::new(outer.into_iter()) as Addrs),
            }
        })
    }
}

/// A URL that names an address itself is never resolved: it is judged as it stands.
pub(super) fn judge(url: &Url) -> Result<(), InnerAddress> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        _ => return Ok(()),
    };
    if is_inner(address) { Err(InnerAddress { host: address.to_string(), address }) } else { Ok(()) }
}

/// That a host is an inner one.
pub(super) fn inner(host: &str, address: IpAddr) -> InnerAddress {
    InnerAddress { host: host.to_owned(), address }
}

/// Finds the refusal in whatever error it is wrapped in.
pub(super) fn find<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e InnerAddress> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<Arc<InnerAddress>>() {
            return Some(found);
        }
        if let Some(found) = error.downcast_ref::<InnerAddress>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// Whether an address isn't one of the internet at large (the registries of IANA for special-purpose addresses, RFC 6890).
pub(super) fn is_inner(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_inner_v4(address),
        IpAddr::V6(address) => is_inner_v6(address),
    }
}

fn is_inner_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        // Carrier-grade NAT (RFC 6598), IETF protocol assignments, benchmarks (RFC 2544).
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
}

fn is_inner_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [a, b, c, d, e, f, high, low] = segments;
    let embedded = || Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.to_ipv4_mapped() {
        Some(mapped) => is_inner_v4(mapped),
        // NAT64 (RFC 6052): what it leads to counts.
        // Other prefixes for it (64:ff9b:1::/48, RFC 8215) are for the inner network.
        None if a == 0x64 && b == 0xff9b && c == 0 && d == 0 && e == 0 && f == 0 => is_inner_v4(embedded()),
        // 6to4 (RFC 3056) and Teredo (RFC 4380) lead to any address, and nobody needs them.
        None if a == 0x2002 || (a == 0x2001 && b == 0) => true,
        // Of the rest only global unicast, without documentation (RFC 3849).
        None => a & 0xe000 != 0x2000 || (a == 0x2001 && b == 0xdb8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_addresses_are_known_in_every_disguise() {
        for inner in [
            "127.0.0.1",
            "127.8.9.1",
            "10.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "64:ff9b::7f00:1",
            "64:ff9b:1::808:808",
            "64:ff9b:0:1::808:808",
            "2002:7f00:1::",
            "2001:db8::1",
            "::7f00:1",
        ] {
            assert!(is_inner(inner.parse().unwrap()), "{inner}");
        }
        for outer in
            ["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
        {
            assert!(!is_inner(outer.parse().unwrap()), "{outer}");
        }
    }

    #[test]
    fn an_address_in_a_url_is_judged_however_it_is_written() {
        for url in ["https://127.1/x", "https://0x7f000001/", "https://2130706433/", "https://[::1]:8443/"] {
            assert!(judge(&url.parse().unwrap()).is_err(), "{url}");
        }
        assert!(judge(&"https://1.1.1.1/".parse().unwrap()).is_ok());
    }
}
