//! Makes the module of traces that a learner's tab runs: profiles the course on virtual boards and compiles what they run most.
//!
//! `tab-traces LESSONS FIRMWARE MODULE` reads the folder of the lessons and the firmware's flash image, and writes the module. The same
//! files give the same module, whatever the machine does besides: what the profile adds up has no order.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod make;

use std::process::ExitCode;

fn main() -> ExitCode {
    match make() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("tab-traces: {failure}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn make() -> Result<(), make::Failure> {
    make::make()
}

/// What encodes traces is on those hosts only that compile some themselves.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn make() -> Result<(), &'static str> {
    Err("traces are made on Linux, on x86-64 or AArch64")
}
