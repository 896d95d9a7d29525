//! A button that wakes the board from deep sleep: what `main.py` finds after each reset, and how the pins stood meanwhile.

use emulator::bus::Tick;
use firmware_tests::Board;
use parts::time::MILLISECOND;
use parts::{Draft, Scope, Shown, Wired};

const BUTTON: u8 = 3;
const LAMP: u8 = 7;

/// A board whose `main.py` is the program, and its parts.
struct Sleeper {
    board: Board,
    wired: Wired,
    scope: Scope,
}

impl Sleeper {
    /// The program runs from the soft reset on.
    fn begin(sleep_ms: u32) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/programs");
        let text = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).expect("it is in the repository");
        let (given, wanted) = ("deepsleep(60000)", format!("deepsleep({sleep_ms})"));
        assert!(text("wake.py").contains(given));
        let program = text("wake.py").replace(given, &wanted);
        let mut board = Board::at_prompt();
        board.enter_raw();
        let saved = board.run(&format!("with open('main.py', 'w') as f:\n    f.write({program:?})\n"), 5000);
        assert_eq!(saved.error, "");
        board.leave_raw();
        let draft: Draft = serde_json::from_str(&text("wake.json")).expect("it is a wiring");
        let wiring = draft.check().expect("it is sound");
        let wired = Wired::connect(&wiring, 7, board.machine()).expect("room");
        let scope = Scope::begin(board.machine(), 1 << 16);
        board.send(b"\x04");
        Self { board, wired, scope }
    }

    fn press(&mut self, pressed: i64) {
        self.wired.set(self.board.machine(), "waker", "pressed", pressed).expect("a sound move");
    }

    fn now(&mut self) -> Tick {
        self.board.machine().ticks()
    }

    /// Whether the lamp is lit, which is whether the program is awake.
    fn is_awake(&mut self) -> bool {
        self.wired.follow(&self.scope.take(self.board.machine()));
        matches!(self.wired.shown(self.board.machine(), "awake"), Some(Shown::Light { lit: true, .. }))
    }
}

/// A chip that was reset says so: the ROM's banner.
fn resets(said: &str) -> usize {
    said.matches("rst:0x").count()
}

#[test]
fn each_press_wakes_it_once_however_it_bounces() {
    let mut it = Sleeper::begin(60_000);
    for n in 1..=3 {
        it.board.expect("asleep\r\n", 1000);
        it.board.run_ms(800);
        assert!(!it.is_awake() && it.board.console().is_empty(), "{}", it.board.console());
        let pressed_at = it.now();
        it.press(1);
        let said = it.board.expect(&format!("woken {n} by the button\r\n"), 2000);
        assert_eq!(resets(&said), 1, "{said}");
        let ms = (it.now() - pressed_at) / MILLISECOND;
        assert!(ms < 1000, "{ms} ms, boot included");
        it.board.expect(">>> ", 500);
        assert!(it.is_awake());
        // Still held, it does not sleep.
        it.board.send(b"\x04");
        it.board.run_ms(500);
        assert!(it.is_awake() && !it.board.console().contains("asleep"), "{}", it.board.console());
        it.press(0);
    }
    it.board.expect("asleep\r\n", 1000);
    it.is_awake();
    let until = it.now();
    let falls = |pin: u8| it.scope.edges(1 << pin, until).0.iter().filter(|edge| !edge.level).count();
    assert!(falls(BUTTON) > 6, "{} falls: the button does not bounce", falls(BUTTON));
    let begins_of_sleep = 4;
    assert_eq!(falls(LAMP), begins_of_sleep);
}

#[test]
fn a_button_that_nobody_presses_leaves_the_wake_to_the_timer() {
    let mut it = Sleeper::begin(2000);
    it.board.expect("asleep\r\n", 1000);
    let slept_at = it.now();
    let said = it.board.expect("woken 1 by the timer\r\n", 4000);
    assert_eq!(resets(&said), 1, "{said}");
    let ms = (it.now() - slept_at) / MILLISECOND;
    assert!((2000..3000).contains(&ms), "{ms} ms, boot included");
    it.board.expect(">>> ", 500);
}
