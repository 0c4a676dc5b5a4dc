//! A request in which a known credential was refused, as its owner and admins see it.

use std::net::IpAddr;

use super::{clock::Timestamp, ids::RequestId, verdict::Refusal};

/// A request in which a known credential was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The request.
    pub request_id: RequestId,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Refusal,
    /// From where.
    pub address: Option<IpAddr>,
}
