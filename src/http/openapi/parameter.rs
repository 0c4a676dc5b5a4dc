use schemars::{JsonSchema, SchemaGenerator};

use super::operation::SchemaOf;

/// Where a parameter stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

/// What is told of a parameter.
pub(crate) struct Parameter {
    pub(super) place: Place,
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// What is in the path always is.
    pub(super) required: bool,
    pub(super) schema: SchemaOf,
}

impl Parameter {
    /// One of the query that may be left out.
    pub(crate) fn of<T: JsonSchema>(name: &'static str, description: &'static str) -> Self {
        let schema = SchemaGenerator::subschema_for::<T>;
        Self { place: Place::Query, name, description, required: false, schema }
    }
}
