//! The environment: which variables count, and command-line arguments read together with them.

use std::{
    collections::BTreeSet,
    env,
    error::Error as _,
    ffi::{OsStr, OsString},
};

use clap::{
    ArgMatches, Command,
    builder::Resettable,
    error::{ContextKind, ContextValue, ErrorKind},
};
use thiserror::Error;

use super::ConfigError;

const PREFIX: &str = "PATMINT_";

/// What protects, and must not be left out by an empty variable without a word: it is refused, as each wrong value is.
const PROTECTIONS: [&str; 3] = ["PATMINT_FEED_TOKEN", "PATMINT_TLS_CERT", "PATMINT_TLS_KEY"];

/// The end of the one variable that Kubernetes sets for every service of a namespace, in each of its containers.
const SERVICE_HOST: &str = "_SERVICE_HOST";

/// Why the arguments of this process cannot be used.
#[derive(Debug, Error)]
pub enum ParseError {
    /// The command line itself is at fault, or asks for help.
    #[error(transparent)]
    Usage(#[from] clap::Error),
    /// A variable is.
    #[error(transparent)]
    Variable(ConfigError),
}

/// Parses the arguments of this process, and the variables that `command` reads where a flag is absent. An empty variable
/// counts as absent: compose files and CI systems set `NAME=` for what nobody has filled in.
///
/// # Errors
/// See [`ParseError`]. A variable is named, and its value never shown.
pub fn parse(command: &Command) -> Result<ArgMatches, ParseError> {
    let is_meant = |name: &OsString| PROTECTIONS.iter().any(|protection| name == protection);
    let set = env::vars_os().filter(|(name, value)| !value.is_empty() || is_meant(name));
    let set: BTreeSet<OsString> = set.map(|(name, _)| name).collect();
    parse_from(command, &env::args_os().collect::<Vec<_>>(), &|name| set.contains(name))
}

fn parse_from(
    command: &Command,
    arguments: &[OsString],
    is_set: &dyn Fn(&OsStr) -> bool,
) -> Result<ArgMatches, ParseError> {
    let parse = |is_read: &dyn Fn(&OsStr) -> bool| reading(command.clone(), is_read).try_get_matches_from(arguments);
    let error = match parse(is_set) {
        Ok(matches) => return Ok(matches),
        Err(error) => error,
    };
    // Without any variable: the command line is at fault.
    parse(&|_| false)?;
    let at_fault = variables(command).find_map(|name| {
        let read_alone = parse(&|other| other == OsStr::new(&name) && is_set(other));
        read_alone.err().map(|error| ConfigError::Variable { problem: problem(&error), name })
    });
    Err(at_fault.map_or(ParseError::Usage(error), ParseError::Variable))
}

/// `command` reading only those variables of its own for which `is_read` holds.
fn reading(command: Command, is_read: &dyn Fn(&OsStr) -> bool) -> Command {
    let command = command.mut_args(|argument| {
        let is_unread = argument.get_env().is_some_and(|name| !is_read(name));
        if is_unread { argument.env(Resettable::Reset) } else { argument }
    });
    command.mut_subcommands(|below| reading(below, is_read))
}

/// What a value must be, in words that do not repeat it.
fn problem(error: &clap::Error) -> String {
    if let Some(source) = error.source() {
        return source.to_string();
    }
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(values)) if !values.is_empty() => format!("must be one of {}", values.join(", ")),
        Some(_) | None if error.kind() == ErrorKind::InvalidUtf8 => "is not text in UTF-8".to_owned(),
        Some(_) | None => "must not be empty".to_owned(),
    }
}

/// Refuses a `PATMINT_*` variable that no argument of `command` reads.
///
/// # Errors
/// [`ConfigError::UnknownVariable`].
pub fn refuse_unknown(command: &Command) -> Result<(), ConfigError> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    check(command, &names.collect::<Vec<_>>())
}

fn check(command: &Command, names: &[String]) -> Result<(), ConfigError> {
    let known: Vec<String> = variables(command).collect();
    let services: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(SERVICE_HOST)).collect();
    let is_foreign = |name: &str| services.iter().any(|service| is_of_service(name, service));
    match names.iter().find(|name| name.starts_with(PREFIX) && !is_foreign(name) && !known.contains(name)) {
        Some(unknown) => Err(ConfigError::UnknownVariable(unknown.clone())),
        None => Ok(()),
    }
}

/// Whether Kubernetes sets the variable for a service, such as `patmint` or `patmint-postgres`.
fn is_of_service(name: &str, service: &str) -> bool {
    let rest = name.strip_prefix(service);
    rest.is_some_and(|rest| rest.starts_with("_SERVICE_") || rest == "_PORT" || rest.starts_with("_PORT_"))
}

fn variables(command: &Command) -> Box<dyn Iterator<Item = String> + '_> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned));
    Box::new(own.chain(command.get_subcommands().flat_map(variables)))
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    fn command() -> Command {
        Command::new("patmint")
            .arg(Arg::new("listen").long("listen").env("PATMINT_LISTEN"))
            .subcommand(Command::new("login").arg(Arg::new("server").env("PATMINT_SERVER")))
    }

    fn check(names: &[&str]) -> Result<(), ConfigError> {
        super::check(&command(), &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_misspelt_variable_is_refused() {
        assert_eq!(check(&["PATMINT_LISTEN", "PATMINT_SERVER", "HOME"]), Ok(()));
        for unknown in ["PATMINT_LISTN", "PATMINT_PORT", "PATMINT_LISTEN_PORT"] {
            assert_eq!(check(&[unknown]), Err(ConfigError::UnknownVariable(unknown.to_owned())));
        }
    }

    #[test]
    fn variables_of_kubernetes_services_are_ignored() {
        let of_services = [
            "PATMINT_SERVICE_HOST",
            "PATMINT_SERVICE_PORT",
            "PATMINT_PORT",
            "PATMINT_PORT_8080_TCP",
            "PATMINT_POSTGRES_SERVICE_HOST",
            "PATMINT_POSTGRES_SERVICE_PORT_SQL",
            "PATMINT_POSTGRES_PORT",
            "PATMINT_POSTGRES_PORT_5432_TCP_ADDR",
        ];
        assert_eq!(check(&of_services), Ok(()));
        let unknown = Err(ConfigError::UnknownVariable("PATMINT_REDIS_PORT".to_owned()));
        assert_eq!(check(&["PATMINT_POSTGRES_SERVICE_HOST", "PATMINT_REDIS_PORT"]), unknown);
    }
}
