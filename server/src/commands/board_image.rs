//! The option that gives the virtual board other firmware than the lessons' own, for the commands that run lessons.

use std::path::PathBuf;

use clap::Args;
use emulator::flash::FLASH_SIZE;
use ports::folder;
use workbench::emulated::Emulation;
use workbench::foreign::ForeignBoard;

use super::out::failure;

/// The option itself.
#[derive(Clone, Debug, Args)]
pub(super) struct ImageOption {
    /// The virtual board with this firmware in the place of the lessons' own: an image of official MicroPython for the ESP32-C3.
    #[arg(long, value_name = "FILE", conflicts_with = "board")]
    image: Option<PathBuf>,
}

impl ImageOption {
    /// A booted board with the firmware that was asked for; `None`: none was.
    pub(super) fn booted(&self, emulation: Emulation) -> anyhow::Result<Option<ForeignBoard>> {
        let Some(file) = &self.image else { return Ok(None) };
        let name = file.display();
        let cannot = |en: &str, ja: &str| {
            failure(format!("the image {name} cannot be read: {en}"), format!("イメージ {name} を読み取れません: {ja}"))
        };
        let bytes = folder::read_at_most(file, FLASH_SIZE)
            .map_err(|error| cannot(&error.to_string(), &error.to_string()))?
            .ok_or_else(|| {
                cannot("it is larger than the board's flash, 4 MB", "ボードのフラッシュ 4 MB より大きいファイルです。")
            })?;
        Ok(Some(ForeignBoard::boot(bytes, emulation)?))
    }
}
