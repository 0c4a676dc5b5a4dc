//! A connection that is given up when it has got nothing for too long. The time of a head is bounded, and how long a
//! connection is idle; who never ends a body that nobody reads, or asks and does not read the answers, would keep the
//! connection for good.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::unconstrained,
    time::{self, Instant, Sleep},
};

/// A stream that fails when nothing could be written to it for so long.
pub(super) struct Watched<S> {
    stream: S,
    silence: Duration,
    /// When something was last written; at first, when the stream began.
    written: Instant,
    timer: Pin<Box<Sleep>>,
    /// Whom the timer wakes.
    woken: Option<Waker>,
}

impl<S> Watched<S> {
    /// `silence` must be longer than anybody honest may have to wait for an answer.
    pub(super) fn new(stream: S, silence: Duration) -> Self {
        Self { stream, silence, written: Instant::now(), timer: Box::pin(time::sleep(silence)), woken: None }
    }

    /// To be asked where the stream itself has nothing to say: fails when it has been silent for too long, else has the
    /// task woken then.
    fn overdue<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        // The timer is asked only when it has fired or somebody else is to be woken: each request comes by here.
        if !self.timer.is_elapsed() && self.woken.as_ref().is_some_and(|woken| woken.will_wake(context.waker())) {
            return Poll::Pending;
        }
        self.woken = Some(context.waker().clone());
        // Set anew only when it fires: an answer costs a look at the clock, no more.
        // Unconstrained: a task that has used up its turn would be told to wait without a word to the timer.
        while pin!(unconstrained(self.timer.as_mut())).poll(context).is_ready() {
            let due = self.written + self.silence;
            if Instant::now() >= due {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.timer.as_mut().reset(due);
        }
        Poll::Pending
    }

    fn noted<T>(&mut self, done: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        match done {
            Poll::Pending => self.overdue(context),
            Poll::Ready(done) => {
                self.written = Instant::now();
                Poll::Ready(done)
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_read(context, buffer) {
            Poll::Pending => self.overdue(context),
            done @ Poll::Ready(_) => done,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.noted(done, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.noted(done, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_flush(context) {
            Poll::Pending => self.overdue(context),
            done @ Poll::Ready(_) => done,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(context) {
            Poll::Pending => self.overdue(context),
            done @ Poll::Ready(_) => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        task::consume_budget,
    };

    use super::*;

    const SILENCE: Duration = Duration::from_secs(150);

    #[tokio::test(start_paused = true)]
    async fn whoever_gets_nothing_is_given_up_however_much_they_send() {
        let (mut theirs, ours) = tokio::io::duplex(64);
        let mut ours = Watched::new(ours, SILENCE);
        let begun = Instant::now();
        let trickle = async {
            while theirs.write_all(b"x").await.is_ok() {
                time::sleep(Duration::from_secs(1)).await;
            }
        };
        let read = async {
            while ours.read_u8().await.is_ok() {}
            begun.elapsed()
        };
        let silent_for = tokio::select! {
            () = trickle => unreachable!("ours is open"),
            silent_for = read => silent_for,
        };
        assert_eq!(silent_for, SILENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gets_answers_is_not() {
        let (mut theirs, ours) = tokio::io::duplex(64);
        let mut ours = Watched::new(ours, SILENCE);
        for _ in 0..5 {
            time::sleep(Duration::from_secs(149)).await;
            theirs.write_all(b"?").await.unwrap();
            assert_eq!(ours.read_u8().await.unwrap(), b'?');
            ours.write_all(b"!").await.unwrap();
            assert_eq!(theirs.read_u8().await.unwrap(), b'!');
        }
        let begun = Instant::now();
        let error = ours.read_u8().await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, SILENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gets_nothing_is_given_up_though_the_task_had_used_up_its_turn() {
        let (_theirs, ours) = tokio::io::duplex(64);
        let mut ours = Watched::new(ours, SILENCE);
        let begun = Instant::now();
        let spent = poll_fn(|context| {
            let mut spend = Poll::Ready(());
            while spend.is_ready() {
                spend = pin!(consume_budget()).poll(context);
            }
            assert!(ours.overdue::<()>(context).is_pending());
            Poll::Ready(())
        });
        spent.await;
        let error = time::timeout(2 * SILENCE, ours.read_u8()).await.expect("it is given up").unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, SILENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_does_not_read_is_given_up() {
        let (_theirs, ours) = tokio::io::duplex(64);
        let mut ours = Watched::new(ours, SILENCE);
        let begun = Instant::now();
        let error = ours.write_all(&[0; 65]).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, SILENCE));
    }
}
