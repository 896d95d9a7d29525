//! The oracle: fetches and decodes every instruction, and looks around at every boundary.

use super::{Engine, Exit, Limits, boundary};
use crate::bus::Devices;
use crate::cpu::{Activity, Hart, Observer, execute};
use crate::memory::Memory;

/// Keeps nothing decoded.
#[derive(Clone, Debug, Default)]
pub struct Plain;

impl Engine for Plain {
    fn run<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        limits: &Limits<'_>,
        observer: &mut O,
    ) -> Exit {
        loop {
            let budget = match boundary::cross(hart, memory, devices, limits, observer) {
                Ok(budget) => budget,
                Err(exit) => return exit,
            };
            execute::step(hart, memory, devices, &budget, observer);
            if let Activity::LockedUp(exception) = hart.activity {
                return Exit::Lockup(exception);
            }
        }
    }

    fn forget(&mut self, _memory: &mut Memory) {}
}
