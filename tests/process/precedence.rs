//! Flags, then the environment, then `patmint.toml`, then the defaults: seen in what a new token begins with.

use std::fs;

use crate::support::{Owner, Place};

const ARGUMENTS: [&str; 6] = ["bootstrap", "--org", "Acme", "--email", "ada@acme.example", "--json"];

#[test]
fn flags_win_over_the_environment_over_the_file_over_the_default() {
    for (file, variable, flag, wins) in [
        (None, None, None, "patmint_"),
        (Some("file_"), None, None, "file_"),
        (Some("file_"), Some("variable_"), None, "variable_"),
        (Some("file_"), Some("variable_"), Some("flag_"), "flag_"),
        (Some("file_"), None, Some("flag_"), "flag_"),
        (None, Some("variable_"), None, "variable_"),
    ] {
        let place = Place::new();
        if let Some(prefix) = file {
            fs::write(place.folder().join("patmint.toml"), format!("token_prefix = \"{prefix}\"\n")).unwrap();
        }
        let mut program = place.patmint(ARGUMENTS);
        if let Some(prefix) = variable {
            program = program.env("PATMINT_TOKEN_PREFIX", prefix);
        }
        if let Some(prefix) = flag {
            program = program.args(["--token-prefix", prefix]);
        }
        let token = Owner::of(&program.run().good()).token;
        assert!(token.starts_with(wins), "{token} of {file:?}, {variable:?}, {flag:?}");
    }
}

#[test]
fn another_file_may_be_named() {
    let place = Place::new();
    fs::write(place.folder().join("patmint.toml"), "token_prefix = \"usual_\"\n").unwrap();
    fs::write(place.folder().join("other.toml"), "token_prefix = \"other_\"\n").unwrap();
    let program = place.patmint(ARGUMENTS).args(["--config", "other.toml"]);
    assert!(Owner::of(&program.run().good()).token.starts_with("other_"));
}
