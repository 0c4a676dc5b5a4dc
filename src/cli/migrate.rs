use super::{CliError, open, output::say};
use crate::config::Config;

/// `patmint migrate`.
pub(super) fn run(config: &Config) -> Result<(), CliError> {
    open::migrate(config, &open::database(config)?)?;
    say(format_args!("{} is up to date", config.database.url.describe()))?;
    Ok(())
}
