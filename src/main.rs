//! Parses the command line and runs one command.

use std::process::ExitCode;

use clap::Parser as _;
use shopify_warmer::cli::{self, Cli};

fn main() -> ExitCode {
    cli::main(Cli::parse())
}
