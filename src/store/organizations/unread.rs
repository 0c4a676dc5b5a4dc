//! Organizations beside many credentials at once: each is read once, not once for each credential, since its policy is JSON.

use std::{collections::HashMap, sync::Arc};

use diesel::prelude::*;

use crate::{
    domain::{clock::Timestamp, ids::OrganizationId, organization::Organization},
    store::{error::StoreError, schema::organizations},
};

/// An organization whose policy is not read yet.
#[derive(PartialEq, Queryable, Selectable)]
#[diesel(table_name = organizations)]
pub(in crate::store) struct UnreadOrganization {
    id: OrganizationId,
    number: i64,
    slug: String,
    name: String,
    policy: String,
    policy_seq: i64,
    revoked_seq: i64,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
}

impl UnreadOrganization {
    fn read(&self) -> Result<Organization, StoreError> {
        let Self { id, number, slug, name, policy, policy_seq, revoked_seq, created_at, ended_at } = self;
        Ok(Organization {
            id: *id,
            number: *number,
            slug: slug.clone(),
            name: name.clone(),
            policy: serde_json::from_str(policy).map_err(|error| StoreError::Query(error.to_string()))?,
            policy_seq: *policy_seq,
            revoked_seq: *revoked_seq,
            created_at: *created_at,
            ended_at: *ended_at,
        })
    }
}

/// The organizations of the rows so far.
#[derive(Default)]
pub(in crate::store) struct Organizations(HashMap<OrganizationId, (UnreadOrganization, Arc<Organization>)>);

impl Organizations {
    /// What `row` says; shared by all rows that say the same.
    ///
    /// # Errors
    /// [`StoreError::Query`] if its policy is none.
    pub(in crate::store) fn read(&mut self, row: UnreadOrganization) -> Result<Arc<Organization>, StoreError> {
        if let Some((known, organization)) = self.0.get(&row.id)
            && *known == row
        {
            return Ok(organization.clone());
        }
        let organization = Arc::new(row.read()?);
        self.0.insert(row.id, (row, organization.clone()));
        Ok(organization)
    }
}
