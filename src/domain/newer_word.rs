//! Words that only a newer patmint knows. During an upgrade servers of two versions work on one database, so that the older
//! reads what the newer wrote: it shows such a word as it is stored, and refuses what hangs on it.

use std::{
    fmt,
    sync::{PoisonError, RwLock},
};

use serde::{Serialize, Serializer};
use thiserror::Error;

/// The longest word, in bytes.
const LONGEST: usize = 64;

/// The words that were read so far. They are never given back, since there are only a few.
static WORDS: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// A stored word that this patmint does not know, as one byte: memory holds millions of credentials.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NewerWord(u8);

/// The text is longer than any word, or there are more words than any version of patmint has.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("a stored word is not one of patmint's: the row is damaged")]
pub struct NotAWord;

impl NewerWord {
    /// The word as it is stored. Only for text from the database: the words are kept for as long as the process runs.
    ///
    /// # Errors
    /// [`NotAWord`].
    pub fn stored(text: &str) -> Result<Self, NotAWord> {
        let place = |words: &[&'static str]| words.iter().position(|known| *known == text);
        let known = place(&WORDS.read().unwrap_or_else(PoisonError::into_inner));
        let place = known.map_or_else(
            || {
                let mut words = WORDS.write().unwrap_or_else(PoisonError::into_inner);
                // Another thread may have been faster.
                if let Some(known) = place(&words) {
                    return Ok(known);
                }
                if text.len() > LONGEST || words.len() > usize::from(u8::MAX) {
                    return Err(NotAWord);
                }
                words.push(Box::leak(text.into()));
                Ok(words.len() - 1)
            },
            Ok,
        )?;
        u8::try_from(place).map(Self).map_err(|_| NotAWord)
    }

    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        let words = WORDS.read().unwrap_or_else(PoisonError::into_inner);
        words.get(usize::from(self.0)).copied().unwrap_or_default()
    }
}

impl fmt::Debug for NewerWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl Serialize for NewerWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_kept_once_and_read_back() {
        let [one, again, other] = ["auditor", "auditor", "guest"].map(|text| NewerWord::stored(text).unwrap());
        assert_eq!(one, again);
        assert_ne!(one, other);
        assert_eq!((one.as_str(), other.as_str()), ("auditor", "guest"));
        assert_eq!(NewerWord::stored(&"x".repeat(65)), Err(NotAWord));
    }
}
