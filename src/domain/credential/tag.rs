//! The tag: proof, without a look at the database, that patmint made a credential.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};

/// The key of the tags (HMAC-SHA-256). Sealed in the database, shared by all replicas.
#[derive(Clone)]
pub struct TagKey(hmac::Key);

impl TagKey {
    /// The key that these bytes are.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The first `N` bytes of the HMAC of `kind` (so that a tag of one kind means nothing for another) and `message`.
    pub(in crate::domain) fn tag<const N: usize>(&self, kind: &str, message: &[u8]) -> [u8; N] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(message);
        let mut tag = [0; N];
        for (to, from) in tag.iter_mut().zip(context.sign().as_ref()) {
            *to = *from;
        }
        tag
    }

    /// Whether `tag` is the one that [`tag`](Self::tag) makes; in constant time.
    pub(in crate::domain) fn is_tag<const N: usize>(&self, kind: &str, message: &[u8], tag: &[u8; N]) -> bool {
        constant_time::verify_slices_are_equal(&self.tag::<N>(kind, message), tag).is_ok()
    }
}

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey(..)")
    }
}
