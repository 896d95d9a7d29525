//! The engine that takes the samples: compiled traces, and now and then a stretch step by step.

use super::profile::profile;
use crate::bus::{Devices, Tick};
use crate::cpu::observe::{Access, Step, TrapRecord};
use crate::cpu::{Hart, Observer};
use crate::engine::{Engine, Exit, Limits, Traces};
use crate::memory::Memory;

/// Of so many instructions, the first so many are sampled. Neither is a multiple of anything that a program does.
const PERIOD: u64 = 720_012;
const SAMPLE: u64 = 10_007;

/// Runs as compiled traces do, and adds to the profile.
#[derive(Debug, Default)]
pub(crate) struct Sampler(Traces);

impl Sampler {
    /// An engine for a fork of the machine.
    pub(crate) fn fork(&self) -> Self {
        Self(self.0.fork())
    }
}

impl Engine for Sampler {
    fn run<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        limits: &Limits<'_>,
        observer: &mut O,
    ) -> Exit {
        loop {
            let phase = hart.instructions % PERIOD;
            let ends = hart.instructions - phase + if phase < SAMPLE { SAMPLE } else { PERIOD };
            let part = Limits { instructions: limits.instructions.min(ends), ..*limits };
            let exit = if phase < SAMPLE {
                let mut sample = Sample { addresses: Vec::with_capacity(SAMPLE as usize), observer: &mut *observer };
                let exit = self.0.run(hart, memory, devices, &part, &mut sample);
                profile().take(memory, &sample.addresses);
                exit
            } else {
                self.0.run(hart, memory, devices, &part, observer)
            };
            if exit != Exit::Instructions || hart.instructions >= limits.instructions {
                return exit;
            }
        }
    }

    fn forget(&mut self, memory: &mut Memory) {
        self.0.forget(memory);
    }
}

/// Writes addresses down, and lets the run's own observer hear everything.
struct Sample<'a, O> {
    addresses: Vec<u32>,
    observer: &'a mut O,
}

impl<O: Observer> Observer for Sample<'_, O> {
    const STEPS: bool = true;

    fn trap(&mut self, record: &TrapRecord) {
        self.observer.trap(record);
    }

    fn mret(&mut self, instructions: u64, now: Tick, from: u32, to: u32) {
        self.observer.mret(instructions, now, from, to);
    }

    fn step(&mut self, step: &Step) {
        self.addresses.push(step.pc);
        if O::STEPS {
            self.observer.step(step);
        }
    }

    fn access(&mut self, access: &Access) {
        if O::STEPS {
            self.observer.access(access);
        }
    }
}
