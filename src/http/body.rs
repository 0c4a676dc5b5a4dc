//! Reading a request's body, bounded in size and time. What is wrong with it is never quoted: it may be a secret.

use std::{
    future::{Future as _, poll_fn},
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use actix_web::{
    HttpRequest,
    body::{BodyStream, MessageBody as _},
    http::header,
    web::{Bytes, BytesMut, Payload},
};
use thiserror::Error;
use tokio::time;

/// How much of a stranger's body is read, and for how long.
pub(super) struct Limits;

impl Limits {
    /// The largest body, in bytes.
    pub(super) const BODY: usize = 64 * 1024;
    /// How long a body may take to arrive. actix bounds the headers only.
    pub(super) const BODY_TIME: Duration = Duration::from_secs(10);
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum BodyError {
    #[error("the request body is larger than 65536 bytes")]
    TooLarge,
    #[error("the request body took longer than 10 seconds")]
    TooSlow,
    #[error("the request body broke off or is not encoded as its headers say")]
    Broken,
    #[error("unsupported media type in request")]
    MediaType,
}

/// How a body is written, by its `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Form,
    /// No `Content-Type` at all.
    Unnamed,
    Other,
}

impl Media {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let Some(value) = request.headers().get(header::CONTENT_TYPE) else { return Self::Unnamed };
        let essence = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/json") {
            Self::Json
        } else if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::Other
        }
    }
}

/// The whole body.
pub(crate) async fn read(payload: Payload) -> Result<Bytes, BodyError> {
    let mut body = pin!(collect(payload));
    // Most have come by now, and need no timer.
    if let Poll::Ready(body) = poll_fn(|context| Poll::Ready(body.as_mut().poll(context))).await {
        return body;
    }
    time::timeout(Limits::BODY_TIME, body).await.unwrap_or(Err(BodyError::TooSlow))
}

/// Most bodies come in one piece, which is used as it is: actix would copy it into 32 KiB of its own.
async fn collect(payload: Payload) -> Result<Bytes, BodyError> {
    let mut pieces = BodyStream::new(payload);
    let mut whole = Bytes::new();
    while let Some(piece) = poll_fn(|context| Pin::new(&mut pieces).poll_next(context)).await {
        let piece = piece.map_err(|_| BodyError::Broken)?;
        if whole.len() + piece.len() > Limits::BODY {
            return Err(BodyError::TooLarge);
        }
        if whole.is_empty() {
            whole = piece;
        } else {
            let mut grown = BytesMut::from(whole);
            grown.extend_from_slice(&piece);
            whole = grown.freeze();
        }
    }
    Ok(whole)
}

/// The members of a form (WHATWG URL, `application/x-www-form-urlencoded`).
pub(crate) fn form(body: &[u8]) -> Option<Vec<(String, String)>> {
    // What is percent-encoded and no UTF-8 becomes U+FFFD, which is in no token; what stands there plain is refused.
    std::str::from_utf8(body).ok()?;
    serde_urlencoded::from_bytes(body).ok()
}

#[cfg(test)]
mod tests {
    use actix_http::h1;
    use actix_web::{FromRequest as _, dev, test::TestRequest};

    use super::*;

    async fn read_pieces(pieces: impl IntoIterator<Item = &[u8]>) -> Result<Bytes, BodyError> {
        let (mut sender, receiver) = h1::Payload::create(false);
        pieces.into_iter().for_each(|piece| sender.feed_data(Bytes::copy_from_slice(piece)));
        sender.feed_eof();
        let request = TestRequest::default().to_http_request();
        let payload = Payload::from_request(&request, &mut dev::Payload::from(receiver)).await;
        read(payload.unwrap()).await
    }

    #[tokio::test]
    async fn pieces_are_put_together() {
        assert_eq!(read_pieces([]).await.unwrap(), "");
        assert_eq!(read_pieces([&b"one"[..]]).await.unwrap(), "one");
        assert_eq!(read_pieces([&b"one"[..], b"", b"two", b"three"]).await.unwrap(), "onetwothree");
    }

    #[tokio::test]
    async fn all_of_them_together_are_bounded() {
        let half = vec![b'x'; Limits::BODY / 2];
        assert_eq!(read_pieces([&half[..], &half]).await.unwrap().len(), Limits::BODY);
        assert_eq!(read_pieces([&half[..], &half, b"x"]).await, Err(BodyError::TooLarge));
        assert_eq!(read_pieces([&*vec![b'x'; Limits::BODY + 1]]).await, Err(BodyError::TooLarge));
    }
}
