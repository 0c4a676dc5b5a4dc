use clap::Args;

use super::{CliError, open, output::say};
use crate::{config::Config, domain::clock::Timestamp, service::Revoked};

#[derive(Args)]
pub(super) struct Arguments {
    /// Revoke every token created before this moment, end the sessions begun before it, and end all access tokens that
    /// are out (RFC 3339, such as 2026-11-21T10:00:00Z)
    #[arg(long, value_name = "TIME")]
    revoke_issued_before: Option<Timestamp>,
}

/// `patmint restored`.
pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<(), CliError> {
    let services = open::for_command(config).await?;
    let revoked = services.restoration.run(arguments.revoke_issued_before).await?;
    say("Every server goes by the database as it is now.")?;
    if let Some(Revoked { organizations, credentials, sessions }) = revoked {
        say(format_args!(
            "Revoked {credentials} tokens in {organizations} organizations and all access tokens that were out; \
             ended {sessions} sessions."
        ))?;
    }
    Ok(())
}
