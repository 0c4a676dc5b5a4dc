use std::sync::Arc;

use secrecy::SecretString;
use serde_json::json;

use super::{
    Credentials, Seen,
    checks::{check_limit, checked_audiences, checked_expiry, checked_name, is_own, within},
    issue::{self, Draft, Holder, issue},
    repeat::renew_secret,
};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{CredentialKind, Description, Permission},
        ids::{OrganizationId, UserId},
        membership::UserKind,
        organization::Organization,
        scope::{Scope, Scopes},
        standing::{Record, Standing},
    },
    service::{
        authority::{Authority, Caller},
        change::{Actor, Change},
        core::Core,
        error::{ManageError, invalid},
        idempotency::Attempt,
    },
    store::{credentials, memberships},
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
}

/// For whom a credential is made, and by whom.
struct Made<'a> {
    holder: Holder,
    actor: Actor,
    /// The user who makes it.
    by: UserId,
    /// The token that makes it, which it must not exceed.
    bound: Option<&'a Standing>,
    attempt: Attempt,
}

impl Credentials {
    /// Makes a credential for the caller, in the organization `organization`, which may be left out by who is in one. The
    /// text is shown here and never again.
    ///
    /// # Errors
    /// [`ManageError`].
    pub async fn create(
        &self,
        caller: &Caller,
        organization: Option<OrganizationId>,
        new: NewToken,
    ) -> Result<(Seen, SecretString), ManageError> {
        // Before the lock that all changes share: a stranger must not come that far.
        let authority = self.core.authenticate(caller).await?;
        let core = self.core.clone();
        let create = move |change: &mut Change<'_>, authority: &Authority, attempt: Attempt| {
            let (membership, organization) = authority.organization(organization)?.clone();
            let bound = authority.may_make_tokens(&organization)?;
            if let Some(id) = attempt.created(change)? {
                return renew_secret(change, &core, authority, id, |own| is_own(authority, own));
            }
            let (by, actor) = (authority.user.id, authority.actor());
            let holder = Holder { user: authority.user.clone(), membership, organization };
            make(change, &core, Made { holder, actor, by, bound, attempt }, new.clone())
        };
        let (record, text) = self.core.create_once(caller, &authority, create).await?;
        Ok((self.seen(record, self.core.clock.now()), text))
    }

    /// Makes a credential for a service account of an organization, for its admins. The text is shown here and never again.
    ///
    /// # Errors
    /// [`ManageError`]; [`ManageError::Invalid`] for an owner who is no service account there.
    pub async fn create_for(
        &self,
        caller: &Caller,
        organization: &str,
        owner: UserId,
        new: NewToken,
    ) -> Result<(Seen, SecretString), ManageError> {
        // Before the lock that all changes share: a stranger must not come that far.
        let authority = self.core.authenticate(caller).await?;
        authority.admin_of(organization)?;
        let (core, name) = (self.core.clone(), organization.to_owned());
        let create = move |change: &mut Change<'_>, authority: &Authority, attempt: Attempt| {
            let organization = authority.admin_of(&name)?.1.clone();
            let place = organization.id;
            let holder = service_account(change, organization, owner)?;
            if let Some(id) = attempt.created(change)? {
                return renew_secret(change, &core, authority, id, |found| found.organization_id() == place);
            }
            let made = Made { holder, actor: authority.actor(), by: authority.user.id, bound: None, attempt };
            make(change, &core, made, new.clone())
        };
        let (record, text) = self.core.create_once(caller, &authority, create).await?;
        Ok((self.seen(record, self.core.clock.now()), text))
    }
}

/// A service account that is in the organization. People, strangers and those who have left are all alike.
fn service_account(
    change: &mut Change<'_>,
    organization: Arc<Organization>,
    id: UserId,
) -> Result<Holder, ManageError> {
    let found = memberships::of(change.connection, organization.id, id)?;
    let found = found.filter(|(own, user)| own.ended_at.is_none() && user.kind == UserKind::ServiceAccount);
    let (membership, user) = found
        .ok_or_else(|| invalid("owner_id", "must be a service account of the organization; people make their own"))?;
    Ok(Holder { user, membership, organization })
}

fn make(
    change: &mut Change<'_>,
    core: &Core,
    Made { holder, actor, by, bound, attempt }: Made<'_>,
    new: NewToken,
) -> Result<(Record, SecretString), ManageError> {
    let (policy, now) = (&holder.organization.policy, change.now);
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
    let (record, text) = issue(change, core, holder, draft)?;
    let Record { standing, description, owner, .. } = &record;
    if let Some(bound) = bound {
        within(&standing.credential, bound, core)?;
    }
    check_limit(change, core, standing)?;
    let row = (standing.credential.clone(), description.clone());
    credentials::insert(change.connection, row, standing.organization_id(), Some(by))?;
    attempt.note(change, standing.credential.id)?;
    let mut detail = json!({ "number": standing.credential.number, "name": description.name });
    if let (true, Some(members)) = (owner.id != by, detail.as_object_mut()) {
        members.insert("owner".to_owned(), json!(owner.id));
    }
    let (organization, subject) = (Some(standing.organization_id()), Some(standing.credential.id.to_string()));
    change.record(actor, "credential.create", organization, subject, Some(&detail))?;
    Ok((record, text))
}
