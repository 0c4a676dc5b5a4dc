use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with the configuration. Names the setting, never its value.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A setting has a value that it cannot have.
    #[error("{setting}: {problem}")]
    Invalid {
        /// As it is called in the file.
        setting: &'static str,
        /// What it must be.
        problem: &'static str,
    },
    /// The file is not there or not to be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, String),
    /// The file is not what it should be.
    #[error("{path}, line {line}: {problem}")]
    File {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A variable of the environment has a value that its setting cannot have.
    #[error("{name} in the environment: {problem}; correct or unset it (patmint serve --help describes each setting)")]
    Variable {
        /// The variable.
        name: String,
        /// What it must be.
        problem: String,
    },
    /// A variable that nothing reads: a misspelt one would otherwise be missed.
    #[error("unknown setting {0} in the environment")]
    UnknownVariable(String),
}

pub(super) fn invalid(setting: &'static str, problem: &'static str) -> ConfigError {
    ConfigError::Invalid { setting, problem }
}
