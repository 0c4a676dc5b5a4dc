//! The forms in which a text could show in a place where it must not.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Shorter texts turn up by chance.
const SHORTEST: usize = 8;

/// A text that must not be found, and what to call it when it is.
#[derive(Clone, Debug)]
pub struct Secret {
    pub name: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

impl Secret {
    /// Plain, hexadecimal, base64 and base64url wherever the text may begin in what was encoded, percent-encoded.
    pub fn new(name: &str, text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        assert!(text.len() >= SHORTEST, "{name} is too short to be looked for");
        let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        let percent = |keep: fn(&u8) -> bool| -> String {
            text.iter().map(|b| if keep(b) { char::from(*b).to_string() } else { format!("%{b:02X}") }).collect()
        };
        let mut forms = vec![
            ("plain", text.to_vec()),
            ("upper-case hex", hex.to_uppercase().into_bytes()),
            ("percent-encoded", percent(u8::is_ascii_alphanumeric).into_bytes()),
            ("percent-encoded", percent(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(b)).into_bytes()),
            ("wholly percent-encoded", percent(|_| false).into_bytes()),
            ("hex", hex.into_bytes()),
        ];
        for skip in 0..3 {
            forms.push(("base64", inner(STANDARD_NO_PAD.encode([&vec![0; skip], text].concat()), skip)));
            forms.push(("base64url", inner(URL_SAFE_NO_PAD.encode([&vec![0; skip], text].concat()), skip)));
        }
        Self { name: name.to_owned(), forms }
    }

    /// The form in which it is in `place`, if it is.
    pub fn found_in(&self, place: &[u8]) -> Option<&'static str> {
        self.forms.iter().find(|(_, form)| contains(place, form)).map(|(name, _)| *name)
    }
}

/// The base64 digits that depend on the text alone: not the first, which hold `skip` bytes of what stands before it,
/// and not the last, which may hold bits of what follows.
fn inner(encoded: String, skip: usize) -> Vec<u8> {
    let start = [0, 2, 3][skip];
    let end = encoded.len() - usize::from(encoded.len() % 4 != 0);
    encoded.into_bytes()[start..end].to_vec()
}

/// Whether `needle` stands anywhere in `place`.
pub fn contains(place: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return true };
    let mut from = 0;
    while let Some(at) = place[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if place[from..].starts_with(rest) {
            return true;
        }
    }
    false
}

#[test]
fn a_secret_is_found_in_every_form_and_nowhere_else() {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let secret = Secret::new("sesame", "open sesame/?>~");
    let long = |text: &str| format!("before {text} after");
    assert_eq!(secret.found_in(long("open sesame/?>~").as_bytes()), Some("plain"));
    assert_eq!(secret.found_in(long("6f70656e20736573616d652f3f3e7e").as_bytes()), Some("hex"));
    assert_eq!(secret.found_in(long("6F70656E20736573616D652F3F3E7E").as_bytes()), Some("upper-case hex"));
    assert_eq!(secret.found_in(long("open%20sesame%2F%3F%3E%7E").as_bytes()), Some("percent-encoded"));
    assert_eq!(secret.found_in(long("open%20sesame%2F%3F%3E~").as_bytes()), Some("percent-encoded"));
    for before in ["", "a", "ab", "abc"] {
        for after in ["", "z", "zy", "zyx"] {
            let text = format!("{before}open sesame/?>~{after}");
            assert_eq!(secret.found_in(STANDARD.encode(&text).as_bytes()), Some("base64"), "{text}");
            assert!(secret.found_in(URL_SAFE.encode(&text).as_bytes()).is_some(), "{text}");
        }
    }
    assert_eq!(secret.found_in(b"open sesame/?> ~"), None);
}
