//! The audit trail: one row for each management change, in the change's own transaction.

use diesel::prelude::*;

use super::{
    connection::{DbConnection, run},
    error::StoreError,
    schema::audit,
};
use crate::domain::{
    clock::Timestamp,
    ids::{AuditId, CredentialId, OrganizationId, RequestId, UserId},
    means::Means,
};

/// Who did what to whom. Holds no secret.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit)]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditId,
    /// The number on the list of the change.
    pub seq: i64,
    /// When.
    pub created_at: Timestamp,
    /// In which organization, if in one.
    pub organization_id: Option<OrganizationId>,
    /// Who; `None` = whoever held the credential, or the command line.
    pub actor_user_id: Option<UserId>,
    /// With which credential, if with one.
    pub actor_credential_id: Option<CredentialId>,
    /// What, such as `credential.create`.
    pub action: String,
    /// To whom or what: an id.
    pub subject_id: Option<String>,
    /// From which address.
    pub address: Option<String>,
    /// What else is worth knowing, as JSON.
    pub detail: Option<String>,
    /// In which request, if in one.
    pub request_id: Option<RequestId>,
    /// By what; unknown of what is older than this column.
    pub via: Option<Means>,
}

/// Adds a record.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &mut DbConnection, record: AuditRecord) -> Result<(), StoreError> {
    run(diesel::insert_into(audit::table).values(record).execute(connection)).map(|_| ())
}

/// The records of one change.
///
/// # Errors
/// [`StoreError`].
pub fn of_change(connection: &mut DbConnection, seq: i64) -> Result<Vec<AuditRecord>, StoreError> {
    run(audit::table.filter(audit::seq.eq(seq)).select(AuditRecord::as_select()).load(connection))
}
