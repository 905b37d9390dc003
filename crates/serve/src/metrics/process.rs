//! What the kernel says about this process, under the names every Prometheus client uses.

use std::fs;
use std::time::Duration;

use super::families;
use super::text::Samples;

/// Reads `/proc/self`; what cannot be read is left out.
pub(super) fn gather(samples: &mut Samples) {
    if let Ok(stat) = fs::read_to_string("/proc/self/stat") {
        from_stat(samples, &stat);
    }
    if let Ok(status) = fs::read_to_string("/proc/self/status") {
        for (field, family) in [
            ("VmSize:", &families::PROCESS_VIRTUAL_MEMORY),
            ("VmRSS:", &families::PROCESS_RESIDENT_MEMORY),
        ] {
            if let Some(kibibytes) = number_after(&status, field) {
                samples.gauge(family, &[], kibibytes * 1024.0);
            }
        }
    }
    if let Ok(limits) = fs::read_to_string("/proc/self/limits") {
        for (field, family) in [
            ("Max open files", &families::PROCESS_MAX_FDS),
            ("Max address space", &families::PROCESS_VIRTUAL_MEMORY_MAX),
        ] {
            // The Go client reports "unlimited" as the largest integer.
            let limit = number_after(&limits, field).unwrap_or(UNLIMITED);
            samples.gauge(family, &[], limit);
        }
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        // The directory itself is open while it is read.
        let open = u32::try_from(entries.count().saturating_sub(1)).unwrap_or(u32::MAX);
        samples.gauge(&families::PROCESS_OPEN_FDS, &[], f64::from(open));
    }
}

/// Takes CPU time and start time from `/proc/self/stat` (proc(5)). The command name, field 2, may
/// hold blanks and parentheses, so fields are counted from the last `)`.
fn from_stat(samples: &mut Samples, stat: &str) {
    let Some((_, rest)) = stat.rsplit_once(')') else {
        return;
    };
    let field =
        |number: usize| -> Option<f64> { rest.split_whitespace().nth(number - 3)?.parse().ok() };
    if let (Some(user), Some(system)) = (field(14), field(15)) {
        samples.gauge(
            &families::PROCESS_CPU,
            &[],
            (user + system) / TICKS_PER_SECOND,
        );
    }
    if let (Some(start), Some(boot)) = (field(22), boot_time()) {
        let seconds = boot.as_secs_f64() + start / TICKS_PER_SECOND;
        samples.gauge(&families::PROCESS_START_TIME, &[], seconds);
    }
}

fn boot_time() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let seconds = stat.lines().find_map(|line| line.strip_prefix("btime "))?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// The first number on the line that starts with a field's name.
fn number_after(text: &str, field: &str) -> Option<f64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(field))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// `USER_HZ`: the unit of times in `/proc`, 100 on every architecture Rust's Linux targets run on.
const TICKS_PER_SECOND: f64 = 100.0;

#[expect(clippy::cast_precision_loss, reason = "Go converts the same number")]
const UNLIMITED: f64 = u64::MAX as f64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_process_family_is_reported_with_a_plausible_value() {
        let mut samples = Samples::default();
        gather(&mut samples);
        let text = samples.encode();
        let value = |name: &str| number_after(&text, &format!("{name} ")).unwrap();
        assert!(value("process_resident_memory_bytes") > 100_000.0, "{text}");
        assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_start_time_seconds") > 1.6e9);
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!(value("process_virtual_memory_max_bytes") > 0.0);
    }
}
