//! Credentials: the long-lived secrets that can be exchanged, and how they are written.

mod audiences;
mod base62;
pub mod edit;
mod facts;
mod format;
pub(crate) mod hex;
mod jwt;
mod legacy;
mod opaque;
mod tag;

pub use audiences::{Audiences, MAX_AUDIENCES};
pub(crate) use facts::words;
pub use facts::{Credential, CredentialKind, Description, Permission, Revocation, RevocationReason, UnknownWord};
pub use format::{CredentialFormat, CredentialFormatError, Issued, LookupKey, Presented, is_prefix};
pub use jwt::NEVER_SECONDS;
pub use tag::TagKey;
