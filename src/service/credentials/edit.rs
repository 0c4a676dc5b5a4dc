use std::mem;

use serde_json::{Map, Value, json};

use super::{
    Credentials, Expiry, Seen,
    checks::{check_limit, checked_audiences, checked_expiry, checked_name, ensure_understood, is_own, within},
};
use crate::{
    domain::{
        clock::Timestamp,
        credential::{
            Credential, CredentialKind, Permission,
            edit::{Effect, effect},
        },
        ids::CredentialId,
        list::Target,
        nullable::Nullable,
        policy::Policy,
        scope::{Scope, Scopes},
        standing::{Record, Standing},
        verdict::{self, State},
    },
    service::{
        authority::{Authority, Caller},
        change::{Change, Write},
        core::Core,
        error::{ManageError, invalid},
    },
    store::{StoreError, credentials, standings},
};

/// What shall be different about a credential. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenEdit {
    /// What its owner calls it.
    pub name: Option<String>,
    /// What it may do.
    pub permission: Option<Permission>,
    /// Null = not restricted by scopes.
    pub scopes: Nullable<Vec<Scope>>,
    /// Null = the policy's default.
    pub audiences: Nullable<Vec<String>>,
    /// When it ends.
    pub expiry: Option<Expiry>,
}

impl TokenEdit {
    /// Whether only the name shall be different.
    fn is_rename(&self) -> bool {
        *self == Self { name: self.name.clone(), ..Self::default() }
    }
}

impl Credentials {
    /// Edits one of the caller's credentials. What it does not give any more ends at once, with the access tokens that
    /// are out.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] for another's as for none; [`ManageError::Forbidden`] for a token that may not;
    /// [`ManageError::Revoked`]; [`ManageError::Invalid`]; [`ManageError::LimitReached`] if one that was not active would
    /// be so again, with no place for it.
    pub async fn edit(&self, caller: &Caller, id: CredentialId, edit: TokenEdit) -> Result<Seen, ManageError> {
        self.core.authenticate(caller).await?;
        if edit == TokenEdit::default() {
            let members = "name, permission, scopes, audiences, expires_at, expires_in";
            return Err(invalid("request", format!("must have at least one of {members}")));
        }
        let (core, caller) = (self.core.clone(), caller.clone());
        let record = if let (Some(name), true) = (&edit.name, edit.is_rename()) {
            let name = name.clone();
            let rename_own = move |write: &mut Write<'_>| {
                let (authority, record) = own(write, &core, &caller, id)?;
                rename(write, &core, &authority, record, &name)
            };
            self.core.changes.write(rename_own).await?
        } else {
            let edit_own = move |change: &mut Change<'_>| {
                let (authority, record) = own(change, &core, &caller, id)?;
                apply(change, &core, &authority, record, edit)
            };
            self.core.changes.run(edit_own).await?
        };
        Ok(self.seen(record, self.core.clock.now()))
    }
}

/// Who is calling, and the credential if it is theirs; nobody else changes it until the transaction ends.
fn own<L>(
    change: &mut Change<'_, L>,
    core: &Core,
    caller: &Caller,
    id: CredentialId,
) -> Result<(Authority, Record), ManageError> {
    let authority = core.authority(change.connection, caller, change.now)?;
    // A rename does not wait for the lock of all changes, and an edit writes the name too: neither may undo the other.
    credentials::hold(change.connection, id)?;
    let record = standings::record_by_id(change.connection, id)?;
    let record = record.filter(|own| is_own(&authority, &own.standing)).ok_or(ManageError::NotFound)?;
    Ok((authority, record))
}

/// Puts another name in place of the one that the credential has, which it holds. Beside the lock of all changes: no
/// verdict and no access token goes by a name.
fn rename(
    write: &mut Write<'_>,
    core: &Core,
    authority: &Authority,
    mut record: Record,
    name: &str,
) -> Result<Record, ManageError> {
    let standing = &record.standing;
    let (credential, organization) = (&standing.credential, standing.organization_id());
    let bound = authority.may_manage_tokens(&standing.organization)?;
    if verdict::state(standing, &core.settings.issuer, write.now) == State::Revoked {
        return Err(ManageError::Revoked);
    }
    ensure_understood(credential)?;
    let name = checked_name(name)?;
    if let Some(bound) = bound {
        within(credential, bound, core)?;
    }
    let old = mem::replace(&mut record.description.name, name);
    let new = &record.description.name;
    if old != *new {
        credentials::rename(write.connection, credential.id, new)?;
        let detail = json!({ "number": credential.number, "old": { "name": old }, "new": { "name": new } });
        let subject = Some(credential.id.to_string());
        write.record(authority.actor(), "credential.edit", Some(organization), subject, Some(&detail))?;
    }
    Ok(record)
}

fn apply(
    change: &mut Change<'_>,
    core: &Core,
    authority: &Authority,
    mut record: Record,
    edit: TokenEdit,
) -> Result<Record, ManageError> {
    let standing = &record.standing;
    let (before, organization) = (&standing.credential, standing.organization.clone());
    let now = change.now;
    let state = |standing: &Standing| verdict::state(standing, &core.settings.issuer, now);
    let bound = authority.may_make_tokens(&organization)?;
    if state(standing) == State::Revoked {
        return Err(ManageError::Revoked);
    }
    ensure_understood(before)?;
    let name = edit.name.as_deref().map_or(Ok(record.description.name.clone()), checked_name)?;
    let after = Standing { credential: edited(standing, edit, core, now)?, ..standing.clone() };
    if record.description.rotated_to.is_some() && is_later(before.expires_at, after.credential.expires_at) {
        return Err(invalid("expires_at", "of a token that was rotated can only become earlier"));
    }
    if let Some(bound) = bound {
        within(before, bound, core)?;
        within(&after.credential, bound, core)?;
    }
    // Otherwise a new expiry would bring back by the dozen what expired while others took its place.
    if state(standing) != State::Active && state(&after) == State::Active {
        check_limit(change, core, &after)?;
    }
    let (old, new) = (editable(before, &record.description.name), editable(&after.credential, &name));
    if old == new {
        change.is_so_already();
    } else {
        // The retention job removes long expired credentials without the lock of all changes.
        if !credentials::edit(change.connection, &after.credential, &name)? {
            return Err(ManageError::NotFound);
        }
        list_effect(change, core, standing, &after.credential)?;
        let detail = json!({ "number": before.number, "old": without(&old, &new), "new": without(&new, &old) });
        let subject = Some(before.id.to_string());
        change.record(authority.actor(), "credential.edit", Some(organization.id), subject, Some(&detail))?;
    }
    record.standing = after;
    record.description.name = name;
    Ok(record)
}

/// Puts on the list what becomes of a credential when `after` takes its place.
fn list_effect(
    change: &mut Change<'_>,
    core: &Core,
    standing: &Standing,
    after: &Credential,
) -> Result<(), StoreError> {
    let default_audience = standing.organization.policy.default_audience(&core.settings.issuer);
    let target = Target::Credential(after.id);
    match effect(&standing.credential, after, default_audience) {
        Effect::Unchanged => Ok(()),
        Effect::Widened => change.append(target, false),
        Effect::Narrowed => change.append(target, true),
    }
}

/// The credential as the edit will have it. What the edit leaves as it was is not checked anew: since it was chosen the
/// policy may have changed.
fn edited(standing: &Standing, edit: TokenEdit, core: &Core, now: Timestamp) -> Result<Credential, ManageError> {
    let policy = &standing.organization.policy;
    let before = &standing.credential;
    let permission = edit.permission.unwrap_or(before.permission);
    Ok(Credential {
        permission,
        scopes: edited_scopes(before.scopes.as_ref(), edit.scopes, permission)?,
        audiences: match edit.audiences {
            Nullable::Absent => before.audiences.clone(),
            Nullable::Null => None,
            Nullable::Value(audiences) if before.audiences.as_deref() == Some(&audiences) => Some(audiences.into()),
            Nullable::Value(audiences) => Some(checked_audiences(audiences, policy, core)?),
        },
        expires_at: edited_expiry(before, edit.expiry, policy, now)?,
        ..before.clone()
    })
}

fn edited_scopes(
    before: Option<&Scopes>,
    asked: Nullable<Vec<Scope>>,
    permission: Permission,
) -> Result<Option<Scopes>, ManageError> {
    let list = match (asked, before) {
        (Nullable::Null, Some(_)) => {
            return Err(invalid("scopes", "cannot be lifted from a token that has some; make a new one"));
        }
        (Nullable::Value(list), _) => list,
        // The permission may have changed under them.
        (Nullable::Absent, Some(own)) => own.as_slice().to_vec(),
        (Nullable::Absent | Nullable::Null, None) => return Ok(None),
    };
    Scopes::new(list, permission).map(Some).map_err(|error| invalid("scopes", error.to_string()))
}

fn edited_expiry(
    before: &Credential,
    asked: Option<Expiry>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Option<Timestamp>, ManageError> {
    let own = before.expires_at;
    let same = own.map_or(Expiry::Never, Expiry::At);
    let Some(asked) = asked.filter(|asked| *asked != same) else { return Ok(own) };
    let expires_at = checked_expiry(asked, policy, (before.created_at, now))?;
    if before.kind == CredentialKind::Jwt && is_later(own, expires_at) {
        let member = if matches!(asked, Expiry::In(_)) { "expires_in" } else { "expires_at" };
        return Err(invalid(member, "of a jwt token can only become earlier: the token itself says when it ends"));
    }
    Ok(expires_at)
}

fn is_later(before: Option<Timestamp>, after: Option<Timestamp>) -> bool {
    before.is_some_and(|before| after.is_none_or(|after| after > before))
}

/// What can be edited, as the audit trail shows it.
fn editable(credential: &Credential, name: &str) -> Map<String, Value> {
    let Credential { permission, scopes, audiences, expires_at, .. } = credential;
    let members = [
        ("name", json!(name)),
        ("permission", json!(permission)),
        ("scopes", json!(scopes)),
        ("audiences", json!(audiences)),
        ("expires_at", json!(expires_at)),
    ];
    members.into_iter().map(|(member, value)| (member.to_owned(), value)).collect()
}

/// The members of `these` that are not the same in `others`.
fn without(these: &Map<String, Value>, others: &Map<String, Value>) -> Map<String, Value> {
    these
        .iter()
        .filter(|(member, value)| others.get(*member) != Some(value))
        .map(|(m, v)| (m.clone(), v.clone()))
        .collect()
}
