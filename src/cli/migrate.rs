use super::{CliError, open, output::say};
use crate::{config::Config, store::Database};

/// `patmint migrate`.
pub(super) fn run(config: &Config) -> Result<(), CliError> {
    let db = Database::new(&config.database);
    db.migrate().map_err(|error| open::database_error(config, error))?;
    say(format_args!("{} is up to date", config.database.url.describe()))?;
    Ok(())
}
