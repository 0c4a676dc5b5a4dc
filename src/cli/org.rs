use clap::{Args, Subcommand};
use secrecy::ExposeSecret as _;

use super::{CliError, open, output::say};
use crate::{
    config::Config,
    service::{Founded, MAX_PAGE, NewOrganization, Part},
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Found an organization
    Create(Create),
    /// Show all organizations, newest first
    List,
}

#[derive(Args)]
pub(super) struct Create {
    /// The organization's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The owner's e-mail address; an account is made if there is none
    #[arg(long, value_name = "EMAIL")]
    owner: String,
    /// The organization's name in addresses [default: made of its name]
    #[arg(long, value_name = "SLUG")]
    slug: Option<String>,
}

/// `patmint org …`.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    match command {
        Command::Create(Create { name, owner, slug }) => {
            let services = open::for_command(config).await?;
            let founded = services.organizations.create_for(NewOrganization { name, slug }, &owner).await?;
            Ok(say(as_text(&founded))?)
        }
        Command::List => list(config).await,
    }
}

fn as_text(Founded { organization, owner, password }: &Founded) -> String {
    let email = owner.email.as_ref().map(ToString::to_string).unwrap_or_default();
    let password = password.as_ref().map_or(String::new(), |password| {
        format!("\nPassword      {}\nThe password is not shown again.", password.expose_secret())
    });
    format!(
        "Organization  {} ({})\nSlug          {}\nOwner         {email} ({}){password}",
        organization.name, organization.id, organization.slug, owner.id,
    )
}

async fn list(config: &Config) -> Result<(), CliError> {
    let services = open::for_command(config).await?;
    let mut before = i64::MAX;
    loop {
        let part = services.organizations.list_all(Part { before, limit: MAX_PAGE }).await;
        let part = part.map_err(|error| open::database_error(config, error))?;
        for organization in part.items {
            let end = organization.ended_at.map(|at| format!("  ended {at}")).unwrap_or_default();
            say(format_args!("{}  {}  {}{end}", organization.id, organization.slug, organization.name))?;
        }
        match part.next {
            Some(next) => before = next,
            None => return Ok(()),
        }
    }
}
