use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Instant,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use tokio::task::{JoinHandle, JoinSet};

use crate::{
    Failure,
    load::{Connection, Requests},
};

/// How many exchanges at once are sent to each server.
const AT_ONCE: usize = 2;

/// How many exchanges each of them makes after the change was answered, at the least.
const AFTER: usize = 5;

/// An exchange of the credential that a change is about.
#[derive(Clone, Debug)]
pub(super) struct Probed {
    /// When it was sent.
    pub(super) started: Instant,
    /// The status of its answer.
    pub(super) status: u16,
    /// What the access token says, if there is one.
    pub(super) claims: Option<Value>,
}

/// Exchanges under way on every server, before, during and after a change.
pub(super) struct Probe {
    told: Arc<AtomicBool>,
    probing: JoinHandle<Result<Vec<Probed>, Failure>>,
}

impl Probe {
    /// Begins when each server has been asked once.
    pub(super) async fn start(addresses: &[SocketAddr], token: &str) -> Result<Self, Failure> {
        let request = Requests::exchanges(vec![token.to_owned()]).bytes(0);
        let told = Arc::new(AtomicBool::new(false));
        let mut probing = JoinSet::new();
        for address in addresses {
            for _ in 0..AT_ONCE {
                let mut connection = Connection::open(*address).await?;
                // So that the server has it in memory.
                let first = exchange(&mut connection, &request).await?;
                let (request, told) = (request.clone(), told.clone());
                probing.spawn(async move {
                    let mut probed = vec![first];
                    let mut after = 0;
                    while after < AFTER {
                        if told.load(SeqCst) {
                            after += 1;
                        }
                        probed.push(exchange(&mut connection, &request).await?);
                    }
                    Ok::<_, Failure>(probed)
                });
            }
        }
        let probing = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(part) = probing.join_next().await {
                all.extend(part??);
            }
            Ok(all)
        });
        Ok(Self { told, probing })
    }

    /// The change was answered: some more exchanges, and all that there were.
    pub(super) async fn end(self) -> Result<Vec<Probed>, Failure> {
        self.told.store(true, SeqCst);
        self.probing.await?
    }
}

/// One exchange.
pub(super) async fn exchange(connection: &mut Connection, request: &[u8]) -> Result<Probed, Failure> {
    let started = Instant::now();
    let answer = connection.send(request).await?;
    let claims = if answer.status == 200 { Some(claims(answer.body)?) } else { None };
    Ok(Probed { started, status: answer.status, claims })
}

fn claims(body: &[u8]) -> Result<Value, Failure> {
    let answer: Value = serde_json::from_slice(body)?;
    let part = answer["access"].as_str().and_then(|access| access.split('.').nth(1)).ok_or("no access token")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}
