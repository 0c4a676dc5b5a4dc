//! The end of trust. Nothing happens then by itself, and a follower that hangs cannot tell of it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use tokio::time;

use super::memory::Memory;
use crate::domain::clock::Clock;

/// How often it is looked whether there is trust again.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Makes whoever waits for a revocation look again when `memory` may not be believed any more: they must not wait on in good
/// faith. One timer for all of them, set for the moment at which trust would end.
pub(crate) async fn tell(memory: Arc<Memory>, clock: Arc<dyn Clock>) -> Infallible {
    loop {
        let left = memory.trust.until().saturating_sub(clock.since_boot());
        if left.is_zero() {
            memory.feed.nudge();
            time::sleep(LOOK_EVERY).await;
        } else {
            time::sleep(left).await;
        }
    }
}
