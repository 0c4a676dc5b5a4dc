//! HTTP: parse, one call inward, format. One file an endpoint, one error type a body shape, one table of routes.

mod app;
mod audit;
mod body;
mod caller;
mod client_address;
mod connection;
mod detail;
mod etag;
mod feed;
mod invitations;
mod json;
mod jwks;
mod members;
mod metadata;
mod metrics;
mod oauth_error;
pub(crate) mod openapi;
mod operations;
mod org_revocations;
mod org_tokens;
mod organizations;
mod origin;
mod paging;
mod path;
mod policies;
mod problem;
mod refresh;
mod request_id;
mod revocations;
mod revoke;
mod routes;
mod server;
mod service_accounts;
mod session;
mod status_lists;
mod tls;
mod tokens;
mod users;

pub use app::{App, HttpSettings};
pub use client_address::{ProxyHeader, TrustedProxies, UnknownProxyHeader};
pub use openapi::openapi;
pub use routes::all_routes;
pub use server::{Server, ServerError};
pub use tls::{Tls, TlsError, TlsFiles};

pub(crate) use self::{caller::caller, detail::Detail};
