//! What a supervised process tells its parent: the ports of its own questions once, then what it sees, a line each time.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use nodens_resolve::Time;

use super::interception::Observation;
use super::rules::OwnPorts;

/// A line.
#[derive(Clone, Debug)]
pub(super) enum Pulse {
    /// It listens, and asks its own questions from these ports.
    Listens(OwnPorts),
    /// What it sees.
    Sees(Observation),
}

impl Pulse {
    /// The line, with times as ages: the clocks of the two processes have different beginnings.
    pub(super) fn to_line(&self, now: Time) -> String {
        let mut line = String::new();
        // Writing to a text does not fail.
        let _ = match self {
            Self::Listens(ports) => write!(
                line,
                "listens {} {}",
                list(&ports.inward),
                list(&ports.around)
            ),
            Self::Sees(seen) => {
                let pulse = seen.pulse.unwrap_or_default();
                let _ = write!(line, "sees {} {}", pulse.as_nanos(), seen.worse);
                seen.answered.iter().try_for_each(|(address, at)| match at {
                    Some(at) => write!(line, " {address}={}", now.since(*at).as_nanos()),
                    None => write!(line, " {address}=never"),
                })
            }
        };
        line.push('\n');
        line
    }

    /// Reads a line; nothing when it is none of ours.
    pub(super) fn from_line(line: &str, now: Time) -> Option<Self> {
        let mut words = line.split_whitespace();
        match words.next()? {
            "listens" => Some(Self::Listens(OwnPorts {
                inward: ports(words.next()?)?,
                around: ports(words.next()?)?,
            })),
            "sees" => {
                let pulse = Duration::from_nanos(words.next()?.parse().ok()?);
                let worse = words.next()?.parse().ok()?;
                let mut answered = Vec::new();
                for word in words {
                    let (address, age) = word.split_once('=')?;
                    let at = match age {
                        "never" => None,
                        age => Some(moment(age.parse().ok()?, now)),
                    };
                    answered.push((address.parse::<IpAddr>().ok()?, at));
                }
                Some(Self::Sees(Observation {
                    pulse: Some(pulse),
                    answered,
                    worse,
                }))
            }
            _ => None,
        }
    }
}

fn list(ports: &[u16]) -> String {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    if ports.is_empty() {
        "-".into()
    } else {
        ports.join(",")
    }
}

fn ports(word: &str) -> Option<Vec<u16>> {
    if word == "-" {
        return Some(Vec::new());
    }
    word.split(',').map(|port| port.parse().ok()).collect()
}

fn moment(age: u64, now: Time) -> Time {
    Time::from_nanos(now.as_nanos().saturating_sub(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_survives_the_way_to_a_clock_with_another_beginning() {
        let seen = Observation {
            pulse: Some(Duration::from_millis(7)),
            answered: vec![
                (
                    "169.254.20.10".parse().unwrap(),
                    Some(Time::from_nanos(900)),
                ),
                ("2001:db8::a".parse().unwrap(), None),
            ],
            worse: true,
        };
        let line = Pulse::Sees(seen).to_line(Time::from_nanos(1000));
        let Some(Pulse::Sees(seen)) = Pulse::from_line(&line, Time::from_nanos(5000)) else {
            panic!("{line}");
        };
        assert_eq!(seen.pulse, Some(Duration::from_millis(7)));
        assert!(seen.worse);
        assert_eq!(seen.answered[0].1, Some(Time::from_nanos(4900)));
        assert_eq!(seen.answered[1], ("2001:db8::a".parse().unwrap(), None));
    }

    #[test]
    fn ports_survive_too_and_other_lines_are_nothing() {
        let ports = OwnPorts {
            inward: vec![1, 2],
            around: Vec::new(),
        };
        let line = Pulse::Listens(ports.clone()).to_line(Time::EPOCH);
        assert_eq!(line, "listens 1,2 -\n");
        let Some(Pulse::Listens(read)) = Pulse::from_line(&line, Time::EPOCH) else {
            panic!("{line}");
        };
        assert_eq!(read, ports);
        for line in [
            "",
            "sees",
            "sees x true",
            "listens 1",
            "sees 1 true address=2",
            "hello",
        ] {
            assert!(Pulse::from_line(line, Time::EPOCH).is_none(), "{line}");
        }
    }
}
