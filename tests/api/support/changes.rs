//! Changes that no endpoint offers yet, made as the services make them: with a number and an entry on the list.

use std::collections::HashSet;

use diesel::connection::SimpleConnection as _;
use patmint::{
    domain::{
        clock::Clock as _,
        ids::{CredentialId, OrganizationId, UserId},
        list::{Entry, Target},
        membership::{Membership, Role},
    },
    store::{
        StoreError,
        audit::{self, AuditRecord},
        list, memberships,
    },
};

use super::{app::TestApp, people::Person, seconds};

impl TestApp {
    pub fn disable(&self, person: &Person) {
        let id = &person.id;
        let target = Target::User(id.parse().unwrap());
        self.alter(target, format!("UPDATE users SET disabled_at = '2026-11-21 10:00:00' WHERE id = '{id}'"));
    }

    pub fn enable(&self, person: &Person) {
        let id = &person.id;
        self.alter(Target::User(id.parse().unwrap()), format!("UPDATE users SET disabled_at = NULL WHERE id = '{id}'"));
    }

    /// Ends somebody's membership in Acme.
    pub fn end_membership(&self, person: &Person) {
        let (organization, user) = (&self.organization_id, &person.id);
        let target = Target::Member(organization.parse().unwrap(), user.parse().unwrap());
        self.alter(
            target,
            format!(
                "UPDATE memberships SET ended_at = '2026-11-21 10:00:00' \
                 WHERE user_id = '{user}' AND organization_id = '{organization}'"
            ),
        );
    }

    /// Removes a credential's row, as is done long after its end.
    pub fn forget(&self, id: &str) {
        let target = Target::Credential(id.parse::<CredentialId>().unwrap());
        self.alter(target, format!("DELETE FROM credentials WHERE id = '{id}'"));
    }

    /// Makes somebody a member of an organization besides their own.
    pub fn join(&self, person: &Person, organization: &str) {
        let (user_id, created_at): (UserId, _) = (person.id.parse().unwrap(), self.clock.now());
        let organization_id: OrganizationId = organization.parse().unwrap();
        self.change(move |connection, _| {
            let (role, groups, ended_at, revoked_seq) = (Role::Member, None, None, 0);
            let membership = Membership { organization_id, user_id, role, groups, created_at, ended_at, revoked_seq };
            memberships::insert(connection, membership)
        });
    }

    /// Runs one statement of SQL.
    pub fn execute(&self, statement: &str) {
        let statement = statement.to_owned();
        self.change(move |connection, _| {
            connection.batch_execute(&statement).map_err(|error| StoreError::Query(error.to_string()))
        });
    }

    /// What is written in the audit trail while `f` runs.
    pub fn audited(&self, f: impl FnOnce()) -> Vec<AuditRecord> {
        // Not by the numbers alone: what alters no verdict has that of the last change.
        let all = || self.read(|connection| audit::of_changes(connection, 0..=i64::MAX));
        let before: HashSet<_> = all().into_iter().map(|record| record.id).collect();
        f();
        all().into_iter().filter(|record| !before.contains(&record.id)).collect()
    }

    /// What is put on the list while `f` runs: about whom, and whether it revokes.
    pub fn listed(&self, f: impl FnOnce()) -> Vec<(Target, bool)> {
        let before = self.read(list::head).seq;
        f();
        let entries = self.read(move |connection| list::entries(connection, before, i64::MAX));
        entries.into_iter().map(|entry| (entry.target, entry.revokes)).collect()
    }

    fn alter(&self, target: Target, statement: String) {
        let created_at = self.clock.now();
        self.change(move |connection, seq| {
            connection.batch_execute(&statement).map_err(|error| StoreError::Query(error.to_string()))?;
            list::append(connection, Entry { seq, target, revokes: true, created_at })
        });
        // This change waited for nobody. Nothing that memory holds by now is believed any more, until the follower has
        // looked again, and then it has seen the entry.
        self.clock.pass(seconds(10));
    }
}
