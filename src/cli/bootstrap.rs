use std::io::{self, Read as _};

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{CliError, open, output::say};
use crate::{config::Config, service::Bootstrapped};

#[derive(Args)]
pub(super) struct Arguments {
    /// The organization's name
    #[arg(long, value_name = "NAME")]
    org: String,
    /// The owner's e-mail address
    #[arg(long, value_name = "EMAIL")]
    email: String,
    /// Read the owner's password from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

/// `patmint bootstrap`.
pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<(), CliError> {
    let password = arguments.password_stdin.then(password_from_stdin).transpose()?;
    let services = open::for_command(config).await?;
    let made = services.bootstrap.run(&arguments.org, &arguments.email, password).await?;
    if arguments.json {
        say(as_json(&made))?;
    } else {
        say(as_text(&made))?;
    }
    Ok(())
}

/// One line, without the end of the line.
pub(super) fn password_from_stdin() -> io::Result<SecretString> {
    let mut text = String::new();
    // More than any password has, less than would hurt.
    io::stdin().take(4096).read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or_default();
    Ok(line.into())
}

fn as_json(made: &Bootstrapped) -> String {
    let mut value = json!({
        "organization_id": made.organization_id,
        "user_id": made.user_id,
        "email": made.email.as_str(),
        "token": made.token.expose_secret(),
        "refresh_jwt": made.refresh_jwt.expose_secret(),
    });
    if let (Some(password), Some(members)) = (&made.password, value.as_object_mut()) {
        members.insert("password".to_owned(), password.expose_secret().into());
    }
    value.to_string()
}

fn as_text(made: &Bootstrapped) -> String {
    let password = made.password.as_ref().map_or("as you gave it", |password| password.expose_secret());
    format!(
        "Organization  {}\nOwner         {} ({})\nPassword      {password}\nToken         {}\nJWT token     {}\n\
         None of these is shown again.",
        made.organization_id,
        made.email,
        made.user_id,
        made.token.expose_secret(),
        made.refresh_jwt.expose_secret(),
    )
}
