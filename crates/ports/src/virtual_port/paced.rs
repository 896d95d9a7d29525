//! The virtual board at the end of the cable: an emulated chip that keeps pace with the wall clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::{Machine, Port, Stop};

use super::{Cable, HostAction};

/// How much virtual time passes between two looks at the cable: it bounds how late the board hears the host.
const SLICE_TICKS: Tick = TICKS_PER_SECOND / 1000;
/// How long a board that waits may oversleep while somebody talks to it, and while nobody does. Its clock is right
/// either way; only what it sends by itself comes that much later.
const NAP_TALKING: Duration = Duration::from_millis(1);
const NAP_SILENT: Duration = Duration::from_millis(5);
/// How long after the last byte or line change somebody counts as talking.
const TALKING: Duration = Duration::from_millis(500);
/// A host that was too busy to run the board for longer than this is forgiven; virtual time then goes on from where it
/// is. Catching up would make every timer race. What the board sleeps through is no lag: it costs the host nothing.
const FORGIVEN_LAG: Duration = Duration::from_millis(100);
/// How often a host that is too busy is told so.
const LAG_TOLD_EVERY: Duration = Duration::from_secs(10);
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
/// `see` is shown it again and again, before every sleep: what it has written and burnt is to be kept.
pub fn run(mut machine: Machine, console: Port, pace: Pace, cable: &Cable, see: &mut dyn FnMut(&Machine)) -> Machine {
    let mut clock = Clock::new(machine.ticks());
    let mut to_chip: VecDeque<u8> = VecDeque::new();
    let mut talked_at = Instant::now();
    let mut locked_up = false;
    let mut looks = [0; LOOKS];
    loop {
        let now = Instant::now();
        let bytes_move = !to_chip.is_empty() || machine.waiting_input(console) > 0;
        let races = pace == Pace::Fast && bytes_move;
        // From here on the board has work to do; until then it only sleeps.
        let busy_from = machine.next_event().unwrap_or(Tick::MAX);
        let goal = if races { Tick::MAX } else { clock.goal(now, busy_from) };
        let slice_end = machine.ticks().saturating_add(SLICE_TICKS);
        let deadline = goal.min(if races { slice_end } else { slice_end.max(busy_from) });
        if deadline > machine.ticks()
            && let Stop::Fault(fault) = machine.run_until(deadline)
            && !std::mem::replace(&mut locked_up, true)
        {
            tracing::warn!(?fault, "the program on the virtual board has crashed beyond its own handlers; reset it");
        }
        // What the host did meanwhile came now, and not when the board fell asleep: a sleeper is woken up to the present
        // before it is told.
        let hears = races || machine.ticks() >= goal || !machine.is_waiting();
        // What comes after bytes waits until they are on the line, as it would at a real port.
        while hears
            && to_chip.is_empty()
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
        let output = match console {
            Port::Usb => machine.usb_take_output(),
            uart => machine.uart_take_output(uart),
        };
        cable.put_output(&output);
        see(&machine);
        if !output.is_empty() {
            talked_at = Instant::now();
        }
        // Time that was run ahead of ours stays gained.
        if machine.ticks() > clock.reached(Instant::now()) {
            clock.anchor(Instant::now(), machine.ticks());
        }

        looks.rotate_left(1);
        looks[LOOKS - 1] = machine.hart().pc;
        let talking = talked_at.elapsed() < TALKING;
        let nap = if !bytes_move && talked_at.elapsed() > POLLING_AFTER && only_asks_for_bytes(&machine, &looks) {
            clock.anchor(Instant::now(), machine.ticks());
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
    /// What the host was too slow for, in all.
    lost: Duration,
    told_at: Option<Instant>,
}

impl Clock {
    fn new(tick: Tick) -> Self {
        Self { wall: Instant::now(), tick, lost: Duration::ZERO, told_at: None }
    }

    /// Goes on from this point, as if everything had been on time.
    fn anchor(&mut self, wall: Instant, tick: Tick) {
        (self.wall, self.tick) = (wall, tick);
    }

    /// The tick that our clock has reached.
    fn reached(&self, now: Instant) -> Tick {
        self.tick + ticks(now.saturating_duration_since(self.wall))
    }

    /// The tick that shall be reached at `now`, by a board that has work to do from `busy_from` on; forgets a lag that is
    /// too large to be caught up with, and tells it.
    fn goal(&mut self, now: Instant, busy_from: Tick) -> Tick {
        let goal = self.reached(now);
        if goal <= busy_from.saturating_add(ticks(FORGIVEN_LAG)) {
            return goal;
        }
        self.lost += duration(goal - busy_from);
        self.anchor(now, busy_from);
        if self.told_at.is_none_or(|at| now.saturating_duration_since(at) >= LAG_TOLD_EVERY) {
            self.told_at = Some(now);
            tracing::warn!(
                "this computer is too busy to keep the board at real time: the board's clock is {:.1} s behind in all",
                self.lost.as_secs_f64()
            );
        }
        busy_from + SLICE_TICKS
    }

    /// How long it is until a tick is due.
    fn until(&self, tick: Tick) -> Duration {
        let ahead = duration(tick.saturating_sub(self.tick));
        (self.wall + ahead).saturating_duration_since(Instant::now())
    }
}

fn duration(ticks: Tick) -> Duration {
    Duration::from_nanos_u128(u128::from(ticks) * 1_000_000_000 / u128::from(TICKS_PER_SECOND))
}

fn ticks(time: Duration) -> Tick {
    u64::try_from(time.as_nanos() * u128::from(TICKS_PER_SECOND) / 1_000_000_000).unwrap_or(Tick::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_long_sleep_is_no_lag() {
        let mut clock = Clock::new(0);
        let later = clock.wall + 10_000 * MS;
        assert_eq!(clock.goal(later, ticks(10_000 * MS)), ticks(10_000 * MS), "it slept until now");
        assert_eq!(clock.goal(later, Tick::MAX), ticks(10_000 * MS), "nothing is planned at all");
        assert_eq!(clock.lost, Duration::ZERO);
    }

    #[test]
    fn a_small_lag_is_caught_up_with() {
        let mut clock = Clock::new(0);
        let later = clock.wall + 350 * MS;
        assert_eq!(clock.goal(later, ticks(260 * MS)), ticks(350 * MS));
    }

    #[test]
    fn a_large_lag_is_told_and_never_made_up() {
        let mut clock = Clock::new(0);
        let start = clock.wall;
        assert_eq!(clock.goal(start + 5000 * MS, ticks(1000 * MS)), ticks(1001 * MS));
        assert_eq!(clock.lost, 4000 * MS);
        assert_eq!(clock.goal(start + 5002 * MS, ticks(1001 * MS)), ticks(1002 * MS));
    }
}
