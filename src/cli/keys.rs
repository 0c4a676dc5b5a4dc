use std::{fs, path::PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{CliError, open, output::say};
use crate::{
    config::Config,
    domain::{jws::SigningAlgorithm, schedule::Stage},
    service::{ShownKey, Withdrawn},
};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Show the signing keys, newest first
    List(List),
    /// Make a new signing key, which every server publishes at once and signs with when services know it
    Rotate(Rotate),
    /// Take in a signing key that was made elsewhere; otherwise like rotate
    Import(Import),
    /// Take a signing key out of use at once, because somebody else may have it: all access tokens that are out end
    Withdraw(Withdraw),
    /// Seal all keys under the first line of root.key; then the other lines are not needed any more
    Reseal,
}

#[derive(Args)]
pub(super) struct List {
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Rotate {
    /// How it signs: ES256, RS256 or EdDSA [default: --signing-algorithm]
    #[arg(long, value_name = "ALGORITHM")]
    algorithm: Option<SigningAlgorithm>,
    /// Let it sign at once, before services that keep the published keys know it
    #[arg(long)]
    now: bool,
}

#[derive(Args)]
pub(super) struct Import {
    /// The private key in PEM (PKCS#8): P-256, RSA with 2048 bits at least, or Ed25519
    file: PathBuf,
    /// Let it sign at once, before services that keep the published keys know it
    #[arg(long)]
    now: bool,
}

#[derive(Args)]
pub(super) struct Withdraw {
    /// Which: as `patmint keys list` shows it
    kid: String,
}

/// `patmint keys …`.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    let keys = open::for_command(config).await?.keys;
    match command {
        Command::List(List { json: false }) => {
            for key in keys.list().await? {
                say(as_text(&key))?;
            }
        }
        Command::List(List { json: true }) => say(json!({ "items": keys.list().await? }))?,
        Command::Rotate(Rotate { algorithm, now }) => say(made(&keys.rotate(algorithm, now).await?))?,
        Command::Import(Import { file, now }) => {
            let pem = fs::read_to_string(&file).map_err(|error| CliError::File { file, error })?;
            say(made(&keys.import(&pem.into(), now).await?))?;
        }
        Command::Reseal => {
            let count = keys.reseal().await?;
            say(format_args!(
                "{count} keys are sealed under the first line of root.key; no other line is needed now."
            ))?;
        }
        Command::Withdraw(Withdraw { kid }) => {
            let withdrawn = keys.withdraw(&kid).await?.ok_or(CliError::NoSuchKey)?;
            say(match withdrawn {
                Withdrawn::Before => "The key was withdrawn already; nothing is changed.".to_owned(),
                Withdrawn::Unused => "The key is withdrawn.".to_owned(),
                Withdrawn::Outgoing => "The key is withdrawn. All access tokens that were out have ended.".to_owned(),
                Withdrawn::Signing { successor } => {
                    format!("The key is withdrawn. All access tokens that were out have ended. {successor} signs now.")
                }
            })?;
        }
    }
    Ok(())
}

fn made(key: &ShownKey) -> String {
    match key.stage {
        Stage::Pending => format!("{} is published; it signs from {} on.", key.kid, key.activates_at),
        Stage::Signing | Stage::Outgoing | Stage::Retired | Stage::Withdrawn => format!("{} signs now.", key.kid),
    }
}

fn as_text(key: &ShownKey) -> String {
    let ShownKey { kid, algorithm, stage, created_at, activates_at } = key;
    format!("{kid}  {algorithm}  {:<8}  made {created_at}  signs from {activates_at}", stage.as_str())
}
