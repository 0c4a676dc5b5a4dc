//! Thin doors for the clients of other systems, to the same services.

pub(crate) mod label_studio;
