//! What outsiders say of this crate: Shopify's published sample bodies, and Shopify's own library for Node.
//!
//! Both come from npm and are installed by `tests/judges/install.sh` of the workspace. Without them these tests fail: a judge
//! who is not there has not agreed.

#[cfg(test)]
mod library;
#[cfg(test)]
mod samples;

use std::path::{Path, PathBuf};

/// Something below the judges' folder that must have been installed.
fn installed(path: &str) -> PathBuf {
    let judges = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/judges");
    let path = Path::new(judges).join(path);
    assert!(
        path.exists(),
        "{} is missing: `make test` installs it, or tests/judges/install.sh alone",
        path.display()
    );
    path
}
