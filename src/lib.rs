//! patmint: a self-hosted security token service.

pub mod domain;
