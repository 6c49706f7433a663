//! What the process tells its service manager (systemd's `sd_notify`): that it serves, what it does, that it lives, that it stops.
//!
//! Without one, `NOTIFY_SOCKET` is not set and nothing is told.

use std::{
    io,
    os::unix::net::{SocketAddr, UnixDatagram},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{error, warn};

use crate::tasks::Tasks;

/// No round of any loop takes so long: each call to the store within it is bounded by seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who started us and wants to hear of us; nobody, where neither is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manager {
    /// Where it listens: a path, or `@` and the name of an abstract socket.
    pub socket: Option<String>,
    /// How long it waits for a word that we live.
    pub watchdog: Option<Duration>,
}

impl Manager {
    /// It serves.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\n{}", status_line(status)));
    }

    /// It stops.
    pub fn stopping(&self) {
        self.tell(&format!("STOPPING=1\n{}", status_line("stopping")));
    }

    /// Says that the service lives, as long as it does and in good time, if there is a watchdog to be told. Never returns.
    pub async fn watch(&self, tasks: &Tasks, status: impl Fn() -> String) {
        match self.watchdog {
            Some(watchdog) => feed(tasks, watchdog / 2, status, |words| self.tell(words)).await,
            None => std::future::pending().await,
        }
    }

    fn tell(&self, words: &str) {
        let sent = self.socket.as_deref().map(|socket| send(socket, words));
        if let Some(Err(error)) = sent {
            warn!("the service manager cannot be told: {error}");
        }
    }
}

/// One line, whatever it is made of.
fn status_line(status: &str) -> String {
    format!("STATUS={}", status.replace('\n', " "))
}

fn send(socket: &str, words: &str) -> io::Result<()> {
    let address = match socket.strip_prefix('@') {
        Some(name) => abstract_address(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    let datagram = UnixDatagram::unbound()?;
    // A manager that does not read must not hold us up.
    datagram.set_nonblocking(true)?;
    datagram.send_to_addr(words.as_bytes(), &address)?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_address(_name: &str) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Silence is what the watchdog hears of a service that stands still; why, it hears too.
async fn feed(
    tasks: &Tasks,
    every: Duration,
    status: impl Fn() -> String,
    mut tell: impl FnMut(&str),
) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut said = String::new();
    loop {
        ticks.tick().await;
        let mut troubles = tasks.pulse.troubles(PATIENCE, Instant::now());
        if !tasks.are_served(every).await {
            troubles.push("the runtime does not run what it is given".to_owned());
        }
        if troubles.is_empty() {
            said.clear();
            tell(&format!("WATCHDOG=1\n{}", status_line(&status())));
            continue;
        }
        let troubles = troubles.join("; ");
        tell(&status_line(&troubles));
        if said.is_empty() {
            error!("the service stands still, and its watchdog is not fed any more: {troubles}");
        }
        said = troubles;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const EVERY: Duration = Duration::from_secs(15);

    /// Runs the watch over `tasks` for so long, in virtual time, and returns what was told.
    async fn told_in(tasks: &Tasks, seconds: u64) -> Vec<String> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let note = |words: &str| told.lock().unwrap().push(words.to_owned());
        let fed = feed(tasks, EVERY, || "serving".to_owned(), note);
        drop(tokio::time::timeout(Duration::from_secs(seconds), fed).await);
        told.lock().unwrap().clone()
    }

    #[tokio::test(start_paused = true)]
    async fn a_service_that_lives_says_so_in_good_time() {
        let tasks = Tasks::default();
        let _beat = tasks.pulse.attach("the warmer of uk");
        let told = told_in(&tasks, 31).await;
        assert_eq!(told, ["WATCHDOG=1\nSTATUS=serving"; 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_stands_still_is_met_with_silence_until_it_goes_on() {
        let tasks = Tasks::default();
        let beat = tasks.pulse.attach("the warmer of uk");
        beat.works();
        let told = told_in(&tasks, 46).await;
        assert_eq!(told.len(), 4);
        assert!(
            told[..2].iter().all(|told| told.contains("WATCHDOG=1")),
            "{told:?}"
        );
        assert_eq!(told[2], "STATUS=the warmer of uk stands still for 30 s");
        assert!(!told[3].contains("WATCHDOG"), "{told:?}");
        beat.rests();
        assert!(told_in(&tasks, 1).await[0].contains("WATCHDOG=1"));
        drop(beat);
        assert_eq!(
            told_in(&tasks, 1).await,
            ["STATUS=the warmer of uk has ended"]
        );
    }

    #[test]
    fn a_runtime_without_a_free_thread_is_met_with_silence() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (free, taken) = std::sync::mpsc::channel::<()>();
        runtime.spawn_blocking(move || taken.recv());
        let served = |within| {
            runtime.block_on(async {
                Tasks::default()
                    .are_served(Duration::from_millis(within))
                    .await
            })
        };
        assert!(!served(100));
        free.send(()).unwrap();
        assert!(served(30_000));
    }
}
