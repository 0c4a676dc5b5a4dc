//! A backup is restored under running servers and a service that follows the revocations.

use std::{
    collections::BTreeMap,
    sync::mpsc::{self, Receiver},
    thread,
    time::Instant,
};

use serde_json::Value;

use crate::support::{Client, Look, Owner, PATIENCE, Place, Server, claims};

/// Each before those that refer to it.
const TABLES: [&str; 12] = [
    "list_head",
    "list_entries",
    "numbers",
    "organizations",
    "users",
    "memberships",
    "credentials",
    "sessions",
    "sealed_keys",
    "usage_counts",
    "audit",
    "replicas",
];

/// A copy of all tables, in the database itself.
struct Backup {
    look: Look,
}

impl Backup {
    fn take(place: &Place) -> Self {
        let mut look = place.look();
        for table in TABLES {
            look.execute(&format!("CREATE TABLE backup_{table} AS SELECT * FROM {table}"));
        }
        Self { look }
    }

    /// Puts everything back as it was, at once.
    fn restore(&mut self) {
        let mut script = vec!["BEGIN".to_owned()];
        script.extend(TABLES.iter().rev().map(|table| format!("DELETE FROM {table}")));
        script.extend(TABLES.iter().map(|table| format!("INSERT INTO {table} SELECT * FROM backup_{table}")));
        script.push("COMMIT".to_owned());
        self.look.execute(&script.join("; "));
    }

    fn counter(&mut self) -> i64 {
        self.look.number("SELECT seq AS value FROM list_head")
    }
}

/// A service: goes on from the number it knows, whatever happens. Tells of each entry.
fn follow(client: &Client) -> Receiver<(i64, Value)> {
    let (tell, told) = mpsc::channel();
    let client = client.with_own_connections();
    thread::spawn(move || {
        let mut after = 0;
        loop {
            let request = client.request("GET", &format!("/revocations?after={after}&wait=30"));
            let Ok(answer) = request.try_send() else { return };
            // While the tables are put back the server may see none of them.
            if answer.status != 200 {
                continue;
            }
            let answer = answer.json();
            let head = answer["head"].as_i64().unwrap();
            if head < after {
                // A server that is behind.
                continue;
            }
            for entry in answer["entries"].as_array().unwrap() {
                if tell.send((entry["seq"].as_i64().unwrap(), entry.clone())).is_err() {
                    return;
                }
            }
            after = head;
        }
    });
    told
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
    }
}

struct Scene {
    place: Place,
    owner: Owner,
    servers: [Server; 2],
    session: String,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new();
        let owner = place.bootstrap();
        let servers = [place.serve(), place.serve()];
        let session = servers[0].client.session(&owner);
        Self { place, owner, servers, session }
    }

    /// A credential that every server has in memory: its id and its text.
    fn create(&self) -> (String, String) {
        let made = self.servers[0].client.create(&self.session);
        let text = made["token"].as_str().unwrap().to_owned();
        assert!(self.servers.iter().all(|server| server.client.exchanges(&text)));
        (made["id"].as_str().unwrap().to_owned(), text)
    }

    fn revoke(&self, server: usize, id: &str) {
        let answer = self.servers[server].client.try_revoke(&self.session, id).expect("an answer");
        assert_eq!(answer.status, 204, "{}", answer.text());
    }

    /// When the newest credential was created.
    fn newest(&self) -> String {
        let created_at = "SELECT CAST(max(created_at) AS TEXT) AS value FROM credentials";
        format!("{}Z", self.place.look().texts(created_at).remove(0).replace(' ', "T"))
    }

    fn restored(&self, arguments: &[&str]) -> String {
        self.place.patmint([&["restored"], arguments].concat()).run().good()
    }
}

#[test]
fn numbers_never_repeat_and_nobody_goes_by_what_was_lost() {
    let scene = Scene::new();
    let (kept, revoked_later) = (scene.create(), scene.create());
    let revocations = scene.servers.each_ref().map(|server| follow(&server.client));
    let mut backup = Backup::take(&scene.place);
    let lost = scene.create();
    scene.revoke(0, &revoked_later.0);
    let counter = backup.counter();
    let mut known = BTreeMap::new();
    for revocations in &revocations {
        let (seq, entry) = revocations.recv_timeout(PATIENCE).expect("the revocation");
        assert_eq!(entry["credential"], *revoked_later.0);
        known.insert(seq, entry);
    }

    backup.restore();
    for server in &scene.servers {
        until("forgotten: the row is not there any more", || !server.client.exchanges(&lost.1));
        until("forgotten: it is not revoked any more", || server.client.exchanges(&revoked_later.1));
        assert!(server.client.exchanges(&kept.1));
        assert!(server.client.exchanges(&scene.owner.token));
    }
    assert!(backup.counter() > counter, "numbers go on above all that were seen");

    // Through either server, and known to services of both that go on from where they were.
    for (number, server) in scene.servers.iter().enumerate() {
        let (id, text) = scene.create();
        let rev = claims(&server.client.try_exchange(&text).unwrap())["rev"].as_i64().unwrap();
        scene.revoke(number, &id);
        let mut seen = Vec::new();
        for revocations in &revocations {
            let (seq, entry) = revocations.recv_timeout(PATIENCE).expect("the revocation");
            assert_eq!(entry["credential"], *id);
            assert!(seq > rev && seq > counter);
            seen.push((seq, entry));
        }
        assert_eq!(seen[0], seen[1]);
        let (seq, entry) = seen.remove(0);
        assert_eq!(known.insert(seq, entry), None, "a number that was given out before");
    }
    let said = scene.restored(&["--revoke-issued-before", &scene.newest()]);
    assert!(said.contains("Revoked 4 tokens"), "{said}");
    for (server, revocations) in scene.servers.iter().zip(&revocations) {
        assert!(!server.client.exchanges(&revoked_later.1));
        let (seq, _) = revocations.recv_timeout(PATIENCE).expect("all access tokens");
        assert!(known.keys().all(|known| *known < seq));
    }
    for server in scene.servers {
        server.stop();
    }
}

#[test]
fn without_a_moment_nothing_is_revoked_and_servers_forget() {
    let scene = Scene::new();
    let (kept, lost) = (scene.create(), scene.create());
    let before = scene.place.look().number("SELECT seq AS value FROM list_head");
    // Without the counter: no server can notice this on its own.
    scene.place.look().execute(&format!("DELETE FROM credentials WHERE id = '{}'", lost.0));
    assert!(scene.servers.iter().all(|server| server.client.exchanges(&lost.1)), "remembered");
    let said = scene.restored(&[]);
    assert_eq!(said.lines().count(), 1, "{said}");
    for server in &scene.servers {
        assert!(!server.client.exchanges(&lost.1), "waited for, and so at once");
        assert!(server.client.exchanges(&kept.1));
        assert_eq!(server.client.get("/revocations").json()["entries"], Value::Array(Vec::new()));
    }
    let mut look = scene.place.look();
    assert!(look.number("SELECT seq AS value FROM list_head") > before);
    assert_eq!(look.count("audit WHERE action = 'database.restored' AND detail IS NULL"), 1);
}

#[test]
fn what_was_issued_before_the_moment_is_revoked_for_good() {
    let scene = Scene::new();
    let (old, dead) = (scene.create(), scene.create());
    scene.revoke(0, &dead.0);
    let access = claims(&scene.servers[1].client.try_exchange(&old.1).unwrap());
    let newest = scene.create();
    // The newest is of that very moment: not before it.
    let said = scene.restored(&["--revoke-issued-before", &scene.newest()]);
    assert!(said.contains("Revoked 3 tokens in 1 organizations") && said.contains("ended 1 sessions"), "{said}");
    assert!(scene.servers.iter().all(|server| server.client.exchanges(&newest.1)));
    for server in &scene.servers {
        for token in [&old.1, &scene.owner.token, &scene.owner.refresh_jwt] {
            assert!(!server.client.exchanges(token));
        }
        assert_eq!(server.client.try_create(&scene.session).unwrap().status, 401, "the session has ended");
        let answer = server.client.get(&format!("/revocations?after={}", access["rev"])).json();
        let entries = answer["entries"].as_array().unwrap();
        let all = entries.last().unwrap().as_object().unwrap();
        assert_eq!(all.keys().collect::<Vec<_>>(), ["expires_at", "seq"], "it matches every access token");
        assert!(all["seq"].as_i64() > access["rev"].as_i64());
    }
    let client = &scene.servers[0].client;
    let session = client.session(&scene.owner);
    let new = client.create(&session)["token"].as_str().unwrap().to_owned();
    assert!(scene.servers.iter().all(|server| server.client.exchanges(&new)));
    // Again, for an earlier moment: nothing comes back, and nothing else goes.
    let said = scene.restored(&["--revoke-issued-before", "2020-01-01T00:00:00Z"]);
    assert!(said.contains("Revoked 0 tokens in 0 organizations"), "{said}");
    assert!(client.exchanges(&new) && !client.exchanges(&old.1));
}

#[test]
fn a_moment_to_come_is_refused() {
    let place = Place::new();
    let owner = place.bootstrap();
    let finished = place.patmint(["restored", "--revoke-issued-before", "2999-01-01T00:00:00Z"]).run();
    assert!(finished.refusal().contains("--revoke-issued-before: must not be in the future"), "{finished:?}");
    let finished = place.patmint(["restored", "--revoke-issued-before", "yesterday"]).run();
    assert_eq!(finished.code, Some(2), "{finished:?}");
    let mut look = place.look();
    assert_eq!(look.count("list_entries"), 0);
    assert!(place.serve().client.exchanges(&owner.token));
}
