use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{CliError, open, output::say};
use crate::{
    config::Config,
    domain::{jws::SigningAlgorithm, schedule::Stage},
    service::{Keys, ShownKey, Withdrawn},
};

/// Stands for standard input or output.
const STANDARD: &str = "-";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Show the signing keys, newest first
    List(List),
    /// Make a new signing key, which every server publishes at once and signs with when services know it
    Rotate(Rotate),
    /// Take in a signing key that was made elsewhere; otherwise like rotate
    Import(Import),
    /// Print the public keys that services verify with (JWKS), or hand out a private key
    Export(Export),
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
    /// The private key in PEM (PKCS#8): P-256, RSA with 2048 bits at least, or Ed25519; - for standard input
    file: PathBuf,
    /// Let it sign at once, before services that keep the published keys know it
    #[arg(long)]
    now: bool,
}

#[derive(Args)]
pub(super) struct Export {
    /// Write the private key, as import takes it in, to this new file (mode 0600); - for standard output
    #[arg(long, value_name = "FILE")]
    private: Option<PathBuf>,
    /// Which private key: as `patmint keys list` shows it [default: the one that signs]
    #[arg(long, value_name = "KID", requires = "private")]
    kid: Option<String>,
}

#[derive(Args)]
pub(super) struct Withdraw {
    /// Which: as `patmint keys list` shows it
    kid: String,
}

/// `patmint keys …`.
pub(super) async fn run(config: &Config, command: Command) -> Result<(), CliError> {
    let services = open::for_command(config).await?;
    let keys = &services.keys;
    match command {
        Command::List(List { json: false }) => {
            for key in keys.list().await? {
                say(as_text(&key))?;
            }
        }
        Command::List(List { json: true }) => say(json!({ "items": keys.list().await? }))?,
        Command::Rotate(Rotate { algorithm, now }) => say(made(&keys.rotate(algorithm, now).await?))?,
        Command::Import(Import { file, now }) => {
            say(made(&keys.import(&read(file)?, now).await?))?;
        }
        Command::Export(Export { private: None, .. }) => say(json!(services.published_keys()))?,
        Command::Export(Export { private: Some(file), kid }) => export(keys, &file, kid).await?,
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

fn read(file: PathBuf) -> Result<SecretString, CliError> {
    let is_standard = file.as_os_str() == STANDARD;
    let text = if is_standard { io::read_to_string(io::stdin()) } else { fs::read_to_string(&file) };
    text.map(SecretString::from).map_err(|error| CliError::File { file, error })
}

async fn export(keys: &Keys, file: &Path, kid: Option<String>) -> Result<(), CliError> {
    if file.as_os_str() == STANDARD {
        let pem = keys.export(kid).await?.ok_or(CliError::NoSuchKey)?;
        return Ok(say(pem.expose_secret().trim_end())?);
    }
    let refuse = |error| CliError::File { file: file.to_owned(), error };
    // First: a key that cannot be written need not be said to have been handed out.
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(refuse)?;
    let exported = keys.export(kid).await.map_err(CliError::from).and_then(|pem| pem.ok_or(CliError::NoSuchKey));
    let written = exported
        .and_then(|pem| made.write_all(pem.expose_secret().as_bytes()).and_then(|()| made.sync_all()).map_err(refuse));
    if written.is_err() {
        // The error tells more than one of the removal.
        let _ = fs::remove_file(file);
    }
    written
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
