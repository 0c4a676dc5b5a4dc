//! The network between two programs: passed on, held up, cut, or led to another place.

use std::{
    io::{ErrorKind, Read, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use super::asked::{Meanwhile, pass};
use crate::Failure;

/// How often a connection looks whether it is held up or at its end.
const LOOK: Duration = Duration::from_millis(10);

struct State {
    target: SocketAddr,
    is_held: bool,
    /// Grows with each cut, which ends the connections from before.
    cuts: usize,
}

/// A listener that passes bytes on.
pub(super) struct Forwarder {
    pub(super) address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Ends all of it when dropped.
    _meanwhile: Meanwhile,
}

impl Forwarder {
    pub(super) fn to(target: SocketAddr) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { target, is_held: false, cuts: 0 }));
        let meanwhile = Meanwhile::default();
        let (is_over, shared) = (meanwhile.is_over(), state.clone());
        thread::spawn(move || {
            while !is_over() {
                match listener.accept() {
                    Ok((near, _)) => passed_on(&near, &shared, &is_over),
                    Err(_) => pass(LOOK),
                }
            }
        });
        Ok(Self { address, state, _meanwhile: meanwhile })
    }

    /// Passes nothing on from now on, and closes nothing: as a cable that was pulled.
    pub(super) fn hold(&self) {
        locked(&self.state).is_held = true;
    }

    /// Passes on again.
    pub(super) fn release(&self) {
        locked(&self.state).is_held = false;
    }

    /// Ends the connections and leads those to come to `target`.
    pub(super) fn lead(&self, target: SocketAddr) {
        let mut state = locked(&self.state);
        state.target = target;
        state.cuts += 1;
    }
}

/// Connects to the target and copies both ways, on two threads.
fn passed_on(near: &TcpStream, state: &Arc<Mutex<State>>, is_over: &(impl Fn() -> bool + Clone + Send + 'static)) {
    let (target, cuts) = {
        let state = locked(state);
        (state.target, state.cuts)
    };
    let Ok(far) = TcpStream::connect(target) else { return };
    for (from, to) in [(near, &far), (&far, near)] {
        let (Ok(from), Ok(to)) = (from.try_clone(), to.try_clone()) else { return };
        let (is_over, state) = (is_over.clone(), state.clone());
        thread::spawn(move || {
            let _ = copied(&from, &to, || {
                while locked(&state).is_held && !is_over() {
                    pass(LOOK);
                }
                !is_over() && locked(&state).cuts == cuts
            });
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
}

/// Copies until the end of `from`, or until `may_go_on` (which may take its time) says no.
fn copied(mut from: &TcpStream, mut to: &TcpStream, may_go_on: impl Fn() -> bool) -> std::io::Result<()> {
    from.set_nonblocking(false)?;
    from.set_read_timeout(Some(LOOK))?;
    from.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    while may_go_on() {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(error) => return Err(error),
        };
        if !may_go_on() {
            break;
        }
        to.write_all(buffer.get(..count).unwrap_or_default())?;
    }
    Ok(())
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each connection with one byte of its own and what it is sent.
    fn echo(own: u8) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || {
                    let mut one = [0];
                    while stream.read_exact(&mut one).is_ok() {
                        let _ = stream.write_all(&[own, one[0]]);
                    }
                });
            }
        });
        address
    }

    fn asked(stream: &mut TcpStream, byte: u8) -> std::io::Result<[u8; 2]> {
        stream.write_all(&[byte])?;
        let mut answer = [0; 2];
        stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    #[test]
    fn bytes_pass_are_held_and_go_elsewhere() {
        let forwarder = Forwarder::to(echo(b'a')).unwrap();
        let mut stream = TcpStream::connect(forwarder.address).unwrap();
        assert_eq!(asked(&mut stream, b'1').unwrap(), *b"a1");
        forwarder.hold();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        assert!(asked(&mut stream, b'2').is_err(), "held");
        forwarder.release();
        stream.set_read_timeout(None).unwrap();
        let mut answer = [0; 2];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(answer, *b"a2", "nothing is lost");
        forwarder.lead(echo(b'b'));
        assert!(asked(&mut stream, b'3').is_err(), "cut");
        let mut stream = TcpStream::connect(forwarder.address).unwrap();
        assert_eq!(asked(&mut stream, b'4').unwrap(), *b"b4");
    }
}
