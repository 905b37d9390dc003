//! What clients see when something fails: an answer, always, and within two seconds.

mod backlog;
mod closed_port;
mod closing;
mod connections;
mod corefile;
mod flood;
mod health;
mod hosts;
mod lameduck;
mod log_lines;
mod loops;
mod loss;
mod outage;
mod reload;
mod restart;
mod without_tcp;

use std::time::Duration;

/// No client waits longer, whatever upstreams do: resolvers give up after 5 s by default, and many
/// are set to 2 s.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
