//! The policy of an organization: see it, change it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    authority::Caller,
    change::Change,
    core::Core,
    error::{ManageError, invalid},
};
use crate::{
    domain::{list::Target, organization::Organization},
    store::organizations,
};

/// Which version of a policy a change may replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Whichever there is (`If-Match: *`).
    Any,
    /// One of these.
    Versions(Vec<i64>),
}

/// Shows and changes policies.
pub struct Policies {
    pub(crate) core: Arc<Core>,
}

impl Policies {
    /// The organization with this id or slug and its policy, for its admins.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn get(&self, caller: &Caller, organization: &str) -> Result<Arc<Organization>, ManageError> {
        let authority = self.core.authenticate(caller).await?;
        authority.admin_of(organization).map(|(_, organization)| organization.clone())
    }

    /// Puts the members of `patch` in place of the policy's own. Binds every credential at once, and no access token
    /// that is already out.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn patch(
        &self,
        caller: &Caller,
        organization: &str,
        precondition: Option<Precondition>,
        patch: Map<String, Value>,
    ) -> Result<Organization, ManageError> {
        // Before the lock that all changes share, and so that a stranger learns nothing about preconditions.
        self.core.authenticate(caller).await?.admin_of(organization)?;
        let precondition = precondition.ok_or(ManageError::PreconditionRequired)?;
        let (core, caller, name) = (self.core.clone(), caller.clone(), organization.to_owned());
        let edit = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let mut organization = Organization::clone(&authority.admin_of(&name)?.1);
            if let Precondition::Versions(versions) = &precondition
                && !versions.contains(&organization.policy_seq)
            {
                return Err(ManageError::PreconditionFailed);
            }
            let detail = Value::Object(patch.clone());
            let policy = organization.policy.patched(patch).map_err(|error| invalid(error.field, error.problem))?;
            if policy == organization.policy {
                change.is_so_already();
                return Ok(organization);
            }
            organization.policy = policy;
            organization.policy_seq = change.seq;
            organizations::set_policy(change.connection, organization.id, &organization.policy, change.seq)?;
            change.append(Target::Organization(organization.id), false)?;
            let subject = Some(organization.id.to_string());
            change.record(authority.actor(), "policy.update", Some(organization.id), subject, Some(&detail))?;
            Ok(organization)
        };
        self.core.changes.run(edit).await
    }
}
