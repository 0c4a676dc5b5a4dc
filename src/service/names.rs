//! What people call things.

use super::error::{ManageError, invalid};

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// The name as it is kept.
///
/// # Errors
/// [`ManageError::Invalid`].
pub(crate) fn checked_name(name: &str) -> Result<String, ManageError> {
    let name = name.trim();
    if !(1..=MAX_NAME).contains(&name.chars().count()) || name.contains(char::is_control) {
        return Err(invalid("name", "must have 1 to 100 characters, no control characters"));
    }
    Ok(name.to_owned())
}
