//! What a patmint access token is, for the server that signs it and the services that verify it.
//!
//! The types here are the one definition of the claims (RFC 9068, RFC 9396) on both sides. [`Verifier`] tells a good token
//! from a bad one by the published keys; to fetch those is the caller's, [`KeyCache`] says when.

mod claims;
mod keys;
mod verify;

pub use claims::{
    ACCESS_TOKEN_TYP, AccessClaims, Audience, AuthorizationDetail, Status, StatusListReference, TOKEN_TYPE_ACCESS,
};
pub use keys::{KeyCache, KeySet};
pub use verify::{Refusal, Verifier};
