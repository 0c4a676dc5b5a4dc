//! Invitations into an organization: for one address, for one use, for a day.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    clock::Timestamp,
    credential::words,
    email::Email,
    ids::{InvitationId, OrganizationId, UserId},
    membership::{Groups, Role},
    verdict::is_expired,
};

/// How long an invitation may be accepted, in seconds.
pub const LIFETIME: i64 = 86_400;

/// How an invitation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// May be accepted.
    Open,
    /// Was accepted.
    Accepted,
    /// Was taken back.
    Withdrawn,
    /// Its time is over.
    Expired,
    /// The inviter may not give this role now: disabled, no member any more, or with a role too low.
    Void,
}
words!(InvitationState {
    Open = "open",
    Accepted = "accepted",
    Withdrawn = "withdrawn",
    Expired = "expired",
    Void = "void",
});

/// An invitation, without its secret.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Whereto.
    pub organization_id: OrganizationId,
    /// Whom.
    pub email: Email,
    /// As what.
    pub role: Role,
    /// Into which groups.
    pub groups: Option<Groups>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The number of its creation on the list; no other invitation has it.
    pub created_seq: i64,
    /// By whom.
    pub created_by: UserId,
    /// Until when it may be accepted.
    pub expires_at: Timestamp,
    /// When it was accepted, if it was.
    pub accepted_at: Option<Timestamp>,
    /// By whom.
    pub accepted_by: Option<UserId>,
    /// When it was taken back, if it was.
    pub withdrawn_at: Option<Timestamp>,
}

impl Invitation {
    /// How it stands at `now`. `inviter` is the role that the inviter has in the organization at this moment, and `None` for
    /// one who is disabled or no member any more: an invitation gives no more than its maker could give today.
    #[must_use]
    pub fn state(&self, inviter: Option<Role>, now: Timestamp) -> InvitationState {
        if self.accepted_at.is_some() {
            InvitationState::Accepted
        } else if self.withdrawn_at.is_some() {
            InvitationState::Withdrawn
        } else if is_expired(self.expires_at, now) {
            InvitationState::Expired
        } else if !inviter.is_some_and(|role| role.may_appoint(self.role)) {
            InvitationState::Void
        } else {
            InvitationState::Open
        }
    }
}
