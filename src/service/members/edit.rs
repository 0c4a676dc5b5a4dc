use serde_json::{Value, json};

use super::{Member, Members, is_not_last_owner, reaches};
use crate::{
    domain::{
        ids::UserId,
        list::Target,
        membership::{Groups, Membership, Role, UserKind, loses_any},
        nullable::Nullable,
    },
    service::{
        authority::{Authority, Caller},
        change::Change,
        error::{ManageError, invalid},
    },
    store::memberships,
};

/// What shall be different about a member. What is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberEdit {
    /// What they may do.
    pub role: Option<Role>,
    /// Their groups; null = none.
    pub groups: Nullable<Vec<String>>,
}

/// The same, checked.
#[derive(Clone)]
pub(in crate::service) struct Checked {
    pub(in crate::service) role: Option<Role>,
    pub(in crate::service) groups: Nullable<Groups>,
}

/// Groups that can be such.
pub(in crate::service) fn checked_groups(groups: Nullable<Vec<String>>) -> Result<Nullable<Groups>, ManageError> {
    Ok(match groups {
        Nullable::Absent => Nullable::Absent,
        Nullable::Null => Nullable::Null,
        Nullable::Value(names) => {
            Nullable::Value(Groups::new(names).map_err(|error| invalid("groups", error.to_string()))?)
        }
    })
}

impl Members {
    /// Changes role and groups of a member. Access tokens that name a group which the member is not in any more die.
    ///
    /// # Errors
    /// [`ManageError::NotFound`] for whoever is no member; [`ManageError::Forbidden`]; [`ManageError::Invalid`];
    /// [`ManageError::Conflict`] for the last owner.
    pub async fn edit(
        &self,
        caller: &Caller,
        organization: &str,
        user: UserId,
        edit: MemberEdit,
    ) -> Result<Member, ManageError> {
        self.core.authenticate(caller).await?.admin_of(organization)?;
        if edit == MemberEdit::default() {
            return Err(invalid("request", "must have at least one of role, groups"));
        }
        let edit = Checked { role: edit.role, groups: checked_groups(edit.groups)? };
        let (core, caller, name) = (self.core.clone(), caller.clone(), organization.to_owned());
        let change = move |change: &mut Change<'_>| {
            let authority = core.authority(change.connection, &caller, change.now)?;
            let actor = &authority.admin_of(&name)?.0;
            let found = memberships::of(change.connection, actor.organization_id, user)?;
            let (membership, user) = found.filter(|(own, _)| own.ended_at.is_none()).ok_or(ManageError::NotFound)?;
            apply(change, &authority, actor.role, Member { membership, user }, edit)
        };
        self.core.changes.run(change).await
    }
}

pub(in crate::service) fn apply(
    change: &mut Change<'_>,
    authority: &Authority,
    actor: Role,
    member: Member,
    edit: Checked,
) -> Result<Member, ManageError> {
    let before = &member.membership;
    let mut after = before.clone();
    after.role = edit.role.unwrap_or(before.role);
    match edit.groups {
        Nullable::Absent => {}
        Nullable::Null => after.groups = None,
        Nullable::Value(groups) => after.groups = Some(groups),
    }
    reaches(actor, before.role)?;
    reaches(actor, after.role)?;
    if member.user.kind == UserKind::ServiceAccount && after.role != Role::Member {
        return Err(invalid("role", "of a service account can only be member"));
    }
    if before.role == Role::Owner && after.role != Role::Owner {
        is_not_last_owner(change, before.organization_id, before.user_id)?;
    }
    if (before.role, &before.groups) == (after.role, &after.groups) {
        change.is_so_already();
        return Ok(member);
    }
    memberships::edit(change.connection, &after)?;
    if before.groups != after.groups {
        let loses = loses_any(before.groups.as_ref(), after.groups.as_ref());
        change.append(Target::Member(after.organization_id, after.user_id), loses)?;
    }
    let shown = |of: &Membership| json!({ "role": of.role, "groups": of.groups });
    let detail: Value = json!({ "old": shown(before), "new": shown(&after) });
    let (organization, subject) = (Some(after.organization_id), Some(after.user_id.to_string()));
    change.record(authority.actor(), "member.edit", organization, subject, Some(&detail))?;
    Ok(Member { membership: after, user: member.user })
}
