//! Hands actix one request at a time. actix bounds the time of the first head of a connection only, reads ahead while it
//! answers, and keeps up to 128 KiB of a head that does not end. Behind this gate every head has a time and a size, and
//! the next request is read when the answer to the last one has begun.

mod head;

use std::{
    io::{self, IoSlice},
    mem,
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::http::header::{HeaderMap, TRANSFER_ENCODING};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::unconstrained,
    time::{self, Instant, Sleep},
};

use self::head::{Body, Head};

/// How long a head may take to arrive.
pub(super) const HEAD_TIME: Duration = Duration::from_secs(5);

/// The largest head that is taken in, in bytes; nginx takes as much.
const LARGEST_HEAD: usize = 32 * 1024;

/// How much of a head actix takes in before it refuses it.
const ACTIX_LARGEST_HEAD: usize = 128 * 1024;

/// The most that is read and thrown away of a larger one, so that its sender gets to read the answer.
const LARGEST_REFUSED: usize = 1024 * 1024;

/// How much follows a head whose body is chunked, in bytes: the largest body in chunks that are not tiny. What a client sends
/// behind it is not read.
const LARGEST_REST: usize = 256 * 1024;

/// How much is read at once while an answer is being made: the client may hang up, or begin its next request.
const AHEAD: usize = 256;

/// What a client is told that waits to send its body; no answer yet (RFC 9110 section 15.2.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Whether the connection has to end with the answer: only actix knows where a chunked body ends, so what follows one
/// cannot be held back.
pub(super) fn is_last(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
}

/// What comes next on the connection.
enum Part {
    /// A head, or the rest of one.
    Head(Head),
    /// So many bytes of a body; with none left, the answer.
    Body { left: u64, is_answered: bool },
    /// A chunked body and whatever comes behind it, until the answer begins.
    Rest { left: usize },
    /// Nothing more: the connection ends with the answer that has begun.
    End,
    /// A head was too large, and actix is to say so: it does when it has been given so much more of one.
    TooLarge { left: usize },
}

/// A stream that gives no more than one request before it has begun to be answered.
pub(super) struct RequestGate<S> {
    stream: S,
    part: Part,
    /// What was read and belongs to the next request.
    held: Vec<u8>,
    /// When an unfinished head has to be there. actix answers the first one of a connection itself when it is late.
    due: Option<Pin<Box<Sleep>>>,
    is_first: bool,
}

impl<S> RequestGate<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, part: Part::Head(Head::default()), held: Vec::new(), due: None, is_first: true }
    }

    /// How many of `bytes`, which come next, actix may have now, and how many are done with.
    fn admitted(&mut self, bytes: &[u8]) -> (usize, usize) {
        let mut admitted = 0;
        while let Some(rest) = bytes.get(admitted..).filter(|rest| !rest.is_empty()) {
            admitted += match &mut self.part {
                Part::Head(head) => {
                    let end = head.read(rest);
                    if head.size() > LARGEST_HEAD {
                        if end.is_some() {
                            self.part = Part::TooLarge { left: ACTIX_LARGEST_HEAD };
                        }
                        return (admitted, bytes.len());
                    }
                    let Some((length, body)) = end else { return (bytes.len(), bytes.len()) };
                    self.due = None;
                    self.is_first = false;
                    self.part = match body {
                        Body::Length(left) => Part::Body { left, is_answered: false },
                        Body::Chunked => Part::Rest { left: LARGEST_REST },
                    };
                    length
                }
                Part::Body { left: 0, is_answered: false } => break,
                Part::Body { left: 0, is_answered: true } => {
                    self.part = Part::Head(Head::default());
                    0
                }
                Part::Body { left, .. } => {
                    let length = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left -= u64::try_from(length).unwrap_or(*left);
                    length
                }
                Part::Rest { left } => {
                    let length = rest.len().min(*left);
                    *left -= length;
                    if *left == 0 {
                        self.part = Part::End;
                    }
                    length
                }
                Part::End => return (admitted, bytes.len()),
                Part::TooLarge { .. } => rest.len(),
            };
        }
        (admitted, admitted)
    }

    /// An answer has begun to be written.
    fn answered(&mut self, context: &mut Context<'_>) {
        if matches!(self.part, Part::Rest { .. }) {
            self.part = Part::End;
            context.waker().wake_by_ref();
        }
        if let Part::Body { left, is_answered } = &mut self.part {
            *is_answered = true;
            if *left == 0 {
                self.part = Part::Head(Head::default());
                // actix was told to wait, and the stream will not wake it for what is here.
                if !self.held.is_empty() {
                    context.waker().wake_by_ref();
                }
            }
        }
    }

    /// Nothing has come: fails if a head should have.
    fn waiting(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let Part::Head(head) = &self.part else { return Poll::Pending };
        if head.size() == 0 || self.is_first {
            return Poll::Pending;
        }
        let due = self.due.get_or_insert_with(|| Box::pin(time::sleep_until(Instant::now() + HEAD_TIME)));
        // A task that has used up its turn would be told to wait without a word to the timer.
        if pin!(unconstrained(due.as_mut())).poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> RequestGate<S> {
    /// Everything of a request has been handed on: listens for a client that hangs up.
    fn poll_ahead(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.held.is_empty() {
            return Poll::Pending;
        }
        let mut ahead = [0; AHEAD];
        let mut ahead = ReadBuf::new(&mut ahead);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut ahead))?;
        if ahead.filled().is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.held.extend_from_slice(ahead.filled());
        Poll::Pending
    }

    /// Hands on what is held or what comes. `false` = nothing comes any more.
    fn poll_more(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        if !self.held.is_empty() {
            let mut held = mem::take(&mut self.held);
            let some = held.get(..buffer.remaining()).unwrap_or(&held);
            let (admitted, done) = self.admitted(some);
            buffer.put_slice(some.get(..admitted).unwrap_or_default());
            // What is empty goes back to the system.
            if done < held.len() {
                held.drain(..done);
                self.held = held;
            }
            return Poll::Ready(Ok(true));
        }
        let before = buffer.filled().len();
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) else {
            return self.waiting(context);
        };
        read?;
        let new = buffer.filled().get(before..).unwrap_or_default();
        let (has_come, (admitted, done)) = (!new.is_empty(), self.admitted(new));
        self.held.extend_from_slice(new.get(done..).unwrap_or_default());
        buffer.set_filled(before + admitted);
        Poll::Ready(Ok(has_come))
    }

    /// Reads the rest of a head that is too large, and keeps nothing of it.
    fn poll_refused(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut thrown_away = [0; 4096];
        let mut thrown_away = ReadBuf::new(&mut thrown_away);
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, &mut thrown_away) else {
            return self.waiting(context).map_ok(|_| ());
        };
        read?;
        if let Part::Head(head) = &mut self.part {
            let is_over = head.read(thrown_away.filled()).is_some();
            if is_over || thrown_away.filled().is_empty() || head.size() > LARGEST_REFUSED {
                self.part = Part::TooLarge { left: ACTIX_LARGEST_HEAD };
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RequestGate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match &mut self.part {
                Part::Body { left: 0, is_answered: false } => return self.poll_ahead(context),
                Part::TooLarge { left } => {
                    // Of no meaning in any part of a head, and no end of one.
                    let filling = [b'x'; 1024];
                    let some = filling.get(..buffer.remaining().min(*left)).unwrap_or(&filling);
                    *left -= some.len();
                    buffer.put_slice(some);
                    return Poll::Ready(Ok(()));
                }
                Part::Head(head) if head.size() > LARGEST_HEAD => ready!(self.poll_refused(context))?,
                Part::End => return Poll::Ready(Ok(())),
                Part::Head(_) | Part::Body { .. } | Part::Rest { .. } => {
                    let before = buffer.filled().len();
                    let has_come = ready!(self.poll_more(context, buffer))?;
                    // All that came may have been of a head that is too large.
                    if !has_come || buffer.filled().len() > before {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> RequestGate<S> {
    fn written(
        &mut self,
        done: Poll<io::Result<usize>>,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if matches!(done, Poll::Ready(Ok(count)) if count > 0) && bytes != CONTINUE {
            self.answered(context);
        }
        done
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RequestGate<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(done, bytes, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.written(done, bytes.first().map_or(&[], |slice| &**slice), context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
