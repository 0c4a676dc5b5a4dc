use std::{
    collections::HashMap,
    fmt,
    str::FromStr as _,
    time::{Duration, Instant},
};

use jsonwebtoken::{Algorithm, DecodingKey, decode_header, jwk::JwkSet};

/// How long after a fetch a key that nobody knows is no reason for another one: tokens with such keys can be made up.
const UNKNOWN_EVERY: Duration = Duration::from_secs(1);

/// A published key.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

/// The published keys of a patmint (RFC 7517).
#[derive(Clone, Default)]
pub struct KeySet(HashMap<String, Key>);

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl KeySet {
    /// Reads what `/.well-known/jwks.json` answers. Keys that are not for signatures, have no `kid` or are of a kind that
    /// is not known here are passed over (RFC 7517 section 5).
    ///
    /// # Errors
    /// If it is no JSON, or no key set.
    pub fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        let set: JwkSet = serde_json::from_slice(json)?;
        let keys = set.keys.iter().filter_map(|jwk| {
            let algorithm = Algorithm::from_str(&jwk.common.key_algorithm?.to_string()).ok()?;
            Some((jwk.common.key_id.clone()?, Key { algorithm, key: DecodingKey::from_jwk(jwk).ok()? }))
        });
        Ok(Self(keys.collect()))
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&Key> {
        self.0.get(kid)
    }
}

/// The published keys as they were fetched last, and whether it is time to fetch them again. It fetches nothing itself.
#[derive(Debug)]
pub struct KeyCache {
    keys: KeySet,
    fetched_at: Option<Instant>,
    max_age: Duration,
}

impl KeyCache {
    /// Has no keys yet. `max_age`: how long keys may be kept, as the `Cache-Control` of their answer says.
    #[must_use]
    pub fn new(max_age: Duration) -> Self {
        Self { keys: KeySet::default(), fetched_at: None, max_age }
    }

    /// The keys as they were fetched last.
    #[must_use]
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Whether to fetch the keys before `token` is verified: they are too old, or its key is not among them. That is no
    /// reason within a second after a fetch.
    #[must_use]
    pub fn should_fetch(&self, token: &str, now: Instant) -> bool {
        let Some(fetched_at) = self.fetched_at else { return true };
        let age = now.saturating_duration_since(fetched_at);
        age >= self.max_age || (age >= UNKNOWN_EVERY && self.is_missing_for(token))
    }

    fn is_missing_for(&self, token: &str) -> bool {
        let kid = decode_header(token).ok().and_then(|header| header.kid);
        kid.is_some_and(|kid| self.keys.find(&kid).is_none())
    }

    /// Takes in keys. `asked_at`: the moment before they were asked for.
    pub fn put(&mut self, keys: KeySet, asked_at: Instant) {
        *self = Self { keys, fetched_at: Some(asked_at), max_age: self.max_age };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 8037, appendix A.2, and what is passed over beside it.
    const PUBLISHED: &str = r#"{"keys": [
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "a", "alg": "EdDSA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "alg": "EdDSA"},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "b"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "c", "alg": "RSA-OAEP"}]}"#;

    /// The head of a token that names this key; nothing else of it counts here.
    fn token(kid: &str) -> String {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        format!("{}.e30.", URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#)))
    }

    #[test]
    fn keys_of_no_use_are_passed_over() {
        let keys = KeySet::from_json(PUBLISHED.as_bytes()).unwrap();
        assert_eq!(format!("{keys:?}"), r#"{"a"}"#);
        assert!(KeySet::from_json(b"{}").is_err());
    }

    #[test]
    fn keys_are_fetched_when_they_are_old_or_one_is_missing() {
        let mut cache = KeyCache::new(Duration::from_mins(5));
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        assert!(cache.should_fetch(&token("a"), start), "there are none");
        cache.put(KeySet::from_json(PUBLISHED.as_bytes()).unwrap(), start);
        assert!(!cache.should_fetch(&token("a"), after(299)));
        assert!(cache.should_fetch(&token("a"), after(300)));
        assert!(!cache.should_fetch(&token("new"), start), "they were fetched just now");
        assert!(cache.should_fetch(&token("new"), after(1)));
        assert!(!cache.should_fetch("no token", after(1)));
    }
}
