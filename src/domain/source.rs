//! Where a call comes from.

use std::net::IpAddr;

use super::ids::RequestId;

/// Where a call comes from, for logs and the audit trail. No decision hangs on the request's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The address of whoever calls.
    pub address: Option<IpAddr>,
    /// The id of the request.
    pub request_id: Option<RequestId>,
}
