//! Who signed a body: the shared secrets of an app and the signature of one delivery.
//!
//! Shopify signs the raw bytes of a body with HMAC-SHA256 and sends the result as base64. So the bytes must be verified as
//! they came, before anything parses, trims or re-serialises them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

type HmacSha256 = Hmac<Sha256>;

/// An HMAC-SHA256 has this many bytes; a header that carries any other number is refused before anything is hashed.
const SIGNATURE_BYTES: usize = 32;

/// The secrets that may have signed a delivery: usually the app's client secret, and during a rotation the old one too.
///
/// A clone is cheap. The secrets' text is wiped after the keys were derived from it, the keys are wiped when the last clone
/// goes, and `Debug` shows how many there are and no more.
///
/// ```
/// use shopify_webhooks::{SecretPosition, WebhookSecrets};
///
/// let old = WebhookSecrets::new(["hush"])?;
/// let rotating = WebhookSecrets::new(["new-hush", "hush"])?;
///
/// let signature = old.sign(b"{\"id\":1}");
/// assert_eq!(rotating.verify(b"{\"id\":1}", &signature), Ok(SecretPosition(1)));
/// assert!(rotating.verify(b"{\"id\":2}", &signature).is_err());
/// assert_eq!(format!("{rotating:?}"), "WebhookSecrets(2 secrets, redacted)");
/// # Ok::<(), shopify_webhooks::SecretError>(())
/// ```
#[derive(Clone)]
pub struct WebhookSecrets {
    signer: HmacSha256,
    keyed: Arc<[HmacSha256]>,
}

impl WebhookSecrets {
    /// Takes the secrets in the order in which they are to be tried; the first also signs.
    ///
    /// A secret is taken as it is, blanks around it included: whoever reads it from a file trims it.
    ///
    /// ```
    /// use shopify_webhooks::{SecretError, WebhookSecrets};
    ///
    /// assert!(WebhookSecrets::new(["hush"]).is_ok());
    /// assert_eq!(WebhookSecrets::new(Vec::<String>::new()).unwrap_err(), SecretError::NoSecrets);
    /// assert_eq!(WebhookSecrets::new(["hush", " "]).unwrap_err(), SecretError::Blank { position: 1 });
    /// ```
    pub fn new(secrets: impl IntoIterator<Item = impl Into<String>>) -> Result<Self, SecretError> {
        let keyed = secrets
            .into_iter()
            .enumerate()
            .map(|(position, secret)| keyed(position, &Zeroizing::new(secret.into())))
            .collect::<Result<Arc<[_]>, _>>()?;
        let signer = keyed.first().ok_or(SecretError::NoSecrets)?.clone();
        Ok(Self { signer, keyed })
    }

    /// Says which secret signed these bytes, comparing in constant time.
    ///
    /// ```
    /// use shopify_webhooks::{BadSignature, Signature, WebhookSecrets};
    ///
    /// let secrets = WebhookSecrets::new(["hush"])?;
    /// let forged: Signature = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse()?;
    /// assert_eq!(secrets.verify(b"{}", &forged), Err(BadSignature));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify(
        &self,
        body: &[u8],
        signature: &Signature,
    ) -> Result<SecretPosition, BadSignature> {
        self.keyed
            .iter()
            .position(|mac| {
                let mac = mac.clone().chain_update(body);
                mac.verify_slice(&signature.0).is_ok()
            })
            .map(SecretPosition)
            .ok_or(BadSignature)
    }

    /// How many secrets there are: what a [`SecretPosition`] is one of.
    ///
    /// ```
    /// use shopify_webhooks::WebhookSecrets;
    ///
    /// assert_eq!(WebhookSecrets::new(["new-hush", "hush"])?.count(), 2);
    /// # Ok::<(), shopify_webhooks::SecretError>(())
    /// ```
    pub fn count(&self) -> usize {
        self.keyed.len()
    }

    /// Signs as Shopify would, with the first secret: for tests, simulators and relays.
    ///
    /// ```
    /// use shopify_webhooks::WebhookSecrets;
    ///
    /// let secrets = WebhookSecrets::new(["hush"])?;
    /// assert_eq!(secrets.sign(b"{}").to_string(), "UFwgrGBPZilFtmKh8TqcovA78LGYb1BdWu9I4Q2oyRg=");
    /// # Ok::<(), shopify_webhooks::SecretError>(())
    /// ```
    pub fn sign(&self, body: &[u8]) -> Signature {
        let tag = self.signer.clone().chain_update(body).finalize();
        Signature(tag.into_bytes().into())
    }
}

fn keyed(position: usize, secret: &str) -> Result<HmacSha256, SecretError> {
    if secret.trim().is_empty() {
        return Err(SecretError::Blank { position });
    }
    HmacSha256::new_from_slice(secret.as_bytes())
        .map_err(|hmac::digest::InvalidLength| SecretError::Length { position })
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({} secrets, redacted)", self.keyed.len())
    }
}

/// Why a list of secrets is not usable.
///
/// ```
/// use shopify_webhooks::{SecretError, WebhookSecrets};
///
/// let error = WebhookSecrets::new(["hush", ""]).unwrap_err();
/// assert_eq!(error, SecretError::Blank { position: 1 });
/// assert_eq!(error.to_string(), "webhook secret number 1 (from 0) is blank");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The list is empty, so nothing could ever be verified.
    #[error("no webhook secret given")]
    NoSecrets,
    /// A secret is empty or nothing but white space: anyone could sign with it.
    #[error("webhook secret number {position} (from 0) is blank")]
    Blank {
        /// Its place in the list, from 0.
        position: usize,
    },
    /// The hash refuses a key of this length; HMAC-SHA256 takes any, so this does not happen.
    #[error("webhook secret number {position} (from 0) has a length the hash refuses")]
    Length {
        /// Its place in the list, from 0.
        position: usize,
    },
}

/// Which of the secrets signed, by its place in the list from 0: how one sees that a rotation is over.
///
/// ```
/// use shopify_webhooks::{SecretPosition, WebhookSecrets};
///
/// let secrets = WebhookSecrets::new(["new", "old"])?;
/// let old = WebhookSecrets::new(["old"])?;
/// let position = secrets.verify(b"{}", &old.sign(b"{}"))?;
/// assert_ne!(position, SecretPosition(0), "still signed with the old secret");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretPosition(pub usize);

impl SecretPosition {
    /// The place counted from 1, as a person counts: "secret 2 of 2".
    ///
    /// ```
    /// use shopify_webhooks::{SecretPosition, WebhookSecrets};
    ///
    /// let secrets = WebhookSecrets::new(["new", "old"])?;
    /// let old = WebhookSecrets::new(["old"])?;
    /// let position = secrets.verify(b"{}", &old.sign(b"{}"))?;
    /// assert_eq!((position.number(), secrets.count()), (2, 2));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn number(self) -> usize {
        self.0.saturating_add(1)
    }
}

impl fmt::Display for SecretPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// None of the secrets signed these bytes. It says no more, because the sender is a stranger.
///
/// ```
/// assert_eq!(shopify_webhooks::BadSignature.to_string(), "no secret matches the signature");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no secret matches the signature")]
pub struct BadSignature;

/// The signature of one delivery: the 32 bytes behind `X-Shopify-Hmac-Sha256`.
///
/// It parses from exactly the base64 that Shopify writes (standard alphabet, padded, 32 bytes, no spare bits), so that each
/// signature has one text. There is no `==`, which would leak by its timing: [`WebhookSecrets::verify`] compares.
///
/// ```
/// use shopify_webhooks::Signature;
///
/// let text = "UFwgrGBPZilFtmKh8TqcovA78LGYb1BdWu9I4Q2oyRg=";
/// let signature: Signature = text.parse()?;
/// assert_eq!(signature.to_string(), text);
/// assert_eq!(format!("{signature:?}"), "Signature(redacted)");
/// # Ok::<(), shopify_webhooks::InvalidSignature>(())
/// ```
#[derive(Clone, Copy)]
pub struct Signature([u8; SIGNATURE_BYTES]);

impl FromStr for Signature {
    type Err = InvalidSignature;

    fn from_str(text: &str) -> Result<Self, InvalidSignature> {
        // One byte more than fits, because the decoder asks for room for the padding it has not seen yet.
        let mut bytes = [0; SIGNATURE_BYTES + 1];
        let decoded = STANDARD.decode_slice(text, &mut bytes);
        if decoded != Ok(SIGNATURE_BYTES) {
            return Err(InvalidSignature);
        }
        let signature = bytes.first_chunk().ok_or(InvalidSignature)?;
        Ok(Self(*signature))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(redacted)")
    }
}

/// A text is not the base64 of exactly 32 bytes.
///
/// ```
/// use shopify_webhooks::{InvalidSignature, Signature};
///
/// assert_eq!("aGVsbG8=".parse::<Signature>().unwrap_err(), InvalidSignature);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not the base64 of a 32 byte signature")]
pub struct InvalidSignature;

#[cfg(test)]
mod tests;
