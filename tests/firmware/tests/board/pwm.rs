//! `machine.PWM`: arguments and refusals as on an official board, and the pulses that come out.

use firmware_tests::{Board, MILLISECOND};

/// What a program prints that raises nothing, and the board after it.
#[track_caller]
fn ran(program: &str) -> (String, Board) {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let outcome = board.run(&format!("from machine import Pin, PWM\n{program}"), 10_000);
    assert_eq!(outcome.error, "", "it had printed:\n{}", outcome.output);
    (outcome.output, board)
}

/// Period and high time of a pin's pulses, in nanoseconds.
#[track_caller]
fn pulses(board: &mut Board, pin: u8) -> (u64, u64) {
    // A duty counts from the next period on.
    board.run_ms(120);
    let state = board.machine().pin(pin).expect("a pin of the chip");
    let wave = state.wave.expect("a pulse train");
    let ns = |ticks: f64| (ticks * 1e6 / MILLISECOND as f64).round() as u64;
    (ns(wave.period_ticks()), ns(wave.high_ticks()))
}

#[test]
fn a_pin_pulses_as_it_was_asked_to() {
    for (arguments, period, high) in [
        ("Pin(4)", 200_000, 100_000),
        ("Pin(4), freq=1000, duty=256", 1_000_000, 250_000),
        ("Pin(4), 50, duty_ns=1_500_000", 20_000_000, 1_499_023),
        ("Pin(4), freq=20_000, duty_u16=16384, invert=True", 50_000, 37_500),
        ("Pin(4), freq=40_000_000, duty_u16=32768", 25, 13),
    ] {
        let (_, mut board) = ran(&format!("p = PWM({arguments})\n"));
        let (got_period, got_high) = pulses(&mut board, 4);
        assert!(got_period.abs_diff(period) <= period / 1000 + 1, "PWM({arguments}): a period of {got_period} ns");
        assert!(got_high.abs_diff(high) <= period / 1000 + 1, "PWM({arguments}): high for {got_high} ns");
    }
}

#[test]
fn duties_are_kept_in_the_scale_in_which_they_were_given() {
    let (output, mut board) = ran("p = PWM(Pin(5), freq=1000, duty_u16=0)\nprint(p)\n\
         p.duty(512)\nprint(p, p.duty(), p.duty_u16(), p.duty_ns())\n\
         p.duty_ns(250_000)\nprint(p)\np.freq(2000)\nprint(p, p.freq())\n\
         p.duty_u16(65535)\nprint(p.duty_u16(), p.duty())\n\
         p.init(freq=500, duty_u16=32768)\nprint(p)\np.duty_ns(500_000)\n");
    let expected = "PWM(Pin(5), freq=1000, duty_u16=0)\n\
        PWM(Pin(5), freq=1000, duty=512) 512 32768 500000\n\
        PWM(Pin(5), freq=1000, duty_ns=250000)\n\
        PWM(Pin(5), freq=2000, duty_ns=250000) 2000\n\
        65535 1023\n\
        PWM(Pin(5), freq=500, duty_u16=32768)\n";
    assert_eq!(output, expected);
    let (period, high) = pulses(&mut board, 5);
    assert_eq!(period, 2_000_000);
    assert!(high.abs_diff(500_000) < 300, "high for {high} ns");
}

#[test]
fn what_cannot_be_is_refused_with_upstreams_words() {
    let program = "def refused(f):\n    try:\n        f()\n    except Exception as e:\n        print(type(e).__name__, e)\n\
        p = PWM(Pin(4), freq=1000)\n\
        refused(lambda: p.freq(0))\nrefused(lambda: p.freq(40_000_001))\n\
        refused(lambda: p.duty(1024))\nrefused(lambda: p.duty_u16(65536))\nrefused(lambda: p.duty_ns(1_000_001))\n\
        p.deinit()\nrefused(lambda: p.duty())\nrefused(lambda: p.freq(100))\nprint(p)\n\
        refused(lambda: PWM(Pin(4), freq=1))\n\
        ps = [PWM(Pin(n), freq=1000 + n) for n in range(4)]\n\
        refused(lambda: PWM(Pin(4), freq=2000))\n\
        ps += [PWM(Pin(4), freq=1000), PWM(Pin(5), freq=1001)]\n\
        refused(lambda: PWM(Pin(6), freq=1000))\n\
        ps[0].freq(1001)\nrefused(lambda: ps[4].freq(3000))\nprint(ps[4], ps[0])\n";
    let (output, _) = ran(program);
    let expected = "ValueError frequency must be from 1Hz to 40MHz\nValueError frequency must be from 1Hz to 40MHz\n\
        ValueError duty must be from 0 to 1023\nValueError duty_u16 must be from 0 to 65536\n\
        ValueError duty_ns must be from 0 to 1000000 ns\n\
        RuntimeError PWM is inactive\nRuntimeError PWM is inactive\nPWM(Pin(4))\n\
        OSError [Errno 1] EPERM: ESP_FAIL\n\
        RuntimeError out of PWM timers:4\nRuntimeError out of PWM channels:6\n\
        PWM(Pin(4), freq=3001, duty_u16=32768) PWM(Pin(0), freq=1001, duty_u16=32768)\n";
    assert_eq!(output, expected);
}

#[test]
fn deinit_and_the_end_of_the_vm_leave_the_pin_still() {
    let (_, mut board) =
        ran("p = PWM(Pin(4), freq=1000)\nq = PWM(Pin(5), freq=1000, invert=True)\np.deinit()\nq.deinit()\n");
    let still = |board: &mut Board, pin| board.machine().pin(pin).map(|state| (state.wave.is_some(), state.level));
    board.run_ms(5);
    assert_eq!((still(&mut board, 4), still(&mut board, 5)), (Some((false, false)), Some((false, true))));

    let (_, mut board) = ran("p = PWM(Pin(4), freq=1000)\n");
    assert_eq!(pulses(&mut board, 4).0, 1_000_000);
    board.leave_raw();
    board.send(b"\x04");
    board.expect("soft reboot", 2000);
    board.run_ms(200);
    assert_eq!(still(&mut board, 4), Some((false, false)));
}

#[test]
fn a_pulse_can_be_counted_by_the_pins_own_interrupt() {
    let (output, _) = ran("import time\nn = 0\ndef up(pin):\n    global n\n    n += 1\n\
         p = PWM(Pin(4), freq=1000)\nPin(6, Pin.IN).irq(up, Pin.IRQ_RISING)\n\
         q = PWM(Pin(6), freq=500)\ntime.sleep_ms(100)\nprint(45 <= n <= 52, n)\n");
    assert!(output.starts_with("True"), "{output}");
}
