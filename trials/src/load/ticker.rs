use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    io::Errno,
    time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime},
};
use tokio::io::unix::AsyncFd;

/// The system's own interval timer: tokio's would be up to a millisecond late, as long as many an answer takes.
#[derive(Debug)]
pub(super) struct Ticker(AsyncFd<OwnedFd>);

impl Ticker {
    /// Ticks after `first`, then every `period`.
    pub(super) fn new(first: Duration, period: Duration) -> io::Result<Self> {
        let made = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // Zero would mean never.
        let setting = Itimerspec { it_value: spec(first.max(Duration::from_nanos(1)))?, it_interval: spec(period)? };
        timerfd_settime(&made, TimerfdTimerFlags::empty(), &setting)?;
        #[expect(
            deprecated,
            reason = "it trusts the type to keep its descriptor, which OwnedFd does; the other is unsafe"
        )]
        AsyncFd::new(made).map(Self)
    }

    /// Waits for the next tick; says how many there were since the last call.
    pub(super) async fn tick(&mut self) -> io::Result<u64> {
        loop {
            let mut ready = self.0.readable().await?;
            let mut count = [0; 8];
            match rustix::io::read(ready.get_inner(), &mut count) {
                Ok(_) => return Ok(u64::from_ne_bytes(count)),
                Err(Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn spec(time: Duration) -> io::Result<Timespec> {
    Timespec::try_from(time).map_err(io::Error::other)
}
