use clap::Args;

use super::{CliError, open, output::say};
use crate::{
    config::Config,
    domain::{ids::RequestId, membership::User},
    service::{Audited, RefusedToken},
};

#[derive(Args)]
pub(super) struct Arguments {
    /// What the answer had in X-Request-Id
    #[arg(value_name = "REQUEST_ID")]
    request_id: RequestId,
}

/// `patmint explain`.
pub(super) async fn run(config: &Config, Arguments { request_id }: Arguments) -> Result<(), CliError> {
    let services = open::for_command(config).await?;
    let explained = services.explanations.of(request_id).await;
    let explained = explained.map_err(|error| open::database_error(config, error))?;
    let explained = explained.ok_or(CliError::NoSuchRequest)?;
    for text in explained.refused.iter().map(refusal).chain(explained.done.iter().map(action)) {
        say(text)?;
    }
    Ok(())
}

fn refusal(RefusedToken { refused, record }: &RefusedToken) -> String {
    let standing = &record.standing;
    let address = refused.address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    format!(
        "Refused       {}: {}\nTime          {}\nAddress       {address}\nToken         {} ({})\nOwner         {} ({})\n\
         Organization  {} ({})",
        refused.reason,
        refused.reason.explanation(),
        refused.at,
        record.description.name,
        standing.credential.id,
        name(&record.owner),
        record.owner.id,
        standing.organization.name,
        standing.organization.id,
    )
}

fn action((record, actor): &Audited) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "none".to_owned());
    let actor = actor.as_ref().map(|user| format!("{} ({})", name(user), user.id));
    format!(
        "Done          {}\nTime          {}\nAddress       {}\nBy            {}\nVia           {}\nTo            {}\nDetail        {}",
        record.action,
        record.created_at,
        or_none(record.address.clone()),
        or_none(actor),
        or_none(record.via.map(|via| via.to_string())),
        or_none(record.subject_id.clone()),
        or_none(record.detail.clone()),
    )
}

/// What people call somebody.
fn name(user: &User) -> String {
    user.email.as_ref().map_or_else(|| user.name.clone(), ToString::to_string)
}
