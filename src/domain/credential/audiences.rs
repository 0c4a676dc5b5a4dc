use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// Whom the access tokens of a credential are for (RFC 9068 section 2.2, `aud`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
#[expect(clippy::box_collection, reason = "one word for the many credentials that name none")]
pub struct Audiences(Box<Vec<String>>);

impl From<Vec<String>> for Audiences {
    fn from(audiences: Vec<String>) -> Self {
        Self(Box::new(audiences))
    }
}

impl Deref for Audiences {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}
