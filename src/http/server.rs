//! The server: listens until it is told to stop, finishes what it has begun, writes what was gathered.

use std::{
    future::Future,
    io,
    net::{SocketAddr, TcpListener},
    num::NonZeroUsize,
    thread,
    time::Duration,
};

use actix_web::{
    App as ActixApp, HttpServer,
    dev::{ServerHandle, Service as _},
    web::Data,
};
use thiserror::Error;

use super::{app::App, request_id, routes::routes};
use crate::store::StoreError;

/// How long headers may take to arrive.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

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
}

impl Server {
    /// Will serve `app` on `listener`.
    #[must_use]
    pub fn new(listener: TcpListener, app: App) -> Self {
        Self { listener, app: Data::new(app) }
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
        let application = move || {
            let services = app.clone();
            ActixApp::new()
                .app_data(app.clone())
                .wrap_fn(move |request, service| {
                    request_id::marked(services.services().new_request_id(), service.call(request))
                })
                .configure(routes)
        };
        let server = HttpServer::new(application)
            .workers(workers)
            // Of the head only: a client that waits for a revocation sends nothing and is not idle.
            .client_request_timeout(HEADER_TIME)
            .keep_alive(KEEP_ALIVE)
            .shutdown_timeout(SHUTDOWN_SECONDS)
            .disable_signals()
            .listen(self.listener)?
            .run();
        let handle = server.handle();
        tokio::select! {
            result = server => result?,
            () = stopped(stop, &self.app, handle) => {}
        }
        self.app.services().shut_down().await?;
        Ok(())
    }
}

async fn stopped(stop: impl Future<Output = ()>, app: &App, handle: ServerHandle) {
    stop.await;
    // Whoever waits for a revocation is answered now; the stop would wait for them.
    app.services().feed.close();
    handle.stop(true).await;
}
