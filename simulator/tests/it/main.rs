//! Tests of the simulator through its socket, as any client meets it.

#[cfg(test)]
mod bulk;
#[cfg(test)]
mod control;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod deliveries;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod search;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod throttle;
#[cfg(test)]
mod webhooks;
