use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::policy::{AUDIENCE_PATTERN, MAX_AUDIENCE};

/// The most audiences that one credential may name.
pub const MAX_AUDIENCES: usize = 20;

/// Whom the access tokens of a credential are for (RFC 9068 section 2.2, `aud`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[expect(clippy::box_collection, reason = "one word for the many credentials that name none")]
pub struct Audiences(
    #[schemars(
        length(min = 1, max = MAX_AUDIENCES),
        inner(length(min = 1, max = MAX_AUDIENCE), regex(pattern = AUDIENCE_PATTERN))
    )]
    Box<Vec<String>>,
);

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
