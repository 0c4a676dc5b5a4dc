//! The name that a client gives to one request (`Idempotency-Key`), so that sending it again makes nothing twice.

use super::digest::SecretHash;

/// For how long a key is remembered, in seconds: a day.
pub const LIFETIME: i64 = 86_400;

/// A key, and what is asked under it; both hashed, since nothing more is kept of them.
#[derive(Clone, Copy, Debug)]
pub struct IdempotencyKey {
    /// Of the key, and for the database of its caller too: two callers may choose the same key.
    pub key: SecretHash,
    /// Of the method, the path and the body.
    pub request: SecretHash,
}

impl IdempotencyKey {
    /// `body` is the same text however the client puts its members in order.
    #[must_use]
    pub fn new(key: &str, method: &str, path: &str, body: &str) -> Self {
        // No method and no path has a NUL in it.
        let request = format!("{method}\0{path}\0{body}");
        Self { key: SecretHash::of(key.as_bytes()), request: SecretHash::of(request.as_bytes()) }
    }

    /// The same key as that of one caller, who is named by an id.
    #[must_use]
    pub fn of_caller(self, caller: &str) -> Self {
        let both = [caller.as_bytes(), b"\0", self.key.as_bytes()].concat();
        Self { key: SecretHash::of(&both), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_counts() {
        let base = IdempotencyKey::new("key", "POST", "/a", "{}");
        assert!(base.key.matches(&IdempotencyKey::new("key", "POST", "/b", "[]").key));
        for other in [("PUT", "/a", "{}"), ("POST", "/b", "{}"), ("POST", "/a", "[]")] {
            let other = IdempotencyKey::new("key", other.0, other.1, other.2);
            assert!(!base.request.matches(&other.request), "{other:?}");
        }
        assert!(!base.key.matches(&IdempotencyKey::new("other", "POST", "/a", "{}").key));
        let [ada, bob] = ["ada", "bob"].map(|caller| base.of_caller(caller));
        assert!(!ada.key.matches(&bob.key) && ada.request.matches(&bob.request));
        assert!(ada.key.matches(&IdempotencyKey::new("key", "POST", "/b", "").of_caller("ada").key));
    }
}
