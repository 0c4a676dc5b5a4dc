//! A load generator for HTTP/1.1 with keep-alive. It shares the cores with the server that it loads, so it is cheap: one
//! thread, requests that are put together from ready pieces, answers of which only status and length are read.

mod answer;
mod connection;
mod order;
mod pace;
mod precedence;
mod report;
mod requests;
mod ticker;
mod worker;

#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

pub use self::{
    connection::{Answer, Connection},
    order::{Length, Order},
    pace::Pace,
    precedence::Precedence,
    report::Report,
    requests::{Requests, request},
};
use self::{order::Turns, pace::Schedule, worker::Worker};
use crate::Failure;

/// What is sent, to whom, how fast and how long.
#[derive(Clone, Debug)]
pub struct Load {
    /// The server.
    pub address: SocketAddr,
    /// What is sent.
    pub requests: Arc<Requests>,
    /// In which order.
    pub order: Order,
    /// Over how many connections.
    pub connections: usize,
    /// How fast.
    pub pace: Pace,
    /// The beginning that takes no part in latencies and rates.
    pub warm_up: Duration,
    /// How long, the warm-up included.
    pub length: Length,
}

impl Load {
    /// Puts the load on the server and waits for its end. Answers of any status, connections that break and answers that
    /// do not come within ten seconds do not end it: the report has them all.
    ///
    /// # Errors
    /// If the first connections cannot be made, or the system gives no timer.
    pub async fn run(&self) -> Result<Report, Failure> {
        let mut opened = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            opened.push(Connection::open(self.address).await?);
        }
        let began = Instant::now();
        let turns = Arc::new(Turns::new(self.order, self.length, self.requests.len()));
        let mut workers = JoinSet::new();
        for (place, connection) in opened.into_iter().enumerate() {
            let worker = Worker {
                connection: Some(connection),
                schedule: Schedule::new(self.pace, began, place, self.connections)?,
                requests: self.requests.clone(),
                turns: turns.clone(),
                address: self.address,
                counts_from: began + self.warm_up,
                ends: self.length.end(began),
            };
            workers.spawn(worker.run());
        }
        let mut report = Report::default();
        while let Some(part) = workers.join_next().await {
            report.add(&part??);
        }
        report.elapsed = began.elapsed().saturating_sub(self.warm_up);
        Ok(report)
    }
}
