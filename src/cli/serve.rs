use std::{io, net::TcpListener, sync::Arc, time::Duration};

use actix_web::rt;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task, time,
};

use super::{CliError, open};
use crate::{
    config::Config,
    http::{App, Server, Tls},
    service::Services,
};

/// How often it is looked whether there is a new certificate.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// `patmint serve`.
pub(super) async fn run(config: &Config) -> Result<(), CliError> {
    let listener = open::listener(config)?;
    let issuer = open::issuer(config, &listener)?;
    let tls = open::tls(config)?;
    let services = open::for_server(config, issuer).await?;
    until_told(config, listener, services, tls).await
}

/// Says that it serves, and does until SIGTERM or SIGINT.
pub(super) async fn until_told(
    config: &Config,
    listener: TcpListener,
    services: Services,
    tls: Option<Arc<Tls>>,
) -> Result<(), CliError> {
    let tracing = open::tracing(config);
    let app = App::new(services, config.http.clone()).traced(tracing.clone());
    let mut server = Server::new(listener, app);
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    // Without a handler the signal would end the server: service managers send it to make programs read their files again.
    let hangup = signal(SignalKind::hangup())?;
    if let Some(tls) = tls {
        rt::spawn(look_for_new(tls.clone(), hangup));
        server = server.secured(tls);
    } else {
        rt::spawn(ignore(hangup));
    }
    // Not before: whoever reads this may send the signal at once.
    tracing::info!(issuer = server.app().services().settings().issuer, "listening on {}", server.url()?);
    let told = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    };
    let outcome = server.run(told).await;
    if let Some(tracing) = tracing {
        // Last: even what waits behind a receiver that hangs must not keep anything else from being written.
        task::spawn_blocking(move || tracing.stop()).await.map_err(io::Error::other)?;
    }
    Ok(outcome?)
}

async fn ignore(mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        tracing::info!("SIGHUP: there is no certificate to read again; the server continues");
    }
}

/// Goes on with a new certificate soon after it is there, at once after SIGHUP.
async fn look_for_new(tls: Arc<Tls>, mut told: Signal) {
    let mut ticks = time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = told.recv() => {}
        }
        let files = tls.clone();
        match task::spawn_blocking(move || files.reload()).await {
            Ok(Ok(true)) => tracing::info!("new connections get the new certificate"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "goes on with the certificate it has"),
            Err(error) => tracing::error!(%error, "cannot look for a new certificate"),
        }
    }
}
