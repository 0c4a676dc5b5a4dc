use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net};
use serde::Deserialize;

use crate::domain::network;

/// Networks: in flags and environment with commas between them, in the file a list. An address alone is a network of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub(super) struct Networks(pub(super) Vec<IpNet>);

/// Something in the list is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotNetworks;

impl fmt::Display for NotNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "must be networks or addresses, such as 10.0.0.0/8 or ::1, with commas between them; one in ::ffff:0:0/96 has a \
             prefix of 96 to 128",
        )
    }
}

impl std::error::Error for NotNetworks {}

fn networks<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Networks, NotNetworks> {
    let written = |text: &str| text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let network = |text: &str| written(text).and_then(network::canonical);
    texts.map(|text| network(text.trim()).ok_or(NotNetworks)).collect::<Result<_, _>>().map(Networks)
}

impl Networks {
    /// This machine itself.
    pub(super) fn loopback() -> Self {
        let v4 = Ipv4Net::new_assert(Ipv4Addr::LOCALHOST, 8).trunc();
        Self(vec![v4.into(), IpAddr::from(Ipv6Addr::LOCALHOST).into()])
    }
}

impl FromStr for Networks {
    type Err = NotNetworks;

    fn from_str(text: &str) -> Result<Self, NotNetworks> {
        if text.trim().is_empty() { Ok(Self::default()) } else { networks(text.split(',')) }
    }
}

impl TryFrom<Vec<String>> for Networks {
    type Error = NotNetworks;

    fn try_from(texts: Vec<String>) -> Result<Self, NotNetworks> {
        networks(texts.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_whole_or_not_at_all() {
        let written = |text: &str| text.parse::<Networks>().map(|Networks(all)| format!("{all:?}"));
        assert_eq!(written("10.0.0.0/8, ::1 ,192.0.2.7").unwrap(), "[10.0.0.0/8, ::1/128, 192.0.2.7/32]");
        assert_eq!(written("::ffff:10.0.0.0/104,::ffff:192.0.2.7").unwrap(), "[10.0.0.0/8, 192.0.2.7/32]");
        assert_eq!(written("").unwrap(), "[]");
        assert_eq!(written("127.0.0.0/8,::1").unwrap(), format!("{:?}", Networks::loopback().0));
        for wrong in ["10.0.0.0/33", "10.0.0.0/8,", "localhost", "10.0.0.0/8 ::1", "10.0.0.1:80", "::ffff:10.0.0.0/95"]
        {
            assert_eq!(written(wrong), Err(NotNetworks), "{wrong}");
        }
    }
}
