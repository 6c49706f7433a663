use proptest::prelude::*;

use super::*;

fn secrets() -> WebhookSecrets {
    WebhookSecrets::new(["hush", "old hush"]).unwrap()
}

#[test]
fn agrees_with_the_published_hmac_vector() {
    // RFC 4231, test case 2.
    let secrets = WebhookSecrets::new(["Jefe"]).unwrap();
    assert_eq!(
        secrets.sign(b"what do ya want for nothing?").to_string(),
        "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
    );
}

#[test]
fn says_which_secret_signed() {
    for (position, secret) in ["hush", "old hush"].into_iter().enumerate() {
        let signature = WebhookSecrets::new([secret]).unwrap().sign(b"body");
        assert_eq!(
            secrets().verify(b"body", &signature),
            Ok(SecretPosition(position))
        );
    }
    let stranger = WebhookSecrets::new(["hush "]).unwrap().sign(b"body");
    assert_eq!(secrets().verify(b"body", &stranger), Err(BadSignature));
}

#[test]
fn refuses_secrets_that_protect_nothing() {
    let none: [&str; 0] = [];
    assert_eq!(
        WebhookSecrets::new(none).unwrap_err(),
        SecretError::NoSecrets
    );
    for blank in ["", " ", "\t\r\n", "\u{a0}"] {
        assert_eq!(
            WebhookSecrets::new(["hush", blank]).unwrap_err(),
            SecretError::Blank { position: 1 }
        );
    }
}

#[test]
fn debug_shows_neither_secret_nor_signature() {
    let signature = secrets().sign(b"body");
    let shown = format!("{:?} {signature:?}", secrets());
    assert!(!shown.contains("hush"), "{shown}");
    assert!(!shown.contains(&signature.to_string()), "{shown}");
}

#[test]
fn a_signature_has_one_text() {
    let text = secrets().sign(b"body").to_string();
    let unpadded = text.trim_end_matches('=');
    // The last digit before the padding carries two spare bits: setting them must not give a second text.
    let spare_bits = format!("{}B=", "A".repeat(42));
    for bad in [
        "",
        "=",
        unpadded,
        &format!("{text}="),
        &format!(" {text}"),
        &format!("{text}\n"),
        &text.replace('=', "%3D"),
        &spare_bits,
        &STANDARD.encode([0; 31]),
        &STANDARD.encode([0; 33]),
        &STANDARD.encode([0; 64]),
        &"-_".repeat(22),
        &"ä".repeat(22),
    ] {
        assert_eq!(
            bad.parse::<Signature>().unwrap_err(),
            InvalidSignature,
            "{bad:?}"
        );
    }
    assert_eq!(text.parse::<Signature>().unwrap().to_string(), text);
}

proptest! {
    #[test]
    fn any_body_verifies_and_a_flipped_bit_anywhere_does_not(
        body in prop::collection::vec(any::<u8>(), 1..600),
        place in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let signature = secrets().sign(&body);
        prop_assert_eq!(secrets().verify(&body, &signature), Ok(SecretPosition(0)));

        let mut flipped = body.clone();
        flipped[place.index(body.len())] ^= 1 << bit;
        prop_assert_eq!(secrets().verify(&flipped, &signature), Err(BadSignature));

        let mut forged = signature;
        forged.0[place.index(SIGNATURE_BYTES)] ^= 1 << bit;
        prop_assert_eq!(secrets().verify(&body, &forged), Err(BadSignature));
    }

    #[test]
    fn a_truncated_or_longer_body_does_not_verify(
        body in prop::collection::vec(any::<u8>(), 1..600),
        place in any::<prop::sample::Index>(),
        more in any::<u8>(),
    ) {
        let signature = secrets().sign(&body);
        let cut = &body[..place.index(body.len())];
        prop_assert_eq!(secrets().verify(cut, &signature), Err(BadSignature));
        let longer = [body.as_slice(), &[more]].concat();
        prop_assert_eq!(secrets().verify(&longer, &signature), Err(BadSignature));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}") {
        if let Ok(signature) = text.parse::<Signature>() {
            prop_assert_eq!(signature.to_string(), text);
        }
    }
}
