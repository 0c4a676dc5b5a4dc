//! The server: listens until it is told to stop, finishes what it has begun, writes what was gathered.

use std::{
    future::{Future, ready},
    io,
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    sync::Arc,
    thread,
    time::Duration,
};

use actix_http::{HttpService, error::DispatchError};
use actix_server::{GracefulShutdownSignal, ServerBuilder, ServerHandle};
use actix_service::{ServiceFactory, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::{
    App as ActixApp,
    dev::{AppConfig, Service as _},
    web::Data,
};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::{
    app::App,
    connection::Watched,
    every_answer::{self, Begun},
    request_gate::{self, RequestGate},
    routes::routes,
    tls::Tls,
    traced,
};
use crate::store::StoreError;

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How long a connection that is closed may take over it.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// How long running requests may take to finish when the server stops, in seconds.
const SHUTDOWN_SECONDS: u64 = 5;

/// Why the server stopped with an error.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The network.
    #[error("cannot serve: {0}")]
    Io(#[from] io::Error),
    /// The last writes: usage, and that this server is gone.
    #[error("stopped, but the last writes (the last use of some tokens) could not be written: {0}")]
    Flush(#[from] StoreError),
}

/// Serves one [`App`] on one listener.
pub struct Server {
    listener: TcpListener,
    app: Data<App>,
    tls: Option<Arc<Tls>>,
}

impl Server {
    /// Will serve `app` on `listener`.
    #[must_use]
    pub fn new(listener: TcpListener, app: App) -> Self {
        Self { listener, app: Data::new(app), tls: None }
    }

    /// Will do so over TLS.
    #[must_use]
    pub fn secured(self, tls: Arc<Tls>) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Where it listens, as a URL.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.address()?))
    }

    /// Where it listens.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// What it serves.
    #[must_use]
    pub fn app(&self) -> Data<App> {
        self.app.clone()
    }

    /// Serves until `stop` is done: then accepts nothing more, finishes, writes, returns.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let app = self.app.clone();
        let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let settings = &self.app.settings;
        let builder = ServerBuilder::new()
            .workers(workers)
            .max_concurrent_connections(settings.max_connections.div_ceil(workers))
            .shutdown_timeout(SHUTDOWN_SECONDS)
            .disable_signals();
        let (stopping, silence) = (builder.graceful_shutdown_signal(), settings.silence);
        let watched = move |stream: TcpStream| {
            let peer = stream.peer_addr().ok();
            (Watched::new(stream, silence), peer)
        };
        let builder = match self.tls {
            None => builder.listen("patmint", self.listener, move || {
                let accept = move |stream: TcpStream| {
                    let (stream, peer) = watched(stream);
                    ready(Ok::<_, DispatchError>((RequestGate::new(stream), peer)))
                };
                fn_service(accept).and_then(http(&app, &stopping))
            }),
            Some(tls) => builder.listen("patmint", self.listener, move || {
                let tls = tls.clone();
                let accept = move |stream: TcpStream| {
                    let (tls, (stream, peer)) = (tls.clone(), watched(stream));
                    async move {
                        let stream = tls.accept(stream).await.map_err(DispatchError::Io)?;
                        Ok::<_, DispatchError>((RequestGate::new(stream), peer))
                    }
                };
                fn_service(accept).and_then(http(&app, &stopping))
            }),
        };
        let server = builder?.run();
        let handle = server.handle();
        tokio::select! {
            result = server => result?,
            () = stopped(stop, &self.app, handle) => {}
        }
        self.app.services().shut_down().await?;
        Ok(())
    }
}

/// HTTP/1.1 on any stream. What actix's own `HttpServer` does, which lets nobody between it and the connection.
fn http<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    app: &Data<App>,
    stopping: &GracefulShutdownSignal,
) -> impl ServiceFactory<(S, Option<SocketAddr>), Config = (), Response = (), Error = DispatchError, InitError = ()> + use<S>
{
    let (services, stopping) = (app.clone(), stopping.clone());
    let application = ActixApp::new()
        .app_data(app.clone())
        .wrap_fn(move |request, service| {
            let id = services.services().new_request_id();
            let span = traced::begun(&services, request.request(), id);
            let is_last = request_gate::is_last(request.headers());
            every_answer::finished(Begun { id, span, is_last }, service.call(request))
        })
        .configure(routes);
    HttpService::build()
        .graceful_shutdown_signal(move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        })
        // Of the head only: a client that waits for a revocation sends nothing and is not idle.
        .client_request_timeout(request_gate::HEAD_TIME)
        .keep_alive(KEEP_ALIVE)
        .client_disconnect_timeout(CLOSE_TIME)
        .h1(map_config(application, |()| AppConfig::default()))
}

async fn stopped(stop: impl Future<Output = ()>, app: &App, handle: ServerHandle) {
    stop.await;
    // Whoever waits for a revocation is answered now; the stop would wait for them.
    app.services().feed.close();
    handle.stop(true).await;
}
