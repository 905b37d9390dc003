//! The Prometheus text format 0.0.4, written byte for byte as the Prometheus Go client writes it:
//! families by name, labels by name with `le` last, numbers as Go's `%g` prints them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::family::{Family, Kind};

/// The `Content-Type` of a scrape's answer.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The values of one scrape, gathered from everywhere; equal label sets are added up.
#[derive(Debug, Default)]
pub(super) struct Samples {
    families: BTreeMap<&'static str, FamilySamples>,
}

#[derive(Debug)]
struct FamilySamples {
    family: &'static Family,
    /// Keyed by the label values in the order of the label names' alphabet.
    series: BTreeMap<Vec<String>, Value>,
}

#[derive(Debug)]
enum Value {
    Counter(u64),
    Gauge(f64),
    Histogram(Distribution),
}

/// A histogram's counts per bucket (not cumulative, the unbounded bucket last) and their sum.
#[derive(Debug, Clone, Default)]
pub(super) struct Distribution {
    pub(super) buckets: Vec<u64>,
    pub(super) sum: f64,
}

impl Samples {
    /// Adds to a counter, or makes it known with a value of zero.
    pub(super) fn counter(&mut self, family: &'static Family, labels: &[&str], value: u64) {
        match self.series(family, labels, || Value::Counter(0)) {
            Value::Counter(total) => *total = total.wrapping_add(value),
            Value::Gauge(_) | Value::Histogram(_) => debug_assert!(false, "{}", family.name),
        }
    }

    /// Adds to a gauge or a counter of fractions, or makes it known with a value of zero.
    pub(super) fn gauge(&mut self, family: &'static Family, labels: &[&str], value: f64) {
        match self.series(family, labels, || Value::Gauge(0.0)) {
            Value::Gauge(total) => *total += value,
            Value::Counter(_) | Value::Histogram(_) => debug_assert!(false, "{}", family.name),
        }
    }

    /// Adds the counts of a histogram.
    pub(super) fn histogram(
        &mut self,
        family: &'static Family,
        labels: &[&str],
        add: &Distribution,
    ) {
        match self.series(family, labels, || Value::Histogram(Distribution::default())) {
            Value::Histogram(total) => total.add(add),
            Value::Counter(_) | Value::Gauge(_) => debug_assert!(false, "{}", family.name),
        }
    }

    fn series(
        &mut self,
        family: &'static Family,
        labels: &[&str],
        start: impl FnOnce() -> Value,
    ) -> &mut Value {
        debug_assert_eq!(
            labels.len(),
            family.labels.len(),
            "labels of {}",
            family.name
        );
        let key = alphabetical(family)
            .map(|place| labels[place].to_owned())
            .collect();
        self.families
            .entry(family.name)
            .or_insert_with(|| FamilySamples {
                family,
                series: BTreeMap::new(),
            })
            .series
            .entry(key)
            .or_insert_with(start)
    }

    /// Writes everything as text.
    pub(super) fn encode(&self) -> String {
        let mut text = String::with_capacity(16 * 1024);
        for FamilySamples { family, series } in self.families.values() {
            text.push_str("# HELP ");
            text.push_str(family.name);
            text.push(' ');
            escape(&mut text, family.help, false);
            let _ = writeln!(text, "\n# TYPE {} {}", family.name, family.kind.name());
            let names: Vec<&str> = alphabetical(family)
                .map(|place| family.labels[place])
                .collect();
            for (values, value) in series {
                let labels = Labels {
                    names: &names,
                    values,
                };
                match value {
                    #[expect(
                        clippy::cast_precision_loss,
                        reason = "the format's numbers are floats"
                    )]
                    Value::Counter(count) => {
                        line(&mut text, family.name, "", &labels, None, *count as f64);
                    }
                    Value::Gauge(value) => line(&mut text, family.name, "", &labels, None, *value),
                    Value::Histogram(counts) => counts.encode(&mut text, family, &labels),
                }
            }
        }
        text
    }
}

impl Distribution {
    fn add(&mut self, other: &Distribution) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (total, count) in self.buckets.iter_mut().zip(&other.buckets) {
            *total += count;
        }
        self.sum += other.sum;
    }

    pub(super) fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the format's numbers are floats"
    )]
    fn encode(&self, text: &mut String, family: &Family, labels: &Labels<'_>) {
        let Kind::Histogram(bounds) = family.kind else {
            return;
        };
        let mut cumulative = 0;
        for (bound, count) in bounds.iter().chain([&f64::INFINITY]).zip(&self.buckets) {
            cumulative += count;
            line(
                text,
                family.name,
                "_bucket",
                labels,
                Some(*bound),
                cumulative as f64,
            );
        }
        line(text, family.name, "_sum", labels, None, self.sum);
        line(text, family.name, "_count", labels, None, cumulative as f64);
    }
}

struct Labels<'a> {
    names: &'a [&'a str],
    values: &'a [String],
}

fn line(
    text: &mut String,
    name: &str,
    suffix: &str,
    labels: &Labels<'_>,
    bound: Option<f64>,
    value: f64,
) {
    text.push_str(name);
    text.push_str(suffix);
    let mut separator = '{';
    for (label, value) in labels.names.iter().zip(labels.values) {
        text.push(separator);
        text.push_str(label);
        text.push_str("=\"");
        escape(text, value, true);
        text.push('"');
        separator = ',';
    }
    if let Some(bound) = bound {
        text.push(separator);
        text.push_str("le=\"");
        number(text, bound);
        text.push('"');
        separator = ',';
    }
    if separator == ',' {
        text.push('}');
    }
    text.push(' ');
    number(text, value);
    text.push('\n');
}

/// The places of a family's labels in the order of their names.
fn alphabetical(family: &'static Family) -> impl Iterator<Item = usize> {
    let mut places: Vec<usize> = (0..family.labels.len()).collect();
    places.sort_by_key(|place| family.labels[*place]);
    places.into_iter()
}

fn escape(text: &mut String, value: &str, quotes: bool) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quotes => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

/// Writes a number as Go's `strconv.FormatFloat(value, 'g', -1, 64)` does: the shortest digits
/// that read back as the same number, with an exponent below 1e-4 and from 1e+06 on, which is why
/// a large counter reads `1.234567e+06` in every exposition of a Go program.
fn number(text: &mut String, value: f64) {
    if value.is_nan() {
        text.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        return;
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .expect("`{:e}` writes an exponent");
    let exponent: i32 = exponent.parse().expect("`{:e}` writes a decimal exponent");
    if (-4..6).contains(&exponent) {
        let _ = write!(text, "{value}");
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(text, "{digits}e{sign}{:02}", exponent.abs());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static REQUESTS: Family = Family::counter("b_total", "Two\nlines.", &["zone", "name"]);
    static TIMES: Family = Family::histogram("a_seconds", "Times.", &["to"], &[0.5, 1.0]);
    static LEVEL: Family = Family::gauge("c", "A \"level\".", &[]);

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        let expected = [
            (0.0, "0"),
            (1.0, "1"),
            (-1.0, "-1"),
            (999_999.0, "999999"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (0.00025, "0.00025"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (16e3, "16000"),
            (1_763_691_234.5, "1.7636912345e+09"),
            (1.844_674_407_370_955_2e19, "1.8446744073709552e+19"),
            (12345.678, "12345.678"),
            (2.1e21, "2.1e+21"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, text) in expected {
            let mut written = String::new();
            number(&mut written, value);
            assert_eq!(written, text);
        }
    }

    #[test]
    fn families_labels_and_series_are_sorted_and_equal_label_sets_added_up() {
        let mut samples = Samples::default();
        samples.gauge(&LEVEL, &[], 1.5);
        samples.counter(&REQUESTS, &[".", "z"], 1);
        samples.counter(&REQUESTS, &["example.org.", "a\"\\\n"], 2);
        samples.counter(&REQUESTS, &[".", "z"], 3);
        let times = Distribution {
            buckets: vec![1, 0, 2],
            sum: 7.25,
        };
        samples.histogram(&TIMES, &["192.0.2.1:53"], &times);
        samples.histogram(&TIMES, &["192.0.2.1:53"], &times);
        let expected = r#"# HELP a_seconds Times.
# TYPE a_seconds histogram
a_seconds_bucket{to="192.0.2.1:53",le="0.5"} 2
a_seconds_bucket{to="192.0.2.1:53",le="1"} 2
a_seconds_bucket{to="192.0.2.1:53",le="+Inf"} 6
a_seconds_sum{to="192.0.2.1:53"} 14.5
a_seconds_count{to="192.0.2.1:53"} 6
# HELP b_total Two\nlines.
# TYPE b_total counter
b_total{name="a\"\\\n",zone="example.org."} 2
b_total{name="z",zone="."} 4
# HELP c A "level".
# TYPE c gauge
c 1.5
"#;
        assert_eq!(samples.encode(), expected);
    }
}
