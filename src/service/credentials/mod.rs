//! Credentials: one's own to make, see, edit and revoke; an organization's to see and revoke.

mod bulk;
mod bulk_turns;
mod checks;
mod create;
mod edit;
mod issue;
mod list;
mod of_organization;
mod repeat;
mod replaced;
mod revoke;
mod rotate;
mod stale;
mod usage;

use std::sync::Arc;

use self::bulk_turns::BulkTurns;
pub use self::{
    bulk::{MAX_IDS, Which},
    create::{Expiry, NewToken},
    edit::TokenEdit,
    list::{Listing, MAX_PAGE, Page},
    revoke::HandedIn,
    rotate::{MAX_OVERLAP, Rotation},
    usage::{CredentialUsage, DayOfUse},
};
pub(super) use self::{replaced::end_replaced, stale::StaleWalk};
use super::{authority::Caller, core::Core, error::ManageError};
use crate::{
    domain::{
        clock::Timestamp,
        ids::CredentialId,
        source::Source,
        standing::Record,
        verdict::{self, State},
    },
    store::standings,
};

/// Manages credentials.
pub struct Credentials {
    core: Arc<Core>,
    bulk_turns: BulkTurns,
}

/// A credential as its owner sees it.
#[derive(Debug)]
pub struct Seen {
    /// Everything about it but its secret.
    pub record: Record,
    /// How it stands now.
    pub state: State,
    /// When it really ends.
    pub effective_expires_at: Option<Timestamp>,
}

impl Credentials {
    pub(super) fn new(core: Arc<Core>) -> Self {
        let bulk_turns = BulkTurns::new(core.clock.clone());
        Self { core, bulk_turns }
    }

    fn seen(&self, record: Record, now: Timestamp) -> Seen {
        let standing = &record.standing;
        let state = verdict::state(standing, &self.core.settings.issuer, now);
        let effective_expires_at = verdict::effective_expiry(&standing.credential, &standing.organization.policy);
        Seen { record, state, effective_expires_at }
    }

    /// One of the caller's credentials.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] for another's as for none.
    pub async fn get(&self, caller: &Caller, id: CredentialId) -> Result<Seen, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        authority.may_see_tokens()?;
        let record = self.core.db.read(move |connection| standings::record_by_id(connection, id)).await?;
        let record = record.filter(|own| checks::is_own(&authority, &own.standing)).ok_or(ManageError::NotFound)?;
        Ok(self.seen(record, self.core.clock.now()))
    }

    /// The caller that `token` makes, sent from `source`.
    ///
    /// # Errors
    /// [`ManageError::Unauthenticated`] if it can be nobody's.
    pub fn caller(&self, token: &str, source: Source) -> Result<Caller, ManageError> {
        self.core.proof(token).map(|proof| Caller { proof, source, idempotency_key: None })
    }
}
