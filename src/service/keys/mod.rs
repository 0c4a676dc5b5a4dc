//! Keys: a root key in a folder, and everything else sealed under it in the database.

mod error;
mod fresh;
mod look;
mod manage;
mod opening;
mod ring;
mod root;
mod sealing;
mod stored;
#[cfg(test)]
mod tests;

pub use error::KeyRingError;
pub(super) use look::look;
pub use manage::{Keys, ShownKey, Withdrawn};
pub(crate) use opening::WithdrawnKey;
pub use ring::KeyRing;
pub use root::RootKeyError;
