//! The command as people and scripts use it.

mod calls;
mod doctor;
mod settings;

use std::process::Output;

/// What was printed on standard output.
fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What was complained about on standard error.
fn complaint(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
