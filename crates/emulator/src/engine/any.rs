//! Which engine a machine has: chosen by name, as far as the host lets it be had.

#[cfg(machine_code)]
use super::traces::module::Sampler;
use super::{Block, Engine, Exit, Limits, Plain, THRESHOLD, Traces};
use crate::bus::Devices;
use crate::cpu::{Hart, Observer};
use crate::memory::Memory;

/// Which engine runs the hart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineKind {
    /// Decodes every instruction anew: slow, and the oracle of the others.
    Plain,
    /// Keeps basic blocks decoded.
    Block,
    /// Compiles what is executed often; where that cannot be had, it is [`Block`](Self::Block).
    #[default]
    Traces,
    /// As [`Traces`](Self::Traces), and takes samples for the tab's module of traces.
    #[cfg(machine_code)]
    Sampled,
}

impl EngineKind {
    /// The engine that a machine made with this kind really has on this host, as it is now. Compiled traces need
    /// a host of a known kind that lets memory become executable.
    #[must_use]
    pub fn available(self) -> Self {
        AnyEngine::new(self, THRESHOLD).kind()
    }
}

impl std::fmt::Display for EngineKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain",
            Self::Block => "block",
            Self::Traces => "traces",
            #[cfg(machine_code)]
            Self::Sampled => "sampled",
        })
    }
}

impl std::str::FromStr for EngineKind {
    type Err = UnknownEngine;

    fn from_str(name: &str) -> Result<Self, UnknownEngine> {
        [Self::Plain, Self::Block, Self::Traces]
            .into_iter()
            .find(|kind| kind.to_string() == name)
            .ok_or_else(|| UnknownEngine(name.to_owned()))
    }
}

/// There is no engine of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no engine `{0}`; there are traces, block and plain")]
pub struct UnknownEngine(pub String);

/// The engine that a machine has.
#[derive(Debug)]
pub(crate) enum AnyEngine {
    Plain(Plain),
    Block(Box<Block>),
    Traces(Box<Traces>),
    #[cfg(machine_code)]
    Sampled(Box<Sampler>),
}

impl AnyEngine {
    pub(crate) fn new(kind: EngineKind, trace_threshold: u8) -> Self {
        match kind {
            EngineKind::Plain => Self::Plain(Plain),
            EngineKind::Block => Self::Block(Box::default()),
            EngineKind::Traces => {
                let traces = Box::new(Traces::with_threshold(trace_threshold));
                if traces.compiles() { Self::Traces(traces) } else { Self::Block(Box::default()) }
            }
            #[cfg(machine_code)]
            EngineKind::Sampled => Self::Sampled(Box::default()),
        }
    }

    /// An engine for a fork of the machine.
    pub(crate) fn fork(&self) -> Self {
        match self {
            Self::Plain(_) => Self::Plain(Plain),
            Self::Block(_) => Self::Block(Box::default()),
            Self::Traces(traces) => Self::Traces(Box::new(traces.fork())),
            #[cfg(machine_code)]
            Self::Sampled(sampler) => Self::Sampled(Box::new(sampler.fork())),
        }
    }

    pub(crate) fn kind(&self) -> EngineKind {
        match self {
            Self::Plain(_) => EngineKind::Plain,
            Self::Block(_) => EngineKind::Block,
            Self::Traces(_) => EngineKind::Traces,
            #[cfg(machine_code)]
            Self::Sampled(_) => EngineKind::Sampled,
        }
    }

    pub(crate) fn forget(&mut self, memory: &mut Memory) {
        match self {
            Self::Plain(engine) => engine.forget(memory),
            Self::Block(engine) => engine.forget(memory),
            Self::Traces(engine) => engine.forget(memory),
            #[cfg(machine_code)]
            Self::Sampled(engine) => engine.forget(memory),
        }
    }

    pub(crate) fn run<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        limits: &Limits<'_>,
        observer: &mut O,
    ) -> Exit {
        match self {
            Self::Plain(engine) => engine.run(hart, memory, devices, limits, observer),
            Self::Block(engine) => engine.run(hart, memory, devices, limits, observer),
            Self::Traces(engine) => engine.run(hart, memory, devices, limits, observer),
            #[cfg(machine_code)]
            Self::Sampled(engine) => engine.run(hart, memory, devices, limits, observer),
        }
    }
}
