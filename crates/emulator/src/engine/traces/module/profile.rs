//! Which paths programs go, and how often: what the module's traces are chosen by.
//!
//! Every machine with [`EngineKind::Sampled`](crate::EngineKind::Sampled) adds to the one profile of the process. Samples are taken of
//! the same runs twice: first of the ways that the program goes from each address, which say what paths consist of, and then of
//! the paths themselves.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use super::super::path::{Path, Step, Way, taken};
use super::table::{Run, Source};
use super::write::{Found, module};
use crate::cpu::{Op, Timing};
use crate::memory::Memory;

/// A path ends where fewer than this share of those who began it come to.
const LEAST_SHARE: f64 = 0.5;
/// A jump to an address in a register is foreseen if this share of all go there.
const LEAST_SHARE_OF_JUMPS: f64 = 0.5;

static PROFILE: LazyLock<Mutex<Profile>> = LazyLock::new(Mutex::default);

/// What samples have shown.
#[derive(Debug, Default)]
pub(super) struct Profile {
    /// How often each address followed another.
    ways: HashMap<u32, HashMap<u32, u64>>,
    /// The ways are known, and paths are counted.
    weighing: bool,
    paths: HashMap<Source, Weighed>,
    /// All instructions that were seen while paths were counted.
    instructions: u64,
}

/// A path and the instructions that were executed on it.
#[derive(Debug)]
struct Weighed {
    found: Found,
    instructions: u64,
}

/// A module that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// The module.
    pub module: Vec<u8>,
    /// How many traces it has.
    pub traces: usize,
    /// Which share of the sampled instructions they would have executed.
    pub share: f64,
}

/// From now on samples count paths.
pub fn weigh() {
    profile().weighing = true;
}

/// Makes a module of the paths that are worth their length most, as many as make up `share` of all executed instructions.
#[must_use]
pub fn make(share: f64) -> Made {
    profile().make(share)
}

pub(super) fn profile() -> MutexGuard<'static, Profile> {
    PROFILE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Profile {
    /// Takes a sample in: the addresses of instructions that were executed one after the other.
    pub(super) fn take(&mut self, memory: &Memory, sample: &[u32]) {
        if self.weighing {
            self.weigh(memory, sample);
        } else {
            for pair in sample.windows(2) {
                *self.ways.entry(pair[0]).or_default().entry(pair[1]).or_default() += 1;
            }
        }
    }

    /// Counts the paths that traces would have gone.
    fn weigh(&mut self, memory: &Memory, sample: &[u32]) {
        self.instructions += sample.len() as u64;
        let mut paths: HashMap<u32, (Path, u64)> = HashMap::new();
        let mut rest = sample;
        while let Some(&pc) = rest.first() {
            let (path, instructions) = paths.entry(pc).or_insert_with(|| (self.discover(memory, pc), 0));
            let gone = path.steps.iter().zip(rest).take_while(|(step, pc)| step.pc == **pc).count();
            *instructions += gone as u64;
            // What begins no path is executed by itself.
            rest = &rest[gone.max(1)..];
        }
        for (path, instructions) in paths.into_values().filter(|(_, instructions)| *instructions > 0) {
            let Some(source) = Source::of(runs(&path), memory) else { continue };
            let found = || Weighed { found: Found { path, source: source.clone() }, instructions: 0 };
            self.paths.entry(source.clone()).or_insert_with(found).instructions += instructions;
        }
    }

    /// The path that most go from `start`.
    fn discover(&self, memory: &Memory, start: u32) -> Path {
        let mut share = 1.0;
        Path::discover_by(memory, start, &[], Timing::Silicon, &mut |step, by_form| {
            let Some((next, part)) = self.likely(step, by_form) else { return Way::of(by_form) };
            share *= part;
            if share < LEAST_SHARE { Way::Ends(next) } else { Way::GoesOn(next) }
        })
    }

    /// Where most go from a step that may lead to several addresses, and which part of all they are; `by_form` is what the form
    /// of the instruction lets foresee. `None` if nothing better is known.
    fn likely(&self, step: &Step, by_form: Option<u32>) -> Option<(u32, f64)> {
        let ways = self.ways.get(&step.pc)?;
        let all: u64 = ways.values().sum();
        let (&next, &count) = ways.iter().max_by_key(|&(&next, &count)| (count, next))?;
        let part = count as f64 / all as f64;
        match step.op {
            // Far calls link by the register that they jump by. Paths that went on behind them made the module a sixth larger
            // and nothing faster.
            Op::Jalr { rd, rs1, .. } if by_form.is_none() => {
                (rd != rs1 && part >= LEAST_SHARE_OF_JUMPS).then_some((next, part))
            }
            // After an interrupt it is another address.
            op => taken(op, step.pc).filter(|&taken| next == taken || next == step.link).map(|_| (next, part)),
        }
    }

    fn make(&self, share: f64) -> Made {
        let mut paths: Vec<&Weighed> = self.paths.values().collect();
        paths.sort_by_key(|weighed| {
            let source = &weighed.found.source;
            let worth = weighed.instructions / weighed.found.path.steps.len() as u64;
            (Reverse(worth), source.pc(), source.digest)
        });
        let mut executed = 0;
        let mut chosen = Vec::new();
        for weighed in paths {
            if executed as f64 >= share * self.instructions as f64 {
                break;
            }
            executed += weighed.instructions;
            chosen.push(&weighed.found);
        }
        let share = executed as f64 / self.instructions.max(1) as f64;
        Made { module: module(&chosen), traces: chosen.len(), share }
    }
}

/// The code that a path consists of.
fn runs(path: &Path) -> Box<[Run]> {
    let mut runs: Vec<Run> = Vec::new();
    for step in &path.steps {
        let halfwords = step.link.wrapping_sub(step.pc) / 2;
        match runs.last_mut() {
            Some(run) if run.pc.wrapping_add(2 * run.halfwords) == step.pc => run.halfwords += halfwords,
            _ => runs.push(Run { pc: step.pc, halfwords }),
        }
    }
    runs.into()
}
