//! The lesson firmware on the virtual board, through its serial line: what callbacks do, what the
//! board tells, and what it answers while Python does not.
mod conformance;
mod console;
mod soak;
mod telemetry;
