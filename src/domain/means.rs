//! By what somebody acts.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::Deserialize;

use super::{credential::words, newer_word::NewerWord};

/// By what somebody acts, for the audit trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// E-mail address and password, when signing in.
    Password,
    /// A session.
    Session,
    /// A credential itself.
    Token,
    /// An access token made from a credential.
    AccessToken,
    /// A credential that was handed in to be revoked, by whoever had it.
    Possession,
    /// The secret of an invitation.
    Invitation,
    /// The command line.
    Command,
    /// Nobody: what the server does on its own.
    Server,
    /// Only a newer patmint knows what.
    #[serde(skip)]
    Unknown(NewerWord),
}
words!(Means {
    Password = "password",
    Session = "session",
    Token = "token",
    AccessToken = "access_token",
    Possession = "possession",
    Invitation = "invitation",
    Command = "command",
    Server = "server",
} or Unknown);
