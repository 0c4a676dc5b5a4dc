use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;

const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";

fn open() -> (DuplexStream, RequestGate<DuplexStream>) {
    let (theirs, ours) = duplex(1 << 20);
    (theirs, RequestGate::new(ours))
}

/// What can be read now.
async fn now(gate: &mut RequestGate<DuplexStream>) -> Vec<u8> {
    let mut all = Vec::new();
    let read = async {
        loop {
            let mut buffer = [0; 8192];
            let count = gate.read(&mut buffer).await.unwrap();
            if count == 0 {
                break;
            }
            all.extend_from_slice(&buffer[..count]);
        }
    };
    let _ = time::timeout(Duration::from_millis(1), read).await;
    all
}

#[tokio::test(start_paused = true)]
async fn the_next_request_is_held_until_the_answer_begins() {
    let post = b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody";
    for first in [ASK, post] {
        let (mut theirs, mut gate) = open();
        theirs.write_all(&[first, ASK, b"GET /half"].concat()).await.unwrap();
        assert_eq!(now(&mut gate).await, first);
        assert_eq!(now(&mut gate).await, b"");
        gate.write_all(b"HTTP").await.unwrap();
        assert_eq!(now(&mut gate).await, ASK);
        gate.write_all(b"HTTP").await.unwrap();
        assert_eq!(now(&mut gate).await, b"GET /half");
    }
}

#[tokio::test(start_paused = true)]
async fn little_is_read_ahead() {
    let (mut theirs, mut gate) = open();
    theirs.write_all(ASK).await.unwrap();
    assert_eq!(now(&mut gate).await, ASK);
    theirs.write_all(&vec![b'x'; 100_000]).await.unwrap();
    assert_eq!(now(&mut gate).await, b"");
    assert_eq!(gate.held.len(), AHEAD);
    assert!(time::timeout(Duration::from_secs(100), gate.read_u8()).await.is_err(), "nobody is late but the server");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_while_it_waits_is_noticed() {
    let (mut theirs, mut gate) = open();
    theirs.write_all(ASK).await.unwrap();
    assert_eq!(now(&mut gate).await, ASK);
    drop(theirs);
    assert_eq!(gate.read(&mut [0; 10]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_later_head_has_its_time_however_it_trickles() {
    for together in [false, true] {
        let (mut theirs, mut gate) = open();
        let half = b"GET / HTTP/1.1\r\nX-Slow: ";
        theirs.write_all(if together { [ASK, half].concat() } else { ASK.to_vec() }.as_slice()).await.unwrap();
        assert_eq!(now(&mut gate).await, ASK);
        gate.write_all(b"HTTP").await.unwrap();
        if !together {
            time::sleep(Duration::from_mins(1)).await;
            theirs.write_all(half).await.unwrap();
        }
        let begun = Instant::now();
        let trickle = async {
            while theirs.write_all(b"x").await.is_ok() {
                time::sleep(Duration::from_millis(900)).await;
            }
        };
        let read = async {
            loop {
                if let Err(error) = gate.read_u8().await {
                    break error;
                }
            }
        };
        let error = tokio::select! {
            () = trickle => unreachable!("ours is open"),
            error = read => error,
        };
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (io::ErrorKind::TimedOut, 5), "{together}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_body_or_answer_is_no_late_head() {
    let (mut theirs, mut gate) = open();
    for _ in 0..3 {
        theirs.write_all(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n").await.unwrap();
        now(&mut gate).await;
        time::sleep(Duration::from_mins(1)).await;
        theirs.write_all(b"body").await.unwrap();
        assert_eq!(now(&mut gate).await, b"body");
        time::sleep(Duration::from_mins(1)).await;
        gate.write_all(b"HTTP").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_end_of_the_body_lets_the_rest_of_it_pass_first() {
    let (mut theirs, mut gate) = open();
    theirs.write_all(b"POST / HTTP/1.1\r\nContent-Length: 8\r\n\r\nhalf").await.unwrap();
    assert!(now(&mut gate).await.ends_with(b"half"));
    gate.write_all(b"HTTP").await.unwrap();
    theirs.write_all(&[b"rest", ASK].concat()).await.unwrap();
    assert_eq!(now(&mut gate).await, [b"rest", ASK].concat());
    theirs.write_all(ASK).await.unwrap();
    assert_eq!(now(&mut gate).await, b"");
}

#[tokio::test(start_paused = true)]
async fn of_a_head_that_is_too_large_no_more_is_kept_than_that() {
    let (mut theirs, mut gate) = open();
    let long = vec![b'a'; 100_000];
    theirs.write_all(&[b"GET /", long.as_slice()].concat()).await.unwrap();
    let kept = now(&mut gate).await;
    assert!((LARGEST_HEAD..=LARGEST_HEAD + 8192).contains(&kept.len()), "{}", kept.len());
    theirs.write_all(b" HTTP/1.1\r\n\r\n").await.unwrap();
    let filling = now(&mut gate).await;
    assert_eq!(filling, vec![b'x'; ACTIX_LARGEST_HEAD], "actix comes to its own bound");
    assert_eq!(gate.read(&mut [0; 10]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn nor_of_one_that_ends_in_the_same_piece() {
    let (mut theirs, mut gate) = open();
    let long = vec![b'a'; 60_000];
    theirs.write_all(&[b"GET /", long.as_slice(), b" HTTP/1.1\r\n\r\n"].concat()).await.unwrap();
    let mut all = vec![0; 100_000];
    let count = gate.read(&mut all).await.unwrap();
    assert!(all[..count].iter().all(|byte| *byte == b'x'), "nothing of it");
}
