//! Who may wait for revocations, and what becomes of those who do.

use std::{
    io::Write as _,
    net::TcpStream,
    sync::mpsc::{self, Receiver},
    thread,
};

use patmint::{
    domain::list::Target,
    http::{ProxyHeader, TrustedProxies},
};
use serde_json::json;

use super::{append, ask_at_once, feed, head, next, revoke, seqs, sql};
use crate::support::{Answer, Options, Request, TestApp, seconds};

/// How many wait.
fn waiting(app: &TestApp) -> usize {
    let metrics = app.get("/metrics").send().text();
    let line = metrics.lines().find_map(|line| line.strip_prefix("patmint_feed_waiters ")).expect("a metric");
    line.parse().unwrap()
}

/// A server on which as many wait as may, and what they are answered.
fn full(waiters: usize) -> (TestApp, Receiver<Answer>) {
    let app = TestApp::with(Options { max_feed_waiters: waiters, ..Options::default() });
    let before = head(&app);
    append(&app, vec![Target::Unknown], true);
    next(&app, before);
    let answers = ask_at_once(&app, head(&app), waiters + 1);
    // Nothing is revoked, so the only answer is that of the one who found no place: what there is, and no error.
    let answer = answers.recv().unwrap();
    assert_eq!((answer.status, seqs(&answer.json())), (200, Vec::new()));
    assert_eq!((waiting(&app), answer.header("cache-control")), (waiters, Some("no-store")));
    (app, answers)
}

#[test]
fn so_many_may_wait_and_no_more() {
    let (app, answers) = full(2);
    let news = feed(&app, "after=0&wait=30");
    assert_eq!((news.status, seqs(&news.json()).len()), (200, 1), "who is behind need not wait either");
    assert_eq!(feed(&app, "").status, 200, "who does not wait needs no place");
    revoke(&app, &app.pat.text);
    for _ in 0..2 {
        let answer = answers.recv().unwrap();
        assert_eq!((answer.status, seqs(&answer.json()).len()), (200, 1));
    }
    assert_eq!(feed(&app, &format!("after={}&wait=1", head(&app))).status, 200, "there is room again");
}

#[test]
fn one_client_does_not_take_the_places_of_others() {
    let proxies = TrustedProxies { networks: vec!["127.0.0.0/8".parse().unwrap()], header: ProxyHeader::XForwardedFor };
    let app = TestApp::with(Options { max_feed_waiters_per_address: 2, proxies, ..Options::default() });
    let before = head(&app);
    append(&app, vec![Target::Unknown], true);
    let after = next(&app, before)["head"].as_i64().unwrap();
    let from =
        |address: &str| app.get(&format!("/revocations?after={after}&wait=30")).header("x-forwarded-for", address);
    let (answered, answers) = mpsc::channel();
    let ask = |request: Request| {
        let answered = answered.clone();
        thread::spawn(move || answered.send(request.send()).is_ok());
    };
    for address in ["2001:db8::1", "2001:db8::2", "2001:db8::3"] {
        ask(from(address));
    }
    let surplus = answers.recv().unwrap();
    assert_eq!((surplus.status, seqs(&surplus.json()), waiting(&app)), (200, Vec::new(), 2), "of one /64");
    ask(from("192.0.2.1"));
    while waiting(&app) < 3 {}
    let seq = append(&app, vec![Target::Unknown], true);
    for _ in 0..3 {
        assert_eq!(seqs(&answers.recv().unwrap().json()), [seq]);
    }
}

#[test]
fn holders_of_the_feed_token_have_all_places() {
    let token = "sesame-sesame-sesame";
    let app = TestApp::with(Options { max_feed_waiters_per_address: 1, feed_token: Some(token), ..Options::default() });
    let ask = |query: &str| app.get(&format!("/revocations?{query}")).bearer(token);
    let after = ask("").send().json()["head"].clone();
    let (answered, answers) = mpsc::channel();
    for _ in 0..3 {
        let (request, answered) = (ask(&format!("after={after}&wait=30")), answered.clone());
        thread::spawn(move || answered.send(request.send()).is_ok());
    }
    while waiting(&app) < 3 {}
    let seq = append(&app, vec![Target::Unknown], true);
    for _ in 0..3 {
        assert_eq!(seqs(&answers.recv().unwrap().json()), [seq]);
    }
}

#[test]
fn who_hangs_up_makes_room() {
    let app = TestApp::with(Options { max_feed_waiters: 1, ..Options::default() });
    let mut client = TcpStream::connect(app.address).unwrap();
    let poll = format!("GET /revocations?after={}&wait=30 HTTP/1.1\r\nhost: h\r\n\r\n", head(&app));
    // An answer that is there and not read: closing then tells the server at once (RST). A mere end of what the client
    // sends (FIN) may come from one that still reads.
    client.write_all(b"GET /livez HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
    assert_eq!(client.peek(&mut [0]).unwrap(), 1);
    client.write_all(poll.as_bytes()).unwrap();
    while waiting(&app) == 0 {}
    drop(client);
    while waiting(&app) == 1 {}
}

#[test]
fn a_stop_answers_all_who_wait() {
    let (mut app, answers) = full(20);
    app.stop();
    for _ in 0..20 {
        let answer = answers.recv().unwrap();
        assert_eq!((answer.status, &answer.json()["entries"]), (200, &json!([])));
    }
}

#[test]
fn without_trust_nobody_is_told_that_nothing_was_revoked() {
    let (app, answers) = full(3);
    sql(&app, "ALTER TABLE list_head RENAME TO lost");
    app.clock.pass(seconds(10));
    for _ in 0..3 {
        let answer = answers.recv().unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{}", answer.text());
    }
    for query in ["", "wait=30"] {
        let answer = feed(&app, query);
        assert_eq!((answer.status, answer.code().as_str()), (503, "unavailable"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
    sql(&app, "ALTER TABLE lost RENAME TO list_head");
}
