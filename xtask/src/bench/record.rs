//! The raw figures, and what is computed from several of them.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::Turn;
use super::subject::Subject;

/// What was being measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Hit,
    HitDnsperf,
    Miss,
    /// At a rate in queries per second.
    Latency(u64),
    Memory,
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hit => formatter.pad("hit"),
            Self::HitDnsperf => formatter.pad("hit-dnsperf"),
            Self::Miss => formatter.pad("miss"),
            Self::Latency(rate) => write!(formatter, "latency-{rate}"),
            Self::Memory => formatter.pad("memory"),
        }
    }
}

/// One figure.
struct Record {
    phase: Phase,
    turn: Turn,
    subject: &'static str,
    measure: String,
    value: f64,
}

/// All figures of a run.
#[derive(Default)]
pub(crate) struct Records(Vec<Record>);

impl Records {
    /// Keeps one figure.
    pub(crate) fn add(
        &mut self,
        subject: &Subject,
        turn: Turn,
        phase: Phase,
        measure: &str,
        value: f64,
    ) {
        let measure = measure.to_owned();
        self.0.push(Record {
            phase,
            turn,
            subject: subject.name(),
            measure,
            value,
        });
    }

    /// One line per figure.
    pub(crate) fn to_csv(&self) -> String {
        let mut text = String::from("phase,round,position,subject,measure,value\n");
        for Record {
            phase,
            turn: Turn { round, position },
            subject,
            measure,
            value,
        } in &self.0
        {
            writeln!(
                text,
                "{phase},{round},{position},{subject},{measure},{value}"
            )
            .expect("writing to a string succeeds");
        }
        text
    }

    /// The values of one figure by round.
    fn by_round(&self, phase: Phase, subject: &str, measure: &str) -> BTreeMap<usize, f64> {
        self.0
            .iter()
            .filter(|record| {
                record.phase == phase && record.subject == subject && record.measure == measure
            })
            .map(|record| (record.turn.round, record.value))
            .collect()
    }

    /// The values of one figure over all rounds.
    pub(crate) fn spread(&self, phase: Phase, subject: &str, measure: &str) -> Option<Spread> {
        Spread::of(self.by_round(phase, subject, measure).into_values())
    }

    /// One subject's figure as a multiple of another's, taken round by round.
    pub(crate) fn ratio(
        &self,
        phase: Phase,
        measure: &str,
        subject: &str,
        to: &str,
    ) -> Option<Spread> {
        let base = self.by_round(phase, to, measure);
        let values = self.by_round(phase, subject, measure);
        Spread::of(
            values
                .iter()
                .filter_map(|(round, value)| Some(value / base.get(round)?)),
        )
    }

    /// The rates at which latencies were measured, ascending.
    pub(crate) fn latency_rates(&self) -> Vec<u64> {
        let mut rates: Vec<_> = self
            .0
            .iter()
            .filter_map(|record| {
                if let Phase::Latency(rate) = record.phase {
                    Some(rate)
                } else {
                    None
                }
            })
            .collect();
        rates.sort_unstable();
        rates.dedup();
        rates
    }
}

/// Several values of one figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self {
            median,
            least,
            most,
        })
    }

    /// The same in another unit.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        let Self {
            median,
            least,
            most,
        } = self;
        Self {
            median: median * factor,
            least: least * factor,
            most: most * factor,
        }
    }

    /// From least to most, as a share of the median.
    pub(crate) fn width(self) -> f64 {
        (self.most - self.least) / self.median
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = Spread::of([4.0, 1.0, 2.0, 3.0].into_iter()).unwrap();
        assert_eq!(
            spread,
            Spread {
                median: 2.5,
                least: 1.0,
                most: 4.0
            }
        );
        assert_eq!(Spread::of(std::iter::empty()), None);
    }
}
