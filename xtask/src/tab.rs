//! Builds the board for the learner's own tab: the module of `crates/tab` with the module of traces in it, and beside it the flash
//! image and the firmware's symbols.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::board_toolchain::{BoardToolchain, PAGE};
use crate::checks::cargo;
use crate::failure::{Code, Failure, Result, file_access};
use crate::process::{run, step};
use crate::workspace::{Workspace, create_dir, read, write_if_changed};
use crate::{symbols, web};

/// The profile in the workspace's manifest: optimised as a whole, without names.
const PROFILE: &str = "tab";
/// The custom section that holds the module of traces, see `web/js/tab-module.js`.
const TRACES_SECTION: &str = "traces";

/// Builds the module into `web/dist/tab` and puts the firmware's flash image and symbols there.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    let target_dir = workspace.cache().join("wasm32");
    step("Building the board for the learner's tab", || {
        let toolchain = BoardToolchain::find_for(&PAGE)?;
        run(toolchain.cargo_for(&PAGE, "build", workspace.root(), &target_dir).args([
            "--package",
            "tab",
            "--lib",
            "--profile",
            PROFILE,
        ]))
    })?;
    let dist = workspace.root().join("web/dist/tab");
    create_dir(&dist)?;
    let module = target_dir.join("wasm32-unknown-unknown").join(PROFILE).join("tab.wasm");
    let flash_image = workspace.firmware().join("lesson-firmware-esp32c3.bin");
    let elf = flash_image.with_extension("elf");
    let module = with_section(read(&module)?, TRACES_SECTION, &traces(workspace, &flash_image)?);
    let symbols = symbols::without_code(&read(&elf)?).ok_or_else(|| {
        let hint = "Build it again: `cargo xtask firmware`.";
        Failure::new(Code::BuildOutput, format!("{} is no firmware with symbols.", elf.display()), hint)
    })?;
    for (content, name) in [(module, "tab.wasm"), (read(&flash_image)?, "flash.bin"), (symbols, "symbols.elf")] {
        put(&content, &dist.join(name))?;
    }
    Ok(())
}

/// The module of traces for this firmware: made anew if the lessons, the firmware or what makes it has changed. Where the host
/// compiles no traces itself it has none, and the tab interprets.
fn traces(workspace: &Workspace, flash_image: &Path) -> Result<Vec<u8>> {
    if !cfg!(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))) {
        println!("Traces for the learner's tab are made on Linux only; without them it is slower.");
        return Ok(Vec::new());
    }
    let lessons = workspace.root().join("lessons");
    let maker = workspace.cargo_target().join("debug/tab-traces");
    step("Building what makes the tab's traces", || {
        run(cargo(workspace, "build").args(["--locked", "--package", "tab-traces"]))
    })?;
    let mut inputs = Sha256::new();
    inputs.update(web::checksum(&lessons)?);
    inputs.update(Sha256::digest(read(flash_image)?));
    inputs.update(Sha256::digest(read(&maker)?));
    let inputs = inputs.finalize();
    let (traces, mark) = (workspace.cache().join("web/traces.wasm"), workspace.cache().join("web/traces-made"));
    if !traces.is_file() || !std::fs::read(&mark).is_ok_and(|made| made == inputs[..]) {
        step("Making traces of the course for the tab", || {
            run(Command::new(&maker).args([&lessons, flash_image, &traces]))
        })?;
        write_if_changed(&mark, &inputs)?;
    }
    read(&traces)
}

/// The module with one more custom section; without content, as it is.
fn with_section(mut module: Vec<u8>, name: &str, content: &[u8]) -> Vec<u8> {
    const CUSTOM: u8 = 0;
    if !content.is_empty() {
        let name_length = unsigned(name.len());
        module.push(CUSTOM);
        module.extend(unsigned(name_length.len() + name.len() + content.len()));
        module.extend(name_length);
        module.extend(name.as_bytes());
        module.extend(content);
    }
    module
}

/// A number as WebAssembly writes it: seven bits a byte, the lowest first (LEB128).
fn unsigned(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}

/// Writes what a browser fetches, and prints how much of it goes over the network if it has changed.
fn put(content: &[u8], to: &Path) -> Result<()> {
    if write_if_changed(to, content)? {
        let compressed = compressed_bytes(content).map_err(|error| file_access(to, &error))?;
        println!("{}: {} bytes, {compressed} compressed", to.display(), content.len());
    }
    Ok(())
}

/// The size as the server sends it.
fn compressed_bytes(content: &[u8]) -> std::io::Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_stands_behind_all_others_with_its_length() {
        let plain = b"\0asm\x01\0\0\0".to_vec();
        assert_eq!(with_section(plain.clone(), "traces", &[]), plain);
        let with = with_section(plain.clone(), "traces", &[7; 200]);
        assert_eq!(with[..8], plain);
        assert_eq!(with[8..18], *b"\0\xCF\x01\x06traces");
        assert_eq!(with[18..], [7; 200]);
    }

    #[test]
    fn erased_flash_costs_next_to_nothing_on_the_way() {
        assert!(compressed_bytes(&[0xFF; 1 << 20]).unwrap() < 2000);
        assert!(compressed_bytes(b"").unwrap() > 0);
    }
}
