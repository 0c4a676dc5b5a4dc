//! One's own credentials: make, see, edit, revoke.

mod checks;
mod create;
mod edit;
mod revoke;

use std::{net::IpAddr, sync::Arc};

pub use self::{
    create::{Expiry, NewToken},
    edit::TokenEdit,
    revoke::HandedIn,
};
use super::{
    authority::Caller,
    core::Core,
    error::{ManageError, invalid},
};
use crate::{
    domain::{
        clock::Timestamp,
        ids::{CredentialId, OrganizationId},
        standing::Record,
        verdict::{self, State},
    },
    store::standings,
};

/// The most credentials on one page of a list.
pub const MAX_PAGE: i64 = 200;

/// Manages credentials.
pub struct Credentials {
    pub(crate) core: Arc<Core>,
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

/// A page of a list, newest first.
#[derive(Debug)]
pub struct Page {
    /// The credentials.
    pub items: Vec<Seen>,
    /// Where the next page begins: below this number. `None` = this was the last one.
    pub next: Option<i64>,
}

impl Credentials {
    fn seen(&self, record: Record, now: Timestamp) -> Seen {
        let standing = &record.standing;
        let state = verdict::state(standing, &self.core.settings.issuer, now);
        let effective_expires_at = verdict::effective_expiry(&standing.credential, &standing.organization.policy);
        Seen { record, state, effective_expires_at }
    }

    /// The caller's credentials in one organization: up to `limit` of those with a number below `before`.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn list(
        &self,
        caller: &Caller,
        organization: Option<OrganizationId>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Page, ManageError> {
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(invalid("limit", "must be 1 to 200"));
        }
        let authority = self.core.authenticate(caller).await?;
        authority.may_see_tokens()?;
        let organization = authority.organization(organization)?.1.id;
        let (owner, before) = (authority.user.id, before.unwrap_or(i64::MAX));
        // One more than asked for, to know whether there is a next page.
        let mut rows =
            self.core.db.read(move |c| standings::page_of(c, organization, owner, before, limit + 1)).await?;
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > wanted;
        rows.truncate(wanted);
        let next = rows.last().map(|last| last.standing.credential.number).filter(|_| has_more);
        let now = self.core.clock.now();
        Ok(Page { items: rows.into_iter().map(|record| self.seen(record, now)).collect(), next })
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

    /// The caller that `token` makes, sent from `address`.
    ///
    /// # Errors
    /// [`ManageError::Unauthenticated`] if it can be nobody's.
    pub fn caller(&self, token: &str, address: Option<IpAddr>) -> Result<Caller, ManageError> {
        self.core.proof(token).map(|proof| Caller { proof, address })
    }
}
