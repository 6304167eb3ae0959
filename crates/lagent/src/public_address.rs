//! [`is_public`]: which addresses belong to the public network (the registries of special addresses of IANA).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Ranges of IPv4 that are not public hosts (RFC 6890), as address and length of the prefix.
const PRIVATE_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];
/// Ranges inside 2000::/3 that are not public hosts: protocol assignments with Teredo, and documentation.
const PRIVATE_V6: [([u16; 2], u32); 3] = [([0x2001, 0], 23), ([0x2001, 0xdb8], 32), ([0x3fff, 0], 20)];
/// Prefix of addresses that contain one of IPv4 (6to4).
const SIX_TO_FOUR: u16 = 0x2002;

/// Whether an address belongs to a host of the public network.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let number = u32::from(address);
    PRIVATE_V4
        .iter()
        .all(|(range, length)| (number ^ u32::from(Ipv4Addr::from(*range))) >> (32 - length) != 0)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let parts = address.segments();
    if parts[0] == SIX_TO_FOUR {
        let [a, b] = parts[1].to_be_bytes();
        let [c, d] = parts[2].to_be_bytes();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    let head = u32::from(parts[0]) << 16 | u32::from(parts[1]);
    let is_global = parts[0] & 0xe000 == 0x2000;
    let is_special = PRIVATE_V6.iter().any(|(range, length)| {
        let start = u32::from(range[0]) << 16 | u32::from(range[1]);
        (head ^ start) >> (32 - length) == 0
    });
    is_global && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("is an address")
    }

    #[test]
    fn private_ranges_are_known() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "fe80::1",
            "fd00::1",
            "64:ff9b::7f00:1",
            "2001:db8::1",
            "2001:0:1::1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "ff02::1",
            "3fff::1",
        ] {
            assert!(!is_public(ip(text)), "{text}");
        }
        for text in
            ["1.1.1.1", "100.128.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1111", "2002:101:101::1"]
        {
            assert!(is_public(ip(text)), "{text}");
        }
    }
}
