//! One metric family: its name, help text, kind and labels.

/// What Prometheus calls a metric family: every series of one name.
#[derive(Debug)]
pub struct Family {
    /// The full metric name.
    pub name: &'static str,
    /// The text of the `# HELP` line.
    pub help: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// Label names in the order in which values are given to [`Metrics`](super::Metrics); the
    /// exposition sorts them by name, as the Prometheus Go client does.
    pub labels: &'static [&'static str],
}

/// The kind of a metric family.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Observations counted in buckets with these inclusive upper bounds; `+Inf` is implied.
    Histogram(&'static [f64]),
}

impl Kind {
    /// The word of the `# TYPE` line.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        }
    }
}

impl Family {
    /// Describes a counter.
    pub const fn counter(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Family {
            name,
            help,
            kind: Kind::Counter,
            labels,
        }
    }

    /// Describes a gauge.
    pub const fn gauge(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
    ) -> Self {
        Family {
            name,
            help,
            kind: Kind::Gauge,
            labels,
        }
    }

    /// Describes a histogram.
    pub const fn histogram(
        name: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        bounds: &'static [f64],
    ) -> Self {
        Family {
            name,
            help,
            kind: Kind::Histogram(bounds),
            labels,
        }
    }
}
