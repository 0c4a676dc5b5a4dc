//! Where a call comes from.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};

use super::ids::RequestId;

/// Where a call comes from, for logs and the audit trail. No decision hangs on the request's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The address of whoever calls.
    pub address: Option<IpAddr>,
    /// The id of the request.
    pub request_id: Option<RequestId>,
}

/// The network that one client may have all of: an IPv4 address, or the /64 around an IPv6 address. Limits per client
/// count by it.
#[must_use]
pub fn client_network(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => IpNet::from(IpAddr::from(address)),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, 64).trunc().into(),
    }
}
