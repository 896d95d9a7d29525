//! The addresses under which others on the network reach this machine, and the QR code of one.

use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use qrcode::types::QrError;

/// The addresses of this machine on its networks, the likeliest first. A classroom's network may lead nowhere
/// else, so the interfaces are asked as well as the way to the rest of the world.
#[must_use]
pub fn addresses() -> Vec<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the system does not name its network interfaces");
        Vec::new()
    });
    sorted(way_out(), interfaces.iter().map(if_addrs::Interface::ip))
}

/// The address of the route to a far address, where there is one. Nothing is sent.
fn way_out() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // TEST-NET-3 of RFC 5737: never a neighbour, so the default route decides.
    socket.connect((Ipv4Addr::new(203, 0, 113, 1), 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The way out first; then private addresses, which a school's network has, and the others. The workbench listens
/// on IPv4, and an address that a machine gave itself because nobody gave it one reaches nobody.
fn sorted(way_out: Option<IpAddr>, interfaces: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let reachable = |address: &Ipv4Addr| {
        !address.is_loopback() && !address.is_unspecified() && !address.is_link_local() && !address.is_multicast()
    };
    let mut addresses: Vec<Ipv4Addr> = way_out
        .into_iter()
        .chain(interfaces)
        .filter_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
        .filter(reachable)
        .collect();
    let first = way_out.and_then(|_| addresses.first().copied());
    addresses.sort_by_key(|address| (Some(*address) != first, !address.is_private(), *address));
    addresses.dedup();
    addresses.into_iter().map(IpAddr::V4).collect()
}

/// A QR code as text of half blocks. With `colours` it is black on white whatever the terminal's colours are;
/// without, dark modules are the blocks.
///
/// # Errors
/// The text is too long for a QR code.
pub fn qr_code(text: &str, colours: bool) -> Result<String, QrError> {
    let code = QrCode::new(text)?.render::<Dense1x2>().quiet_zone(true).build();
    if !colours {
        return Ok(code);
    }
    let lines: Vec<String> = code.lines().map(|line| format!("\x1b[30;107m{line}\x1b[0m")).collect();
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(way_out: Option<&str>, interfaces: &[&str], expected: &[&str]) {
        let parse = |text: &&str| text.parse::<IpAddr>().unwrap();
        let found = sorted(way_out.as_ref().map(parse), interfaces.iter().map(parse));
        assert_eq!(found, expected.iter().map(parse).collect::<Vec<_>>());
    }

    #[test]
    fn addresses_that_others_reach_are_named_likeliest_first() {
        check(None, &["127.0.0.1", "::1", "fe80::1"], &[]);
        check(None, &["127.0.0.1", "169.254.7.7", "192.168.1.9"], &["192.168.1.9"]);
        check(None, &["8.8.4.4", "10.0.0.2"], &["10.0.0.2", "8.8.4.4"]);
        check(Some("8.8.4.4"), &["127.0.0.1", "172.17.0.1", "8.8.4.4"], &["8.8.4.4", "172.17.0.1"]);
        check(Some("127.0.0.1"), &["127.0.0.1", "10.0.0.2"], &["10.0.0.2"]);
    }
}
