//! The forms in which a secret could show in a place where it must not.

use std::collections::HashMap;

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// Shorter texts turn up by chance. Also by how much of its beginning a form is found.
const SHORTEST: usize = 8;

type Start = [u8; SHORTEST];

struct Form {
    of: String,
    how: &'static str,
    bytes: Vec<u8>,
}

/// Texts that must not be found.
#[derive(Default)]
pub struct Secrets {
    by_start: HashMap<Start, Vec<Form>>,
}

impl Secrets {
    /// Adds a text, called `name` when it is found: plain, hexadecimal, base64 and base64url wherever it may begin in
    /// what was encoded, percent-encoded.
    pub fn add(&mut self, name: &str, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        assert!(text.len() >= SHORTEST, "{name} is too short to be looked for");
        let hex = each(text, |byte| format!("{byte:02x}"));
        self.form(name, "plain", text);
        self.form(name, "upper-case hex", hex.to_uppercase());
        self.form(name, "hex", hex);
        for kept in [&b""[..], b"-_.~", b"-_.~!*'()"] {
            self.form(
                name,
                "percent-encoded",
                percent(text, |byte| byte.is_ascii_alphanumeric() || kept.contains(&byte)),
            );
        }
        self.form(name, "wholly percent-encoded", percent(text, |_| false));
        for skip in 0..3 {
            let shifted = [&vec![0; skip], text].concat();
            self.form(name, "base64", inner(STANDARD_NO_PAD.encode(&shifted), skip));
            self.form(name, "base64url", inner(URL_SAFE_NO_PAD.encode(&shifted), skip));
        }
    }

    fn form(&mut self, name: &str, how: &'static str, bytes: impl Into<Vec<u8>>) {
        let bytes = bytes.into();
        let start = *bytes.first_chunk().expect("long enough");
        let forms = self.by_start.entry(start).or_default();
        // A word of letters looks the same percent-encoded.
        if !forms.iter().any(|form| form.of == name && form.bytes == bytes) {
            forms.push(Form { of: name.to_owned(), how, bytes });
        }
    }

    /// The secrets that are in `place`, each with the form in which it is there.
    pub fn found_in(&self, place: &[u8]) -> Vec<(&str, &'static str)> {
        let mut found = Vec::new();
        for (at, window) in place.windows(SHORTEST).enumerate() {
            let Some(forms) = window.first_chunk::<SHORTEST>().and_then(|start| self.by_start.get(start)) else {
                continue;
            };
            found.extend(
                forms
                    .iter()
                    .filter(|form| place[at..].starts_with(&form.bytes))
                    .map(|form| (form.of.as_str(), form.how)),
            );
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn percent(text: &[u8], is_kept: impl Fn(u8) -> bool) -> String {
    each(text, |byte| if is_kept(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
}

fn each(text: &[u8], write: impl Fn(u8) -> String) -> String {
    text.iter().map(|byte| write(*byte)).collect()
}

/// The base64 digits that depend on the text alone: not the first, which hold `skip` bytes of what stands before it,
/// and not the last, which may hold bits of what follows.
fn inner(encoded: String, skip: usize) -> Vec<u8> {
    let start = [0, 2, 3][skip];
    let end = encoded.len() - usize::from(!encoded.len().is_multiple_of(4));
    encoded.into_bytes()[start..end].to_vec()
}

#[test]
fn a_secret_is_found_in_every_form_and_nowhere_else() {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    let mut secrets = Secrets::default();
    secrets.add("sesame", "open sesame/?>~");
    let found = |text: &str| {
        let found = secrets.found_in(format!("before {text} after").as_bytes());
        found.first().map(|(name, how)| (*name, *how))
    };
    assert_eq!(found("open sesame/?>~"), Some(("sesame", "plain")));
    assert_eq!(found("6f70656e20736573616d652f3f3e7e"), Some(("sesame", "hex")));
    assert_eq!(found("6F70656E20736573616D652F3F3E7E"), Some(("sesame", "upper-case hex")));
    assert_eq!(found("open%20sesame%2F%3F%3E%7E"), Some(("sesame", "percent-encoded")));
    assert_eq!(found("open%20sesame%2F%3F%3E~"), Some(("sesame", "percent-encoded")));
    for before in ["", "a", "ab", "abc"] {
        for after in ["", "z", "zy", "zyx"] {
            let text = format!("{before}open sesame/?>~{after}");
            assert!(found(&STANDARD.encode(&text)).is_some(), "{text}");
            assert!(found(&URL_SAFE.encode(&text)).is_some(), "{text}");
        }
    }
    assert_eq!(found("open sesame/?> ~"), None);
}
