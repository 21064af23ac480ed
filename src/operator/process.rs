//! What this process uses, under the names that Prometheus' own client libraries give it.

use prometheus_client::collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Read when asked for; nothing where the system does not tell.
#[derive(Debug)]
pub(super) struct Collector;

impl collector::Collector for Collector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(usage) = usage() else { return Ok(()) };
        let resident = ConstGauge::new(i64::try_from(usage.resident).unwrap_or(i64::MAX));
        let metric = encoder.encode_descriptor(
            "process_resident_memory_bytes",
            "Resident memory",
            None,
            prometheus_client::metrics::MetricType::Gauge,
        )?;
        resident.encode(metric)?;
        let cpu = ConstCounter::new(usage.cpu);
        let metric = encoder.encode_descriptor(
            "process_cpu_seconds",
            "CPU time, user and system",
            None,
            prometheus_client::metrics::MetricType::Counter,
        )?;
        cpu.encode(metric)
    }
}

/// What this process has used so far.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Usage {
    /// Bytes
    resident: u64,
    /// Seconds
    cpu: f64,
}

/// Source: proc_pid_stat(5). Fields 14, 15 and 24 are user time, system time and resident pages.
#[cfg(target_os = "linux")]
fn usage() -> Option<Usage> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let page = rustix::param::page_size();
    let ticks = rustix::param::clock_ticks_per_second();
    parse(&stat, page as u64, ticks as f64)
}

#[cfg(not(target_os = "linux"))]
fn usage() -> Option<Usage> {
    None
}

#[cfg(any(target_os = "linux", test))]
fn parse(stat: &str, page: u64, ticks: f64) -> Option<Usage> {
    // The second field is the program's name in brackets, and may hold spaces and brackets.
    let after = &stat[stat.rfind(')')? + 1..];
    let field = |number: usize| {
        after
            .split_whitespace()
            .nth(number - 3)?
            .parse::<u64>()
            .ok()
    };
    Some(Usage {
        resident: field(24)? * page,
        cpu: (field(14)? + field(15)?) as f64 / ticks,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_line_is_read_behind_a_hostile_name() {
        let stat =
            "12 (a) b ()) S 1 1 1 0 -1 4194304 5 0 0 0 250 50 0 0 20 0 3 0 99 1000000 1024 1 2";
        let usage = parse(stat, 4096, 100.0).unwrap();
        assert_eq!(
            usage,
            Usage {
                resident: 4096 * 1024,
                cpu: 3.0
            }
        );
        assert_eq!(parse("", 4096, 100.0), None);
        assert_eq!(parse("1 (a) S 1", 4096, 100.0), None);
    }
}
