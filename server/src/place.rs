//! Where a request comes from, as far as it matters for sharing: what one machine, one network behind a router, or one class
//! is entitled to together. Cookies are free, addresses are not, and neither is a seat: it takes the PIN of a class.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::class::ClassId;

/// Those who share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Whoever comes from an address, or from the network that one holder of IPv6 addresses has to itself.
    Address(IpAddr),
    /// Whoever has a seat in a class and comes from there. Strangers at the address of a school take nothing from its classes,
    /// and a class of many addresses is not one share of many.
    Class(ClassId, IpAddr),
}

/// The bits that name a network in an IPv6 address; one machine picks the others as it likes (RFC 4291 section 2.5.1).
const NETWORK_BITS: u32 = 64;

impl Place {
    /// This machine.
    pub const HERE: Self = Self::Address(IpAddr::V4(Ipv4Addr::LOCALHOST));

    /// The place of an address. All of loopback is one place, and so is an IPv6 network of 64 bits.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        // A socket for both kinds of addresses shows an IPv4 address within an IPv6 one.
        match address.to_canonical() {
            address if address.is_loopback() => Self::HERE,
            IpAddr::V4(address) => Self::Address(address.into()),
            IpAddr::V6(address) => {
                let network = address.to_bits() & (u128::MAX << (u128::BITS - NETWORK_BITS));
                Self::Address(Ipv6Addr::from_bits(network).into())
            }
        }
    }

    /// Where those are who come from here and have a seat in this class.
    #[must_use]
    pub fn in_class(self, class: ClassId) -> Self {
        let (Self::Address(address) | Self::Class(_, address)) = self;
        Self::Class(class, address)
    }

    /// Whether it is a class's.
    #[must_use]
    pub fn is_of_class(self) -> bool {
        matches!(self, Self::Class(..))
    }

    /// Whether it is this machine itself.
    #[must_use]
    pub fn is_here(self) -> bool {
        self == Self::HERE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str) -> Place {
        Place::of(address.parse().unwrap())
    }

    #[test]
    fn one_machine_is_one_place_whatever_address_it_takes() {
        for (one, other, same) in [
            ("127.0.0.1", "127.8.9.1", true),
            ("127.0.0.1", "::1", true),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ] {
            assert_eq!(place(one) == place(other), same, "{one} and {other}");
        }
        assert!(place("::1").is_here() && !place("10.0.0.1").is_here());
    }
}
