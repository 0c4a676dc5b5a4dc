//! What a password must be: long, and not one that everybody tries first. No rules of composition (NIST SP 800-63B).

use std::borrow::Cow;

use thiserror::Error;
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

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

/// The one form of a password that is hashed (RFC 8265 section 4.2.2, `OpaqueString`): every space is the same space, and
/// letters with marks are NFC; keyboards and systems differ in both. Characters that the profile forbids stay: there are
/// no rules of composition here, and an emoji that is newer than this program is a good part of a password.
#[must_use]
pub fn normalized(password: &str) -> Cow<'_, str> {
    if password.is_ascii() || (is_nfc(password) && !password.contains(is_other_space)) {
        return Cow::Borrowed(password);
    }
    Cow::Owned(password.chars().map(|c| if is_other_space(c) { ' ' } else { c }).nfc().collect())
}

/// Whether it is a space (general category Zs), but not the one of ASCII.
fn is_other_space(c: char) -> bool {
    c.is_whitespace() && !c.is_ascii() && !['\u{85}', '\u{2028}', '\u{2029}'].contains(&c)
}

/// Checks a new password.
///
/// # Errors
/// See [`PasswordError`].
pub fn check(password: &str) -> Result<(), PasswordError> {
    let password = normalized(password);
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
        assert_eq!(check(&"e\u{301}".repeat(256)), Ok(()), "counted as it is hashed");
        assert_eq!(check(&"e\u{301}".repeat(11)), Err(PasswordError::Length));
    }

    #[test]
    fn a_password_has_one_form_however_it_is_typed() {
        for (typed, expected) in [
            ("correct horse", "correct horse"),
            ("correct\u{a0}horse\u{3000}battery", "correct horse battery"),
            ("Scho\u{308}nbru\u{308}nn", "Sch\u{f6}nbr\u{fc}nn"),
            ("Sch\u{f6}nbr\u{fc}nn", "Sch\u{f6}nbr\u{fc}nn"),
            ("\u{212b}ngstr\u{f6}m", "\u{c5}ngstr\u{f6}m"),
            // Neither case nor compatibility forms: those are other passwords.
            ("\u{ff21}\u{fb01}", "\u{ff21}\u{fb01}"),
            ("tab\tand\u{2028}line", "tab\tand\u{2028}line"),
        ] {
            assert_eq!(normalized(typed), expected);
            assert_eq!(normalized(&normalized(typed)), expected);
        }
    }
}
