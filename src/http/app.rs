use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::service::Services;

/// What the operator chose, as far as HTTP goes by it.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// How long the published keys may be kept, in seconds.
    pub jwks_max_age: u32,
}

/// What every handler has.
pub struct App {
    pub(super) services: Services,
    pub(super) settings: HttpSettings,
    pub(super) jwks: Document,
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
        Self { services, settings, jwks }
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
