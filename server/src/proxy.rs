//! A reverse proxy in front, such as a school's that speaks https: whose word counts for where somebody comes from, and what
//! the workbench is called outside.
//!
//! Anybody can send `X-Forwarded-For`. It is read only from peers that the operator named (`--behind-proxy`), and from its
//! end: each proxy appends whom it has heard it from, so the first entry from the right that is no named proxy is the last
//! one that somebody trustworthy wrote. What stands left of it is the visitor's own claim.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::uri::{Scheme, Uri};
use axum::http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Fields by which a proxy that nobody named gives itself away. A browser on this machine sends none of them.
const SIGNS: [HeaderName; 4] = [
    FORWARDED_FOR,
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("via"),
];
/// Hops that are followed; a longer chain of named proxies is a mistake somewhere.
const MOST_HOPS: usize = 16;

/// An address, or a network in the notation of RFC 4632 section 3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text names no network that could be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNetwork {
    /// Neither an address nor a network.
    #[error("this is neither an address nor a network such as 10.1.0.0/16")]
    Unreadable,
    /// All addresses that there are.
    #[error("this trusts everybody; name the proxy's own address")]
    Everybody,
}

impl Network {
    /// Whether an address is in it. An IPv4 address within an IPv6 one is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(address)) => leading(own, self.bits) == leading(address, self.bits),
            (IpAddr::V6(own), IpAddr::V6(address)) => leading_v6(own, self.bits) == leading_v6(address, self.bits),
            _ => false,
        }
    }
}

/// The first bits of an address; there is at least one.
fn leading(address: Ipv4Addr, bits: u8) -> u32 {
    address.to_bits() >> (u32::BITS - u32::from(bits))
}

/// The same for an IPv6 address.
fn leading_v6(address: Ipv6Addr, bits: u8) -> u128 {
    address.to_bits() >> (u128::BITS - u32::from(bits))
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address = address.parse::<IpAddr>().map_err(|_| BadNetwork::Unreadable)?.to_canonical();
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|digit| digit.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= most).ok_or(BadNetwork::Unreadable)?
            }
            Some(_) => return Err(BadNetwork::Unreadable),
        };
        if bits == 0 { Err(BadNetwork::Everybody) } else { Ok(Self { address, bits }) }
    }
}

/// What the workbench is called outside: scheme and host, and a port where it is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    https: bool,
    /// Scheme, host and port, in small letters.
    origin: String,
    /// The host alone; an IPv6 address without its brackets.
    name: String,
}

/// Why a text is no public address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no address such as https://isrlab.school.example: scheme, name and, if needed, port, nothing behind it"
)]
pub struct BadPublicUrl;

impl PublicUrl {
    /// The scheme and authority, as a browser's `Origin` field names them (RFC 6454 section 6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether pages come over https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether this is its host, as a `Host` field names it without a port: some proxies pass the port on, some do not.
    #[must_use]
    pub fn is_name(&self, name: &str) -> bool {
        name.eq_ignore_ascii_case(&self.name)
    }
}

impl FromStr for PublicUrl {
    type Err = BadPublicUrl;

    fn from_str(text: &str) -> Result<Self, BadPublicUrl> {
        // What follows `#` is not the server's business and would be dropped without a word.
        let uri = text.parse::<Uri>().ok().filter(|_| !text.contains('#')).ok_or(BadPublicUrl)?;
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(BadPublicUrl),
        };
        let authority = uri.authority().ok_or(BadPublicUrl)?;
        if authority.as_str().contains('@') || authority.host().is_empty() || uri.query().is_some() {
            return Err(BadPublicUrl);
        }
        if !matches!(uri.path(), "" | "/") {
            return Err(BadPublicUrl);
        }
        let host = authority.host().to_ascii_lowercase();
        let own_port = if https { 443 } else { 80 };
        let port = match authority.as_str()[host.len()..].strip_prefix(':') {
            None => None,
            Some(digits) => Some(digits.parse::<u16>().map_err(|_| BadPublicUrl)?).filter(|port| *port != own_port),
        };
        let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let origin = format!("{}://{host}{port}", if https { "https" } else { "http" });
        Ok(Self { https, origin, name })
    }
}

/// The proxy in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BehindProxy {
    /// Whose fields are believed.
    pub trusted: Vec<Network>,
    /// What visitors type.
    pub public: PublicUrl,
}

impl BehindProxy {
    /// Whether this is one of the proxies that were named.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Where a request comes from whose connection is `peer`'s. Without a readable word of a proxy it is the proxy's own.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut at = peer.to_canonical();
        let fields = headers.get_all(FORWARDED_FOR);
        // Several fields are one list, in their order (RFC 9110 section 5.3).
        let mut hops = fields.iter().rev().flat_map(|field| field.as_bytes().rsplit(|byte| *byte == b','));
        for _ in 0..MOST_HOPS {
            if !self.trusts(at) {
                break;
            }
            let Some(before) = hops.next().and_then(|hop| address(std::str::from_utf8(hop).ok()?)) else { break };
            at = before;
        }
        at
    }
}

/// An address of a list, with or without a port; an IPv6 address stands in brackets where there is one.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim_matches([' ', '\t']);
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

/// Whether some proxy had this request before: then it is not this machine's own, whatever the connection says.
#[must_use]
pub fn is_forwarded(headers: &HeaderMap) -> bool {
    SIGNS.iter().any(|sign| headers.contains_key(sign))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn behind(trusted: &[&str]) -> BehindProxy {
        let trusted = trusted.iter().map(|network| network.parse().unwrap()).collect();
        BehindProxy { trusted, public: "https://isrlab.school.example".parse().unwrap() }
    }

    fn fields(fields: &[&str]) -> HeaderMap {
        fields.iter().map(|field| (FORWARDED_FOR, HeaderValue::from_bytes(field.as_bytes()).unwrap())).collect()
    }

    #[track_caller]
    fn check(trusted: &[&str], peer: &str, forwarded: &[&str], expected: &str) {
        let found = behind(trusted).client(peer.parse().unwrap(), &fields(forwarded));
        assert_eq!(found, expected.parse::<IpAddr>().unwrap(), "{peer} says {forwarded:?}");
    }

    #[test]
    fn a_named_proxy_is_believed_and_nobody_else() {
        let one = ["127.0.0.1"];
        check(&one, "127.0.0.1", &["10.0.0.7"], "10.0.0.7");
        check(&one, "::ffff:127.0.0.1", &["10.0.0.7"], "10.0.0.7");
        check(&one, "127.0.0.1", &["10.0.0.7:50123"], "10.0.0.7");
        check(&one, "127.0.0.1", &["2001:db8::7"], "2001:db8::7");
        check(&one, "127.0.0.1", &["[2001:db8::7]:50123"], "2001:db8::7");
        check(&one, "127.0.0.1", &["[2001:db8::7]"], "2001:db8::7");
        check(&one, "10.0.0.7", &["127.0.0.1"], "10.0.0.7");
        check(&one, "127.0.0.2", &["10.0.0.7"], "127.0.0.2");
        check(&one, "127.0.0.1", &[], "127.0.0.1");
    }

    #[test]
    fn what_a_visitor_claims_stands_left_of_what_a_proxy_wrote() {
        let one = ["127.0.0.1"];
        check(&one, "127.0.0.1", &["127.0.0.1, 10.0.0.7"], "10.0.0.7");
        check(&one, "127.0.0.1", &["192.168.1.1, 10.0.0.7"], "10.0.0.7");
        check(&one, "127.0.0.1", &["192.168.1.1", "10.0.0.7"], "10.0.0.7");
        check(&one, "127.0.0.1", &["nonsense, \u{1f980}, 10.0.0.7"], "10.0.0.7");
    }

    #[test]
    fn several_named_proxies_are_gone_through() {
        let two = ["127.0.0.1", "10.9.0.0/16"];
        check(&two, "127.0.0.1", &["203.0.113.5, 10.9.3.4"], "203.0.113.5");
        check(&two, "127.0.0.1", &["198.51.100.1, 203.0.113.5, 10.9.3.4"], "203.0.113.5");
        check(&two, "127.0.0.1", &["203.0.113.5, 10.8.3.4"], "10.8.3.4");
        // A proxy that asks for itself.
        check(&two, "127.0.0.1", &["10.9.3.4"], "10.9.3.4");
        let long = vec!["10.9.0.1"; 40].join(",");
        check(&two, "127.0.0.1", &[&long], "10.9.0.1");
    }

    #[test]
    fn what_cannot_be_read_leads_no_further() {
        for bad in
            ["", " ", ",", "unknown", "10.0.0", "10.0.0.7, ", "10.0.0.7 10.0.0.8", "[::1", "999.0.0.1", "localhost"]
        {
            check(&["127.0.0.1"], "127.0.0.1", &[bad], "127.0.0.1");
        }
        check(&["127.0.0.1", "10.9.0.1"], "127.0.0.1", &["203.0.113.5, x, 10.9.0.1"], "10.9.0.1");
    }

    #[test]
    fn networks_are_read_and_everybody_is_none() {
        let contains =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        for (network, address, inside) in [
            ("10.9.0.0/16", "10.9.255.255", true),
            ("10.9.0.0/16", "10.10.0.0", false),
            ("10.9.7.7/16", "10.9.0.1", true),
            ("10.9.0.0/32", "10.9.0.1", false),
            ("::1", "::1", true),
            ("::1", "127.0.0.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
        ] {
            assert_eq!(contains(network, address), inside, "{address} in {network}");
        }
        for everybody in ["0.0.0.0/0", "::/0", "10.0.0.0/0"] {
            assert_eq!(everybody.parse::<Network>(), Err(BadNetwork::Everybody), "{everybody}");
        }
        for bad in ["", "proxy", "10.0.0.1/33", "::1/129", "10.0.0.1/", "10.0.0.1/+8", "10.0.0.1/8/8", "[::1]"] {
            assert_eq!(bad.parse::<Network>(), Err(BadNetwork::Unreadable), "{bad}");
        }
    }

    #[test]
    fn a_public_address_is_scheme_and_host() {
        for (text, origin, name) in [
            ("https://isrlab.school.example", "https://isrlab.school.example", "isrlab.school.example"),
            ("https://ISRLAB.school.example/", "https://isrlab.school.example", "isrlab.school.example"),
            ("https://isrlab.school.example:443", "https://isrlab.school.example", "isrlab.school.example"),
            ("https://isrlab.school.example:8443/", "https://isrlab.school.example:8443", "isrlab.school.example"),
            ("http://10.0.0.1:80", "http://10.0.0.1", "10.0.0.1"),
            ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443", "2001:db8::1"),
        ] {
            let url = text.parse::<PublicUrl>().unwrap();
            assert_eq!((url.origin(), url.name.as_str()), (origin, name));
            assert!(url.is_name(name) && !url.is_name("elsewhere.example"));
        }
        for bad in [
            "",
            "isrlab.school.example",
            "//isrlab.school.example",
            "ftp://isrlab.school.example",
            "https://",
            "https://isrlab.school.example/lab",
            "https://isrlab.school.example/?a",
            "https://isrlab.school.example/#a",
            "https://user@isrlab.school.example",
            "https://isrlab.school.example:port",
            "https://isrlab.school.example:99999",
        ] {
            assert_eq!(bad.parse::<PublicUrl>(), Err(BadPublicUrl), "{bad}");
        }
    }

    #[test]
    fn a_proxy_that_nobody_named_gives_itself_away() {
        assert!(!is_forwarded(&HeaderMap::new()));
        for sign in SIGNS {
            assert!(is_forwarded(&HeaderMap::from_iter([(sign, HeaderValue::from_static("x"))])));
        }
    }

    proptest! {
        #[test]
        fn whatever_a_visitor_claims_the_named_proxys_entry_counts(claim in "[ -~]{0,60}") {
            let proxy = behind(&["127.0.0.1"]);
            let forwarded = fields(&[&claim, "10.0.0.7"]);
            prop_assert_eq!(proxy.client(Ipv4Addr::LOCALHOST.into(), &forwarded), IpAddr::from([10, 0, 0, 7]));
        }
    }
}
