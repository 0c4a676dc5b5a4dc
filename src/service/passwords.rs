//! Passwords: argon2id, a few at once. Each run takes 19 MiB and a tenth of a second of somebody's patience; unbounded
//! they would be a lever for anybody who wants the machine to stop.

mod hasher;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use argon2::{
    Params,
    password_hash::{self, CustomizedPasswordHasher as _, PasswordVerifier as _, phc::PasswordHash},
};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task, time,
};

use self::hasher::Hasher;
use super::behind::Behind;
use crate::{
    domain::{
        password,
        random::{self, Randomness},
    },
    trace::timed,
};

/// The most argon2 runs at once; those that starve on busy cores and are done anew come on top (`behind.rs`).
const AT_ONCE: usize = 2;

/// The most who wait for their turn.
const WAITING: usize = 32;

/// How long one waits at the most.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a password was neither hashed nor checked.
#[derive(Debug, Error)]
pub(crate) enum PasswordsError {
    /// Too many at once.
    #[error("too many passwords are being checked")]
    Busy,
    /// argon2 cannot do its work; or the stored hash is none.
    #[error("cannot hash: {0}")]
    Hash(String),
}

/// Hashes and checks passwords.
pub(crate) struct Passwords {
    random: Arc<dyn Randomness>,
    gate: Arc<Semaphore>,
    behind: Behind,
    hasher: Arc<Hasher>,
    waiting: AtomicUsize,
    /// The hash of a password that nobody knows, for users who do not exist.
    nobody: Arc<OnceLock<SecretString>>,
}

/// The right to one run.
pub(crate) struct Turn(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit);

fn broken(error: impl std::fmt::Display) -> PasswordsError {
    PasswordsError::Hash(format!("{error}"))
}

/// OWASP's first choice of parameters for argon2id, RFC 9106: 19 MiB, two passes, one lane.
fn hash(hasher: &Hasher, password: &SecretString, salt: &[u8; 16]) -> Result<SecretString, PasswordsError> {
    let params = Params::new(19_456, 2, 1, None).map_err(broken)?;
    let password = normalized(password);
    let password = password.expose_secret().as_bytes();
    Ok(hasher.hash_password_with_params(password, salt, params).map_err(broken)?.to_string().into())
}

/// The form of a password that is hashed.
fn normalized(password: &SecretString) -> SecretString {
    password::normalized(password.expose_secret()).into_owned().into()
}

/// 24 letters and digits without those that look alike: more than 130 bits.
pub(crate) fn generate(random: &dyn Randomness) -> SecretString {
    const ALPHABET: &[u8; 50] = b"23456789abcdefghijkmnpqrstuvwxyzABCDEFGHJKMNPQRTUV";
    let mut password = String::new();
    while password.len() < 24 {
        let [byte] = random::bytes::<1>(random);
        // 250 = 5 x 50: a byte above would make some letters likelier.
        if let Some(letter) = ALPHABET.get(usize::from(byte % 50)).filter(|_| byte < 250) {
            password.push(char::from(*letter));
        }
    }
    password.into()
}

impl Passwords {
    pub(crate) fn new(random: Arc<dyn Randomness>) -> Self {
        let gate = Arc::new(Semaphore::new(AT_ONCE));
        Self {
            random,
            gate,
            behind: Behind::default(),
            hasher: Arc::default(),
            waiting: AtomicUsize::new(0),
            nobody: Arc::default(),
        }
    }

    /// Makes what the first unknown user would otherwise wait for, and be known by.
    pub(crate) fn prepare(&self) {
        let (nobody, random) = (self.nobody.clone(), self.random.clone());
        // Whoever needs it before it is done makes it; whoever fails to make it says so then. Its memory is not kept:
        // nobody has signed in yet.
        drop(task::spawn_blocking(move || nobody_hash(&nobody, &Hasher::default(), &*random).map(|_| ())));
    }

    /// Gives memory back to the system that has not been needed since this was last called. To be called now and then.
    pub(crate) fn give_back_memory(&self) {
        self.hasher.give_back();
    }

    /// Waits for a turn, in a queue of bounded length. To be taken before anything else is done for a stranger.
    ///
    /// # Errors
    /// [`PasswordsError::Busy`].
    pub(crate) async fn turn(&self) -> Result<Turn, PasswordsError> {
        let place = Place::take(&self.waiting).ok_or(PasswordsError::Busy)?;
        let turn = time::timeout(PATIENCE, self.gate.clone().acquire_owned());
        let turn = timed("wait for a turn", turn).await;
        drop(place);
        match turn {
            Ok(Ok(permit)) => Ok(Turn(permit)),
            Ok(Err(_)) | Err(_) => Err(PasswordsError::Busy),
        }
    }

    /// The argon2id hash of a password, as PHC text.
    ///
    /// # Errors
    /// [`PasswordsError`].
    pub(crate) async fn hash(&self, password: SecretString) -> Result<SecretString, PasswordsError> {
        let (turn, hasher, salt) = (self.turn().await?, self.hasher.clone(), random::bytes(&*self.random));
        self.run(turn, move || hash(&hasher, &password, &salt)).await
    }

    /// Whether `password` is the one that was hashed. Takes as long without a hash: whether a user exists must not show.
    ///
    /// # Errors
    /// [`PasswordsError::Hash`].
    pub(crate) async fn verify(
        &self,
        turn: Turn,
        password: SecretString,
        stored: Option<SecretString>,
    ) -> Result<bool, PasswordsError> {
        let (nobody, hasher, random) = (self.nobody.clone(), self.hasher.clone(), self.random.clone());
        let verify = move || {
            let exists = stored.is_some();
            let stored = match &stored {
                Some(stored) => stored,
                None => nobody_hash(&nobody, &hasher, &*random)?,
            };
            let hash = PasswordHash::new(stored.expose_secret()).map_err(broken)?;
            // Older hashes are of what was typed. Whether there is a second run hangs on the password alone: a user who does
            // not exist takes as long as one whose password is wrong.
            let normal = normalized(&password);
            let typed = Some(&password).filter(|typed| typed.expose_secret() != normal.expose_secret());
            for form in [Some(&normal), typed].into_iter().flatten() {
                match hasher.verify_password(form.expose_secret().as_bytes(), &hash) {
                    Ok(()) => return Ok(exists),
                    Err(password_hash::Error::PasswordInvalid) => {}
                    Err(error) => return Err(broken(error)),
                }
            }
            Ok(false)
        };
        self.run(turn, verify).await
    }

    async fn run<T: Send + 'static>(
        &self,
        turn: Turn,
        job: impl Fn() -> Result<T, PasswordsError> + Send + Sync + 'static,
    ) -> Result<T, PasswordsError> {
        timed("argon2", self.behind.run(turn, job)).await.map_err(broken)?
    }
}

/// A place in the queue; given back when dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let one_more = |count: usize| (count < WAITING).then_some(count + 1);
        waiting.fetch_update(SeqCst, SeqCst, one_more).ok().map(|_| Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

fn nobody_hash<'a>(
    nobody: &'a OnceLock<SecretString>,
    hasher: &Hasher,
    random: &dyn Randomness,
) -> Result<&'a SecretString, PasswordsError> {
    if let Some(hash) = nobody.get() {
        return Ok(hash);
    }
    let made = hash(hasher, &generate(random), &random::bytes(random))?;
    Ok(nobody.get_or_init(|| made))
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};

    use super::*;
    use crate::domain::random::SystemRandomness;

    #[tokio::test]
    async fn the_queue_is_bounded() {
        let passwords = Passwords::new(Arc::new(SystemRandomness::default()));
        let turns = [passwords.turn().await.unwrap(), passwords.turn().await.unwrap()];
        let mut waiting: Vec<_> = (0..WAITING).map(|_| Box::pin(passwords.turn())).collect();
        poll_fn(|context| {
            assert!(waiting.iter_mut().all(|turn| turn.as_mut().poll(context).is_pending()));
            std::task::Poll::Ready(())
        })
        .await;
        assert!(matches!(passwords.turn().await, Err(PasswordsError::Busy)), "no place is left");
        drop(turns);
        for turn in waiting {
            assert!(turn.await.is_ok(), "those who wait get their turn");
        }
    }

    #[tokio::test]
    async fn a_password_is_right_or_not_and_nobody_has_one() {
        let passwords = Passwords::new(Arc::new(SystemRandomness::default()));
        let stored = passwords.hash("a good password".into()).await.unwrap();
        for (password, stored, expected) in [
            ("a good password", Some(stored.clone()), true),
            ("a bad password", Some(stored), false),
            ("a good password", None, false),
        ] {
            let turn = passwords.turn().await.unwrap();
            assert_eq!(passwords.verify(turn, password.into(), stored).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn one_that_is_typed_in_another_form_is_the_same_and_old_hashes_count() {
        let passwords = Passwords::new(Arc::new(SystemRandomness::default()));
        let (composed, decomposed) = ("Sch\u{f6}nbr\u{fc}nn\u{a0}4", "Scho\u{308}nbru\u{308}nn 4");
        let stored = passwords.hash(decomposed.into()).await.unwrap();
        let hasher = Hasher::default();
        let params = Params::new(64, 2, 1, None).unwrap();
        let old = hasher.hash_password_with_params(decomposed.as_bytes(), b"salt of 16 bytes", params).unwrap();
        let old = SecretString::from(old.to_string());
        for (password, stored, expected) in [
            (composed, &stored, true),
            (decomposed, &stored, true),
            ("Schonbrunn 4", &stored, false),
            (decomposed, &old, true),
            (composed, &old, false),
        ] {
            let turn = passwords.turn().await.unwrap();
            let is_right = passwords.verify(turn, password.into(), Some(stored.clone())).await.unwrap();
            assert_eq!(is_right, expected, "{password:?}");
        }
    }
}
