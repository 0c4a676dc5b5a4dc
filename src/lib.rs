//! patmint: a self-hosted security token service.
//!
//! Data flows one way: `http` (and `compat`, `web`, `cli`) → `service` → `store`; `domain` has the rules and imports
//! nothing of ours.

pub mod cli;
mod compat;
pub mod config;
pub mod domain;
pub mod http;
pub mod service;
pub mod store;
mod web;
