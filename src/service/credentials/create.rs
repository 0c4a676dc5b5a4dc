use secrecy::SecretString;
use serde_json::json;

use super::{
    Credentials, Seen,
    checks::{check_limit, checked_audiences, checked_expiry, checked_name, within},
    issue::{self, Draft, Holder, issue},
};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{CredentialKind, Description, Permission},
        ids::OrganizationId,
        scope::{Scope, Scopes},
        standing::Record,
    },
    service::{
        authority::{Authority, Caller},
        change::Change,
        core::Core,
        error::{ManageError, invalid},
    },
    store::credentials,
};

/// When a credential ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// As the policy has it.
    ByPolicy,
    /// Never, if the policy lets it.
    Never,
    /// At this moment.
    At(Timestamp),
    /// So many seconds from now.
    In(i64),
}

/// What a new credential shall be.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What its owner calls it.
    pub name: String,
    /// How it is written.
    pub kind: CredentialKind,
    /// What it may do.
    pub permission: Permission,
    /// `None` = not restricted by scopes.
    pub scopes: Option<Vec<Scope>>,
    /// `None` = the policy's default.
    pub audiences: Option<Vec<String>>,
    /// When it ends.
    pub expiry: Expiry,
    /// Where; may be left out by who is in one organization.
    pub organization_id: Option<OrganizationId>,
}

impl Credentials {
    /// Makes a credential for the caller. The text is shown here and never again.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create(&self, caller: &Caller, new: NewToken) -> Result<(Seen, SecretString), ManageError> {
        // Before the lock that all changes share: a stranger must not come that far.
        self.core.authenticate(caller).await?;
        let (core, caller) = (self.core.clone(), caller.clone());
        let create = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            create(change, &core, &authority, new)
        };
        let (record, text) = self.core.changes.run(create).await?;
        let now = record.standing.credential.created_at;
        Ok((self.seen(record, now), text))
    }
}

fn create(
    change: &mut Change<'_>,
    core: &Core,
    authority: &Authority,
    new: NewToken,
) -> Result<(Record, SecretString), ManageError> {
    let (membership, organization) = authority.organization(new.organization_id)?.clone();
    let bound = authority.may_manage_tokens(&organization)?;
    let (policy, now) = (&organization.policy, change.now);
    let scopes = new.scopes.map(|scopes| Scopes::new(scopes, new.permission)).transpose();
    let draft = Draft {
        description: Description::new(checked_name(&new.name)?),
        expires_at: checked_expiry(new.expiry, policy, (now, now))?,
        scopes: scopes.map_err(|error| invalid("scopes", error.to_string()))?,
        audiences: new.audiences.map(|audiences| checked_audiences(audiences, policy, core)).transpose()?,
        kind: new.kind,
        permission: new.permission,
    };
    issue::check(&draft, policy)?;
    let holder = Holder { user: authority.user.clone(), membership, organization };
    let (record, text) = issue(change, core, holder, draft)?;
    let Record { standing, description, .. } = &record;
    if let Some(bound) = bound {
        within(&standing.credential, bound, core)?;
    }
    check_limit(change, core, standing)?;
    let row = (standing.credential.clone(), description.clone());
    credentials::insert(change.connection, row, standing.organization_id(), Some(authority.user.id))?;
    let detail = json!({ "number": standing.credential.number, "name": description.name });
    let (organization, subject) = (Some(standing.organization_id()), Some(standing.credential.id.to_string()));
    change.record(authority.actor(), "credential.create", organization, subject, Some(&detail))?;
    Ok((record, text))
}
