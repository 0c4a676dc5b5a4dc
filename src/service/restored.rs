//! After a backup was restored: the list goes on above all that was before, and nobody remembers what is not there any
//! more; if asked, everything issued before a moment is revoked for good.

use std::sync::Arc;

use serde_json::json;

use super::{
    change::{Actor, Change},
    core::Core,
    error::{ManageError, invalid},
};
use crate::{
    domain::{clock::Timestamp, list::Target},
    store::{StoreError, credentials, organizations, sessions},
};

/// What was revoked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// How many organizations had credentials to revoke.
    pub organizations: usize,
    /// How many credentials can be exchanged no more.
    pub credentials: i64,
    /// How many sessions were ended.
    pub sessions: usize,
}

/// Sets right what a restored backup leaves behind.
pub struct Restoration {
    pub(crate) core: Arc<Core>,
}

impl Restoration {
    /// Raises the counter above the clock and makes every server drop its memory. With `before`, also revokes every
    /// credential created before that moment, ends the sessions begun before it, and all access tokens that are out.
    ///
    /// # Errors
    /// [`ManageError::Invalid`] if `before` is in the future.
    pub async fn run(&self, before: Option<Timestamp>) -> Result<Option<Revoked>, ManageError> {
        if before.is_some_and(|before| before > self.core.clock.now()) {
            return Err(invalid("--revoke-issued-before", "must not be in the future"));
        }
        let restore = move |change: &mut Change<'_>| {
            let floor = change.now.unix_millis() + 1;
            change.raise_to(floor)?;
            let revoked = before.map(|before| revoke_issued_before(change, before)).transpose()?;
            // Access tokens that name nobody who is there any more are out, too.
            change.append(Target::Unknown, revoked.is_some())?;
            let detail = revoked.map(|Revoked { organizations, credentials, sessions }| {
                json!({
                    "revoke_issued_before": before,
                    "organizations": organizations,
                    "credentials": credentials,
                    "sessions": sessions,
                })
            });
            change.record(Actor::default(), "database.restored", None, None, detail.as_ref())?;
            Ok::<_, ManageError>(revoked)
        };
        self.core.changes.run(restore).await
    }
}

fn revoke_issued_before(change: &mut Change<'_>, before: Timestamp) -> Result<Revoked, StoreError> {
    let mut revoked =
        Revoked { sessions: sessions::delete_begun_before(change.connection, before)?, ..Revoked::default() };
    for (organization, last) in credentials::last_created_before(change.connection, before)? {
        let ended = organizations::revoke_up_to(change.connection, organization, last)?;
        revoked.organizations += usize::from(ended > 0);
        revoked.credentials += ended;
    }
    Ok(revoked)
}
