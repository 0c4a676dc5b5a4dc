//! HTTP/1.1 as bytes on a socket: what a real client would never send, and what comes back read strictly.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use super::generate::Sent;

/// A bound for a server that hangs; no test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One answer, its body unchunked.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// All of it as it came.
    pub raw: Vec<u8>,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// Why there is no (further) answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The server closed between answers.
    Closed,
    /// The server closed with bytes of ours unread: the system says so with a reset.
    Reset,
    /// What came is no HTTP.
    Malformed(String),
}

/// One client; keeps its connection as long as the server does.
pub struct Client {
    address: SocketAddr,
    kept: Option<Connection>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, kept: None }
    }

    /// Sends a request and reads what comes. One whose framing is in doubt has a connection of its own, on which
    /// everything is read until its end: a body taken for a second request would show.
    pub fn send(&mut self, sent: &Sent) -> (Vec<Reply>, Option<Ended>) {
        if sent.is_alone {
            let mut connection = Connection::open(self.address);
            connection.write(&sent.bytes);
            // The server may be gone already; then reading tells.
            let _ = connection.stream.shutdown(Shutdown::Write);
            let mut replies = Vec::new();
            loop {
                match connection.read(sent.is_head && replies.is_empty()) {
                    Ok(reply) => replies.push(reply),
                    Err(end) => return (replies, Some(end)),
                }
            }
        }
        let mut connection = self.kept.take().unwrap_or_else(|| Connection::open(self.address));
        connection.write(&sent.bytes);
        match connection.read(sent.is_head) {
            Ok(reply) => {
                if !reply.closes() {
                    self.kept = Some(connection);
                }
                (vec![reply], None)
            }
            Err(end) => (Vec::new(), Some(end)),
        }
    }
}

/// One connection.
pub struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, unread: Vec::new() }
    }

    /// A server that has heard enough may close before everything is sent; reading tells what it had to say.
    pub fn write(&mut self, bytes: &[u8]) {
        match self.stream.write_all(bytes) {
            Err(error) if !is_gone(&error) => panic!("cannot write: {error}"),
            _ => {}
        }
    }

    /// Reads one final answer.
    pub fn read(&mut self, is_head: bool) -> Result<Reply, Ended> {
        loop {
            let reply = self.read_any(is_head)?;
            if reply.status >= 200 {
                return Ok(reply);
            }
        }
    }

    fn read_any(&mut self, is_head: bool) -> Result<Reply, Ended> {
        let end = loop {
            if let Some(at) = self.unread.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more()? {
                let nothing = self.unread.is_empty();
                return Err(if nothing { Ended::Closed } else { self.malformed("a head that breaks off") });
            }
        };
        let mut raw: Vec<u8> = self.unread.drain(..end).collect();
        let (status, headers) = parse_head(&raw).map_err(Ended::Malformed)?;
        let mut reply = Reply { status, headers, body: Vec::new(), raw: Vec::new() };
        if !is_head && status >= 200 && ![204, 304].contains(&status) {
            let coding = reply.header("transfer-encoding").map(str::to_owned);
            reply.body = match (coding.as_deref(), reply.header("content-length")) {
                (None, Some(length)) => {
                    let length = length.parse().map_err(|_| self.malformed("a length that is no number"))?;
                    self.exactly(length)?
                }
                (Some("chunked"), None) => self.chunks()?,
                _ => return Err(self.malformed("an answer without an end")),
            };
        }
        raw.extend_from_slice(&reply.body);
        reply.raw = raw;
        Ok(reply)
    }

    fn chunks(&mut self) -> Result<Vec<u8>, Ended> {
        let mut body = Vec::new();
        loop {
            while !self.unread.windows(2).any(|two| two == b"\r\n") {
                if !self.more()? {
                    return Err(self.malformed("chunks that break off"));
                }
            }
            let end = self.unread.windows(2).position(|two| two == b"\r\n").unwrap_or_default();
            let line: Vec<u8> = self.unread.drain(..end + 2).collect();
            let size = std::str::from_utf8(&line[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
            let size = size.ok_or_else(|| self.malformed("a chunk without a size"))?;
            let chunk = self.exactly(size + 2)?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                return Ok(body);
            }
        }
    }

    fn exactly(&mut self, length: usize) -> Result<Vec<u8>, Ended> {
        while self.unread.len() < length {
            if !self.more()? {
                return Err(self.malformed("a body that breaks off"));
            }
        }
        Ok(self.unread.drain(..length).collect())
    }

    /// Whether no byte has come that was not read.
    pub fn has_nothing(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        self.unread.is_empty() && peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    fn more(&mut self) -> Result<bool, Ended> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                Ok(count > 0)
            }
            Err(error) if is_gone(&error) => Err(Ended::Reset),
            Err(error) => Err(self.malformed(&error.to_string())),
        }
    }

    fn malformed(&self, what: &str) -> Ended {
        Ended::Malformed(format!("{what}; unread: {}", self.unread.escape_ascii()))
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected)
}

type Head = (u16, Vec<(String, String)>);

fn parse_head(raw: &[u8]) -> Result<Head, String> {
    let bad = |what: &str| format!("{what}: {}", raw.escape_ascii());
    let text = std::str::from_utf8(raw).map_err(|_| bad("a head that is no UTF-8"))?;
    let mut lines = text.trim_end_matches("\r\n").split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.")).ok_or_else(|| bad("no status line"))?;
    let status = status.get(2..5).and_then(|digits| digits.parse().ok()).ok_or_else(|| bad("no status"))?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':').ok_or_else(|| bad("a header without a colon"))?;
        Ok((name.to_lowercase(), value.trim().to_owned()))
    };
    Ok((status, lines.map(header).collect::<Result<_, String>>()?))
}
