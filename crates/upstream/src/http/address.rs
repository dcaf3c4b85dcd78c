//! Which addresses a provider may have.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How an address is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// On the public internet.
    Public,
    /// This machine itself. An administrator may allow it for a host.
    Loopback,
    /// A private network. An administrator may allow it for a host.
    Private,
    /// Nothing a provider could ever have, whoever allows it: link-local addresses, cloud
    /// platforms' metadata services, multicast, reserved ranges.
    Never,
}

/// Classifies `ip`. Forms that carry an IPv4 address inside an IPv6 one count as what they carry
/// (RFC 4291, RFC 6052, RFC 3056), for a connection ends there.
#[must_use]
pub fn reach(ip: IpAddr) -> Reach {
    match ip {
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

/// The special-purpose registry of RFC 6890 and its updates, and the two metadata services that
/// hide in ordinary ranges.
fn reach_v4(ip: Ipv4Addr) -> Reach {
    match ip.octets() {
        [127, ..] => Reach::Loopback,
        // Alibaba Cloud's metadata; Azure's platform service.
        [100, 100, 100, 200] | [168, 63, 129, 16] => Reach::Never,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private,
        // Carrier-grade NAT and overlay networks; benchmarks; documentation.
        [100, 64..=127, ..] | [198, 18..=19, ..] => Reach::Private,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Reach::Private,
        // "This network", link-local (metadata of most clouds), protocol assignments, the old
        // 6to4 relays, multicast and everything above.
        [0, ..] | [169, 254, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [224..=255, ..] => {
            Reach::Never
        }
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return reach_v4(inner);
    }
    let parts = ip.segments();
    let tail = || embedded(parts[6], parts[7]);
    match parts {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        // NAT64: the translator connects to the IPv4 address. Loopback behind it is nobody's.
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => match reach_v4(tail()) {
            Reach::Loopback => Reach::Never,
            other => other,
        },
        [0x64, 0xff9b, 1, ..] => Reach::Private,
        // 6to4 is only ever public.
        [0x2002, high, low, ..] => match reach_v4(embedded(high, low)) {
            Reach::Public => Reach::Public,
            _ => Reach::Never,
        },
        // Teredo.
        [0x2001, 0, ..] => Reach::Never,
        // Documentation.
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => Reach::Private,
        // Metadata of Amazon's and Google's clouds, inside the private range.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => {
            Reach::Never
        }
        // Unique local and the deprecated site-local range.
        [0xfc00..=0xfdff, ..] | [0xfec0..=0xfeff, ..] => Reach::Private,
        [0x2000..=0x3fff, ..] => Reach::Public,
        // Unspecified, IPv4-compatible, link-local, multicast, discard, reserved.
        _ => Reach::Never,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Reach {
        reach(text.parse().unwrap())
    }

    #[test]
    fn ranges_are_known() {
        for ip in [
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "2606:4700::1111",
            "1.1.1.1",
        ] {
            assert_eq!(of(ip), Reach::Public, "{ip}");
        }
        for ip in ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(of(ip), Reach::Loopback, "{ip}");
        }
        for ip in [
            "10.0.0.5",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.5",
            "100.64.0.1",
            "fd12::1",
            "::ffff:10.0.0.5",
            "64:ff9b::a00:5",
            "192.0.2.1",
            "2001:db8::1",
        ] {
            assert_eq!(of(ip), Reach::Private, "{ip}");
        }
        for ip in [
            "0.0.0.0",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::7f00:1",
            "2002:a9fe:a9fe::1",
            "2002:7f00:1::1",
            "100.100.100.200",
            "168.63.129.16",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "::",
            "::7f00:1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "2001:0:1::1",
            "100::1",
        ] {
            assert_eq!(of(ip), Reach::Never, "{ip}");
        }
    }

    proptest! {
        #[test]
        fn an_address_cannot_hide_in_its_mapped_form(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from(bits);
            prop_assert_eq!(reach(v4.into()), reach(v4.to_ipv6_mapped().into()));
        }
    }
}
