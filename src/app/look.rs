//! What there is to see of the service without a request: of one at work in a line, of one at rest everything.

use super::{App, Foundation, StartError, open, state};
use crate::{clock::Clock, config::Config, http::AppState, inbox::Inbox, tasks::Tasks};

/// All that the service works with, at rest: nothing listens, and nothing is warmed. For a command that only looks.
pub fn at_rest(config: &Config, clock: Clock, tasks: &Tasks) -> Result<AppState, StartError> {
    let Foundation { sites, store } = open(config, &clock)?;
    let inbox = Inbox::open(&config.data_dir, clock.now())?;
    Ok(state(config, clock, (sites, store, inbox), tasks))
}

impl App {
    /// What it does, in a line for whoever looks at the process from outside.
    pub fn summary(&self) -> String {
        let (state, sites) = (&self.state, self.state.sites.iter());
        let warmed: Vec<_> = sites
            .filter(|site| state.warmer.reigns(&site.code))
            .map(|site| site.code.as_str())
            .collect();
        let warmed = if warmed.is_empty() {
            "none".to_owned()
        } else {
            warmed.join(", ")
        };
        let (kind, alerts) = (state.store.kind().as_str(), state.alerts.active().len());
        format!(
            "listening on {}; store: {kind}; sites warmed here: {warmed}; alerts: {alerts}",
            self.addr
        )
    }
}
