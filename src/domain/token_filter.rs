//! Which credentials a list shall show.

use super::{clock::Timestamp, credential::CredentialKind, standing::Record, verdict::State};

/// What a list is restricted to; what is `None` restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFilter {
    /// How it stands now.
    pub state: Option<State>,
    /// A part of its name; upper and lower case of ASCII letters are the same.
    pub name: Option<String>,
    /// How it is written.
    pub kind: Option<CredentialKind>,
    /// Neither used nor made at this moment or later.
    pub unused_since: Option<Timestamp>,
    /// Ends before this moment, by itself or by the policy.
    pub expires_before: Option<Timestamp>,
    /// Whether it ends at all, by itself or by the policy: `true` = never.
    pub never_expires: Option<bool>,
}

impl TokenFilter {
    /// Whether a credential belongs on the list that has this state and really ends at `expires_at`.
    #[must_use]
    pub fn admits(&self, record: &Record, state: State, expires_at: Option<Timestamp>) -> bool {
        let credential = &record.standing.credential;
        let last_seen = credential.last_used_at.unwrap_or(credential.created_at);
        self.state.is_none_or(|asked| asked == state)
            && self.name.as_deref().is_none_or(|part| contains(&record.description.name, part))
            && self.kind.is_none_or(|asked| asked == credential.kind)
            && self.unused_since.is_none_or(|since| last_seen < since)
            && self.expires_before.is_none_or(|before| expires_at.is_some_and(|at| at < before))
            && self.never_expires.is_none_or(|never| never == expires_at.is_none())
    }
}

fn contains(name: &str, part: &str) -> bool {
    name.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}
