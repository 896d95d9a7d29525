//! Turns the mask ROM ELF files that the `espflash` package carries into flat images.
//!
//! The files come from the package as the registry holds it (Espressif publishes them under the
//! Apache License 2.0) and are never copied into this repository. `cargo metadata` names the
//! package's folder; the workspace pins its version.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use object::{Object, ObjectSection, SectionFlags};

/// The revisions, each with its file in the package.
const ROMS: [(&str, &str); 3] =
    [("rev0", "esp32c3_rev0_rom.elf"), ("rev101", "esp32c3_rev101_rom.elf"), ("rev3", "esp32c3_rev300_rom.elf")];
/// Bootloaders by flash mode, for images that are put together here.
const BOOTLOADERS: [(&str, &str); 2] = [("dio", "esp32c3-bootloader.bin"), ("qio", "esp32c3-qio-bootloader.bin")];

/// Mask ROM on the instruction bus, and its view on the data bus (ROM + 0x4_0000).
const ROM_BASE: u64 = 0x4000_0000;
const ROM_SIZE: usize = 0x6_0000;
const ROM_DATA_BASE: u64 = 0x3FF0_0000;
const ROM_DATA_OFFSET: usize = 0x4_0000;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    // Hosts that have traces, and those that compile them, see `engine/traces.rs`.
    println!("cargo::rustc-check-cfg=cfg(traces, machine_code)");
    let target = |what: &str| env::var(format!("CARGO_CFG_TARGET_{what}"));
    if target("OS")? == "linux" && ["x86_64", "aarch64"].contains(&target("ARCH")?.as_str()) {
        println!("cargo::rustc-cfg=traces");
        println!("cargo::rustc-cfg=machine_code");
    } else if target("ARCH")? == "wasm32" {
        // The tab is given some.
        println!("cargo::rustc-cfg=traces");
    }
    let resources = espflash_folder()?.join("resources");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for (name, file) in ROMS {
        let path = resources.join("roms").join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        let image = flat_image(&read(&path)?).map_err(|error| format!("{}: {error}", path.display()))?;
        fs::write(out.join(format!("{name}.rom")), image)?;
    }
    for (name, file) in BOOTLOADERS {
        let bytes = read(&resources.join("bootloaders").join(file))?;
        fs::write(out.join(format!("{name}-bootloader.bin")), bytes)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// Asks cargo where the `espflash` package of this workspace stands.
fn espflash_folder() -> Result<PathBuf, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml");
    // Without the network first: the package was most likely fetched with everything else.
    for network in [&["--offline"][..], &[]] {
        let output = Command::new(&cargo)
            .args(["metadata", "--format-version", "1", "--manifest-path"])
            .arg(&manifest)
            .args(network)
            .output()?;
        if !output.status.success() {
            continue;
        }
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let packages = metadata["packages"].as_array().into_iter().flatten();
        let found = packages
            .filter(|package| package["name"] == "espflash")
            .find_map(|package| Path::new(package["manifest_path"].as_str()?).parent().map(Path::to_owned));
        if let Some(folder) = found {
            return Ok(folder);
        }
    }
    Err("the workspace has no `espflash` package that `cargo metadata` can show; its `resources/` hold the mask ROM"
        .into())
}

/// Lays the ROM out as the chip shows it from `ROM_BASE` on.
///
/// The initial values of the ROM's variables (`.data*`) have no usable load address in the ELF
/// file; the ROM's own unpack table (records of start, end and source) says where it looks for them.
fn flat_image(elf: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    const SHF_ALLOC: u64 = 2;
    let file = object::File::parse(elf)?;
    let mut image = vec![0; ROM_SIZE];
    let mut variables = Vec::new();
    for section in file.sections() {
        let (name, address, bytes) = (section.name()?, section.address(), section.data()?);
        if bytes.is_empty() || address == 0 {
            continue;
        }
        let allocated = matches!(section.flags(), SectionFlags::Elf { sh_flags } if sh_flags & SHF_ALLOC != 0);
        if (ROM_BASE..ROM_BASE + ROM_SIZE as u64).contains(&address) {
            place(&mut image, (address - ROM_BASE) as usize, bytes)?;
        } else if (ROM_DATA_BASE..ROM_DATA_BASE + 0x2_0000).contains(&address) {
            place(&mut image, (address - ROM_DATA_BASE) as usize + ROM_DATA_OFFSET, bytes)?;
        } else if !allocated && name.starts_with(".data") {
            variables.push((address as u32, bytes));
        }
    }
    for (start, bytes) in variables {
        let source = unpack_source(&image, start, start + bytes.len() as u32)
            .ok_or_else(|| format!("the ROM's unpack table has no record for the variables at {start:#x}"))?;
        place(&mut image, source, bytes)?;
    }
    Ok(image)
}

fn place(image: &mut [u8], offset: usize, bytes: &[u8]) -> Result<(), String> {
    let end = offset + bytes.len();
    let room = image.get_mut(offset..end).ok_or_else(|| format!("a section ends at ROM offset {end:#x}"))?;
    room.copy_from_slice(bytes);
    Ok(())
}

/// The ROM offset from which the ROM unpacks the variables at `start..end`.
fn unpack_source(image: &[u8], start: u32, end: u32) -> Option<usize> {
    let words: Vec<u32> =
        image.chunks_exact(4).map(|chunk| u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]])).collect();
    words.windows(3).find_map(|record| {
        let source = u64::from(record[2]).checked_sub(ROM_BASE)? as usize;
        (record[0] == start && record[1] == end && source < ROM_SIZE).then_some(source)
    })
}
