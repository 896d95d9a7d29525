//! Builds the board for the learner's own tab: the module of `crates/tab`, and beside it the flash image and the firmware's
//! symbols.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::board_toolchain::{BoardToolchain, PAGE};
use crate::failure::{Code, Failure, Result, file_access};
use crate::process::{run, step};
use crate::symbols;
use crate::workspace::{Workspace, create_dir, read, write_if_changed};

/// The profile in the workspace's manifest: optimised as a whole, without names.
const PROFILE: &str = "tab";

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
    let symbols = symbols::without_code(&read(&elf)?).ok_or_else(|| {
        let hint = "Build it again: `cargo xtask firmware`.";
        Failure::new(Code::BuildOutput, format!("{} is no firmware with symbols.", elf.display()), hint)
    })?;
    for (content, name) in [(read(&module)?, "tab.wasm"), (read(&flash_image)?, "flash.bin"), (symbols, "symbols.elf")]
    {
        put(&content, &dist.join(name))?;
    }
    Ok(())
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
    fn erased_flash_costs_next_to_nothing_on_the_way() {
        assert!(compressed_bytes(&[0xFF; 1 << 20]).unwrap() < 2000);
        assert!(compressed_bytes(b"").unwrap() > 0);
    }
}
