use std::io::Write as _;

/// The bytes of one request with a JSON body; `headers` are whole lines.
#[must_use]
pub fn request(method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n");
    format!("{head}{headers}content-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The requests of a load. All go to the same place and differ in their bodies only.
#[derive(Clone, Debug)]
pub struct Requests {
    /// Up to the value of `content-length`.
    head: String,
    /// What stands around each body.
    around: [&'static str; 2],
    bodies: Vec<String>,
}

impl Requests {
    /// `POST`s of one JSON body to `path`.
    #[must_use]
    pub fn post(path: &str, body: String) -> Self {
        Self::new("POST", path, ["", ""], vec![body])
    }

    /// `GET`s of `path`.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path, ["", ""], vec![String::new()])
    }

    /// Exchanges of these tokens.
    #[must_use]
    pub fn exchanges(tokens: Vec<String>) -> Self {
        Self::new("POST", "/api/token/refresh", ["{\"refresh\":\"", "\"}"], tokens)
    }

    fn new(method: &str, path: &str, around: [&'static str; 2], bodies: Vec<String>) -> Self {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: "
        );
        Self { head, around, bodies }
    }

    /// How many different ones there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }

    /// Puts the bytes of the request `index` into `buffer`, in place of what was there.
    pub fn write(&self, index: usize, buffer: &mut Vec<u8>) {
        let body = self.bodies.get(index).map_or("", String::as_str);
        let [before, after] = self.around;
        let length = before.len() + body.len() + after.len();
        buffer.clear();
        // Writing to memory cannot fail.
        let _ = write!(buffer, "{}{length}\r\n\r\n{before}{body}{after}", self.head);
    }

    /// The bytes of the request `index`.
    #[must_use]
    pub fn bytes(&self, index: usize) -> Vec<u8> {
        let mut buffer = Vec::new();
        self.write(index, &mut buffer);
        buffer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_how_long_its_body_is() {
        let requests = Requests::exchanges(vec!["a".to_owned(), "bcd".to_owned()]);
        let text = String::from_utf8(requests.bytes(1)).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /api/token/refresh HTTP/1.1\r\n"), "{head}");
        assert_eq!(body, r#"{"refresh":"bcd"}"#);
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
    }
}
