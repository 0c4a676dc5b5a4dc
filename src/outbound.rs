//! What patmint itself asks others by HTTP.

use std::time::Duration;

use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig, TlsProvider},
};

/// A client that asks whom it is told to ask and nobody else, trusts the certificates that the system trusts, and gives up
/// after `patience`. A status of an error is an answer like others.
pub(crate) fn agent(patience: Duration) -> Agent {
    let tls = TlsConfig::builder().provider(TlsProvider::NativeTls).root_certs(RootCerts::PlatformVerifier).build();
    let config = Agent::config_builder()
        .tls_config(tls)
        // As services reach us, and a receiver is named, not looked for.
        .proxy(None)
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent(concat!("patmint/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(patience));
    Agent::new_with_config(config.build())
}
