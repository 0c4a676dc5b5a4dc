//! What a patmint access token is, for the server that signs it and the services that verify it.
//!
//! The types here are the one definition of the claims (RFC 9068, RFC 9396) on both sides.

mod claims;

pub use claims::{
    ACCESS_TOKEN_TYP, AccessClaims, Audience, AuthorizationDetail, Status, StatusListReference, TOKEN_TYPE_ACCESS,
};
