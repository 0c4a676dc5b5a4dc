//! Holds `docs/configuration.md` to the settings that there are.

use clap::{Args as _, Command};

use super::{Options, file};

const PAGE: &str = include_str!("../../docs/configuration.md");

/// The rows of the page: flag, variable, name in the file, default.
fn rows() -> Vec<[String; 4]> {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `--"));
    let cell = |cell: &str| cell.trim().replace('`', "");
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(cell).collect();
        [1, 2, 3, 4].map(|index| cells[index].clone())
    })
    .collect()
}

#[test]
fn the_page_has_each_setting_with_its_variable_and_default() {
    let command = Options::augment_args(Command::new("patmint"));
    let wanted: Vec<_> = command
        .get_arguments()
        .map(|argument| {
            let help = argument.get_long_help().or(argument.get_help()).expect("a help").to_string();
            let default = help.rsplit_once("[default: ").map_or("false", |(_, default)| default.trim_end_matches(']'));
            let flag = argument.get_long().expect("a flag");
            let variable = argument.get_env().expect("a variable").to_str().expect("a name");
            [format!("--{flag}"), variable.to_owned(), argument.get_id().to_string(), default.replace('`', "")]
        })
        .collect();
    let rows = rows();
    assert_eq!(rows[0][..3], ["--config", "PATMINT_CONFIG", ""]);
    assert_eq!(rows[1..], wanted, "docs/configuration.md, and the options in their order");
}

#[test]
fn the_file_takes_the_names_on_the_page() {
    for [flag, _, name, _] in &rows()[1..] {
        let Err(error) = file::parse("patmint.toml", &format!("{name} = {{}}\n")) else { panic!("{flag} is a table") };
        assert!(!error.to_string().contains("unknown"), "{error}");
    }
}
