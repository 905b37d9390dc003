//! What the keeper of the plumbing tells the process that answers, in one line each: both may be one process or two.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::metrics::{Metrics, families};

/// Something for the metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// Whether traffic to an address is directed to the cache.
    Draws(IpAddr, bool),
    /// Why it is not; nothing when it is.
    Inactive(Option<String>),
    /// A piece that is missing.
    Fallback(String),
    /// Something that was removed and is there again.
    Repair(String),
    /// A failure, under the cause node-cache's metric gives.
    Failure(String),
    /// How often the process was started again.
    Restarts(u32),
}

impl Report {
    /// Puts it into the metrics.
    pub(super) fn count(&self, metrics: &Metrics) {
        match self {
            Self::Draws(address, yes) => metrics
                .gauge(&families::INTERCEPTION_ACTIVE, &[&address.to_string()])
                .set(f64::from(u8::from(*yes))),
            Self::Inactive(reason) => {
                metrics.clear_gauges(&families::INTERCEPTION_INACTIVE);
                if let Some(reason) = reason {
                    metrics
                        .gauge(&families::INTERCEPTION_INACTIVE, &[reason])
                        .set(1.0);
                }
            }
            Self::Fallback(missing) => metrics
                .gauge(&families::PLUMBING_FALLBACK, &[missing])
                .set(1.0),
            Self::Repair(what) => metrics
                .counter(&families::PLUMBING_REPAIRS, &[what])
                .increment(),
            Self::Failure(cause) => metrics
                .counter(&families::SETUP_ERRORS, &[cause])
                .increment(),
            Self::Restarts(count) => metrics
                .gauge(&families::SUPERVISED_RESTARTS, &[])
                .set(f64::from(*count)),
        }
    }

    /// Whether it is about a state, of which a new process must be told, and not about an event.
    pub(super) fn is_state(&self) -> bool {
        !matches!(self, Self::Repair(_) | Self::Failure(_))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draws(address, yes) => write!(out, "draws {address} {yes}"),
            Self::Inactive(Some(reason)) => write!(out, "inactive {reason}"),
            Self::Inactive(None) => write!(out, "active"),
            Self::Fallback(missing) => write!(out, "fallback {missing}"),
            Self::Repair(what) => write!(out, "repair {what}"),
            Self::Failure(cause) => write!(out, "failure {cause}"),
            Self::Restarts(count) => write!(out, "restarts {count}"),
        }
    }
}

impl FromStr for Report {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(match words[..] {
            ["draws", address, yes] => {
                Self::Draws(address.parse().map_err(drop)?, yes.parse().map_err(drop)?)
            }
            ["inactive", reason] => Self::Inactive(Some(reason.into())),
            ["active"] => Self::Inactive(None),
            ["fallback", missing] => Self::Fallback(missing.into()),
            ["repair", what] => Self::Repair(what.into()),
            ["failure", cause] => Self::Failure(cause.into()),
            ["restarts", count] => Self::Restarts(count.parse().map_err(drop)?),
            _ => return Err(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_survives_the_way_between_the_processes() {
        for report in [
            Report::Draws("2001:db8::1".parse().unwrap(), true),
            Report::Inactive(Some("starting".into())),
            Report::Inactive(None),
            Report::Fallback("tun".into()),
            Report::Repair("rules".into()),
            Report::Failure("iptables".into()),
            Report::Restarts(3),
        ] {
            assert_eq!(report.to_string().parse(), Ok(report));
        }
        assert_eq!("draws here now".parse::<Report>(), Err(()));
    }
}
