//! E-mail addresses, as far as they name a person.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The text can be no e-mail address.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not an e-mail address")]
pub struct NotAnEmail;

/// An address in the one form that is compared and stored: trimmed and in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The address as it is stored. A newer patmint may accept more addresses than this one.
    #[must_use]
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = NotAnEmail;

    /// Accepts `local@domain` without spaces and control characters, 254 bytes at most. Whether mail gets there, only
    /// sending some can tell.
    fn from_str(text: &str) -> Result<Self, NotAnEmail> {
        let folded = text.trim().to_lowercase();
        let (local, domain) = folded.rsplit_once('@').ok_or(NotAnEmail)?;
        let is_odd = |c: char| c.is_whitespace() || c.is_control();
        if local.is_empty() || domain.is_empty() || folded.len() > 254 || folded.contains(is_odd) {
            return Err(NotAnEmail);
        }
        Ok(Self(folded))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_one_address() {
        assert_eq!(" Ada@Example.COM ".parse::<Email>(), "ada@example.com".parse());
        for bad in ["", "ada", "@example.com", "ada@", "a da@example.com", "ada@example.com\r\nBcc: x"] {
            assert_eq!(bad.parse::<Email>(), Err(NotAnEmail), "{bad:?}");
        }
    }
}
