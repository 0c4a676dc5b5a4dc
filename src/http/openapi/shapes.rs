//! Schemas of what has no type of its own: texts that the domain checks, and what is said when something is wrong.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    domain::{
        organization::MAX_NAME,
        password::{MAX_CHARACTERS, MIN_CHARACTERS},
    },
    http::feed::LONGEST_WAIT,
    service::MAX_PAGE,
};

/// A type that is only a schema.
macro_rules! shape {
    ($(#[$doc:meta])* $name:ident, $inline:literal, $schema:tt) => {
        $(#[$doc])*
        pub(crate) enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                $inline
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

shape!(
    /// A key, bare or as a string of RFC 9651.
    IdempotencyKey,
    true,
    { "type": "string", "pattern": r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"# }
);
shape!(
    /// What people call something.
    Name,
    true,
    { "type": "string", "minLength": 1, "maxLength": MAX_NAME, "pattern": r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$" }
);
shape!(
    /// A new password.
    Password,
    true,
    { "type": "string", "minLength": MIN_CHARACTERS, "maxLength": MAX_CHARACTERS, "format": "password" }
);
shape!(
    /// An e-mail address.
    EmailAddress,
    true,
    { "type": "string", "format": "email", "maxLength": 254 }
);
shape!(
    /// How an organization is named in a path.
    OrganizationName,
    true,
    { "type": "string", "minLength": 1, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$" }
);
shape!(
    /// An organization's own name in addresses.
    Slug,
    true,
    { "type": "string", "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$" }
);
shape!(
    /// Eight bytes in base64url.
    Cursor,
    true,
    { "type": "string", "pattern": "^[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]$" }
);
shape!(
    /// A moment and an id (UUIDv7) in base64url.
    AuditCursor,
    true,
    {
        "type": "string",
        "pattern": "^AA[A-Za-z0-9_-]{16}[BFJNRVZdhlptx159][w-z0-9_-][A-Za-z0-9_-][I-LYZabo-r4-7][A-Za-z0-9_-]{10}$",
    }
);
shape!(
    /// What an action, a person or a thing is called.
    Word,
    true,
    { "type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$" }
);
shape!(
    /// How much is on a page.
    Limit,
    true,
    { "type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": 50 }
);
shape!(
    /// A number on the revocation list.
    Number,
    true,
    { "type": "integer", "minimum": 0, "maximum": i64::MAX, "default": 0 }
);
shape!(
    /// How long the feed waits.
    Wait,
    true,
    { "type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0 }
);
shape!(
    /// The number of a status list.
    ListNumber,
    true,
    { "type": "integer", "minimum": 0, "maximum": u32::MAX }
);
shape!(
    /// A part of a token's name.
    PartOfName,
    true,
    { "type": "string", "minLength": 1, "maxLength": MAX_NAME, "pattern": r"^[^\x00-\x1f\x7f-\x9f]+$" }
);
shape!(
    /// JSON of another standard's.
    AnyObject,
    true,
    { "type": "object" }
);
shape!(
    /// A text of another standard's.
    Text,
    true,
    { "type": "string" }
);
shape!(
    /// Problem details (RFC 9457).
    Problem,
    false,
    {
        "type": "object",
        "description": "Problem details (RFC 9457)",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": { "type": "string", "const": "about:blank" },
            "title": { "type": "string", "description": "The name of the status" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "code": { "type": "string", "description": "What went wrong, for programs: stable" },
            "detail": { "type": "string", "description": "What went wrong, for people" },
            "request_id": { "type": "string", "format": "uuid", "description": "Finds the log line" },
        },
    }
);
shape!(
    /// As Django REST framework has it.
    Detail,
    false,
    {
        "type": "object",
        "description": "An error as Django REST framework has it: `detail`, or what is wrong with each member",
        "properties": {
            "detail": { "type": "string" },
            "code": { "type": "string" },
            "request_id": { "type": "string", "format": "uuid", "description": "Finds the log line" },
        },
        "additionalProperties": { "type": "array", "items": { "type": "string" } },
    }
);
shape!(
    /// RFC 6749 section 5.2.
    OAuthError,
    false,
    {
        "type": "object",
        "description": "An error as RFC 6749 section 5.2 has it",
        "required": ["error"],
        "properties": {
            "error": { "type": "string" },
            "error_description": { "type": "string" },
            "request_id": { "type": "string", "format": "uuid", "description": "Finds the log line" },
        },
    }
);
