//! Programs in the manner of a Pyboard's, on the pyb module: hard callbacks, as there.

use firmware_tests::Board;

/// What a program prints that raises nothing.
#[track_caller]
fn output(program: &str) -> String {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let outcome = board.run(program, 10_000);
    assert_eq!(outcome.error, "", "it had printed:\n{}", outcome.output);
    outcome.output
}

#[test]
fn two_instances_have_a_timer_and_a_led_each() {
    let text = output(
        "import pyb, micropython\nmicropython.alloc_emergency_exception_buf(256)\n\
         class Blinker:\n    def __init__(self, timer, led):\n        self.led = led\n        self.n = 0\n        \
         timer.callback(self.tick)\n    def tick(self, timer):\n        self.n += 1\n        self.led.toggle()\n\
         a = Blinker(pyb.Timer(4, freq=100), pyb.LED(1))\nb = Blinker(pyb.Timer(2, freq=40), pyb.LED(2))\n\
         pyb.delay(505)\npyb.Timer(4).deinit()\npyb.Timer(2).deinit()\n\
         print(a.n, b.n, a.led, a.led.intensity(), pyb.LED(2).intensity())\n",
    );
    assert_eq!(text, "50 20 LED(1) 0 0\n");
}

#[test]
fn a_bound_method_is_made_before_and_allocation_in_a_callback_is_refused() {
    let text = output(
        "import pyb, micropython\nmicropython.alloc_emergency_exception_buf(256)\n\
         class Sampler:\n    def __init__(self):\n        self.later = self.work\n        self.x = 0.1\n        self.n = 0\n        \
         tim = pyb.Timer(4)\n        tim.init(freq=50)\n        tim.callback(self.tick)\n    \
         def work(self, _):\n        self.x *= 1.2\n        self.n += 1\n    \
         def tick(self, t):\n        micropython.schedule(self.later, 0)\n\
         s = Sampler()\npyb.delay(210)\npyb.Timer(4).deinit()\nprint(s.n, s.x > 0.5)\n\
         def bad(t):\n    [1, 2]\n\
         pyb.Timer(7, freq=100, callback=bad)\npyb.delay(50)\nprint('main goes on')\n",
    );
    let (first, rest) = text.split_once('\n').unwrap();
    assert_eq!(first, "10 True");
    assert!(rest.contains("Uncaught exception in IRQ callback handler\n"), "{rest}");
    assert!(rest.contains("MemoryError: memory allocation failed, heap is locked\nmain goes on\n"), "{rest}");
    assert_eq!(rest.matches("Uncaught").count(), 1, "{rest}");
}

#[test]
fn readings_into_an_array_are_taken_over_with_interrupts_off() {
    let text = output(
        "import pyb, array\ndata = array.array('i', [0] * 8)\nk = 0\n\
         def reading(t):\n    global k\n    for i in range(8):\n        data[i] = pyb.rng()\n    k += 1\n\
         tim = pyb.Timer(4, freq=500, callback=reading)\n\
         copies = 0\nfor _ in range(20):\n    state = pyb.disable_irq()\n    before = k\n    copy = list(data)\n    \
         same = copy == list(data) and k == before\n    pyb.enable_irq(state)\n    copies += same\n    pyb.delay(3)\n\
         tim.callback(None)\nlast = k\npyb.delay(10)\nprint(copies, k == last, k > 20, min(data) >= 0)\n",
    );
    assert_eq!(text, "20 True True True\n");
}

#[test]
fn a_timer_outlives_its_program_until_a_soft_reset() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let program = "import pyb\ndef start():\n    pyb.Timer(2, freq=50, callback=lambda t: print('.', end=''))\nstart()\n";
    assert_eq!(board.run(program, 500).error, "");
    board.run_ms(500);
    assert!(board.console().matches('.').count() >= 20, "{}", board.console());
    board.send(b"\x02\x04");
    board.expect("soft reboot", 1000);
    board.expect(">>> ", 2000);
    board.run_ms(300);
    assert_eq!(board.console(), "");
}

#[test]
fn the_switch_and_external_interrupts_call_back_as_there() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.machine().set_pin(9, true);
    board.machine().set_pin(4, false);
    let program = "import pyb\nn = 0\ndef pressed():\n    global n\n    n += 1\nsw = pyb.Switch()\nsw.callback(pressed)\n\
        line = -1\ndef edge(l):\n    global line\n    line = l\n\
        e = pyb.ExtInt(pyb.Pin('X5'), pyb.ExtInt.IRQ_RISING, pyb.Pin.PULL_DOWN, edge)\nprint(sw(), e.line())\n";
    assert_eq!(board.run(program, 500).output, "False 4\n");
    board.machine().set_pin(9, false);
    board.machine().set_pin(4, true);
    board.run_ms(5);
    let more = "print(n, sw(), line)\nline = 0\ne.swint()\nprint(line)\ne.disable()\nline = 0\n\
        t = pyb.millis()\nu = pyb.micros()\npyb.delay(20)\nprint(20 <= pyb.elapsed_millis(t) <= 21, 20000 <= pyb.elapsed_micros(u) < 21000)\n";
    assert_eq!(board.run(more, 500).output, "1 True 4\n4\nTrue True\n");
}

#[test]
fn there_are_six_timers_at_a_time() {
    let text = output(
        "import pyb\nts = [pyb.Timer(n, freq=10) for n in range(1, 7)]\n\
         try:\n    pyb.Timer(7)\nexcept ValueError as e:\n    print(e)\n\
         ts[0].deinit()\nprint(pyb.Timer(7), pyb.Timer(3) is ts[2])\n\
         for bad in (0, 15):\n    try:\n        pyb.Timer(bad)\n    except ValueError as e:\n        print(e)\n",
    );
    assert_eq!(
        text,
        "this board has six pyb timers at a time; deinit() gives one back\nTimer(7) True\nTimer doesn't exist\n\
         Timer doesn't exist\n"
    );
}
