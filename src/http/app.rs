use std::{sync::Arc, time::Duration};

use ipnet::IpNet;
use secrecy::{ExposeSecret as _, SecretString};

use super::{client_address::TrustedProxies, feed_places::FeedPlaces};
use crate::{domain::digest::SecretHash, service::Services, trace::Tracing};

/// What the operator chose, as far as HTTP goes by it.
#[derive(Clone, Debug)]
pub struct HttpSettings {
    /// How long the published keys may be kept, in seconds.
    pub jwks_max_age: u32,
    /// The most clients that may wait for revocations at once.
    pub max_feed_waiters: usize,
    /// The most of them at one address; holders of the feed token are not counted.
    pub max_feed_waiters_per_address: usize,
    /// What whoever asks for revocations must show; `None` = anybody may.
    pub feed_token: Option<SecretString>,
    /// The most connections at once; others wait until one is closed.
    pub max_connections: usize,
    /// For how long a connection may get nothing before it is given up.
    pub silence: Duration,
    /// From where metrics may be seen.
    pub metrics_networks: Vec<IpNet>,
    /// Whose word counts about the client's address.
    pub proxies: TrustedProxies,
}

/// What every handler has.
pub struct App {
    pub(super) services: Services,
    pub(super) settings: HttpSettings,
    pub(super) feed_places: FeedPlaces,
    pub(super) feed_token: Option<SecretHash>,
    /// Absent where nothing is traced.
    pub(super) tracing: Option<Arc<Tracing>>,
}

impl App {
    /// Serves `services`.
    #[must_use]
    pub fn new(services: Services, settings: HttpSettings) -> Self {
        let feed_places = FeedPlaces::new(settings.max_feed_waiters, settings.max_feed_waiters_per_address);
        let feed_token = settings.feed_token.as_ref().map(|token| SecretHash::of(token.expose_secret().as_bytes()));
        Self { services, settings, feed_places, feed_token, tracing: None }
    }

    /// Traces what it serves.
    #[must_use]
    pub fn traced(self, tracing: Option<Arc<Tracing>>) -> Self {
        Self { tracing, ..self }
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
