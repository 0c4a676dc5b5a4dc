use std::env;

use clap::Command;

use super::ConfigError;

const PREFIX: &str = "PATMINT_";

/// Kubernetes sets these in every container of a namespace that has a service named `patmint`.
const FOREIGN: [&str; 2] = ["PATMINT_SERVICE_", "PATMINT_PORT"];

/// Refuses a `PATMINT_*` variable that no argument of `command` reads.
///
/// # Errors
/// [`ConfigError::UnknownVariable`].
pub fn refuse_unknown(command: &Command) -> Result<(), ConfigError> {
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    check(command, names)
}

fn check(command: &Command, mut names: impl Iterator<Item = String>) -> Result<(), ConfigError> {
    let known: Vec<String> = variables(command).collect();
    let is_foreign = |name: &str| FOREIGN.iter().any(|foreign| name.starts_with(foreign));
    match names.find(|name| name.starts_with(PREFIX) && !is_foreign(name) && !known.contains(name)) {
        Some(unknown) => Err(ConfigError::UnknownVariable(unknown)),
        None => Ok(()),
    }
}

fn variables(command: &Command) -> Box<dyn Iterator<Item = String> + '_> {
    let own = command.get_arguments().filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned));
    Box::new(own.chain(command.get_subcommands().flat_map(variables)))
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    #[test]
    fn a_misspelt_variable_is_refused() {
        let command = Command::new("patmint")
            .arg(Arg::new("listen").env("PATMINT_LISTEN"))
            .subcommand(Command::new("login").arg(Arg::new("server").env("PATMINT_SERVER")));
        let check = |name: &str| check(&command, [name.to_owned()].into_iter());
        for good in ["PATMINT_LISTEN", "PATMINT_SERVER", "PATMINT_SERVICE_HOST", "PATMINT_PORT_8080_TCP", "HOME"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert_eq!(check("PATMINT_LISTN"), Err(ConfigError::UnknownVariable("PATMINT_LISTN".to_owned())));
    }
}
