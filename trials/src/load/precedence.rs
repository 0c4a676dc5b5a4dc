use rustix::process::{getpriority_process, setpriority_process};
use thread_priority::{
    NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

/// While this lives the thread that took it goes before all others on its core (`SCHED_FIFO`), as it would on a machine
/// of its own: what it waits for is the server then. Programs that it starts meanwhile would do so too.
#[derive(Debug)]
pub struct Precedence {
    /// The thread's niceness before.
    niceness: i32,
}

impl Precedence {
    /// `None` if the system does not let it: that is for root, or takes `CAP_SYS_NICE`.
    #[must_use]
    pub fn take() -> Option<Self> {
        let niceness = getpriority_process(None).ok()?;
        let first = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
        set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, first).ok()?;
        Some(Self { niceness })
    }
}

impl Drop for Precedence {
    fn drop(&mut self) {
        let as_others = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
        // Whoever may go first may also step back. The first call changes the niceness too.
        let _ = set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, as_others);
        let _ = setpriority_process(None, self.niceness);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use thread_priority::thread_schedule_policy;

    use super::*;

    #[test]
    fn the_thread_is_as_before_afterwards() {
        let look = || (thread_schedule_policy().unwrap(), getpriority_process(None).unwrap());
        let test = move || {
            let before = look();
            let precedence = Precedence::take();
            // Without the right to it nothing changes.
            assert_eq!(look().0 == before.0, precedence.is_none());
            drop(precedence);
            assert_eq!(look(), before);
        };
        thread::spawn(test).join().unwrap();
    }
}
