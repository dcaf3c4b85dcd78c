//! Room for the codes of one app. Whoever holds most of it makes way, so that a handful of networks
//! keeps nobody out of an app that anybody can pretend to be.

use crate::passwords::Network;
use model::ids::WaitingDeviceId;
use std::collections::HashMap;
use std::net::IpAddr;
use store::app_devices::Waiting;

/// Codes of one app that wait at the same time: with them nobody fills the store.
pub(super) const MOST_WAITING: usize = 1000;

/// Where one more code goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Beside those that wait.
    Free,
    /// In the place of this one.
    InPlaceOf(WaitingDeviceId),
    /// Nowhere.
    None,
}

/// Where a new code that is asked for from `ip` goes, given those that wait, the oldest first. The
/// oldest of the network with most of them makes way, unless that would then have fewer than the new
/// one's.
pub(super) fn of(waiting: &[Waiting], ip: Option<IpAddr>) -> Room {
    if waiting.len() < MOST_WAITING {
        return Room::Free;
    }
    let site = |ip| Network::from(ip).site();
    let mut held: HashMap<Network, usize> = HashMap::new();
    for one in waiting {
        *held.entry(site(one.ip)).or_default() += 1;
    }
    let of = |ip| held.get(&site(ip)).copied().unwrap_or_default();
    let most = held.values().copied().max().unwrap_or_default();
    let oldest = waiting.iter().find(|one| of(one.ip) == most);
    match oldest {
        Some(oldest) if of(ip) + 1 < most => Room::InPlaceOf(oldest.id),
        _ => Room::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waiting codes of these networks, so many of each, in turns while they last.
    fn of_networks(networks: &[(&str, usize)]) -> Vec<Waiting> {
        let longest = networks.iter().map(|(_, count)| *count).max().unwrap();
        let turns = (0..longest).flat_map(|turn| {
            let left = networks.iter().filter(move |(_, count)| turn < *count);
            left.map(|(ip, _)| ip.parse().ok())
        });
        let numbered = (1..).zip(turns);
        let waiting = numbered.map(|(id, ip)| Waiting {
            id: WaitingDeviceId(id),
            ip,
        });
        waiting.collect()
    }

    fn comes(waiting: &[Waiting], ip: &str) -> Room {
        of(waiting, ip.parse().ok())
    }

    #[test]
    fn while_there_is_room_nobody_makes_way() {
        let all_but_one = of_networks(&[("192.0.2.1", 999)]);
        assert_eq!(comes(&all_but_one, "192.0.2.1"), Room::Free);
        assert_eq!(of(&[], None), Room::Free);
    }

    #[test]
    fn the_network_with_most_makes_way_by_its_oldest() {
        let few = of_networks(&[("192.0.2.1", 330), ("192.0.2.2", 340), ("192.0.2.3", 330)]);
        let second = Room::InPlaceOf(WaitingDeviceId(2));
        assert_eq!(comes(&few, "192.0.2.4"), second);
        assert_eq!(comes(&few, "192.0.2.1"), second, "it has fewer");
        assert_eq!(comes(&few, "192.0.2.2"), Room::None, "its own share");
        assert_eq!(of(&few, None), second);
        let even = of_networks(&[("192.0.2.1", 501), ("192.0.2.2", 499)]);
        let first = Room::InPlaceOf(WaitingDeviceId(1));
        assert_eq!(comes(&even, "192.0.2.2"), first);
        let even = of_networks(&[("192.0.2.1", 500), ("192.0.2.2", 500)]);
        assert_eq!(comes(&even, "192.0.2.2"), Room::None, "nothing is gained");
    }

    #[test]
    fn one_site_of_ipv6_is_one_network() {
        let ips: Vec<_> = (0..1000).map(|n| format!("2001:db8:1:{n:x}::1")).collect();
        let one: Vec<_> = ips.iter().map(|ip| (ip.as_str(), 1)).collect();
        let one = of_networks(&one);
        assert_eq!(
            comes(&one, "192.0.2.1"),
            Room::InPlaceOf(WaitingDeviceId(1))
        );
        assert_eq!(comes(&one, "2001:db8:1:ffff::1"), Room::None);
    }

    #[test]
    fn a_thousand_networks_of_one_code_each_keep_theirs() {
        let ips: Vec<_> = (0..1000)
            .map(|n| format!("198.18.{}.{}", n / 250, n % 250))
            .collect();
        let one: Vec<_> = ips.iter().map(|ip| (ip.as_str(), 1)).collect();
        assert_eq!(comes(&of_networks(&one), "192.0.2.1"), Room::None);
    }
}
