//! How a shop's API lets us in.

use secrecy::SecretString;

/// One of the two ways in; there is no third, and no half of one.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// The token of an app that was made in the shop's admin (`shpat_…`): good until somebody revokes it.
    Static(SecretString),
    /// An app of the Dev Dashboard: its id and secret are exchanged for tokens that last a day (PLATFORM 3).
    ClientCredentials {
        /// The app's client id, which is no secret.
        client_id: String,
        /// The app's client secret.
        client_secret: SecretString,
    },
}
