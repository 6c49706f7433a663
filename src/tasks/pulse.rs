//! Which of the service's loops live. A process whose loops stand still answers probes and does no work: only these can tell.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The loops and what they are at. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<Mutex<Loops>>);

/// Held for a note only, never across an await.
#[derive(Debug, Default)]
struct Loops {
    next: u64,
    all: BTreeMap<u64, Loop>,
}

#[derive(Debug)]
struct Loop {
    name: String,
    at: At,
}

/// What a loop is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// It waits for something to do, however long.
    Rest,
    /// It is at one round of its work, since then.
    Work(Instant),
    /// It is gone: it returned, panicked or was dropped.
    End,
}

/// A loop's own hand on the pulse. Dropping it says that the loop has ended.
#[derive(Debug)]
pub struct Beat {
    pulse: Pulse,
    id: u64,
}

impl Pulse {
    /// A loop begins.
    pub fn attach(&self, name: impl Into<String>) -> Beat {
        let mut loops = self.loops();
        let id = loops.next;
        loops.next += 1;
        let (name, at) = (name.into(), At::Rest);
        loops.all.insert(id, Loop { name, at });
        let pulse = self.clone();
        Beat { pulse, id }
    }

    /// What does not live: loops that have ended, or are at one round of their work for longer than `patience`. In words, for a log.
    pub fn troubles(&self, patience: Duration, now: Instant) -> Vec<String> {
        let loops = self.loops();
        let troubles = loops.all.values().filter_map(|one| match one.at {
            At::Work(since) if now - since > patience => {
                let seconds = (now - since).as_secs();
                Some(format!("{} stands still for {seconds} s", one.name))
            }
            At::Rest | At::Work(_) => None,
            At::End => Some(format!("{} has ended", one.name)),
        });
        troubles.collect()
    }

    fn loops(&self) -> MutexGuard<'_, Loops> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, id: u64, at: At) {
        if let Some(one) = self.loops().all.get_mut(&id) {
            one.at = at;
        }
    }
}

impl Beat {
    /// A round of work begins; it must end in bounded time.
    pub fn works(&self) {
        self.pulse.note(self.id, At::Work(Instant::now()));
    }

    /// The round is done, and whatever comes next may take its time.
    pub fn rests(&self) {
        self.pulse.note(self.id, At::Rest);
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.pulse.note(self.id, At::End);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn troubles_after(pulse: &Pulse, seconds: u64) -> Vec<String> {
        pulse.troubles(PATIENCE, Instant::now() + Duration::from_secs(seconds))
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_may_rest_for_ever_and_work_for_a_while() {
        let pulse = Pulse::default();
        let beat = pulse.attach("the inbox");
        assert!(troubles_after(&pulse, 1_000_000).is_empty());
        beat.works();
        assert!(troubles_after(&pulse, 20).is_empty());
        assert_eq!(
            troubles_after(&pulse, 21),
            ["the inbox stands still for 21 s"]
        );
        beat.rests();
        assert!(troubles_after(&pulse, 21).is_empty());
    }

    #[tokio::test]
    async fn a_loop_that_panics_has_ended() {
        let tasks = crate::tasks::Tasks::default();
        let other = tasks.pulse.attach("the other");
        tasks.spawn_loop("the one", |beat| async move {
            beat.rests();
            panic!("planned by the test");
        });
        tasks.tracker.close();
        tasks.tracker.wait().await;
        assert_eq!(troubles_after(&tasks.pulse, 0), ["the one has ended"]);
        drop(other);
    }
}
