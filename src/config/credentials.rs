//! How a site gets in, and what its webhooks are signed with: one of the two ways, whole.

use secrecy::{ExposeSecret as _, SecretString};

use super::reader::Reader;
use crate::site::Credentials;

/// What Shopify's client secrets begin with.
const SECRETS_BEGIN: &str = "shpss_";

/// The access token, or the client id and secret; `name` makes a variable of a suffix.
pub(super) fn credentials(
    reader: &mut Reader,
    name: &impl Fn(&str) -> String,
) -> Option<Credentials> {
    let token = reader.secret(&name("ACCESS_TOKEN"));
    let id = reader.text(&name("CLIENT_ID"));
    let secret = reader.secret(&name("CLIENT_SECRET"));
    match (token, id, secret) {
        (Some(token), None, None) => {
            if token.expose_secret().starts_with(SECRETS_BEGIN) {
                let advice = "is a client secret (shpss_…) and no access token: set it as _CLIENT_SECRET, with the _CLIENT_ID beside it";
                reader.fault(&name("ACCESS_TOKEN"), advice);
            }
            Some(Credentials::Static(token))
        }
        (None, Some(client_id), Some(client_secret)) => {
            if client_secret.expose_secret().starts_with("shpat_") {
                let advice = "is an access token (shpat_…) and no client secret: set it as _ACCESS_TOKEN, alone";
                reader.fault(&name("CLIENT_SECRET"), advice);
            }
            Some(Credentials::ClientCredentials {
                client_id,
                client_secret,
            })
        }
        (Some(_), _, _) => {
            let advice = "is set beside a client id or secret: a site gets in by one of them, so remove the token (an app of the Dev Dashboard) or the others (an app made in the shop's admin)";
            reader.fault(&name("ACCESS_TOKEN"), advice);
            None
        }
        (None, Some(_), None) => {
            let advice = "is missing: the client secret that belongs to _CLIENT_ID";
            reader.fault(&name("CLIENT_SECRET"), advice);
            None
        }
        (None, None, Some(_)) => {
            let advice = "is missing: the client id that belongs to _CLIENT_SECRET";
            reader.fault(&name("CLIENT_ID"), advice);
            None
        }
        (None, None, None) => {
            let advice = "is missing: the Admin API access token of an app made in the shop's admin (shpat_…), or else _CLIENT_ID and _CLIENT_SECRET of an app of the Dev Dashboard";
            reader.fault(&name("ACCESS_TOKEN"), advice);
            None
        }
    }
}

/// What webhooks may be signed with: what is set, else the client secret, with which Shopify signs for an app of the Dev Dashboard.
pub(super) fn webhook_secrets(
    reader: &mut Reader,
    name: &str,
    credentials: Option<&Credentials>,
) -> Vec<SecretString> {
    let Some(secrets) = reader.secret(name) else {
        return match credentials {
            Some(Credentials::ClientCredentials { client_secret, .. }) => {
                vec![client_secret.clone()]
            }
            Some(Credentials::Static(_)) | None => {
                let advice = "is missing: the app's client secret; several are separated by commas";
                reader.fault(name, advice);
                Vec::new()
            }
        };
    };
    let secrets = secrets.expose_secret().split(',').map(str::trim);
    let secrets: Vec<_> = secrets.map(SecretString::from).collect();
    if secrets
        .iter()
        .any(|secret| secret.expose_secret().is_empty())
    {
        reader.fault(name, "holds an empty secret: anybody could sign with it");
    }
    secrets
}
