//! Pages of an organization's credentials. SQL leaves out only what the filter cannot admit: the verdict decides.

use std::sync::Arc;

use diesel::{dsl, prelude::*, sql_types};

use super::{
    connection::{DbConnection, MultiBackend, run},
    credentials::CredentialRow,
    error::StoreError,
    memberships::MembershipRow,
    schema::{credentials, memberships, users},
    standings::record,
    users::UserRow,
};
use crate::domain::{
    clock::Timestamp, ids::UserId, organization::Organization, standing::Record, token_filter::TokenFilter,
    verdict::State,
};

/// Whose credentials are listed, and which of them.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Where they count.
    pub organization: Arc<Organization>,
    /// Whose they are; `None` = everybody's.
    pub owner: Option<UserId>,
    /// Only those that this user made for others.
    pub created_by: Option<UserId>,
    /// What is asked for.
    pub filter: TokenFilter,
    /// The moment for which it is asked.
    pub now: Timestamp,
}

/// Credentials of one organization, joined with owner and membership.
#[diesel::dsl::auto_type]
fn joined() -> _ {
    credentials::table.inner_join(users::table).left_join(
        memberships::table.on(memberships::organization_id
            .eq(credentials::organization_id)
            .and(memberships::user_id.eq(credentials::owner_id))),
    )
}

/// Neither used nor made at `$since` or later.
macro_rules! last_seen_before {
    ($since:expr) => {
        credentials::last_used_at
            .lt(Some($since))
            .or(credentials::last_used_at.is_null().and(credentials::created_at.lt($since)))
    };
}

/// Ends before `$end` by itself, or so by the longest life that the policy of `$organization` allows.
macro_rules! ends_before {
    ($end:expr, $organization:expr) => {{
        let longest = $organization.policy.token_max_ttl;
        let created_before = longest.map(|ttl| $end.plus_seconds(-ttl));
        credentials::expires_at.lt(Some($end)).or(credentials::created_at.nullable().lt(created_before))
    }};
}

/// Which part of a list is read.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Only below this number.
    pub below: i64,
    /// The most credentials that are read.
    pub limit: i64,
    /// The most that are looked at: of a long list the filter may admit few.
    pub window: i64,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// All that the filter admits, and perhaps some more.
    pub records: Vec<Record>,
    /// Below this number no credential was looked at, though there are some; `None` = all were, or the limit came first.
    pub rest: Option<i64>,
}

/// Newest first, a stretch of the list.
///
/// # Errors
/// [`StoreError`].
pub fn page(connection: &mut DbConnection, selection: &Selection, stretch: Stretch) -> Result<Found, StoreError> {
    let Selection { organization, owner, created_by, filter, now } = selection;
    let Stretch { below, limit, .. } = stretch;
    let last_outside = last_outside(connection, selection, stretch)?;
    let mut query = joined()
        .select((CredentialRow::as_select(), UserRow::as_select(), Option::<MembershipRow>::as_select()))
        // Not `=`: PostgreSQL would then take the order for that of the numbers alone, and go through those of all
        // organizations.
        .filter(credentials::organization_id.between(organization.id, organization.id))
        .filter(credentials::number.lt(below).and(credentials::number.gt(last_outside.unwrap_or(0))))
        .order((credentials::organization_id.desc(), credentials::number.desc()))
        .limit(limit)
        .into_boxed::<MultiBackend>();
    if let Some(owner) = owner {
        query = query.filter(credentials::owner_id.eq(*owner));
    }
    if let Some(by) = created_by {
        // Also what is true of them anyway: an index has only these.
        let is_foreign = credentials::created_by.ne(credentials::owner_id.nullable());
        query = query.filter(credentials::created_by.eq(Some(*by)).and(is_foreign));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(credentials::kind.eq(kind));
    }
    if let Some(part) = &filter.name {
        // Only ASCII letters are folded, as the filter does it, whatever language the database is set to.
        let position = match connection {
            DbConnection::Postgres(_) => "strpos(lower(credentials.name COLLATE \"C\"), ",
            DbConnection::Sqlite(_) => "instr(lower(credentials.name), ",
        };
        let found = dsl::sql::<sql_types::Bool>(position).bind::<sql_types::Text, _>(part.to_ascii_lowercase());
        query = query.filter(found.sql(") > 0"));
    }
    if let Some(since) = filter.unused_since {
        query = query.filter(last_seen_before!(since));
    }
    if let Some(end) = filter.expires_before {
        query = query.filter(ends_before!(end, organization));
    }
    // With a longest life each of them ends, whatever it says itself.
    if filter.never_expires == Some(true) {
        query = query.filter(credentials::expires_at.is_null());
    } else if filter.never_expires == Some(false) && organization.policy.token_max_ttl.is_none() {
        query = query.filter(credentials::expires_at.is_not_null());
    }
    // What ends now has ended: the comparisons are with what is before a moment.
    let soon = now.next();
    match filter.state {
        None => {}
        Some(State::Revoked) => {
            // First what needs no look at the owner: mostly that leaves few.
            let bulk = largest_bulk(connection, organization)?;
            query = query.filter(credentials::revoked_at.is_not_null().or(credentials::created_seq.lt(bulk)));
            let is_revoked = credentials::revoked_at
                .is_not_null()
                .or(credentials::created_seq.lt(organization.revoked_seq))
                .or(credentials::created_seq.lt(users::revoked_seq))
                .or(credentials::created_seq.lt(memberships::revoked_seq.assume_not_null()));
            query = query.filter(is_revoked);
        }
        Some(State::Expired) => {
            query = query.filter(credentials::revoked_at.is_null()).filter(ends_before!(soon, organization));
        }
        Some(State::Stale) => {
            let since = soon.plus_seconds(-organization.policy.stale_after);
            query = query.filter(credentials::revoked_at.is_null()).filter(last_seen_before!(since));
        }
        Some(State::Active | State::Disallowed) => {
            let lives = credentials::expires_at.is_null().or(credentials::expires_at.gt(Some(*now)));
            query = query.filter(credentials::revoked_at.is_null()).filter(lives);
        }
    }
    let rows: Vec<(CredentialRow, UserRow, Option<MembershipRow>)> = run(query.load(connection))?;
    let whole = |(credential, owner, membership)| record(credential, owner, membership, organization.clone());
    let records: Vec<_> = rows.into_iter().map(whole).collect();
    let is_full = i64::try_from(records.len()).unwrap_or(i64::MAX) == limit;
    let rest = last_outside.filter(|_| !is_full).map(|number| number + 1);
    Ok(Found { records, rest })
}

/// The newest credential of the list that the stretch does not look at.
fn last_outside(
    connection: &mut DbConnection,
    selection: &Selection,
    stretch: Stretch,
) -> Result<Option<i64>, StoreError> {
    let Selection { organization, owner, created_by, filter, .. } = selection;
    // What one user made for others is found by an index of its own.
    if *filter == TokenFilter::default() || created_by.is_some() {
        return Ok(None);
    }
    let mut query = credentials::table
        .filter(credentials::organization_id.between(organization.id, organization.id))
        .filter(credentials::number.lt(stretch.below))
        .order((credentials::organization_id.desc(), credentials::number.desc()))
        .offset(stretch.window)
        .limit(1)
        .select(credentials::number)
        .into_boxed::<MultiBackend>();
    if let Some(owner) = owner {
        query = query.filter(credentials::owner_id.eq(*owner));
    }
    run(query.get_result(connection).optional())
}

/// The greatest number below which somebody's credentials there are revoked.
fn largest_bulk(connection: &mut DbConnection, organization: &Organization) -> Result<i64, StoreError> {
    let members = memberships::table.inner_join(users::table).filter(memberships::organization_id.eq(organization.id));
    let largest = members.select((dsl::max(memberships::revoked_seq), dsl::max(users::revoked_seq)));
    let (here, everywhere): (Option<i64>, Option<i64>) = run(largest.get_result(connection))?;
    Ok([here, everywhere].into_iter().flatten().fold(organization.revoked_seq, i64::max))
}
