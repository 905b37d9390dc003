//! Durations as Go prints them, which is how they stand in `CoreDNS`'s log lines.

use std::time::Duration;

/// Writes a duration as Go's `time.Duration.String`: `1h0m0s`, `1m30s`, `1.5s`, `500ms`, `0s`.
pub fn go_duration(duration: Duration) -> String {
    let nanoseconds = duration.as_nanos();
    if nanoseconds == 0 {
        return "0s".into();
    }
    for (unit, name) in [(1_000, "ns"), (1_000_000, "µs"), (1_000_000_000, "ms")] {
        if nanoseconds < unit {
            return format!("{}{name}", decimal(nanoseconds, unit / 1_000));
        }
    }
    let minutes = duration.as_secs() / 60;
    let seconds = decimal(nanoseconds % 60_000_000_000, 1_000_000_000);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// Writes a fraction with only the digits it needs.
fn decimal(value: u128, unit: u128) -> String {
    let (whole, mut fraction) = (value / unit, value % unit);
    if fraction == 0 {
        return whole.to_string();
    }
    let mut digits = unit.ilog10() as usize;
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        digits -= 1;
    }
    format!("{whole}.{fraction:0digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_in_go() {
        for (nanoseconds, text) in [
            (0, "0s"),
            (1, "1ns"),
            (1_100, "1.1µs"),
            (2_200_000, "2.2ms"),
            (500_000_000, "500ms"),
            (1_500_000_000, "1.5s"),
            (30_000_000_000, "30s"),
            (60_000_000_000, "1m0s"),
            (90_000_000_001, "1m30.000000001s"),
            (3_600_000_000_000, "1h0m0s"),
            (90_061_000_000_000, "25h1m1s"),
        ] {
            assert_eq!(go_duration(Duration::from_nanos(nanoseconds)), text);
        }
    }
}
