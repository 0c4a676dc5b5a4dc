//! Transactions that PostgreSQL aborts in favour of another one (SQLSTATE 40001 and 40P01) are run again, whole.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use tokio::time;

use super::{connection::DbConnection, error::StoreError, statements::Statements};

/// How often a transaction is begun at the most.
const TRIES: u32 = 5;

/// The longest wait before the second try; it doubles for each further one. The other transaction is over by then, or
/// holds up everything else too.
const FIRST_WAIT: Duration = Duration::from_millis(8);

/// One try of a transaction.
pub(super) struct Attempt<T, E> {
    outcome: Result<T, E>,
    /// Whether it was aborted, so that nothing of it is there and another try may succeed.
    is_aborted: bool,
}

/// Runs `f` in a transaction that may write.
pub(super) fn attempt<T, E: From<StoreError>>(
    connection: &mut DbConnection,
    f: impl FnOnce(&mut DbConnection) -> Result<T, E>,
) -> Attempt<T, E> {
    let outcome = connection.write_transaction(f);
    // The connection knows it better than the error, which `f` may have turned into another one.
    let is_aborted = outcome.is_err() && Statements::is_aborted(connection);
    Attempt { outcome, is_aborted }
}

/// Tries until one try is not aborted, with growing waits between them.
pub(super) async fn until_decided<T, E, A: Future<Output = Result<Attempt<T, E>, E>>>(
    mut attempt: impl FnMut() -> A,
) -> Result<T, E> {
    for tries in 0..TRIES - 1 {
        let Attempt { outcome, is_aborted } = attempt().await?;
        if !is_aborted {
            return outcome;
        }
        time::sleep(wait(tries)).await;
    }
    attempt().await?.outcome
}

/// Between half of the longest wait and all of it: those who got in each other's way should not meet again.
fn wait(tries: u32) -> Duration {
    let longest = FIRST_WAIT * 2u32.saturating_pow(tries);
    // No secret, and nothing is decided by it: any number will do that differs from caller to caller.
    let part = u32::try_from(RandomState::new().hash_one(tries) % 1024).unwrap_or_default();
    longest / 2 + longest / 2 * part / 1024
}
