//! What a stranger may take: time, connections, the size of a head. Nothing here waits for time to pass: what the server
//! does is the event, and a test that hangs has failed.

use std::{
    io::{ErrorKind, Write as _},
    net::TcpStream,
    num::NonZeroUsize,
    thread,
    time::Duration,
};

use super::wire::{Connection, Ended, PATIENCE};
use crate::support::{Options, TestApp};

const ASK: &[u8] = b"GET /livez HTTP/1.1\r\nHost: h\r\n\r\n";
const HALF: &[u8] = b"GET /livez HTTP/1.1\r\nHost: h\r\nX-Slow";

/// A server that gives a silent connection up after a second.
fn impatient() -> TestApp {
    TestApp::with(Options { silence: Duration::from_secs(1), ..Options::default() })
}

/// A connection on which one answer has come.
fn answered(app: &TestApp) -> Connection {
    let mut connection = Connection::open(app.address);
    connection.write(ASK);
    assert_eq!(connection.read(false).unwrap().status, 200);
    connection
}

fn is_given_up(connection: &mut Connection) -> bool {
    matches!(connection.read(false), Err(Ended::Closed | Ended::Reset))
}

#[test]
fn a_head_that_never_comes_is_answered() {
    let app = TestApp::new();
    let mut connection = Connection::open(app.address);
    connection.write(HALF);
    assert_eq!(connection.read(false).unwrap().status, 408);
    assert!(is_given_up(&mut connection));
}

/// Far sooner than a connection that gets nothing.
#[test]
fn nor_does_a_later_head_hold_the_connection() {
    let app = TestApp::new();
    let mut alone = answered(&app);
    alone.write(HALF);
    let mut together = Connection::open(app.address);
    together.write(&[ASK, HALF].concat());
    assert_eq!(together.read(false).unwrap().status, 200);
    for connection in [&mut alone, &mut together] {
        assert!(is_given_up(connection));
    }
}

#[test]
fn requests_in_one_piece_are_answered_in_their_order() {
    let app = TestApp::new();
    let asks = ["/livez", "/nothing", "/openapi.json", "/livez", "/nothing"];
    let mut connection = Connection::open(app.address);
    let post =
        "POST /api/v1/session HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let all = asks.map(|path| format!("{post}GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).concat();
    connection.write(all.as_bytes());
    for path in asks {
        assert_eq!(connection.read(false).unwrap().status, 422);
        let expected = if path == "/nothing" { 404 } else { 200 };
        assert_eq!(connection.read(false).unwrap().status, expected, "{path}");
    }
    assert!(connection.has_nothing());
}

#[test]
fn a_chunked_body_is_the_last_on_its_connection() {
    let app = TestApp::new();
    let mut connection = Connection::open(app.address);
    connection.write(b"POST /api/v1/session HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n");
    connection.write(&[b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", HALF].concat());
    let reply = connection.read(false).unwrap();
    assert_eq!((reply.status, reply.header("connection")), (422, Some("close")));
    assert!(is_given_up(&mut connection));
}

#[test]
fn what_comes_behind_a_chunked_body_keeps_no_connection() {
    let app = TestApp::new();
    let mut connection = Connection::open(app.address);
    let chunked: &[u8] = b"GET /livez HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    connection.write(&[chunked, ASK, HALF].concat());
    let ended = loop {
        match connection.read(false) {
            // What came along with it may be answered.
            Ok(reply) => assert_eq!(reply.status, 200),
            Err(ended) => break ended,
        }
    };
    assert!(matches!(ended, Ended::Closed | Ended::Reset));
}

#[test]
fn nor_does_a_body_that_nobody_reads() {
    let app = impatient();
    let mut connection = Connection::open(app.address);
    connection.write(b"POST /livez HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n");
    assert_eq!(connection.read(false).unwrap().status, 405);
    assert!(is_given_up(&mut connection));
}

#[test]
fn nor_does_whoever_does_not_read() {
    let app = impatient();
    let mut stream = TcpStream::connect(app.address).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    let error = loop {
        if let Err(error) = stream.write_all(ASK) {
            break error;
        }
    };
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    assert!(app.pat.is_alive(&app), "others are served");
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let app = TestApp::new();
    for (head, status) in [
        (format!("GET /livez HTTP/1.1\r\nHost: h\r\nX-Long: {}\r\n\r\n", "x".repeat(140_000)), 431),
        (format!("GET /livez?{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(140_000)), 431),
        (format!("GET /livez HTTP/1.1\r\nHost: h\r\n{}\r\n", "X-Many: x\r\n".repeat(100)), 431),
        (
            format!("GET /api/v1/tokens HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\n\r\n", "x".repeat(30_000)),
            401,
        ),
        (format!("GET /livez HTTP/1.1\r\nHost: h\r\nCookie: {}\r\n\r\n", "x".repeat(60_000)), 431),
    ] {
        let mut connection = Connection::open(app.address);
        connection.write(head.as_bytes());
        assert_eq!(connection.read(false).unwrap().status, status, "{}", &head[..50]);
    }
}

#[test]
fn beyond_the_most_connections_others_wait() {
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let app = TestApp::with(Options { max_connections: 2 * workers, ..Options::default() });
    let mut open: Vec<_> = (0..2 * workers).map(|_| answered(&app)).collect();
    let mut waiting = Connection::open(app.address);
    waiting.write(ASK);
    for _ in 0..50 {
        for connection in &mut open {
            connection.write(ASK);
            assert_eq!(connection.read(false).unwrap().status, 200);
        }
        assert!(waiting.has_nothing(), "it was accepted beyond the limit");
    }
    open.pop();
    assert_eq!(waiting.read(false).unwrap().status, 200);
}
