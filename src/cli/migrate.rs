use super::{CliError, open, output::say};
use crate::config::Config;

/// `patmint migrate`.
pub(super) fn run(config: &Config) -> Result<(), CliError> {
    open::database(config)?.migrate().map_err(|error| open::database_error(config, error))?;
    say(format_args!("{} is up to date", config.database.url.describe()))?;
    Ok(())
}
