use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;

use super::{CliError, bootstrap::password_from_stdin, open, output::say};
use crate::{config::Config, service::ManageError};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Give a user a new password and end their sessions
    ResetPassword(ResetPassword),
}

#[derive(Args)]
pub(super) struct ResetPassword {
    /// The user's e-mail address
    #[arg(long, value_name = "EMAIL")]
    email: String,
    /// Read the new password from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

/// `patmint user …`.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    let Command::ResetPassword(ResetPassword { email, password_stdin }) = command;
    let given = password_stdin.then(password_from_stdin).transpose()?;
    let services = open::for_command(config).await?;
    let generated = given.is_none().then(|| services.sessions.new_password());
    let password = given.or_else(|| generated.clone()).unwrap_or_default();
    if let Err(error) = services.sessions.reset_password(&email, password).await {
        let is_unknown = matches!(error, ManageError::NotFound);
        return Err(if is_unknown { CliError::NoSuchUser } else { error.into() });
    }
    match generated {
        Some(password) => say(format_args!("New password: {}", password.expose_secret()))?,
        None => say("The password is changed.")?,
    }
    Ok(())
}
