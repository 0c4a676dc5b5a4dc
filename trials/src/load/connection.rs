use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::answer;

/// One connection, kept alive: one request after the other.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
    /// Whether the server closes the connection now.
    pub closes: bool,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// The system's.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, input: Vec::with_capacity(4096) })
    }

    /// Sends the bytes of one request and reads the answer. After an error the connection is of no use any more.
    ///
    /// # Errors
    /// If the connection breaks, or the answer is no HTTP/1.1 with a `content-length`.
    pub async fn send(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.input.clear();
        loop {
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some(head) = answer::head(&self.input)? else { continue };
            if head.end > self.input.len() {
                // What is missing is the body: its length is known, so the head is not read again.
                let missing = head.end - self.input.len();
                (&mut self.stream)
                    .take(u64::try_from(missing).unwrap_or(u64::MAX))
                    .read_to_end(&mut self.input)
                    .await?;
            }
            let body = self.input.get(head.body_at..head.end).ok_or(io::ErrorKind::UnexpectedEof)?;
            return Ok(Answer { status: head.status, body, closes: head.closes });
        }
    }
}
