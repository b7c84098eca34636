//! Globally reachable unicast addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// IPv4 blocks without public hosts: the IANA IPv4 Special-Purpose Address Registry of 2025-10-09, entry by entry, and
/// multicast. The few anycast services that the registry marks as globally reachable are left out too: no web server
/// has such an address.
///
/// <https://www.iana.org/assignments/iana-ipv4-special-registry/>
const IPV4: [(Ipv4Addr, u32); 17] = [
    // "This network".
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    // Private use.
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared address space of carriers.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    // Loopback.
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link local, with the metadata services of cloud providers.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    // Private use.
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    // IETF protocol assignments: DS-Lite, dummy address, PCP and TURN anycast, NAT64 discovery.
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    // Documentation.
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    // AS112.
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    // Automatic multicast tunnelling.
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    // 6to4 relay anycast, 6a44 relay anycast.
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    // Private use.
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Direct delegation of AS112.
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    // Benchmarks.
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation.
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    // Documentation.
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast (224.0.0.0/4), reserved (240.0.0.0/4), limited broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The global unicast space of IPv6. Loopback, IPv4-mapped, IPv4-compatible, NAT64, discard-only, unique-local,
/// link-local, segment routing and multicast addresses are all outside of it.
const IPV6_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Blocks inside [`IPV6_UNICAST`] without public hosts: the IANA IPv6 Special-Purpose Address Registry of 2025-10-09.
///
/// <https://www.iana.org/assignments/iana-ipv6-special-registry/>
const IPV6: [(Ipv6Addr, u32); 5] = [
    // IETF protocol assignments: Teredo, anycast services, benchmarks, AMT, AS112, ORCHID, drone identifiers.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    // Direct delegation of AS112.
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
    // Documentation.
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Returns `true` for a globally reachable unicast address.
///
/// An IPv6 address that carries an IPv4 address (mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP) is never
/// one, whatever it carries: a host with a public IPv4 address has no need of it.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !IPV4.iter().any(|(block, length)| in_ipv4(address, *block, *length)),
        IpAddr::V6(address) => {
            let (unicast, length) = IPV6_UNICAST;
            in_ipv6(address, unicast, length)
                && !IPV6.iter().any(|(block, length)| in_ipv6(address, *block, *length))
                && !is_isatap(address)
        }
    }
}

fn in_ipv4(address: Ipv4Addr, block: Ipv4Addr, length: u32) -> bool {
    (address.to_bits() ^ block.to_bits()).leading_zeros() >= length
}

fn in_ipv6(address: Ipv6Addr, block: Ipv6Addr, length: u32) -> bool {
    (address.to_bits() ^ block.to_bits()).leading_zeros() >= length
}

/// Interface identifiers `0:5efe:a.b.c.d` and `200:5efe:a.b.c.d` of any prefix (RFC 5214, section 6.1).
fn is_isatap(address: Ipv6Addr) -> bool {
    let [.., fifth, sixth, _, _] = address.segments();
    sixth == 0x5efe && matches!(fifth, 0 | 0x200)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every block of both registries, of the multicast registries, and deprecated forms.
    const SPECIAL: &[&str] = &[
        // IPv4 Special-Purpose Address Registry
        "0.0.0.0/8",
        "0.0.0.0/32",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.0.0/29",
        "192.0.0.8/32",
        "192.0.0.9/32",
        "192.0.0.10/32",
        "192.0.0.170/32",
        "192.0.0.171/32",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.88.99.2/32",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "240.0.0.0/4",
        "255.255.255.255/32",
        // Multicast
        "224.0.0.0/4",
        "ff00::/8",
        // IPv6 Special-Purpose Address Registry
        "::1/128",
        "::/128",
        "::ffff:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",
        "2001::/32",
        "2001:1::1/128",
        "2001:1::2/128",
        "2001:1::3/128",
        "2001:2::/48",
        "2001:3::/32",
        "2001:4:112::/48",
        "2001:10::/28",
        "2001:20::/28",
        "2001:30::/28",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        // IPv4-compatible, IPv4-translated, site-local
        "::/96",
        "::ffff:0:0:0/96",
        "fec0::/10",
    ];

    /// The first and the last address of a block, and a mask of the bits that are free in it.
    fn ends(block: &str) -> (IpAddr, IpAddr) {
        let (address, length) = block.split_once('/').unwrap();
        let length: u32 = length.parse().unwrap();
        match address.parse().unwrap() {
            IpAddr::V4(first) => {
                let free = u32::MAX.checked_shr(length).unwrap_or(0);
                (first.into(), Ipv4Addr::from_bits(first.to_bits() | free).into())
            }
            IpAddr::V6(first) => {
                let free = u128::MAX.checked_shr(length).unwrap_or(0);
                (first.into(), Ipv6Addr::from_bits(first.to_bits() | free).into())
            }
        }
    }

    fn neighbours(block: &str) -> [IpAddr; 2] {
        match ends(block) {
            (IpAddr::V4(first), IpAddr::V4(last)) => [
                Ipv4Addr::from_bits(first.to_bits().wrapping_sub(1)).into(),
                Ipv4Addr::from_bits(last.to_bits().wrapping_add(1)).into(),
            ],
            (IpAddr::V6(first), IpAddr::V6(last)) => [
                Ipv6Addr::from_bits(first.to_bits().wrapping_sub(1)).into(),
                Ipv6Addr::from_bits(last.to_bits().wrapping_add(1)).into(),
            ],
            _ => panic!("{block}"),
        }
    }

    #[test]
    fn no_special_purpose_block_is_public_at_either_end() {
        for block in SPECIAL {
            let (first, last) = ends(block);
            assert!(!is_public(first), "{first} of {block}");
            assert!(!is_public(last), "{last} of {block}");
        }
    }

    #[test]
    fn the_neighbours_of_a_block_are_public_unless_another_block_has_them() {
        let special = |address: IpAddr| SPECIAL.iter().any(|block| contains(block, address));
        let mut public = 0;
        for block in SPECIAL {
            for neighbour in neighbours(block) {
                let unicast = match neighbour {
                    IpAddr::V4(_) => true,
                    IpAddr::V6(address) => address.to_bits() >> 125 == 1,
                };
                assert_eq!(is_public(neighbour), unicast && !special(neighbour), "{neighbour} beside {block}");
                public += usize::from(is_public(neighbour));
            }
        }
        assert!(public > 30, "{public}");
    }

    fn contains(block: &str, address: IpAddr) -> bool {
        match (ends(block), address) {
            ((IpAddr::V4(first), IpAddr::V4(last)), IpAddr::V4(address)) => (first..=last).contains(&address),
            ((IpAddr::V6(first), IpAddr::V6(last)), IpAddr::V6(address)) => (first..=last).contains(&address),
            _ => false,
        }
    }

    #[test]
    fn public_hosts_are_public() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "52.95.110.1",
            "100.63.255.255",
            "172.32.0.1",
            "193.0.6.139",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700:4700::1111",
            "2a00:1450:4001:82a::200e",
            "2600:9000:2000::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    proptest! {
        /// A public IPv4 address is refused in every IPv6 form that can carry it.
        #[test]
        fn no_ipv4_address_is_public_in_an_ipv6_disguise(bits: u32, prefix in 0u64..1 << 61) {
            let low = u128::from(bits);
            let prefix = u128::from(prefix | 1 << 61) << 64;
            let embedded = [
                low,
                0xffff << 32 | low,
                0xffff << 48 | low,
                0x0064_ff9b << 96 | low,
                0x0064_ff9b_0001 << 80 | low,
                0x2002 << 112 | low << 80 | 1,
                0x2001_0000 << 96 | low << 64 | 1,
                0x2001_0000 << 96 | 1 << 64 | u128::from(!bits),
                prefix | 0x5efe << 32 | low,
                prefix | 0x0200_5efe << 32 | low,
            ];
            for bits in embedded {
                let address = Ipv6Addr::from_bits(bits);
                prop_assert!(!is_public(address.into()), "{address}");
            }
        }

        #[test]
        fn an_address_is_public_exactly_where_no_block_has_it(bits: u32, wide: u128) {
            let four = IpAddr::from(Ipv4Addr::from_bits(bits));
            prop_assert_eq!(is_public(four), !SPECIAL.iter().any(|block| contains(block, four)));
            // Two of eight addresses are inside 2000::/3 otherwise.
            let six = Ipv6Addr::from_bits(wide >> 3 | 1 << 125);
            let special = SPECIAL.iter().any(|block| contains(block, six.into()));
            prop_assert_eq!(is_public(six.into()), !special && !is_isatap(six));
        }
    }
}
