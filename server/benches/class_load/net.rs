//! Two hosts with a cable between them: network namespaces, since every address of loopback is the class's host.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::process::Command;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The computer that the workbench runs on.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
/// A school behind one router: everybody in it has this address.
pub(crate) const SCHOOL: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 2);
/// The host of the class, at another computer than the workbench.
pub(crate) const TEACHER: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 3);
/// Addresses of those who guess.
const GUESSERS: u8 = 200;

/// The namespaces; they are gone when this is dropped.
pub(crate) struct Net {
    server: String,
    clients: String,
}

impl Net {
    /// Makes both, with the cable. Needs root and iproute2.
    pub(crate) fn new() -> Self {
        let number = std::process::id();
        let net = Self { server: format!("isrlab-server-{number}"), clients: format!("isrlab-clients-{number}") };
        for name in [&net.server, &net.clients] {
            ip(&["netns", "add", name]);
            ip(&["-n", name, "link", "set", "lo", "up"]);
        }
        let (server, clients) = (net.server.as_str(), net.clients.as_str());
        ip(&["-n", server, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", clients]);
        let mut addresses = vec![(server, SERVER), (clients, SCHOOL), (clients, TEACHER)];
        addresses.extend(guessers().map(|address| (clients, address)));
        for (name, address) in addresses {
            ip(&["-n", name, "addr", "add", &format!("{address}/16"), "dev", "cable"]);
        }
        for name in [server, clients] {
            ip(&["-n", name, "link", "set", "cable", "up"]);
        }
        net
    }

    /// A program at the server's computer.
    pub(crate) fn at_server(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.server, program]);
        command
    }

    /// From now on this thread, and every thread that it starts, is at the clients' side of the cable.
    pub(crate) fn go_to_clients(&self) {
        let namespace = File::open(PathBuf::from("/run/netns").join(&self.clients)).unwrap();
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in [&self.server, &self.clients] {
            _ = Command::new("ip").args(["netns", "delete", name]).status();
        }
    }
}

/// The addresses of those who guess.
pub(crate) fn guessers() -> impl Iterator<Item = Ipv4Addr> {
    (1..=GUESSERS).map(|number| Ipv4Addr::new(10, 78, 1, number))
}

fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "ip {}: run it as root, with Debian's package iproute2",
        arguments.join(" ")
    );
}
