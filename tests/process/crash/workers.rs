//! Callers of all sorts, until the server is gone.

use std::{
    sync::{Arc, mpsc::Sender},
    thread::{self, JoinHandle},
};

use super::ledger::{Fate, Ledger};
use crate::support::{Client, claims};

/// Two that make and revoke, one that exchanges. Each answered write is told to `acknowledge`.
pub fn start(client: &Client, session: &str, ledger: &Arc<Ledger>, acknowledge: &Sender<()>) -> Vec<JoinHandle<()>> {
    let worker = |keep_each: usize| {
        let worker = Worker {
            client: client.with_own_connections(),
            session: session.to_owned(),
            ledger: ledger.clone(),
            acknowledge: acknowledge.clone(),
        };
        thread::spawn(move || {
            worker.write(keep_each);
        })
    };
    let (reader, known) = (client.with_own_connections(), ledger.clone());
    let reader = thread::spawn(move || {
        read(&reader, &known);
    });
    vec![worker(2), worker(3), reader]
}

struct Worker {
    client: Client,
    session: String,
    ledger: Arc<Ledger>,
    acknowledge: Sender<()>,
}

impl Worker {
    /// Makes, uses and revokes, each `keep_each`th one not; `None` when no answer comes any more.
    fn write(&self, keep_each: usize) -> Option<()> {
        for turn in 0.. {
            let (id, token) = self.create()?;
            let exchanged = self.client.try_exchange(&token)?;
            assert_eq!(exchanged.status, 200, "new and dead: {}", exchanged.text());
            self.ledger.saw_rev(claims(&exchanged)["rev"].as_i64().unwrap());
            if turn % keep_each == 0 {
                continue;
            }
            self.ledger.becomes(&id, Fate::Revoking);
            let revoked = self.client.try_revoke(&self.session, &id)?;
            assert_eq!(revoked.status, 204, "{}", revoked.text());
            self.ledger.becomes(&id, Fate::Revoked);
            // The test may have heard enough.
            let _ = self.acknowledge.send(());
            assert_eq!(self.client.try_exchange(&token)?.status, 401, "{id}: revoked and alive");
        }
        None
    }

    fn create(&self) -> Option<(String, String)> {
        let above = self.ledger.highest_number();
        let created = self.client.try_create(&self.session)?;
        assert_eq!(created.status, 201, "{}", created.text());
        let value = created.json();
        let member = |name: &str| value[name].as_str().unwrap().to_owned();
        let (id, token) = (member("id"), member("token"));
        self.ledger.created(&id, value["number"].as_i64().unwrap(), &token, above);
        let _ = self.acknowledge.send(());
        Some((id, token))
    }
}

/// Exchanges all there are, the last ones first; until no answer comes any more.
fn read(client: &Client, ledger: &Ledger) -> Option<()> {
    loop {
        for id in ledger.all().into_iter().rev().take(20) {
            let (token, before) = ledger.get(&id);
            let answer = client.try_exchange(&token)?;
            match (before, answer.status) {
                (Fate::Created, 200) => ledger.saw_rev(claims(&answer)["rev"].as_i64().unwrap()),
                // Its revocation may have begun since.
                (Fate::Created, 401) => assert_ne!(ledger.get(&id).1, Fate::Created, "{id}: dies by itself"),
                (Fate::Revoking, 200 | 401) | (Fate::Revoked, 401) => {}
                (fate, status) => panic!("{id} is {fate:?}: {status} {}", answer.text()),
            }
        }
        client.alive()?;
    }
}
