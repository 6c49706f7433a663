//! What commands print: results on standard output, complaints on standard error.

use std::io::{self, Write as _};

/// Prints a result. A reader that went away (`| head`) is no error of ours.
pub(super) fn say(text: &str) {
    drop(writeln!(io::stdout().lock(), "{text}"));
}

/// Prints what went wrong.
pub(super) fn complain(text: &str) {
    drop(writeln!(
        io::stderr().lock(),
        "shopify-warmer: {}",
        text.trim_end()
    ));
}
