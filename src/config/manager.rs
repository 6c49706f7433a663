//! Who started us: systemd says it in the environment, where nobody else sets it.

use std::time::Duration;

use super::environment;
use crate::supervisor::Manager;

/// The service manager that wants to hear of this process, if one does.
pub fn service_manager() -> Manager {
    manager(environment(), std::process::id())
}

/// A watchdog that is another process's, whose environment we were given, is not ours to feed.
fn manager(vars: impl Iterator<Item = (String, String)>, process: u32) -> Manager {
    let (mut manager, mut is_ours) = (Manager::default(), true);
    for (name, value) in vars.filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "NOTIFY_SOCKET" => manager.socket = Some(value),
            "WATCHDOG_USEC" => manager.watchdog = value.parse().ok().map(Duration::from_micros),
            "WATCHDOG_PID" => is_ours = value.parse() == Ok(process),
            _ => {}
        }
    }
    manager.watchdog = manager.watchdog.filter(|time| is_ours && !time.is_zero());
    manager
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watchdog(vars: &[(&str, &str)]) -> Option<Duration> {
        let vars = vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        manager(vars, 7).watchdog
    }

    #[test]
    fn a_watchdog_is_ours_unless_it_names_another() {
        let half_a_minute = ("WATCHDOG_USEC", "30000000");
        assert_eq!(watchdog(&[half_a_minute]), Some(Duration::from_secs(30)));
        assert_eq!(
            watchdog(&[half_a_minute, ("WATCHDOG_PID", "7")]),
            Some(Duration::from_secs(30))
        );
        assert_eq!(watchdog(&[half_a_minute, ("WATCHDOG_PID", "8")]), None);
        assert_eq!(watchdog(&[("WATCHDOG_USEC", "0")]), None);
        assert_eq!(watchdog(&[]), None);
    }
}
