use std::{
    io,
    time::{Duration, Instant},
};

use super::ticker::Ticker;

/// How fast requests are sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// Each connection sends when it has the answer to the one before.
    Closed,
    /// So many a second, at moments that are fixed beforehand. What could not be sent at its moment, because the server
    /// was slow with the one before, counts from that moment all the same: so a server that stalls cannot keep what would
    /// have been slow from being asked ("coordinated omission").
    Open(f64),
}

/// When one connection sends.
#[derive(Debug)]
pub(super) enum Schedule {
    Closed,
    Open { plan: Plan, ticker: Ticker, due: u64 },
}

impl Schedule {
    /// For the connection `number` (from 0) of so many.
    pub(super) fn new(pace: Pace, began: Instant, number: usize, of: usize) -> io::Result<Self> {
        let Pace::Open(rate) = pace else { return Ok(Self::Closed) };
        let plan = Plan::new(began, rate, number, of);
        let first = plan.next.saturating_duration_since(Instant::now());
        let ticker = Ticker::new(first, plan.period)?;
        Ok(Self::Open { plan, ticker, due: 0 })
    }

    /// Waits for the next moment to send; `None` = it is not before `end`.
    pub(super) async fn next(&mut self, end: Option<Instant>) -> io::Result<Option<Instant>> {
        let is_over = |moment: &Instant| end.is_some_and(|end| *moment >= end);
        let moment = match self {
            Self::Closed => Instant::now(),
            Self::Open { plan, .. } if is_over(&plan.next) => return Ok(None),
            Self::Open { plan, ticker, due } => {
                if *due == 0 {
                    *due = ticker.tick().await?;
                }
                *due = due.saturating_sub(1);
                plan.take()
            }
        };
        Ok(Some(moment).filter(|moment| !is_over(moment)))
    }
}

/// The moments of one connection; together those of all connections are evenly spread.
#[derive(Debug)]
pub(super) struct Plan {
    next: Instant,
    period: Duration,
}

impl Plan {
    #[expect(clippy::cast_precision_loss, reason = "a number of connections")]
    pub(super) fn new(began: Instant, rate: f64, place: usize, connections: usize) -> Self {
        let next = began + Duration::from_secs_f64(place as f64 / rate);
        Self { next, period: Duration::from_secs_f64(connections as f64 / rate) }
    }

    pub(super) fn take(&mut self) -> Instant {
        let moment = self.next;
        self.next += self.period;
        moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moments_of_all_connections_are_evenly_spread() {
        let began = Instant::now();
        let mut connections: Vec<_> = (0..4).map(|place| Plan::new(began, 1000.0, place, 4)).collect();
        for turn in 0..12_u32 {
            let own = connections.get_mut(usize::try_from(turn % 4).unwrap()).unwrap();
            assert_eq!(own.take() - began, Duration::from_millis(1) * turn);
        }
    }
}
