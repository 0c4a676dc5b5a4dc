use super::{Credentials, Listing, Page, Seen, revoke::revoke};
use crate::{
    domain::{
        credential::{LookupKey, RevocationReason},
        ids::{CredentialId, UserId},
    },
    service::{authority::Caller, change::Change, error::ManageError},
    store::standings,
};

impl Credentials {
    /// The credentials that count in the organization with this id or slug, or those of one owner, for its admins.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn list_of(
        &self,
        caller: &Caller,
        organization: &str,
        owner: Option<UserId>,
        listing: Listing,
    ) -> Result<Page, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        let organization = authority.admin_of(organization)?.1.clone();
        self.page(organization, owner, listing).await
    }

    /// One credential of an organization, for its admins.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] for another organization's as for none.
    pub async fn get_of(&self, caller: &Caller, organization: &str, id: CredentialId) -> Result<Seen, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        let organization = authority.admin_of(organization)?.1.id;
        let record = self.core.db.read(move |connection| standings::record_by_id(connection, id)).await?;
        let record = record.filter(|found| found.standing.organization_id() == organization);
        Ok(self.seen(record.ok_or(ManageError::NotFound)?, self.core.clock.now()))
    }

    /// Revokes one credential of an organization, for its admins. Doing it again changes nothing.
    ///
    /// # Errors
    /// As [`get_of`](Self::get_of).
    pub async fn revoke_of(&self, caller: &Caller, organization: &str, id: CredentialId) -> Result<(), ManageError> {
        // Before the lock that all changes share: a stranger must not come that far.
        self.core.authenticate(caller).await?.admin_of(organization)?;
        let (core, caller, name) = (self.core.clone(), caller.clone(), organization.to_owned());
        let revoke_of = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let organization = authority.admin_of(&name)?.1.id;
            let standing = standings::by_key(change.connection, LookupKey::Id(id))?;
            let standing =
                standing.filter(|found| found.organization_id() == organization).ok_or(ManageError::NotFound)?;
            let by = Some(authority.user.id);
            revoke(change, &standing, authority.actor(), by, RevocationReason::Requested)?;
            Ok(())
        };
        self.core.changes.run(revoke_of).await
    }
}
