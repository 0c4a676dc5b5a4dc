//! Keys: a root key in a folder, and everything else sealed under it in the database.

mod ring;
mod root;
mod sealing;

pub use ring::{KeyRing, KeyRingError};
pub use root::RootKeyError;
