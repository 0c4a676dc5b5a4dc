//! Passwords: argon2id, a few at once. Each run takes 19 MiB and a tenth of a second of somebody's patience; unbounded
//! they would be a lever for anybody who wants the machine to stop.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version, password_hash::phc::PasswordHash,
};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{sync::Semaphore, task, time};

use crate::{
    domain::random::{self, Randomness},
    store::StoreError,
};

/// The most argon2 runs at once.
const AT_ONCE: usize = 2;

/// How long one may wait for its turn; then the answer is "busy".
const PATIENCE: Duration = Duration::from_secs(2);

/// Hashes and checks passwords.
pub(crate) struct Passwords {
    random: Arc<dyn Randomness>,
    gate: Arc<Semaphore>,
    /// The hash of a password that nobody knows, for users who do not exist.
    nobody: Arc<OnceLock<SecretString>>,
}

/// RFC 9106's algorithm with OWASP's first choice of parameters: 19 MiB, two passes, one lane.
fn argon2() -> Result<Argon2<'static>, StoreError> {
    let params = Params::new(19_456, 2, 1, None).map_err(|error| StoreError::Query(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &SecretString, salt: &[u8; 16]) -> Result<SecretString, StoreError> {
    let hash: PasswordHash = argon2()?
        .hash_password_with_salt(password.expose_secret().as_bytes(), salt)
        .map_err(|error| StoreError::Query(error.to_string()))?;
    Ok(hash.to_string().into())
}

impl Passwords {
    pub(crate) fn new(random: Arc<dyn Randomness>) -> Self {
        Self { random, gate: Arc::new(Semaphore::new(AT_ONCE)), nobody: Arc::default() }
    }

    /// Makes what the first unknown user would otherwise wait for, and be known by.
    pub(crate) fn prepare(&self) {
        let (nobody, random) = (self.nobody.clone(), self.random.clone());
        // Whoever needs it before it is done makes it; whoever fails to make it says so then.
        drop(task::spawn_blocking(move || nobody_hash(&nobody, &*random).map(|_| ())));
    }

    /// The argon2id hash of a password, as PHC text.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if too many wait.
    pub(crate) async fn hash(&self, password: SecretString) -> Result<SecretString, StoreError> {
        let salt = random::bytes(&*self.random);
        self.run(move || hash(&password, &salt)).await
    }

    /// Whether `password` is the one that was hashed. Takes as long without a hash: whether a user exists must not show.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if too many wait.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<SecretString>,
    ) -> Result<bool, StoreError> {
        let (nobody, random) = (self.nobody.clone(), self.random.clone());
        self.run(move || {
            let exists = stored.is_some();
            let stored = match stored {
                Some(stored) => stored,
                None => nobody_hash(&nobody, &*random)?.clone(),
            };
            let hash = PasswordHash::new(stored.expose_secret()).map_err(|e| StoreError::Query(e.to_string()))?;
            let is_right = argon2()?.verify_password(password.expose_secret().as_bytes(), &hash).is_ok();
            Ok(is_right && exists)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = time::timeout(PATIENCE, self.gate.clone().acquire_owned()).await;
        let Ok(Ok(permit)) = turn else { return Err(StoreError::Busy) };
        let job = move || {
            let _permit = permit;
            job()
        };
        task::spawn_blocking(job).await.unwrap_or_else(|panic| Err(StoreError::Query(panic.to_string())))
    }
}

fn nobody_hash<'a>(
    nobody: &'a OnceLock<SecretString>,
    random: &dyn Randomness,
) -> Result<&'a SecretString, StoreError> {
    if let Some(hash) = nobody.get() {
        return Ok(hash);
    }
    let unknown = random::bytes::<32>(random).iter().map(|byte| char::from(b'a' + byte % 26)).collect::<String>();
    let made = hash(&unknown.into(), &random::bytes(random))?;
    Ok(nobody.get_or_init(|| made))
}
