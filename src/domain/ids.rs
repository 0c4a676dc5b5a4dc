//! Ids: UUIDv7 (RFC 9562), one type for each thing that has one.

use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use thiserror::Error;
use uuid::{Builder, Uuid, Variant};

use super::{
    clock::Timestamp,
    random::{self, Randomness},
};

/// The text is no hyphenated lower-case UUIDv7.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not an id")]
pub struct NotAnId;

/// What the text of an id looks like.
const PATTERN: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";

fn checked(id: Uuid) -> Result<Uuid, NotAnId> {
    let is_v7 = id.get_version_num() == 7 && id.get_variant() == Variant::RFC4122;
    if is_v7 { Ok(id) } else { Err(NotAnId) }
}

fn parse(text: &str) -> Result<Uuid, NotAnId> {
    let id = checked(Uuid::try_parse(text).map_err(|_| NotAnId)?)?;
    // One spelling only, so that ids can be compared as text.
    let mut buffer = Uuid::encode_buffer();
    if *id.hyphenated().encode_lower(&mut buffer) == *text { Ok(id) } else { Err(NotAnId) }
}

fn generate(now: Timestamp, random: &dyn Randomness) -> Uuid {
    let millis = u64::try_from(now.unix_millis()).unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &random::public_bytes(random)).into_uuid()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id: the time `now` in milliseconds, then random bits.
            #[must_use]
            pub fn generate(now: Timestamp, random: &dyn Randomness) -> Self {
                Self(generate(now, random))
            }

            /// The 16 bytes of the id.
            #[must_use]
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// The id that these bytes are.
            ///
            /// # Errors
            /// [`NotAnId`] if they are no UUIDv7.
            pub fn from_bytes(bytes: [u8; 16]) -> Result<Self, NotAnId> {
                checked(Uuid::from_bytes(bytes)).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(|NotAnId| D::Error::custom("not an id"))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": "uuid", "pattern": PATTERN })
            }
        }
    };
}

id!(
    /// The id of a credential; `client_id` in its access tokens.
    CredentialId
);
id!(
    /// The id of a user (a person or a service account); `sub` in access tokens.
    UserId
);
id!(
    /// The id of an organization; `org` in access tokens.
    OrganizationId
);
id!(
    /// The id of a session.
    SessionId
);
id!(
    /// The id of an invitation.
    InvitationId
);
id!(
    /// The id of an audit row.
    AuditId
);
id!(
    /// The id of a running server among those on one database.
    ReplicaId
);
id!(
    /// The id of a request, for finding its log line.
    RequestId
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::random::SystemRandomness;

    #[test]
    fn an_id_has_one_spelling() {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let id = UserId::generate(now, &SystemRandomness::default());
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(id));
        assert_eq!(UserId::from_bytes(*id.as_bytes()), Ok(id));
        assert_eq!(text.to_uppercase().parse::<UserId>(), Err(NotAnId));
        assert_eq!(text.replace('-', "").parse::<UserId>(), Err(NotAnId));
        assert_eq!("67e55044-10b1-426f-9247-bb680e5fe0c8".parse::<UserId>(), Err(NotAnId), "version 4");
    }
}
