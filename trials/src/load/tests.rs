use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time,
};

use super::*;

const YES: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A server for one connection at a time, on which each request comes in one piece. The answer to the request of this
/// number (from 0) comes so late; an empty one hangs up.
async fn server(answer: fn(u64) -> (Duration, &'static [u8])) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut number, mut buffer) = (0, [0; 4096]);
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            while stream.read(&mut buffer).await.unwrap_or(0) > 0 {
                let (late, text) = answer(number);
                number += 1;
                time::sleep(late).await;
                if text.is_empty() || stream.write_all(text).await.is_err() || text == BUSY {
                    break;
                }
            }
        }
    });
    address
}

async fn run(address: SocketAddr, pace: Pace, length: Length) -> Report {
    let requests = Arc::new(Requests::exchanges(vec!["a".to_owned()]));
    let (order, warm_up) = (Order::Rotation, Duration::ZERO);
    Load { address, requests, order, connections: 1, pace, warm_up, length }.run().await.unwrap()
}

#[tokio::test]
async fn every_request_is_answered_or_reported() {
    let answer = |number| match number % 4 {
        1 => (Duration::ZERO, BUSY),
        2 => (Duration::ZERO, [].as_slice()),
        _ => (Duration::ZERO, YES),
    };
    let report = run(server(answer).await, Pace::Closed, Length::Requests(400)).await;
    assert_eq!(report.statuses, [(200, 200), (503, 100)].into());
    assert_eq!((report.broken, report.other_than(200)), (100, 200));
}

/// The server stalls once, for as long as 100 requests were due. A generator that waits for it, and then goes on as if
/// nothing had been, would report one slow answer.
#[tokio::test]
async fn who_had_to_wait_behind_a_stall_counts_as_slow() {
    let stall = |number| (Duration::from_millis(if number == 10 { 100 } else { 0 }), YES);
    let report = run(server(stall).await, Pace::Open(1000.0), Length::For(Duration::from_millis(300))).await;
    assert_eq!(report.statuses, [(200, 300)].into(), "all that were due were sent");
    // Half of the hundred waited for 50 ms and more: a sixth of all.
    assert!(report.quantile_ms(0.84) >= 49.0, "{}", report.quantile_ms(0.84));
}
