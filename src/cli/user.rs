use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;

use super::{CliError, bootstrap::password_from_stdin, open, output::say};
use crate::{config::Config, service::ManageError};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Give a user a new password and end their sessions
    ResetPassword(ResetPassword),
    /// End a user's sessions and refuse their tokens, until the user is enabled again
    Disable(Which),
    /// Let a disabled user sign in again and use their tokens
    Enable(Which),
}

#[derive(Args)]
pub(super) struct Which {
    /// The user's e-mail address
    #[arg(long, value_name = "EMAIL")]
    email: String,
}

#[derive(Args)]
pub(super) struct ResetPassword {
    #[command(flatten)]
    which: Which,
    /// Read the new password from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

/// `patmint user …`.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    let line = match command {
        Command::ResetPassword(arguments) => return reset_password(config, arguments).await,
        Command::Disable(Which { email }) => match open::for_command(config).await?.users.disable(&email).await {
            Ok(true) => "The user is disabled.",
            Ok(false) => "The user was disabled already; nothing is changed.",
            Err(error) => return Err(explain(error)),
        },
        Command::Enable(Which { email }) => match open::for_command(config).await?.users.enable(&email).await {
            Ok(true) => "The user is enabled.",
            Ok(false) => "The user was not disabled; nothing is changed.",
            Err(error) => return Err(explain(error)),
        },
    };
    Ok(say(line)?)
}

async fn reset_password(config: &Config, arguments: ResetPassword) -> Result<(), CliError> {
    let ResetPassword { which: Which { email }, password_stdin } = arguments;
    let given = password_stdin.then(password_from_stdin).transpose()?;
    let services = open::for_command(config).await?;
    let generated = given.is_none().then(|| services.sessions.new_password());
    let password = given.or_else(|| generated.clone()).unwrap_or_default();
    services.sessions.reset_password(&email, password).await.map_err(explain)?;
    match generated {
        Some(password) => say(format_args!("New password: {}", password.expose_secret()))?,
        None => say("The password is changed.")?,
    }
    Ok(())
}

fn explain(error: ManageError) -> CliError {
    if matches!(error, ManageError::NotFound) { CliError::NoSuchUser } else { error.into() }
}
