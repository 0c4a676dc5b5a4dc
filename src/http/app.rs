use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Semaphore;

use crate::{domain::digest::SecretHash, service::Services};

/// What the operator chose, as far as HTTP goes by it.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// How long the published keys may be kept, in seconds.
    pub jwks_max_age: u32,
    /// The most clients that may wait for revocations at once.
    pub max_feed_waiters: usize,
    /// What whoever asks for revocations must show; `None` = anybody may.
    pub feed_token: Option<SecretString>,
}

/// What every handler has.
pub struct App {
    pub(super) services: Services,
    pub(super) settings: HttpSettings,
    pub(super) jwks: Document,
    /// One for each client that may wait for revocations.
    pub(super) feed_places: Semaphore,
    pub(super) feed_token: Option<SecretHash>,
}

/// A body that is the same for everybody, with its `ETag`.
pub(super) struct Document {
    pub(super) body: String,
    pub(super) etag: String,
}

impl Document {
    pub(super) fn new(body: String) -> Self {
        let digest = digest::digest(&digest::SHA256, body.as_bytes());
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest.as_ref().get(..16).unwrap_or_default()));
        Self { body, etag }
    }
}

impl App {
    /// Serves `services`.
    #[must_use]
    pub fn new(services: Services, settings: HttpSettings) -> Self {
        // Keys of strings always become JSON.
        let jwks = Document::new(serde_json::to_string(&services.published_keys()).unwrap_or_default());
        let feed_places = Semaphore::new(settings.max_feed_waiters);
        let feed_token = settings.feed_token.as_ref().map(|token| SecretHash::of(token.expose_secret().as_bytes()));
        Self { services, settings, jwks, feed_places, feed_token }
    }

    /// What is served.
    #[must_use]
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// Whether people reach this patmint over TLS, by its own account.
    pub(super) fn is_https(&self) -> bool {
        self.services.settings().issuer.starts_with("https://")
    }
}
