//! Where a head ends, and how long the body is that follows: as much of HTTP/1.1 as it takes to tell one request from the
//! next. What is malformed is actix's to refuse.

use std::mem;

/// How much is kept of a line that has not come whole.
const LINE_START: usize = 128;

/// What follows a head (RFC 9112 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes, or none.
    Length(u64),
    /// Nobody can tell before it ends.
    Chunked,
}

/// A head that has not come whole.
#[derive(Debug)]
pub(super) struct Head {
    size: usize,
    /// The start of the line that has not come whole.
    line: Vec<u8>,
    body: Body,
    /// Whether there was a line with anything on it: empty ones before that do not count (RFC 9112 section 2.2).
    has_begun: bool,
}

impl Default for Head {
    fn default() -> Self {
        Self { size: 0, line: Vec::new(), body: Body::Length(0), has_begun: false }
    }
}

impl Head {
    /// How many bytes of it have come.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Takes in what comes next. If the head ends there: how many bytes belong to it, and what follows.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<(usize, Body)> {
        let mut length = 0;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            length += piece.len();
            self.size = self.size.saturating_add(piece.len());
            let is_whole = piece.ends_with(b"\n");
            let is_last = if is_whole && self.line.is_empty() {
                self.ends_with_line(piece)
            } else {
                let room = LINE_START.saturating_sub(self.line.len());
                self.line.extend(piece.iter().filter(|byte| !b"\r\n".contains(byte)).take(room));
                is_whole && {
                    let line = mem::take(&mut self.line);
                    self.ends_with_line(&line)
                }
            };
            if is_last {
                return Some((length, self.body));
            }
        }
        None
    }

    /// Takes in a whole line. Whether it was the last: the empty one.
    fn ends_with_line(&mut self, line: &[u8]) -> bool {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return self.has_begun;
        }
        self.has_begun = true;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return false };
        let (name, value) = line.split_at(colon);
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.body = Body::Chunked;
        } else if name.eq_ignore_ascii_case(b"content-length") && self.body != Body::Chunked {
            let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii();
            // One that is no number is refused by actix. One that is cut may be a number there and another one here, and is
            // treated as a head that is too large.
            if line.len() >= LINE_START {
                self.size = usize::MAX;
            }
            let length = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            self.body = Body::Length(length.unwrap_or(0));
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `text` in two pieces, cut at each place.
    fn read(text: &str) -> Option<(usize, Body)> {
        let whole = Head::default().read(text.as_bytes());
        for at in 0..text.len() {
            let mut head = Head::default();
            let (one, two) = text.as_bytes().split_at(at);
            let found = head.read(one).or_else(|| head.read(two).map(|(length, body)| (at + length, body)));
            assert_eq!(found, whole, "{text:?} cut at {at}");
        }
        whole
    }

    #[test]
    fn a_head_ends_with_an_empty_line_however_it_is_cut() {
        let text = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        assert_eq!(read(text), Some((text.len(), Body::Length(0))));
        assert_eq!(read(&format!("{text}GET /")), Some((text.len(), Body::Length(0))));
        assert_eq!(read("\r\n\nGET / HTTP/1.1\nHost: h\n\nrest"), Some((27, Body::Length(0))));
        assert_eq!(read("GET / HTTP/1.1\nHost: h\n\r\n"), Some((25, Body::Length(0))));
        assert_eq!(read("GET / HTTP/1.1\r\nHost: h\r\n"), None);
        assert_eq!(read("\r\n\r\n"), None, "nothing has begun");
    }

    #[test]
    fn a_head_says_how_long_the_body_is() {
        let body = |lines: &str| read(&format!("POST / HTTP/1.1\r\n{lines}\r\n{{}}")).map(|(_, body)| body);
        assert_eq!(body("Content-Length: 17\r\n"), Some(Body::Length(17)));
        assert_eq!(body("CONTENT-LENGTH:17 \r\nX-Length: 3\r\n"), Some(Body::Length(17)));
        assert_eq!(body("transfer-Encoding: chunked\r\n"), Some(Body::Chunked));
        assert_eq!(body("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), Some(Body::Chunked));
        assert_eq!(body("Content-Length: much\r\n"), Some(Body::Length(0)));
        assert_eq!(body(&format!("X-Long: {}\r\nContent-Length: 3\r\n", "x".repeat(300))), Some(Body::Length(3)));
    }
}
