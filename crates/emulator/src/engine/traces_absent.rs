//! Stands in for compiled traces on hosts for which none can be made: it is the block engine.

use super::{Block, Engine, Exit, Limits};
use crate::bus::Devices;
use crate::cpu::{Hart, Observer};
use crate::memory::Memory;

/// The block engine, under the name of the one that compiles on other hosts.
#[derive(Debug, Default)]
pub struct Traces(Block);

impl Traces {
    /// As on hosts where it matters.
    #[must_use]
    pub fn with_threshold(_threshold: u8) -> Self {
        Self::default()
    }

    /// Never: nothing is compiled here.
    #[must_use]
    pub fn compiles(&self) -> bool {
        false
    }

    /// None.
    #[must_use]
    pub fn attached_traces(&self) -> usize {
        0
    }

    /// An engine for a fork of the machine.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::default()
    }
}

impl Engine for Traces {
    fn run<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        limits: &Limits<'_>,
        observer: &mut O,
    ) -> Exit {
        self.0.run(hart, memory, devices, limits, observer)
    }

    fn forget(&mut self, memory: &mut Memory) {
        self.0.forget(memory);
    }
}
