//! Reads an answer's body, up to a limit.

use super::{AdminError, Author};

/// The whole body, unless it is larger than any answer of Shopify's.
pub(super) async fn read(
    mut response: reqwest::Response,
    largest: usize,
) -> Result<Vec<u8>, AdminError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(AdminError::from_transport)? {
        if body.len() + chunk.len() > largest {
            return Err(AdminError::Malformed {
                what: format!("an answer of more than {largest} bytes"),
                author: Author::Shopify,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
