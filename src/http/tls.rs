//! TLS by the server itself: certificate and key in PEM files, which are read again when they change, so that
//! certificates of a few days need no restart.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use thiserror::Error;
use tokio::{net::TcpStream, time};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        crypto::{CryptoProvider, aws_lc_rs},
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
        server::{ClientHello, ResolvesServerCert},
        sign::CertifiedKey,
    },
    server::TlsStream,
};

use super::connection::Watched;
use crate::domain::digest::SecretHash;

/// The largest file that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// How long a handshake may take.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that it takes to get to one that clients know, in PEM.
    pub certificate: PathBuf,
    /// The key of the certificate, in PEM.
    pub key: PathBuf,
}

/// Why there is no TLS with these files. Shows nothing of what is in them.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, io::Error),
    /// A file has nothing of that kind in it.
    #[error("{0} has no {1} in PEM")]
    Missing(PathBuf, &'static str),
    /// They do not belong together, or are of a kind that is not known.
    #[error("the certificate in {0} and the key in {1} cannot be used: {2}")]
    Unusable(PathBuf, PathBuf, rustls::Error),
}

/// What the server shows and signs with.
#[derive(Debug)]
struct Shown {
    key: RwLock<Arc<CertifiedKey>>,
}

impl Shown {
    fn get(&self) -> Arc<CertifiedKey> {
        // No code panics while it holds this.
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Shown {
    // Whatever name was asked for: a server has one certificate, and the client judges whether it is the right one.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.get())
    }
}

/// The server's end of TLS.
pub struct Tls {
    files: TlsFiles,
    provider: CryptoProvider,
    shown: Arc<Shown>,
    /// Of what was read last, good or bad.
    read: Mutex<SecretHash>,
    acceptor: TlsAcceptor,
}

/// What is in the files.
struct Pem {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let read = || {
        let found = fs::metadata(file)?;
        if found.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        // Of a pipe or a device nobody knows when it ends.
        if !found.is_file() || found.len() > LARGEST_FILE {
            return Err(io::Error::other("no file of 1 MiB at the most"));
        }
        fs::read(file)
    };
    read().map_err(|error| TlsError::Unreadable(file.to_owned(), error))
}

impl TlsFiles {
    fn read(&self) -> Result<Pem, TlsError> {
        Ok(Pem { certificate: read(&self.certificate)?, key: read(&self.key)? })
    }

    fn parse(&self, pem: &Pem, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
        let chain = CertificateDer::pem_slice_iter(&pem.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let chain = chain.ok_or_else(|| TlsError::Missing(self.certificate.clone(), "certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(&pem.key);
        let key = key.map_err(|_| TlsError::Missing(self.key.clone(), "private key"))?;
        CertifiedKey::from_der(chain, key, provider)
            .map_err(|error| TlsError::Unusable(self.certificate.clone(), self.key.clone(), error))
    }

    /// The certificates, if a server could show them; the first is its own.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub(crate) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        Ok(self.parse(&self.read()?, &aws_lc_rs::default_provider())?.cert)
    }
}

impl Pem {
    fn hash(&self) -> SecretHash {
        SecretHash::of(&[&self.certificate[..], b"\0", &self.key[..]].concat())
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let provider = aws_lc_rs::default_provider();
        let pem = files.read()?;
        let key = files.parse(&pem, &provider)?;
        let shown = Arc::new(Shown { key: RwLock::new(Arc::new(key)) });
        let unusable = |error| TlsError::Unusable(files.certificate.clone(), files.key.clone(), error);
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider.clone()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { read: Mutex::new(pem.hash()), files, provider, shown, acceptor })
    }

    /// Reads the files again: connections that begin from now on get what is in them. Says whether that is something new.
    ///
    /// # Errors
    /// See [`TlsError`]; then it goes on with what it has. Files that are bad in the same way as before are no news.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let pem = self.files.read()?;
        let hash = pem.hash();
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.matches(&hash) {
            return Ok(false);
        }
        *read = hash;
        let key = self.files.parse(&pem, &self.provider)?;
        *self.shown.key.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
        Ok(true)
    }

    /// Shakes hands with a client.
    pub(super) async fn accept(&self, stream: Watched<TcpStream>) -> io::Result<TlsStream<Watched<TcpStream>>> {
        time::timeout(HANDSHAKE_TIME, self.acceptor.accept(stream)).await?
    }
}
