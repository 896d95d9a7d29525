//! One learner's bench: the session with a board over its line, runs and their records, what is judged
//! and explored, and what the page is told of all that.
//!
//! Nothing here does I/O, starts a thread or reads a clock: time is handed in, bytes are handed in and
//! out. So the same code runs on the server, on the command line and in a learner's browser.

pub mod asked;
pub mod begun;
pub mod check;
pub mod clock;
pub mod console_out;
pub mod description;
pub mod desk;
mod driven;
pub mod emulated;
pub mod engine;
pub mod explore;
pub mod firmware;
pub mod flashing;
pub mod foreign;
pub mod hands;
pub mod headless;
mod interrupted;
pub mod judge;
pub mod line;
pub mod mistake;
mod pace;
pub mod paced;
pub mod pins;
pub mod progress;
mod raw_prompt;
pub mod record;
pub mod reported;
pub mod session;
pub mod state;
pub mod stretch;
pub mod validate;
pub mod version;
pub mod witness;

/// The lesson firmware, booted once for all tests.
#[cfg(test)]
pub(crate) fn test_board() -> emulated::BootedBoard {
    use firmware_tests::firmware_file;
    static BOOTED: std::sync::OnceLock<emulated::BootedBoard> = std::sync::OnceLock::new();
    let boot = || {
        let [flash_image, elf] =
            ["bin", "elf"].map(|ending| firmware_file(&format!("lesson-firmware-esp32c3.{ending}")));
        emulated::BootedBoard::boot(firmware::LessonFirmware::new(flash_image, elf)).unwrap()
    };
    BOOTED.get_or_init(boot).clone()
}

/// The course of this repository.
#[cfg(test)]
pub(crate) fn test_course() -> course::Course {
    course::Course::from_files(&firmware_tests::lesson_files().into_iter().collect()).unwrap()
}
