use std::net::SocketAddr;

use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, open};
use crate::{
    config::Config,
    http::{App, Server},
    service::Services,
};

/// `patmint serve`.
pub(super) async fn run(config: &Config) -> Result<(), CliError> {
    let listener = open::listener(config)?;
    let services = open::for_server(config, open::issuer(config, &listener)?).await?;
    let server = Server::new(listener, App::new(services, config.http.clone()));
    announce(server.address()?, server.app().services());
    until_told(server).await
}

pub(super) fn announce(address: SocketAddr, services: &Services) {
    tracing::info!(issuer = services.settings().issuer, "listening on http://{address}");
}

/// Serves until SIGTERM or SIGINT.
pub(super) async fn until_told(server: Server) -> Result<(), CliError> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    };
    Ok(server.run(told).await?)
}
