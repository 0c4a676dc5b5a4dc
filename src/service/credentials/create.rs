use secrecy::SecretString;
use serde_json::json;

use super::{Credentials, Seen};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{Credential, CredentialKind, Description, NEVER_SECONDS, Permission},
        ids::{CredentialId, OrganizationId},
        policy::{Policy, is_audience},
        scope::{Rights, Scope, Scopes},
        standing::{Owner, Record, Standing},
        verdict::{self, State, is_expired},
    },
    service::{
        authority::{Authority, Caller},
        change::Change,
        core::Core,
        error::{ManageError, invalid},
    },
    store::{
        credentials,
        numbers::{self, Numbered},
        standings,
    },
};

/// The longest name, in characters.
const MAX_NAME: usize = 100;

/// The most audiences that one credential may name.
const MAX_AUDIENCES: usize = 20;

/// When a new credential ends.
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

/// Whether a credential is the caller's, in an organization in which the caller may act.
pub(super) fn is_own(authority: &Authority, standing: &Standing) -> bool {
    standing.credential.owner_id == authority.user.id
        && authority.memberships.iter().any(|(_, own)| own.id == standing.organization_id())
}

fn create(
    change: &mut Change<'_>,
    core: &Core,
    authority: &Authority,
    new: NewToken,
) -> Result<(Record, SecretString), ManageError> {
    let (membership, organization) = authority.organization(new.organization_id)?.clone();
    let bound = authority.may_manage_tokens(&organization)?;
    let policy = &organization.policy;
    let (owner_id, now) = (authority.user.id, change.now);
    let name = checked_name(&new.name)?;
    let expires_at = checked_expiry(new.expiry, policy, now)?;
    let scopes = new.scopes.map(|scopes| Scopes::new(scopes, new.permission)).transpose();
    let scopes = scopes.map_err(|error| invalid("scopes", error.to_string()))?;
    if policy.require_scopes && scopes.is_none() {
        return Err(invalid("scopes", "are required by the organization's policy"));
    }
    if !policy.allowed_kinds.contains(&new.kind) {
        return Err(invalid("kind", "is not allowed by the organization's policy"));
    }
    let audiences = new.audiences.map(|audiences| checked_audiences(audiences, policy, core)).transpose()?;
    let id = CredentialId::generate(now, &*core.random);
    let issued = core.format.issue(new.kind, id, owner_id, (now, expires_at), &*core.random);
    let credential = Credential {
        id,
        number: numbers::next(change.connection, Numbered::Credential)?,
        owner_id,
        kind: new.kind,
        permission: new.permission,
        scopes,
        audiences,
        secret_hash: issued.hash,
        created_at: now,
        created_seq: change.seq,
        expires_at,
        is_revoked: false,
        last_used_at: None,
    };
    if let Some(bound) = bound {
        within(&credential, bound, core)?;
    }
    let (owner, organization_id) = (authority.user.clone(), organization.id);
    let standing = Standing { credential, owner: Owner::new(&owner, Some(&membership)), organization };
    check_limit(change, core, &standing)?;
    let description = Description::new(name);
    let new = (standing.credential.clone(), description.clone());
    credentials::insert(change.connection, new, organization_id, Some(owner_id))?;
    let detail = json!({ "number": standing.credential.number, "name": description.name });
    let subject = Some(id.to_string());
    change.record(authority.actor(), "credential.create", Some(organization_id), subject, Some(&detail))?;
    Ok((Record { standing, description, owner, membership: Some(membership) }, issued.text))
}

/// Counted under the lock of all changes, so that two requests at once cannot both take the last place.
fn check_limit(change: &mut Change<'_>, core: &Core, new: &Standing) -> Result<(), ManageError> {
    let (organization_id, owner_id) = (new.organization_id(), new.credential.owner_id);
    let all = standings::perhaps_active_of(change.connection, organization_id, owner_id, change.now)?;
    let is_active = |own: &&Standing| verdict::state(own, &core.settings.issuer, change.now) == State::Active;
    let limit = usize::try_from(new.organization.policy.max_tokens_per_user).unwrap_or(usize::MAX);
    if all.iter().filter(is_active).count() >= limit { Err(ManageError::LimitReached) } else { Ok(()) }
}

fn checked_name(name: &str) -> Result<String, ManageError> {
    let name = name.trim();
    if !(1..=MAX_NAME).contains(&name.chars().count()) || name.contains(char::is_control) {
        return Err(invalid("name", "must have 1 to 100 characters, no control characters"));
    }
    Ok(name.to_owned())
}

fn checked_audiences(audiences: Vec<String>, policy: &Policy, core: &Core) -> Result<Vec<String>, ManageError> {
    let mut unique: Vec<String> = Vec::new();
    for audience in audiences {
        if !is_audience(&audience) || !policy.allows_audience(&audience, &core.settings.issuer) {
            return Err(invalid("audiences", "must be allowed by the organization's policy"));
        }
        if !unique.contains(&audience) {
            unique.push(audience);
        }
    }
    if !(1..=MAX_AUDIENCES).contains(&unique.len()) {
        return Err(invalid("audiences", "must be 1 to 20, or null for the default"));
    }
    Ok(unique)
}

/// The expiry that the request and the policy make together.
fn checked_expiry(expiry: Expiry, policy: &Policy, now: Timestamp) -> Result<Option<Timestamp>, ManageError> {
    let (member, asked) = match expiry {
        Expiry::ByPolicy => {
            // What ends by the policy says so itself: a client may read it in its token.
            let ttl = policy.token_default_ttl.or(policy.token_max_ttl);
            ("expires_at", ttl.map(|ttl| now.plus_seconds(ttl)))
        }
        Expiry::Never if policy.token_max_ttl.is_some() => {
            return Err(invalid("expires_at", "is required by the organization's policy"));
        }
        Expiry::Never => ("expires_at", None),
        Expiry::At(at) => ("expires_at", Some(at)),
        Expiry::In(seconds) => ("expires_in", Some(now.plus_seconds(seconds))),
    };
    let longest = now.plus_seconds(policy.token_max_ttl.unwrap_or(NEVER_SECONDS));
    match asked {
        Some(at) if is_expired(at, now) => Err(invalid(member, "must be in the future")),
        Some(at) if at > longest => Err(invalid(member, "is later than the organization's policy allows")),
        None if policy.require_expiry => Err(invalid(member, "is required by the organization's policy")),
        asked => Ok(asked),
    }
}

/// What a token makes never exceeds the token.
fn within(new: &Credential, bound: &Standing, core: &Core) -> Result<(), ManageError> {
    let own = &bound.credential;
    let own_rights = Rights::new(own.permission, own.scopes.as_ref());
    if !own_rights.include(&Rights::new(new.permission, new.scopes.as_ref())) {
        return Err(ManageError::Forbidden("a token may not make one that may do more than itself"));
    }
    let policy = &bound.organization.policy;
    let end = verdict::effective_expiry(own, policy);
    if end.is_some_and(|end| verdict::effective_expiry(new, policy).is_none_or(|new| new > end)) {
        return Err(ManageError::Forbidden("a token may not make one that lives longer than itself"));
    }
    let default = vec![policy.default_audience(&core.settings.issuer).to_owned()];
    let own_audiences = own.audiences.as_ref().unwrap_or(&default);
    let mut audiences = new.audiences.as_ref().unwrap_or(&default).iter();
    if !audiences.all(|audience| own_audiences.contains(audience)) {
        return Err(ManageError::Forbidden("a token may not make one for an audience that is not its own"));
    }
    Ok(())
}
