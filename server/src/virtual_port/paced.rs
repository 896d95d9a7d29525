//! The virtual board at the end of the cable: an emulated chip that keeps pace with the wall clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::{FlashImage, Machine, Port, Stop};

use super::{Cable, HostAction};

/// How much virtual time passes between two looks at the cable: it bounds how late the board hears the host.
const SLICE_TICKS: Tick = TICKS_PER_SECOND / 1000;
/// How long a board that waits may oversleep while somebody talks to it, and while nobody does. Its clock is right
/// either way; only what it sends by itself comes that much later.
const NAP_TALKING: Duration = Duration::from_millis(1);
const NAP_SILENT: Duration = Duration::from_millis(10);
/// How long after the last byte or line change somebody counts as talking.
const TALKING: Duration = Duration::from_millis(500);
/// A host that was too busy to run the board for longer than this is forgiven; virtual time then goes on from where it
/// is. Catching up would make every timer race.
const FORGIVEN_LAG: Duration = Duration::from_millis(100);
/// GPIO_STRAP_REG: how the strapping pins stood at the last reset (TRM, chapter "Chip Boot Control").
const GPIO_STRAP: u32 = 0x6000_4038;
/// GPIO9 in it: low has led into the download mode.
const STRAP_GPIO9: u8 = 1 << 3;
/// The ROM's download mode and the flasher stub ask for bytes without a pause. So many looks at the program counter that
/// find no more than so many places tell such a loop from work.
const LOOKS: usize = 32;
const LOOP_PLACES: usize = 12;
/// A board that only asks for bytes gets one slice of virtual time in so much of ours, and the processor is free.
const POLLING_NAP: Duration = Duration::from_millis(50);
/// How long after the last byte a board may be taken for one that only asks for more: the stub waits for the flash chip's
/// erase in such a loop as well, and that must take its true time.
const POLLING_AFTER: Duration = Duration::from_secs(1);

/// How virtual time relates to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Like ours, so that every baud rate is true.
    RealTime,
    /// Like ours, but as fast as the host allows while bytes are on the line.
    Fast,
}

/// Runs `machine` at the end of `cable` until it is unplugged, and gives it back. Blocks; sleeps whenever the chip does.
/// `see_flash` is shown the contents of its flash again and again, before every sleep.
pub fn run(
    mut machine: Machine,
    console: Port,
    pace: Pace,
    cable: &Cable,
    see_flash: &mut dyn FnMut(&FlashImage),
) -> Machine {
    let mut clock = Clock::new(machine.ticks());
    let mut to_chip: VecDeque<u8> = VecDeque::new();
    let mut talked_at = Instant::now();
    let mut locked_up = false;
    let mut looks = [0; LOOKS];
    loop {
        // What comes after bytes waits until they are on the line, as it would at a real port.
        while to_chip.is_empty()
            && let Some(action) = cable.take_action()
        {
            talked_at = Instant::now();
            match action {
                HostAction::Data(bytes) => to_chip.extend(bytes),
                HostAction::Lines { dtr, rts } => machine.set_serial_lines(dtr, rts),
                HostAction::BaudRate(baud) => machine.set_line_baud(console, baud),
            }
        }
        let (front, _) = to_chip.as_slices();
        let taken = match console {
            Port::Usb => machine.usb_write(front),
            uart => machine.uart_write(uart, front),
        };
        to_chip.drain(..taken);

        let now = Instant::now();
        let bytes_move = !to_chip.is_empty() || machine.waiting_input(console) > 0;
        let goal = if pace == Pace::Fast && bytes_move { Tick::MAX } else { clock.goal(now, machine.ticks()) };
        let deadline = goal.min(machine.ticks().saturating_add(SLICE_TICKS));
        if deadline > machine.ticks()
            && let Stop::Fault(fault) = machine.run_until(deadline)
            && !std::mem::replace(&mut locked_up, true)
        {
            tracing::warn!(?fault, "the program on the virtual board has crashed beyond its own handlers; reset it");
        }
        let output = match console {
            Port::Usb => machine.usb_take_output(),
            uart => machine.uart_take_output(uart),
        };
        cable.put_output(&output);
        see_flash(machine.flash());
        if !output.is_empty() {
            talked_at = Instant::now();
        }
        // Time that was run ahead of ours stays gained.
        if machine.ticks() > clock.goal(Instant::now(), machine.ticks()) {
            clock = Clock::new(machine.ticks());
        }

        looks.rotate_left(1);
        looks[LOOKS - 1] = machine.hart().pc;
        let talking = talked_at.elapsed() < TALKING;
        let nap = if !bytes_move && talked_at.elapsed() > POLLING_AFTER && only_asks_for_bytes(&machine, &looks) {
            clock = Clock::new(machine.ticks());
            Some(POLLING_NAP)
        } else if machine.ticks() < goal {
            Some(Duration::ZERO)
        } else {
            let least = if talking { NAP_TALKING } else { NAP_SILENT };
            // A chip that is held in reset, or waits for nothing but input, leaves this thread to sleep until then.
            machine.next_event().map(|event| clock.until(event).max(least))
        };
        // While bytes wait for room on the line, that room comes with time, not with the cable.
        let nap = if to_chip.is_empty() {
            nap
        } else {
            if machine.ticks() >= goal {
                std::thread::sleep(NAP_TALKING);
            }
            Some(Duration::ZERO)
        };
        if !cable.wait(nap) {
            return machine;
        }
    }
}

/// Whether the chip waits for a download in a busy loop. A program's own busy loop is left alone: its time counts.
fn only_asks_for_bytes(machine: &Machine, looks: &[u32; LOOKS]) -> bool {
    if machine.is_waiting() || machine.peek(GPIO_STRAP, 1).first().is_none_or(|strap| strap & STRAP_GPIO9 != 0) {
        return false;
    }
    let mut places = *looks;
    places.sort_unstable();
    places.chunk_by(|one, next| one == next).count() <= LOOP_PLACES
}

/// Ties virtual time to ours.
struct Clock {
    wall: Instant,
    tick: Tick,
}

impl Clock {
    fn new(tick: Tick) -> Self {
        Self { wall: Instant::now(), tick }
    }

    /// The tick that shall be reached at `now`; forgets a lag that is too large to be caught up with.
    fn goal(&mut self, now: Instant, tick: Tick) -> Tick {
        let goal = self.tick + ticks(now.saturating_duration_since(self.wall));
        if goal > tick + ticks(FORGIVEN_LAG) {
            *self = Self { wall: now, tick };
            return tick + SLICE_TICKS;
        }
        goal
    }

    /// How long it is until a tick is due.
    fn until(&self, tick: Tick) -> Duration {
        let ahead = Duration::from_nanos_u128(
            u128::from(tick.saturating_sub(self.tick)) * 1_000_000_000 / u128::from(TICKS_PER_SECOND),
        );
        (self.wall + ahead).saturating_duration_since(Instant::now())
    }
}

fn ticks(time: Duration) -> Tick {
    u64::try_from(time.as_nanos() * u128::from(TICKS_PER_SECOND) / 1_000_000_000).unwrap_or(Tick::MAX)
}
