//! The audit trail: one row for each management change, in the change's own transaction.

use std::ops::RangeInclusive;

use diesel::prelude::*;

use super::{
    connection::{DbConnection, MultiBackend, run},
    error::StoreError,
    schema::{audit, users},
    users::UserRow,
};
use crate::domain::{
    clock::Timestamp,
    ids::{AuditId, CredentialId, OrganizationId, RequestId, UserId},
    means::Means,
    membership::User,
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

/// Which records are wanted.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only of this action.
    pub action: Option<String>,
    /// Only by this user.
    pub actor: Option<UserId>,
    /// Only by this credential.
    pub credential: Option<CredentialId>,
    /// Only to this id.
    pub subject: Option<String>,
    /// Only from this moment on.
    pub since: Option<Timestamp>,
    /// Only before this moment.
    pub until: Option<Timestamp>,
}

/// Where in the trail a record stands: its moment, and its id among those of the same moment.
pub type AuditPlace = (Timestamp, AuditId);

/// A record, and the user who acted.
pub type Audited = (AuditRecord, Option<User>);

/// Adds a record.
///
/// # Errors
/// [`StoreError`].
pub fn insert(connection: &mut DbConnection, record: AuditRecord) -> Result<(), StoreError> {
    run(diesel::insert_into(audit::table).values(record).execute(connection)).map(|_| ())
}

/// The records of the changes with these numbers, in their order.
///
/// # Errors
/// [`StoreError`].
pub fn of_changes(connection: &mut DbConnection, numbers: RangeInclusive<i64>) -> Result<Vec<AuditRecord>, StoreError> {
    let changes = audit::table.filter(audit::seq.between(*numbers.start(), *numbers.end()));
    run(changes.order((audit::seq, audit::id)).select(AuditRecord::as_select()).load(connection))
}

/// What was done in a request, in the order in which it was written down.
///
/// # Errors
/// [`StoreError`].
pub fn in_request(connection: &mut DbConnection, id: RequestId) -> Result<Vec<Audited>, StoreError> {
    let query = audit::table
        .left_join(users::table)
        .filter(audit::request_id.eq(id))
        .order((audit::created_at, audit::seq, audit::id))
        .select((AuditRecord::as_select(), Option::<UserRow>::as_select()));
    let rows: Vec<(AuditRecord, Option<UserRow>)> = run(query.load(connection))?;
    Ok(rows.into_iter().map(|(record, actor)| (record, actor.map(User::from))).collect())
}

/// Newest first, `limit` of the records of an organization, or of those that belong to none, that stand before `before`.
///
/// # Errors
/// [`StoreError`].
pub fn page(
    connection: &mut DbConnection,
    organization: Option<OrganizationId>,
    filter: &AuditFilter,
    before: Option<AuditPlace>,
    limit: i64,
) -> Result<Vec<Audited>, StoreError> {
    let mut query = audit::table
        .left_join(users::table)
        .select((AuditRecord::as_select(), Option::<UserRow>::as_select()))
        // The organization too: for PostgreSQL `IS NULL` does not make it the same in all rows.
        .order((audit::organization_id.desc(), audit::created_at.desc(), audit::id.desc()))
        .limit(limit)
        .into_boxed::<MultiBackend>();
    query = match organization {
        Some(id) => query.filter(audit::organization_id.eq(id)),
        None => query.filter(audit::organization_id.is_null()),
    };
    let AuditFilter { action, actor, credential, subject, since, until } = filter;
    if let Some(action) = action {
        query = query.filter(audit::action.eq(action));
    }
    if let Some(actor) = actor {
        query = query.filter(audit::actor_user_id.eq(*actor));
    }
    if let Some(credential) = credential {
        query = query.filter(audit::actor_credential_id.eq(*credential));
    }
    if let Some(subject) = subject {
        query = query.filter(audit::subject_id.eq(subject));
    }
    if let Some(since) = since {
        query = query.filter(audit::created_at.ge(*since));
    }
    if let Some(until) = until {
        query = query.filter(audit::created_at.lt(*until));
    }
    if let Some((at, id)) = before {
        // The first of the two is what an index can go by.
        query = query.filter(audit::created_at.le(at)).filter(audit::created_at.lt(at).or(audit::id.lt(id)));
    }
    let rows: Vec<(AuditRecord, Option<UserRow>)> = run(query.load(connection))?;
    Ok(rows.into_iter().map(|(record, actor)| (record, actor.map(User::from))).collect())
}
