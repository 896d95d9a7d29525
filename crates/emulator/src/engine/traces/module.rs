//! Traces in a WebAssembly module, for the learner's tab, in which no machine code can be made.
//!
//! The firmware of the lessons is fixed, so that what it runs often is known before anybody opens the page. When the page is
//! built, a profile of the lessons chooses paths, and each becomes a function of one module (`docs/browser-traces.md`).
//! The tab offers the module to its machines, which attach its traces as they do with compiled ones.
//!
//! | file | what it does |
//! |---|---|
//! | `profile` | says which paths the program goes, and how often |
//! | `sampler` | the engine that takes the samples |
//! | `emitter`, `body` | the back end: takes the front's words down and encodes them |
//! | `common` | the functions that all traces use |
//! | `write` | puts the module together |
//! | `table` | says beside the module what each trace was compiled from |
//! | `context` | what traces work on, laid out alike where the module is made and where it runs |
//! | `shelf`, `frame` | in the tab: which traces there are, and how they are entered |

#[cfg(machine_code)]
mod body;
#[cfg(machine_code)]
mod common;
mod context;
#[cfg(machine_code)]
mod emitter;
#[cfg(not(machine_code))]
pub(super) mod frame;
#[cfg(machine_code)]
pub mod profile;
#[cfg(machine_code)]
mod sampler;
#[cfg(not(machine_code))]
pub(super) mod shelf;
mod table;
#[cfg(all(machine_code, test))]
mod tests;
#[cfg(machine_code)]
mod write;

#[cfg(machine_code)]
pub(crate) use sampler::Sampler;
#[cfg(not(machine_code))]
pub use shelf::offer;
