//! The functions of the firmware at whose entry the witness looks, by their names in the ELF file.

use std::sync::Arc;

use inspector::symbols::{SymbolError, Symbols};

/// What is about to happen when the instruction at such an address is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry {
    /// `lab.mark`.
    Mark,
    /// A name of `lab.value`, `lab.counter` or `lab.gauge` is looked up.
    ValueSlot,
    /// A number gets a value.
    ValueSet,
    /// A counter gets so much more.
    ValueAdd,
    /// `lab.beat`.
    Beat,
    /// `lab.done`.
    Done,
    /// `machine.Timer` starts.
    TimerStart,
    /// `lab.timer` starts.
    LabTimer,
    /// A timer is stopped.
    TimerStop,
    /// `lab.burst`.
    Burst,
    /// The interrupt routine calls a hard callback.
    Hard,
    /// The interrupt routine queues a soft callback.
    Soft,
    /// A queued callback is about to be called.
    SoftEnter,
    /// The scheduler calls something that was queued.
    Scheduled,
    /// An exception that nobody handled.
    Exception,
    /// Interrupts of lessons go off.
    IrqOff,
    /// Interrupts of lessons come on.
    IrqOn,
    /// `machine.mem8`, `mem16`, `mem32`.
    Memory,
}

const NAMES: [(Entry, &str); 18] = [
    (Entry::Mark, "lab_mark_hook"),
    (Entry::ValueSlot, "fw_value_slot"),
    (Entry::ValueSet, "fw_value_set"),
    (Entry::ValueAdd, "fw_value_add"),
    (Entry::Beat, "fw_beat"),
    (Entry::Done, "fw_done"),
    (Entry::TimerStart, "fw_timer_start"),
    (Entry::LabTimer, "fw_lab_timer_start"),
    (Entry::TimerStop, "fw_timer_stop"),
    (Entry::Burst, "fw_burst"),
    (Entry::Hard, "port_irq_hard"),
    (Entry::Soft, "port_irq_soft"),
    (Entry::SoftEnter, "fw_soft_enter"),
    (Entry::Scheduled, "port_call_scheduled"),
    (Entry::Exception, "fw_report_exception"),
    (Entry::IrqOff, "fw_lesson_irq_disable"),
    (Entry::IrqOn, "fw_lesson_irq_enable"),
    (Entry::Memory, "machine_mem_subscr"),
];

/// Where these functions are in one build of the firmware.
#[derive(Clone, Debug)]
pub(crate) struct Entries {
    at: Vec<(u32, Entry)>,
    pub(super) symbols: Arc<Symbols>,
}

impl Entries {
    /// Finds them.
    ///
    /// # Errors
    /// [`SymbolError::Missing`] names the one that is not there.
    pub(crate) fn find(symbols: &Arc<Symbols>) -> Result<Self, SymbolError> {
        let find = |(entry, name)| symbols.address(name).map(|address| (address, entry));
        let at = NAMES.into_iter().map(find).collect::<Result<_, _>>()?;
        Ok(Self { at, symbols: Arc::clone(symbols) })
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = u32> + '_ {
        self.at.iter().map(|(address, _)| *address)
    }

    pub(super) fn at(&self, address: u32) -> Option<Entry> {
        self.at.iter().find(|(at, _)| *at == address).map(|(_, entry)| *entry)
    }
}
