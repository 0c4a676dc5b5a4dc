//! What a password must be: long, and not one that everybody tries first. No rules of composition (NIST SP 800-63B).

use thiserror::Error;

/// Shortest password, in characters.
pub const MIN_CHARACTERS: usize = 12;

/// Longest password, in characters.
pub const MAX_CHARACTERS: usize = 256;

/// Passwords of twelve characters and more from the top of the lists that attackers begin with.
const BLOCKED: [&str; 24] = [
    "000000000000",
    "111111111111",
    "123123123123",
    "123456123456",
    "1234567890ab",
    "123456789012",
    "1234567891011",
    "1q2w3e4r5t6y",
    "adminadminadmin",
    "administrator",
    "changemechangeme",
    "changemeplease",
    "correcthorsebatterystaple",
    "iloveyouiloveyou",
    "letmeinletmein",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "patmintpatmint",
    "qwerty123456",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
];

/// Why a password is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PasswordError {
    /// Not [`MIN_CHARACTERS`] to [`MAX_CHARACTERS`] characters.
    #[error("must have 12 to 256 characters")]
    Length,
    /// Known to everybody.
    #[error("is one of the first that attackers try")]
    Common,
}

/// Checks a new password.
///
/// # Errors
/// See [`PasswordError`].
pub fn check(password: &str) -> Result<(), PasswordError> {
    if !(MIN_CHARACTERS..=MAX_CHARACTERS).contains(&password.chars().count()) {
        return Err(PasswordError::Length);
    }
    if BLOCKED.contains(&password.to_lowercase().as_str()) {
        return Err(PasswordError::Common);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_and_the_blocklist_decide() {
        assert_eq!(check("elevenchars"), Err(PasswordError::Length));
        assert_eq!(check(&"x".repeat(257)), Err(PasswordError::Length));
        assert_eq!(check("PasswordPassword"), Err(PasswordError::Common));
        assert_eq!(check("twelve chars"), Ok(()));
        assert_eq!(check(&"\u{e9}".repeat(256)), Ok(()));
    }
}
