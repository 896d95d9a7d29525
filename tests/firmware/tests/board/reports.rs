//! Programs of the kinds that users of MicroPython report (`mp#N` is a thread of its tracker), with the right result.

use firmware_tests::release::{Release, V1_26};
use firmware_tests::{Board, Outcome};

fn outcome(program: &str) -> Outcome {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.run(program, 10_000)
}

/// What a program prints that raises nothing.
#[track_caller]
fn output(program: &str) -> String {
    let outcome = outcome(program);
    assert_eq!(outcome.error, "", "it had printed:\n{}", outcome.output);
    outcome.output
}

/// mp#19162: any number of `init()` of a running timer has no side effect.
#[test]
fn a_thousand_inits_of_a_running_timer_leave_the_clock_running() {
    // The sleep ends up to a millisecond late, because waiting is in milliseconds and callbacks come between; another
    // may begin until the clock is read.
    let text = output(
        "from machine import Timer\nimport time\nn = 0\ndef cb(t):\n    global n\n    n += 1\n\
         t = Timer(0)\nfor _ in range(1000):\n    t.init(freq=1000, callback=cb)\n\
         a = time.ticks_ms()\nn = 0\ntime.sleep_ms(100)\nt.deinit()\n\
         print(100 <= time.ticks_diff(time.ticks_ms(), a) <= 102, 98 <= n <= 102)\n",
    );
    assert_eq!(text, "True True\n");
}

/// mp#17203, mp#17035: ids are checked, and a timer that never ran has a value.
#[test]
fn timers_that_are_not_there_are_refused_and_one_that_never_ran_has_a_value() {
    let text = output(
        "from machine import Timer\nprint(type(Timer(1).value()))\n\
         for n in (-1, 2, 4):\n    try:\n        Timer(n)\n    except ValueError:\n        print('refused')\n",
    );
    assert_eq!(text, "<class 'int'>\nrefused\nrefused\nrefused\n");
}

/// mp#17580, mp#4214: hard callbacks lock the heap, and have run when the next statement does.
#[test]
fn the_heap_is_locked_in_a_hard_callback() {
    for source in [
        "t = Timer(0, freq=100, callback=cb, hard=True)\ntime.sleep_ms(30)\nt.deinit()",
        "p.irq(cb, hard=True)\np.on()",
    ] {
        let text = output(&format!(
            "from machine import Timer, Pin\nimport time\np = Pin(4, Pin.OUT, value=0)\nlocked = None\n\
             def cb(x):\n    global locked\n    try:\n        [x]\n        locked = False\n    \
             except MemoryError:\n        locked = True\n{source}\nprint(locked)\n"
        ));
        assert_eq!(text, "True\n", "{source}");
    }
}

/// mp#8934: after `deinit()` at most the eight that were queued.
#[test]
fn after_deinit_only_what_was_queued_runs() {
    let text = output(
        "from machine import Timer\nimport time\nn = 0\ndef cb(t):\n    global n\n    n += 1\n\
         t = Timer(0, freq=2000, callback=cb)\ntime.sleep_ms(5)\nsum(range(100000))\nt.deinit()\na = n\n\
         time.sleep_ms(50)\nprint(n - a <= 8)\nb = n\ntime.sleep_ms(50)\nprint(n == b)\n",
    );
    assert_eq!(text, "True\nTrue\n");
}

/// mp#7739: a flag set twice, or before anybody waits, wakes once.
#[test]
fn a_thread_safe_flag_is_kept_once() {
    let text = output(
        "import asyncio\nf = asyncio.ThreadSafeFlag()\nn = 0\n\
         async def wait():\n    global n\n    while True:\n        await f.wait()\n        n += 1\n\
         async def main():\n    f.set()\n    f.set()\n    t = asyncio.create_task(wait())\n    \
         await asyncio.sleep_ms(20)\n    print(n)\n    f.set()\n    f.set()\n    await asyncio.sleep_ms(20)\n    print(n)\n\
         asyncio.run(main())\n",
    );
    assert_eq!(text, "1\n2\n");
}

/// mp#16772: an Event set by a callback while nothing else is to be done.
#[test]
fn an_event_from_a_callback_ends_the_loop_early_in_older_releases() {
    let text = output(
        "import asyncio\nfrom machine import Timer\ne = asyncio.Event()\n\
         async def main():\n    await e.wait()\n    print('woken')\n\
         Timer(0, mode=Timer.ONE_SHOT, period=20, callback=lambda t: e.set())\nasyncio.run(main())\nprint('over')\n",
    );
    let woken = Release::of_the_firmware() >= V1_26;
    assert_eq!(text, if woken { "woken\nover\n" } else { "over\n" });
}

/// mp#6088: a callback without its parameter.
#[test]
fn a_callback_without_parameter_is_a_type_error() {
    let text = output(
        "import micropython, time\nfrom machine import Timer\nmicropython.alloc_emergency_exception_buf(256)\n\
         def cb():\n    pass\nt = Timer(0, freq=100, callback=cb)\ntime.sleep_ms(55)\nt.deinit()\nprint('--')\n\
         t = Timer(0, freq=100, callback=cb, hard=True)\ntime.sleep_ms(55)\nt.deinit()\n",
    );
    let (soft, hard) = text.split_once("--\n").unwrap();
    assert_eq!(soft.matches("TypeError: cb() takes 0 positional arguments but 1 were given").count(), 5, "{text}");
    assert_eq!(hard.matches("TypeError: cb() takes 0 positional arguments but 1 were given").count(), 1, "{text}");
}

/// mp#2259: a count passes 0x3fffffff.
#[test]
fn a_count_stops_at_the_largest_small_integer_in_a_hard_callback_only() {
    let text = output(
        "import micropython, time\nfrom machine import Timer\nmicropython.alloc_emergency_exception_buf(256)\n\
         def cb(t):\n    global n\n    n += 1\n\
         for hard in (False, True):\n    n = 0x3ffffffd\n    t = Timer(0, freq=1000, callback=cb, hard=hard)\n    \
         time.sleep_ms(20)\n    t.deinit()\n    print('n', n > 0x3fffffff)\n",
    );
    assert!(text.starts_with("n True\nUncaught exception in IRQ callback handler\n"), "{text}");
    assert!(text.ends_with("n False\n"), "{text}");
}

/// mp#8534: an alarm that came while interrupts were off is taken once.
#[test]
fn an_alarm_behind_disabled_interrupts_is_taken_once() {
    let text = output(
        "from machine import Timer, disable_irq, enable_irq\nimport time\nn = 0\ndef cb(t):\n    global n\n    n += 1\n\
         t = Timer(0, freq=1000, callback=cb, hard=True)\ntime.sleep_ms(3)\ns = disable_irq()\na = n\n\
         u = time.ticks_us()\nwhile time.ticks_diff(time.ticks_us(), u) < 20500:\n    pass\nb = n\nenable_irq(s)\n\
         c = n\nt.deinit()\nprint(b - a, c - b)\n",
    );
    assert_eq!(text, "0 1\n");
}

/// mp#15846: time goes on with interrupts off, and never back.
#[test]
fn time_never_goes_back_with_interrupts_off() {
    let text = output(
        "from machine import disable_irq, enable_irq\nimport time\nbad = 0\nfor _ in range(50):\n    s = disable_irq()\n    \
         last = time.ticks_us()\n    for _ in range(32):\n        now = time.ticks_us()\n        \
         if time.ticks_diff(now, last) < 0:\n            bad += 1\n        last = now\n    enable_irq(s)\nprint(bad)\n",
    );
    assert_eq!(text, "0\n");
}

/// mp#16605: a soft callback that comes late reads the level of now.
#[test]
fn a_late_soft_callback_reads_the_level_of_now() {
    let text = output(
        "from machine import Pin\nimport time\np = Pin(4, Pin.OUT, value=0)\nseen = []\n\
         p.irq(lambda p: seen.append(p()), Pin.IRQ_RISING)\n\
         def pulse():\n    p.on(); p.off()\npulse()\ntime.sleep_ms(1)\nprint(seen)\n",
    );
    assert_eq!(text, "[0]\n");
}

/// mp#12061: a watchdog that a timer feeds guards nothing.
#[test]
fn a_watchdog_fed_by_a_timer_lets_main_hang() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.launch(
        "from machine import Timer, WDT\nw = WDT(timeout=100)\n\
         Timer(0, freq=50, callback=lambda t: w.feed())\nprint('hangs')\nwhile True:\n    pass\n",
    );
    board.expect("hangs\r\n", 500);
    board.run_ms(2000);
    assert_eq!(board.console(), "");
}
