//! A virtual board with firmware that is not ours: official MicroPython above all.
//!
//! It is met as a board at a cable is: looked at, given the portable `lab` module, and then used through its raw prompt. Like
//! the virtual board with the lesson firmware it is booted once and forked for every run, and no host clock enters a run.

use std::time::Duration;

use course::lesson::Need;
use emulator::flash::FLASH_SIZE;
use emulator::{FlashImage, Port};

use crate::emulated::{EmulatedLine, Emulation, Origin};
use crate::firmware::short_hash;
use crate::headless::{self, Boards, RunError};
use crate::line::{CONSOLE_BAUD, Drive, LineFault};
use crate::record::{RunRecord, RunRequest};
use crate::session::Session;

/// How long it may take until the module is on the board: a new file system is made, which erases all of it.
const READY_LIMIT: Duration = Duration::from_secs(90);
/// The consoles of the chip, in the order in which they are asked for a prompt.
const CONSOLES: [Port; 2] = [Port::Usb, Port::Uart0];

/// Boards with the firmware of an image file.
#[derive(Clone)]
pub struct ForeignBoard {
    origin: Origin,
}

impl ForeignBoard {
    /// Boots a board that has this in its flash, from the beginning on.
    ///
    /// # Errors
    /// The image is too large, the emulation failed, or no console came to a prompt of MicroPython.
    pub fn boot(mut image: Vec<u8>, emulation: Emulation) -> Result<Self, LineFault> {
        if image.len() > FLASH_SIZE {
            let cause = format!("the image has {} bytes, the flash {}", image.len(), FLASH_SIZE);
            return Err(LineFault::Emulation { cause });
        }
        let name = short_hash(&image);
        image.resize(FLASH_SIZE, 0xFF);
        let flash =
            FlashImage::from_bytes(&image).map_err(|error| LineFault::Emulation { cause: error.to_string() })?;
        let boot = |console| {
            let line = EmulatedLine::power_on_with(flash.clone(), name.clone(), emulation, console);
            Origin::boot(Drive::new(line, Session::for_attached(CONSOLE_BAUD)), READY_LIMIT)
        };
        let [first, second] = CONSOLES;
        let origin = boot(first).or_else(|_| boot(second))?;
        Ok(Self { origin })
    }

    /// A board of its own in the booted state, with this seed.
    ///
    /// # Errors
    /// The emulation failed.
    pub fn fresh(&self, seed: u64) -> Result<Drive<EmulatedLine>, LineFault> {
        self.origin.fresh(seed)
    }
}

impl std::fmt::Debug for ForeignBoard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForeignBoard")
    }
}

impl Boards for ForeignBoard {
    fn run(&self, request: &RunRequest, go_on: &mut dyn FnMut(f32) -> bool) -> Result<RunRecord, RunError> {
        headless::run(&mut self.fresh(request.seed)?, request, go_on)
    }

    fn at_once(&self) -> usize {
        usize::MAX
    }

    fn has_hard(&self) -> bool {
        self.origin.has_hard()
    }

    fn has(&self, need: Need) -> bool {
        self.origin.has(need)
    }
}

#[cfg(test)]
mod tests {
    use course::{Setting, Settings};
    use emulator::Timing;
    use firmware_tests::firmware_file;

    use super::*;
    use crate::session::EndReason;

    /// The firmware that behaves as an official build: soft interrupts, and no `lab` of its own.
    fn board(timing: Timing) -> ForeignBoard {
        let emulation = Emulation { timing, ..Emulation::default() };
        ForeignBoard::boot(firmware_file("plain-firmware-esp32c3.bin"), emulation).unwrap()
    }

    fn request(program: &str, rate: i64, seconds: u32) -> RunRequest {
        RunRequest {
            lesson: "lost-update".into(),
            program: program.into(),
            own_program: true,
            driver: None,
            settings: Settings::from([("rate".to_owned(), Setting::Number(rate))]),
            seconds,
            seed: 1,
            wiring: std::sync::Arc::default(),
        }
    }

    fn measured(board: &ForeignBoard, request: &RunRequest) -> RunRecord {
        let record = board.run(request, &mut |_| true).unwrap();
        assert_eq!((record.end.why, record.bad_frames), (EndReason::Finished, 0), "{:?}", record.end);
        record
    }

    #[test]
    fn what_the_module_says_keeps_no_callback_waiting() {
        let program = "import lab\nn = 0\ndef tick(t):\n global n\n n += 1\nt = lab.timer(tick)\nwhile lab.running():\n \
                       for i in range(20): pass\n lab.beat()\n lab.value('n', n)\nt.deinit()\nlab.value('n', n)\nlab.done()\n";
        for timing in [Timing::Unit, Timing::Silicon] {
            let record = measured(&board(timing), &request(program, 1000, 4));
            let counters = record.counters().unwrap();
            assert!((3980..=4020).contains(&counters.ran), "{counters:?}");
            assert_eq!((counters.dropped, counters.exc), (0, 0), "{counters:?}");
            assert!(counters.lat_max < 2000, "{counters:?}");
            assert_eq!(u32::try_from(record.last.unwrap().v["n"]), Ok(counters.ran));
        }
    }

    #[test]
    fn samples_take_no_memory() {
        let program = "import lab, micropython\nlab.value('x', 1)\nt = lab.timer(lambda t: None)\n\
                       for i in range(2000): lab.beat()\nmicropython.heap_lock()\ntry:\n for i in range(20000): lab.beat()\n\
                       finally: micropython.heap_unlock()\nt.deinit()\nlab.done()\n";
        measured(&board(Timing::Unit), &request(program, 1000, 30));
    }

    #[test]
    fn an_exception_under_a_locked_heap_is_told() {
        // A new global would make room for itself, and main would be the one that fails.
        let program = "import lab, micropython\ni = 0\nt = lab.timer(lambda t: [t])\nmicropython.heap_lock()\n\
                       for i in range(200000): pass\nmicropython.heap_unlock()\nt.deinit()\nlab.done()\n";
        let record = measured(&board(Timing::Unit), &request(program, 50, 4));
        assert!(record.exceptions.iter().any(|told| told.class == "MemoryError"), "{:?}", record.exceptions);
    }

    #[test]
    fn callbacks_that_take_all_time_let_the_run_end() {
        let program = "import lab, time\ndef tick(t): time.sleep_us(3000)\nt = lab.timer(tick)\nwhile lab.running():\n \
                       for i in range(300): pass\n lab.beat()\nt.deinit()\nlab.done()\n";
        let record = measured(&board(Timing::Unit), &request(program, 1000, 1));
        assert!(record.counters().unwrap().dropped > 0);
    }

    #[test]
    fn an_image_larger_than_flash_is_refused() {
        let error = ForeignBoard::boot(vec![0; FLASH_SIZE + 1], Emulation::default()).unwrap_err();
        assert!(error.to_string().contains("4194305"), "{error}");
    }
}
