//! A server that is another process, at another address, after each restart.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use super::http::Caller;

/// Where the server is now; one for all who share it.
#[derive(Clone)]
pub(super) struct Whereabouts(Arc<Mutex<SocketAddr>>);

impl Whereabouts {
    pub(super) fn at(address: SocketAddr) -> Self {
        Self(Arc::new(Mutex::new(address)))
    }

    pub(super) fn moved(&self, address: SocketAddr) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// A caller of the server that is there now, without a connection yet.
    pub(super) fn caller(&self) -> Caller {
        Caller::new(*self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
