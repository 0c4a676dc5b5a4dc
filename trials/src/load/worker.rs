use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time;

use super::{connection::Connection, order::Turns, pace::Schedule, report::Report, requests::Requests};

/// How long an answer may take; what takes longer counts as broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection waits with its next try when the server lets nobody in.
const BREATH: Duration = Duration::from_millis(10);

/// One connection's share of a load.
pub(super) struct Worker {
    pub(super) connection: Option<Connection>,
    pub(super) schedule: Schedule,
    pub(super) requests: Arc<Requests>,
    pub(super) turns: Arc<Turns>,
    pub(super) address: SocketAddr,
    pub(super) counts_from: Instant,
    pub(super) ends: Option<Instant>,
}

impl Worker {
    pub(super) async fn run(mut self) -> io::Result<Report> {
        let mut report = Report::default();
        let mut request = Vec::new();
        while let Some(moment) = self.schedule.next(self.ends).await? {
            let Some(index) = self.turns.next() else { break };
            self.requests.write(index, &mut request);
            let counts = moment >= self.counts_from;
            if let Ok(Ok(status)) = time::timeout(PATIENCE, self.answer(&request)).await {
                report.note(status, counts.then(|| moment.elapsed()));
            } else {
                self.connection = None;
                report.broken += 1;
            }
        }
        Ok(report)
    }

    /// The status of the answer. A connection that was closed or broken is made anew.
    async fn answer(&mut self, request: &[u8]) -> io::Result<u16> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => match Connection::open(self.address).await {
                Ok(connection) => connection,
                Err(error) => {
                    time::sleep(BREATH).await;
                    return Err(error);
                }
            },
        };
        let answer = connection.send(request).await?;
        let (status, closes) = (answer.status, answer.closes);
        self.connection = (!closes).then_some(connection);
        Ok(status)
    }
}
