//! What is counted of one interrupt source. Plain numbers: every level adds to its own fields.

use protocol::board::{LATENCY_BINS, latency_bin, latency_bin_edge_quarters};

/// A latency distribution in the bins of `protocol`.
#[derive(Clone, Copy)]
pub(crate) struct Latencies {
    pub(crate) bins: [u32; LATENCY_BINS],
    count: u32,
    min: u32,
    max: u32,
}

impl Latencies {
    pub(crate) const fn new() -> Self {
        Self { bins: [0; LATENCY_BINS], count: 0, min: u32::MAX, max: 0 }
    }

    /// Adds one latency in microseconds.
    #[esp_hal::ram]
    pub(crate) fn add(&mut self, us: u32) {
        self.bins[latency_bin(us)] += 1;
        self.count += 1;
        self.min = self.min.min(us);
        self.max = self.max.max(us);
    }

    pub(crate) fn min(&self) -> u32 {
        if self.count == 0 { 0 } else { self.min }
    }

    pub(crate) fn max(&self) -> u32 {
        self.max
    }

    /// The upper edge of the bin below which `percent` of all lie, never above the largest.
    pub(crate) fn quantile(&self, percent: u32) -> u32 {
        if self.count == 0 {
            return 0;
        }
        let wanted = (u64::from(self.count) * u64::from(percent)).div_ceil(100);
        let mut seen = 0;
        for (bin, count) in self.bins.iter().enumerate() {
            seen += u64::from(*count);
            if seen >= wanted {
                let edge = if bin + 1 < LATENCY_BINS { latency_bin_edge_quarters(bin + 1) / 4 } else { u32::MAX };
                return edge.clamp(self.min, self.max);
            }
        }
        self.max
    }

    /// The occupied bins and the index of the first of them.
    pub(crate) fn occupied(&self) -> (usize, &[u32]) {
        let Some(first) = self.bins.iter().position(|count| *count > 0) else { return (0, &[]) };
        let last = self.bins.iter().rposition(|count| *count > 0).unwrap_or(first);
        (first, &self.bins[first..=last])
    }
}

/// The counters of one source, named as in `protocol::board::Source`.
#[derive(Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) fired: u32,
    /// Alarms that came while one was pending; the hardware keeps only one.
    pub(crate) merged: u32,
    pub(crate) ran: u32,
    pub(crate) dropped: u32,
    pub(crate) queued: u32,
    pub(crate) disabled: bool,
    /// It had a callback in this run.
    pub(crate) used: bool,
    pub(crate) latencies: Latencies,
}

impl Counters {
    pub(crate) const fn new() -> Self {
        Self {
            fired: 0,
            merged: 0,
            ran: 0,
            dropped: 0,
            queued: 0,
            disabled: false,
            used: false,
            latencies: Latencies::new(),
        }
    }

    /// Back to zero, but what is in the queue still is, and counts as fired.
    pub(crate) fn restart(&mut self) {
        let queued = self.queued;
        *self = Self { queued, fired: queued, ..Self::new() };
    }
}
