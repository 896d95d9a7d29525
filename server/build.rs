//! Finds what the binary carries inside, and says which command makes what is missing.
//!
//! `cargo xtask firmware` leaves it in `target/firmware/`; the variable
//! `ISRLAB_FIRMWARE_DIR` names another folder. Only the paths are handed on, so
//! that a new firmware rebuilds nothing but what embeds it. `cargo xtask web`
//! leaves the page in `web/dist/`; only a release must have it, since other
//! builds read it from there at run time.

use std::path::{Path, PathBuf};

/// Variable for the compiler, and the file whose path it carries.
const FILES: [(&str, &str); 2] =
    [("ISRLAB_FLASH_IMAGE", "lesson-firmware-esp32c3.bin"), ("ISRLAB_FIRMWARE_ELF", "lesson-firmware-esp32c3.elf")];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ISRLAB_FIRMWARE_DIR");
    let dir = std::env::var_os("ISRLAB_FIRMWARE_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/firmware"), PathBuf::from);
    for (variable, name) in FILES {
        let file = std::path::absolute(dir.join(name)).expect("the package's folder has a path");
        println!("cargo::rerun-if-changed={}", file.display());
        if file.is_file() {
            println!("cargo::rustc-env={variable}={}", file.display());
        } else {
            println!(
                "cargo::error=The lesson firmware is missing ({}): run `cargo xtask firmware` first.",
                file.display()
            );
        }
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../web/dist");
    println!("cargo::rerun-if-changed={}", page.display());
    let is_release = std::env::var_os("PROFILE").is_some_and(|profile| profile == "release");
    if is_release && !page.join("style.css").is_file() {
        println!("cargo::error=The page is missing ({}): run `cargo xtask web` first.", page.display());
    }
}
