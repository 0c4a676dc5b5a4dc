use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{CliError, open, output::say, serve};
use crate::{config::Config, domain::email::Email, service::Bootstrapped};

const ORGANIZATION: &str = "My organization";
const EMAIL: &str = "owner@localhost.localdomain";

/// `patmint quickstart`: everything at once, and again without harm.
pub(super) async fn run(config: &Config) -> Result<(), CliError> {
    // First of all: with the port taken, no password must be made that nobody gets to see.
    let listener = open::listener(config)?;
    let issuer = open::issuer(config, &listener)?;
    let tls = open::tls(config)?;
    let services = open::for_server(config, issuer.clone()).await?;
    let is_needed = services.bootstrap.is_needed().await.map_err(|error| open::database_error(config, error))?;
    if is_needed {
        let made = services.bootstrap.run(ORGANIZATION, EMAIL, None).await?;
        say(welcome(&issuer, &made))?;
    } else {
        let owner = services.bootstrap.first_owner().await.map_err(|error| open::database_error(config, error))?;
        say(welcome_back(&issuer, owner.as_ref().map_or(EMAIL, Email::as_str)))?;
    }
    serve::until_told(config, listener, services, tls).await
}

fn welcome(issuer: &str, made: &Bootstrapped) -> String {
    let token = made.token.expose_secret();
    let password = made.password.as_ref().map_or("", |password| password.expose_secret());
    let body = json!({ "refresh": token });
    format!(
        "patmint is ready at {issuer}/\n\n\
         Sign in as    {}\n\
         Password      {password}\n\
         First token   {token}\n\n\
         Exchange the token for an access token:\n\n\
         curl -s -H 'Content-Type: application/json' -d '{body}' {issuer}/api/token/refresh\n\n\
         Password and token are not shown again.\n",
        made.email,
    )
}

fn welcome_back(issuer: &str, owner: &str) -> String {
    format!(
        "patmint is ready at {issuer}/\n\n\
         Everything is in place from before; secrets are shown once only.\n\
         For a new password: patmint user reset-password --email {owner}\n\
         (with the --database-url and --keys-dir of this start, if any)\n"
    )
}
