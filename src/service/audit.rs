//! The audit trail, for those who may read it: the admins of an organization, and operators.

use std::sync::Arc;

use super::{
    authority::Caller,
    core::Core,
    error::ManageError,
    paging::{Paged, Part},
};
use crate::{
    domain::ids::OrganizationId,
    store::{
        StoreError,
        audit::{self as store, AuditFilter, AuditPlace, Audited},
        organizations,
    },
};

/// Shows the audit trail.
pub struct Audit {
    pub(crate) core: Arc<Core>,
}

/// Where a part of the trail begins: before this place; `None` = with the newest.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditStart(pub Option<AuditPlace>);

/// Which part of the trail is wanted.
pub type AuditPart = Part<AuditStart>;

/// A part of the trail.
pub type AuditPage = Paged<Audited, AuditPlace>;

impl Audit {
    /// What was done in the organization with this id or slug, newest first; for its admins and for operators.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn of(
        &self,
        caller: &Caller,
        organization: &str,
        filter: AuditFilter,
        part: AuditPart,
    ) -> Result<AuditPage, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        let id = match authority.admin_of(organization) {
            Ok((_, organization)) => organization.id,
            // Also of one that has ended, in which nobody is a member any more.
            Err(_) if authority.is_operator() => {
                let name = organization.to_owned();
                let found = self.core.db.read(move |connection| organizations::by_name(connection, &name)).await?;
                found.ok_or(ManageError::NotFound)?.id
            }
            Err(error) => return Err(error),
        };
        Ok(self.page(Some(id), filter, part).await?)
    }

    /// What was done that belongs to no organization, newest first; for operators.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn of_none(
        &self,
        caller: &Caller,
        filter: AuditFilter,
        part: AuditPart,
    ) -> Result<AuditPage, ManageError> {
        self.core.authenticate(caller).await?.operator()?;
        Ok(self.page(None, filter, part).await?)
    }

    async fn page(
        &self,
        organization: Option<OrganizationId>,
        filter: AuditFilter,
        part: AuditPart,
    ) -> Result<AuditPage, StoreError> {
        let (AuditStart(before), limit) = (part.before, part.and_one());
        let rows = self.core.db.read(move |c| store::page(c, organization, &filter, before, limit)).await?;
        Ok(Paged::new(rows, part, |(record, _)| (record.created_at, record.id)))
    }
}
