//! What an edit does to what a credential gives.

use super::Credential;
use crate::domain::scope::Rights;

/// What follows from an edit for what is out already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The credential gives what it gave.
    Unchanged,
    /// Everything that it gave before the edit it still gives: access tokens that are out stay good.
    Widened,
    /// It does not give all of what it gave, whatever it gives more: access tokens that are out say too much.
    Narrowed,
}

/// The effect of making `after` of `before`. An audience that is not named is `default_audience`.
#[must_use]
pub fn effect(before: &Credential, after: &Credential, default_audience: &str) -> Effect {
    let same = (before.permission, before.expires_at) == (after.permission, after.expires_at)
        && (&before.scopes, &before.audiences) == (&after.scopes, &after.audiences);
    let gives_all =
        keeps_rights(before, after) && keeps_audiences(before, after, default_audience) && keeps_time(before, after);
    match (same, gives_all) {
        (true, _) => Effect::Unchanged,
        (false, true) => Effect::Widened,
        (false, false) => Effect::Narrowed,
    }
}

fn keeps_rights(before: &Credential, after: &Credential) -> bool {
    let [before, after] = [before, after].map(|of| Rights::new(of.permission, of.scopes.as_ref()));
    after.include(&before)
}

fn keeps_audiences(before: &Credential, after: &Credential, default: &str) -> bool {
    let default = [default.to_owned()];
    let [before, after] = [before, after].map(|of| of.audiences.as_deref().unwrap_or(&default));
    before.iter().all(|audience| after.contains(audience))
}

/// By its own expiry alone: a policy that ends it sooner may be relaxed.
fn keeps_time(before: &Credential, after: &Credential) -> bool {
    match (before.expires_at, after.expires_at) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(before), Some(after)) => after >= before,
    }
}

#[cfg(test)]
mod tests;
