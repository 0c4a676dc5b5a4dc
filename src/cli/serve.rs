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
    until_told(server).await
}

fn announce(address: SocketAddr, services: &Services) {
    tracing::info!(issuer = services.settings().issuer, "listening on http://{address}");
}

/// Says that it serves, and does until SIGTERM or SIGINT.
pub(super) async fn until_told(server: Server) -> Result<(), CliError> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // Not before: whoever reads this may send the signal at once.
    announce(server.address()?, server.app().services());
    let told = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    };
    Ok(server.run(told).await?)
}
