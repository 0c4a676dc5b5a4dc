//! SIGTERM: what was begun is finished, what was counted is written.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::mpsc::{self, Sender},
    thread,
    time::Instant,
};

use serde_json::Value;

use crate::support::{Client, PATIENCE, Place, rounds};

const CALLERS: usize = 6;

/// As many stops, for what hangs on the moment.
const ROUNDS: usize = 5;

#[test]
fn under_load_every_answered_exchange_is_counted_and_nobody_gets_a_5xx() {
    let place = Place::new();
    let owner = place.bootstrap();
    let mut granted = BTreeMap::<String, i64>::new();
    for _ in 0..rounds(ROUNDS) {
        let server = place.serve();
        let session = server.client.session(&owner);
        server.client.allow_many(&session);
        let (answered, count) = mpsc::channel();
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let made = server.client.create(&session);
                let (client, answered) = (server.client.clone(), answered.clone());
                // Half of them keep their connection, half make one for each call.
                thread::spawn(move || exchange_to_the_end(&client, caller % 2 == 0, &made, &answered))
            })
            .collect();
        for _ in 0..100 {
            count.recv_timeout(PATIENCE).expect("the callers get answers");
        }
        let finished = server.stop();
        assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
        granted.extend(callers.into_iter().map(|caller| caller.join().expect("only 200s until the end")));
    }
    println!("{} exchanges answered, and counted", granted.values().sum::<i64>());
    let mut look = place.look();
    for (id, count) in granted {
        let rows = format!("FROM usage_counts WHERE credential_id = '{id}' AND outcome = 'granted'");
        let stored = look.number(&format!("SELECT CAST(coalesce(sum(count), 0) AS BIGINT) AS value {rows}"));
        assert_eq!(stored, count, "{id}");
    }
}

/// The credential's id and how often it was exchanged.
fn exchange_to_the_end(client: &Client, keeps: bool, made: &Value, answered: &Sender<()>) -> (String, i64) {
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let mut client = client.with_own_connections();
    let mut granted = 0;
    while let Some(answer) = client.try_exchange(token) {
        assert_eq!(answer.status, 200, "{}", answer.text());
        granted += 1;
        // The test may have heard enough.
        let _ = answered.send(());
        if !keeps {
            client = client.with_own_connections();
        }
    }
    (id.to_owned(), granted)
}

/// How long it takes is told, not tested: the harness's patience is the only bound.
#[test]
fn idle_connections_do_not_hold_it_up() {
    let place = Place::new();
    place.bootstrap();
    let server = place.serve();
    let idle: Vec<_> = (0..20).map(|_| BufReader::new(connect(&server.client.address.to_string()))).collect();
    let begun = Instant::now();
    server.stop();
    println!("stopped in {:?} with {} idle connections", begun.elapsed(), idle.len());
    for mut connection in idle {
        assert_eq!(connection.fill_buf().map(<[u8]>::len).unwrap_or_default(), 0, "closed");
    }
}

/// Neither do those who began to ask and never went on; they get at most what the server grants a request to finish.
#[test]
fn unfinished_requests_do_not_hold_it_up_for_ever() {
    let place = Place::new();
    place.bootstrap();
    let server = place.serve();
    let unfinished = ["GET / HTTP/1.1\r\n", "POST /api/token/refresh HTTP/1.1\r\ncontent-length: 100\r\n\r\n{"];
    let mut open: Vec<_> = unfinished.map(|_| connect(&server.client.address.to_string())).into();
    for (stream, text) in open.iter_mut().zip(unfinished) {
        stream.write_all(text.as_bytes()).unwrap();
    }
    let begun = Instant::now();
    server.stop();
    println!("stopped in {:?} with {} unfinished requests", begun.elapsed(), open.len());
}

#[test]
fn without_connections_it_ends_too() {
    let place = Place::new();
    let server = place.serve();
    let begun = Instant::now();
    server.stop();
    println!("stopped in {:?} with no connections", begun.elapsed());
}

/// A connection on which one answer has come, kept open.
fn connect(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: patmint\r\n\r\n").unwrap();
    let mut reader = BufReader::new(&stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    let mut length = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    std::io::Read::read_exact(&mut reader, &mut body).unwrap();
    stream
}
