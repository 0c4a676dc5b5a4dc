//! What people and scripts read.

use std::{fmt, io, io::Write as _};

/// Writes a line to standard output.
///
/// # Errors
/// If nobody reads it any more.
pub(super) fn say(line: impl fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Writes what went wrong to standard error, in one line.
pub(super) fn complain(error: &impl fmt::Display) {
    let line = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    // If standard error is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "patmint: {line}");
}
