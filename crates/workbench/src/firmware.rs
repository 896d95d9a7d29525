//! The lesson firmware as the workbench needs it: what is in flash, its symbols, and the name of its build.
//!
//! Where the bytes come from is the host's affair: the server carries them in its binary, a page fetches them.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use explorer::window::{Firmware, Refusal};
use sha2::{Digest as _, Sha256};

/// A build of the lesson firmware. Cheap to clone.
#[derive(Clone)]
pub struct LessonFirmware {
    shared: Arc<Shared>,
}

struct Shared {
    flash_image: Cow<'static, [u8]>,
    elf: Cow<'static, [u8]>,
    symbols: OnceLock<Firmware>,
}

impl LessonFirmware {
    /// A build: the whole flash of a board that has it (bootloader, partition table, application), and its ELF file.
    #[must_use]
    pub fn new(flash_image: impl Into<Cow<'static, [u8]>>, elf: impl Into<Cow<'static, [u8]>>) -> Self {
        let shared = Shared { flash_image: flash_image.into(), elf: elf.into(), symbols: OnceLock::new() };
        Self { shared: Arc::new(shared) }
    }

    /// The contents of flash.
    #[must_use]
    pub fn flash_image(&self) -> &[u8] {
        &self.shared.flash_image
    }

    /// The build's name in replay words: the beginning of the SHA-256 of what is in flash.
    #[must_use]
    pub fn hash(&self) -> String {
        short_hash(self.flash_image())
    }

    /// Hands in the ELF file of a build that was made without it; what cannot be read changes nothing.
    pub fn learn(&self, elf: &[u8]) {
        if self.shared.symbols.get().is_none()
            && let Ok(symbols) = Firmware::parse(elf)
        {
            self.shared.symbols.get_or_init(|| symbols);
        }
    }

    /// The symbols, read once.
    pub(crate) fn symbols(&self) -> Result<Firmware, Refusal> {
        if let Some(symbols) = self.shared.symbols.get() {
            return Ok(symbols.clone());
        }
        let symbols = Firmware::parse(&self.shared.elf)?;
        Ok(self.shared.symbols.get_or_init(|| symbols).clone())
    }
}

impl std::fmt::Debug for LessonFirmware {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LessonFirmware").field(&self.hash()).finish()
    }
}

/// The first eight digits of a SHA-256.
pub(crate) fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
