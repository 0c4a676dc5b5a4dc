use std::io;

/// The head of an answer, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Where the body begins.
    pub(super) body_at: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// Whether the server closes the connection after it.
    pub(super) closes: bool,
}

/// Reads the head at the beginning of `bytes`; `None` = not all of it is there yet.
pub(super) fn head(bytes: &[u8]) -> io::Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(body_at) = answer.parse(bytes).map_err(io::Error::other)? else { return Ok(None) };
    let status = answer.code.unwrap_or_default();
    let value = |name: &str| answer.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    let length = match value("content-length") {
        Some(header) => std::str::from_utf8(header.value).ok().and_then(|text| text.parse::<usize>().ok()),
        None if matches!(status, 204 | 304) => Some(0),
        None => None,
    };
    let length = length.ok_or_else(|| io::Error::other("an answer without a content-length"))?;
    let closes = value("connection").is_some_and(|header| header.value.eq_ignore_ascii_case(b"close"));
    Ok(Some(Head { status, body_at, end: body_at + length, closes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_where_the_body_ends() {
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx: y\r\n\r\n{}";
        let read = head(text).unwrap().unwrap();
        assert_eq!((read.status, read.closes, read.end), (200, false, text.len()));
        assert_eq!(text.get(read.body_at..read.end), Some(b"{}".as_slice()));
        for cut in 0..read.body_at {
            assert_eq!(head(&text[..cut]).unwrap(), None);
        }
    }

    #[test]
    fn an_answer_of_unknown_length_is_refused() {
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
        let empty = head(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap().unwrap();
        assert_eq!((empty.status, empty.closes, empty.end), (204, true, empty.body_at));
    }
}
