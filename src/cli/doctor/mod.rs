mod issuer;
mod tls;

use std::{fs, os::unix::fs::PermissionsExt as _};

use clap::Args;
use serde_json::json;

use super::{CliError, output::say};
use crate::{
    config::{Config, ConfigError},
    domain::clock::{Clock as _, SystemClock},
    service::{Doctor, Finding, Outcome},
};

const CHECK: &str = "configuration";

#[derive(Args)]
pub(super) struct Arguments {
    /// Answer with one line of JSON
    #[arg(long)]
    json: bool,
}

/// `patmint doctor`.
pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<(), CliError> {
    let mut report = Report::new(arguments);
    report.add([configuration(config)])?;
    report.add(tls::look(config, SystemClock.now()))?;
    let doctor = Doctor { database: &config.database, keys_dir: &config.keys_dir, clock: &SystemClock };
    let examined = doctor.examine();
    report.add(examined.findings)?;
    report.add(issuer::look(config, examined.signer.as_deref()))?;
    // Last, since it takes a while.
    if let Some(mut connection) = examined.connection {
        report.add(doctor.watch(&mut connection).await)?;
    }
    report.end()
}

/// The same where there is nothing to go by.
pub(super) fn without_configuration(arguments: &Arguments, error: &ConfigError) -> Result<(), CliError> {
    let mut report = Report::new(arguments);
    report.add([Finding::wrong(CHECK, error.to_string(), "mend it; patmint serve --help tells what there is")])?;
    report.end()
}

fn configuration(config: &Config) -> Finding {
    let Some(file) = &config.file else {
        return Finding::good(CHECK, "there is no file; flags and the environment count");
    };
    let shown = file.path.display();
    let mode = fs::metadata(&file.path).map_or(0, |entry| entry.permissions().mode());
    if file.holds_secret && mode & 0o004 != 0 {
        let message = format!("others on this machine can read {shown}, and there is a password or token in it");
        return Finding::wrong(CHECK, message, format!("chmod 640 {shown}, and change what was to be read"));
    }
    if mode & 0o002 != 0 {
        let message = format!("others on this machine can write {shown}");
        return Finding::wrong(CHECK, message, format!("chmod 640 {shown}"));
    }
    Finding::good(CHECK, format!("{shown} was read"))
}

/// What was found so far.
struct Report<'a> {
    arguments: &'a Arguments,
    findings: Vec<Finding>,
}

impl<'a> Report<'a> {
    fn new(arguments: &'a Arguments) -> Self {
        Self { arguments, findings: Vec::new() }
    }

    /// Adds findings. As text they are told at once.
    fn add(&mut self, findings: impl IntoIterator<Item = Finding>) -> Result<(), CliError> {
        for finding in findings {
            if !self.arguments.json {
                say(as_text(&finding))?;
            }
            self.findings.push(finding);
        }
        Ok(())
    }

    fn end(self) -> Result<(), CliError> {
        let wrong = self.findings.iter().filter(|finding| finding.outcome == Outcome::Wrong).count();
        if self.arguments.json {
            say(json!({ "good": wrong == 0, "findings": self.findings }))?;
        }
        if wrong == 0 { Ok(()) } else { Err(CliError::Unwell(wrong)) }
    }
}

fn as_text(Finding { check, outcome, message, advice }: &Finding) -> String {
    let outcome = match outcome {
        Outcome::Good => "good",
        Outcome::Warning => "warning",
        Outcome::Wrong => "WRONG",
    };
    let advice = advice.as_ref().map(|advice| format!("\n{:25}→ {advice}", "")).unwrap_or_default();
    format!("{outcome:<8} {check:<15} {message}{advice}")
}
