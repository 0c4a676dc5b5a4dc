//! E-mail addresses, as far as they name a person.

use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

/// The text can be no e-mail address.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not an e-mail address")]
pub struct NotAnEmail;

/// An address in the one form that is compared and stored: trimmed, in lower case, and NFC, since what looks alike must not
/// be two people.
#[derive(Clone, Debug)]
pub struct Email {
    canonical: String,
    /// The same as it was typed, but trimmed and in lower case: so older servers stored it.
    typed: String,
}

impl Email {
    /// The address as it is stored. A newer patmint may accept more addresses than this one.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self { canonical: canonical(&text), typed: text }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.canonical
    }

    /// The forms in which the address may be stored, the one that is meant first: of two people whom an older server took for
    /// different, each is still found by their own.
    #[must_use]
    pub fn stored_forms(&self) -> [String; 3] {
        [self.typed.clone(), self.canonical.clone(), self.canonical.nfd().collect()]
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for Email {}

impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.canonical.hash(state);
    }
}

fn canonical(text: &str) -> String {
    // Lower case of a composed letter may be a decomposed one, and some letters have a lower case only when composed.
    text.trim().nfc().collect::<String>().to_lowercase().nfc().collect()
}

impl FromStr for Email {
    type Err = NotAnEmail;

    /// Accepts `local@domain` without spaces and control characters, 254 bytes at most. Whether mail gets there, only
    /// sending some can tell.
    fn from_str(text: &str) -> Result<Self, NotAnEmail> {
        let typed = text.trim().to_lowercase();
        let canonical = canonical(text);
        let (local, domain) = canonical.rsplit_once('@').ok_or(NotAnEmail)?;
        let is_odd = |c: char| c.is_whitespace() || c.is_control();
        let is_long = canonical.len().max(typed.len()) > 254;
        if local.is_empty() || domain.is_empty() || is_long || canonical.contains(is_odd) {
            return Err(NotAnEmail);
        }
        Ok(Self { canonical, typed })
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_address() {
        for (one, other) in [
            (" Ada@Example.COM ", "ada@example.com"),
            ("Ren\u{e9}e@example.com", "rene\u{301}e@example.com"),
            ("REN\u{c9}E@EXAMPLE.COM", "rene\u{301}e@example.com"),
            ("\u{130}@example.com", "i\u{307}@example.com"),
        ] {
            let email = |text: &str| text.parse::<Email>().unwrap();
            assert_eq!(email(one), email(other));
            assert_eq!(email(one).to_string(), email(other).to_string());
            assert_eq!(email(&email(one).to_string()).to_string(), email(one).to_string(), "read back");
        }
        for bad in ["", "ada", "@example.com", "ada@", "a da@example.com", "ada@example.com\r\nBcc: x"] {
            assert_eq!(bad.parse::<Email>(), Err(NotAnEmail), "{bad:?}");
        }
    }

    #[test]
    fn what_an_older_server_stored_is_among_the_forms() {
        let decomposed = "rene\u{301}e@example.com";
        for typed in [decomposed, "Ren\u{e9}e@Example.com"] {
            assert!(typed.parse::<Email>().unwrap().stored_forms().contains(&decomposed.to_owned()), "{typed}");
        }
    }
}
