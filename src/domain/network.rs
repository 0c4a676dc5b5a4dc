//! Networks, written as the addresses are that they are compared with: an IPv4 address is an IPv4 address, also where a
//! socket shows it as `::ffff:192.0.2.1`.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize as _, Deserializer};

/// The prefix of all IPv4 addresses in IPv6 (RFC 4291 section 2.5.5.2).
const MAPPED: u8 = 96;

/// `network` as an IPv4 one if it was written in IPv6; `None` if it is wider than all of IPv4 and begins in its midst, so
/// that nobody can tell what is meant.
#[must_use]
pub fn canonical(network: IpNet) -> Option<IpNet> {
    let mapped = match network.addr() {
        IpAddr::V6(address) => address.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    let Some(address) = mapped else { return Some(network) };
    let prefix = network.prefix_len().checked_sub(MAPPED)?;
    Ipv4Net::new(address, prefix).ok().map(IpNet::from)
}

/// Reads networks, each as [`canonical`] has it. What nobody can tell stays as it is written: it may be stored already, and
/// is in the way of nothing but itself.
pub(super) fn deserialize_all<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let networks = Vec::<IpNet>::deserialize(deserializer)?;
    Ok(networks.into_iter().map(|network| canonical(network).unwrap_or(network)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv4_network_is_one_however_it_is_written() {
        let canonical = |text: &str| canonical(text.parse().unwrap()).map(|network| network.to_string());
        for (written, expected) in [
            ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
            ("::ffff:cb00:7100/120", "203.0.113.0/24"),
            ("::ffff:203.0.113.7/128", "203.0.113.7/32"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("203.0.113.0/24", "203.0.113.0/24"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::/0", "::/0"),
            ("::1/128", "::1/128"),
        ] {
            assert_eq!(canonical(written).as_deref(), Some(expected), "{written}");
        }
        for unclear in ["::ffff:203.0.113.0/95", "::ffff:0:0/80"] {
            assert_eq!(canonical(unclear), None, "{unclear}");
        }
    }
}
