use super::{CliError, output::say};
use crate::http::openapi;

/// `patmint openapi`.
pub(super) fn run() -> Result<(), CliError> {
    Ok(say(openapi())?)
}
