use std::{fs, io::ErrorKind, path::PathBuf};

use super::{ConfigError, Options};

/// Read if it is there and no other is named.
const USUAL: &str = "patmint.toml";

/// A file that settings were read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether there is a secret in it.
    pub holds_secret: bool,
}

/// The settings in the file, and which one that is, if any.
pub(super) fn read(named: Option<PathBuf>) -> Result<(Options, Option<ConfigFile>), ConfigError> {
    let is_named = named.is_some();
    let path = named.unwrap_or_else(|| USUAL.into());
    match fs::read_to_string(&path) {
        Ok(text) => {
            let options = parse(&path.display().to_string(), &text)?;
            let holds_secret = options.hold_secret();
            Ok((options, Some(ConfigFile { path, holds_secret })))
        }
        Err(error) if error.kind() == ErrorKind::NotFound && !is_named => Ok((Options::default(), None)),
        Err(error) => Err(ConfigError::Unreadable(path, error.to_string())),
    }
}

pub(super) fn parse(path: &str, text: &str) -> Result<Options, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
        // toml's own text may quote a value.
        let is_unknown = error.message().starts_with("unknown field");
        let problem = if is_unknown { error.message() } else { "not TOML, or a value of the wrong type" };
        ConfigError::File { path: path.to_owned(), line, problem: problem.to_owned() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_by_name_and_line() {
        let Err(error) = parse("patmint.toml", "listen = \"127.0.0.1:1\"\nlistn = \"x\"\n") else {
            panic!("an unknown key passes");
        };
        let text = error.to_string();
        assert!(text.contains("line 2"), "{text}");
        assert!(text.contains("listn"), "{text}");
    }

    #[test]
    fn an_algorithm_goes_by_its_name() {
        for (text, is_good) in [("RS256", true), ("ES256", true), ("EdDSA", true), ("HS256", false), ("none", false)] {
            assert_eq!(parse("patmint.toml", &format!("signing_algorithm = \"{text}\"\n")).is_ok(), is_good, "{text}");
        }
    }

    #[test]
    fn a_value_is_not_quoted() {
        let Err(error) = parse("patmint.toml", "jwks_max_age = \"hunter2\"\n") else { panic!("a string for a number") };
        assert!(!error.to_string().contains("hunter2"));
    }
}
