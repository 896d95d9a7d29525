//! What a program of one's own finds on the board: upstream's modules on this chip, and words where something is not.

use emulator::Port;
use emulator::pins::Drive;
use firmware_tests::{Board, MILLISECOND};
use protocol::host::HostMessage;
use protocol::received::BoardMessage;

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
fn analog_inputs_are_read_as_on_an_official_board() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.machine().set_analog(2, 2048);
    let program = "from machine import ADC, Pin\na = ADC(Pin(2), atten=ADC.ATTN_11DB)\n\
        print(a, a.read(), a.read_u16(), a.read_uv())\na.atten(ADC.ATTN_0DB)\nprint(a.read_uv())\n\
        try:\n    ADC(7)\nexcept ValueError as e:\n    print(e)\n";
    let outcome = board.run(program, 1000);
    assert_eq!(
        outcome.output, "ADC(Pin(2), atten=3) 2048 32776 1250305\n375091\ninvalid pin: this chip measures on 0 to 4\n",
        "{}",
        outcome.error
    );
}

#[test]
fn a_burst_without_a_callback_is_refused() {
    let program = "import lab\nfrom machine import Timer\n\
        for init in (lambda: None, lambda: Timer(0).init(freq=10)):\n    init()\n    try:\n        lab.burst(3)\n    \
        except ValueError as e:\n        print(e)\n";
    assert_eq!(output(program), "Timer(0) has no callback\nTimer(0) has no callback\n");
}

#[test]
fn a_sleep_in_the_midst_of_a_millisecond_is_as_long_as_was_asked() {
    let program = "from time import sleep_ms, sleep_us, ticks_diff, ticks_us\nsleep_ms(2)\nworst = 0\n\
        for n in range(20):\n    sleep_us(137)\n    start = ticks_us()\n    sleep_ms(3)\n    \
        worst = max(worst, ticks_diff(ticks_us(), start))\nprint(worst)\n";
    let worst: u32 = output(program).trim().parse().unwrap();
    assert!((3000..3300).contains(&worst), "{worst} us");
}

#[test]
fn a_strip_gets_its_bits_in_time() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let program = "from machine import Pin\nimport neopixel\nn = neopixel.NeoPixel(Pin(3), 2)\n\
        n[0] = (1, 2, 3)\nn[1] = (255, 0, 129)\nprint(n[0], n[1], len(n), bytes(n.buf))\nn.write()\nprint('sent')\n";
    board.launch(program);
    // High times of the pin, in nanoseconds; a bit is one where it is long.
    let (mut bits, mut high_since, mut was_high) = (Vec::new(), 0, false);
    let end = board.machine().ticks() + 200 * MILLISECOND;
    while bits.len() < 48 && board.machine().ticks() < end {
        board.machine().run_instructions(2);
        let (now, is_high) = (board.machine().ticks(), board.machine().pins().0 & 1 << 3 != 0);
        if is_high && !was_high {
            high_since = now;
        } else if was_high && !is_high {
            bits.push((now - high_since) * 1_000_000 / MILLISECOND);
        }
        was_high = is_high;
    }
    let bytes: Vec<u8> =
        bits.chunks(8).map(|byte| byte.iter().fold(0, |byte, high| byte << 1 | u8::from(*high > 600))).collect();
    assert_eq!(bytes, [2, 1, 3, 0, 255, 129], "{bits:?}");
    assert!(bits.iter().all(|high| (350..=500).contains(high) || (750..=900).contains(high)), "{bits:?}");
    assert!(board.finish(1000).output.ends_with("sent\n"));
}

#[test]
fn a_watchdog_resets_a_program_that_does_not_feed_it() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.launch(
        "import machine, time\nmachine.RTC().memory(b'kept')\nw = machine.WDT(timeout=200)\n\
         for _ in range(5):\n    time.sleep_ms(100)\n    w.feed()\nprint('fed')\nwhile True:\n    pass\n",
    );
    board.expect("fed\r\n", 1000);
    board.expect(">>> ", 2000);
    board.send(b"import machine; print(machine.reset_cause() == machine.WDT_RESET, machine.RTC().memory())\r");
    board.expect("True b'kept'\r\n", 500);
}

#[test]
fn sleeps_end_in_time_or_by_a_pin() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let program = "import machine, time, esp32\nfrom machine import Pin\n\
        n = 0\ndef tick(t):\n    global n\n    n += 1\n\
        machine.Timer(0, freq=1000, callback=tick, hard=True)\n\
        t = time.ticks_ms()\nmachine.lightsleep(50)\n\
        print(time.ticks_diff(time.ticks_ms(), t), n < 5, machine.wake_reason() == machine.TIMER_WAKE)\n\
        esp32.wake_on_gpio([Pin(2, Pin.IN, Pin.PULL_DOWN)], esp32.WAKEUP_ANY_HIGH)\n\
        print('press')\nmachine.lightsleep()\nprint(machine.wake_reason() == machine.GPIO_WAKE)\n\
        r = machine.RTC()\nr.datetime((2026, 11, 28, 5, 21, 30, 15, 0))\nprint(r.datetime()[:7])\n\
        machine.deepsleep(1000)\n";
    board.machine().set_pin(2, false);
    board.launch(program);
    assert_eq!(board.expect("press\r\n", 1000), "50 True True\r\n");
    board.run_ms(300);
    board.machine().set_pin(2, true);
    board.run_ms(1);
    board.machine().set_pin(2, false);
    assert_eq!(board.expect("(2026, 11, 28, 5, 21, 30, 15)\r\n", 1000), "True\r\n");
    board.expect(">>> ", 3000);
    board.send(b"import machine; print(machine.reset_cause() == machine.DEEPSLEEP_RESET, machine.wake_reason() == machine.TIMER_WAKE, machine.RTC().datetime()[4:6])\r");
    board.expect("True True (21, 30)\r\n", 500);
    board.send(b"\x04");
    board.expect(">>> ", 3000);
    board.send(b"import machine; print(machine.reset_cause() == machine.SOFT_RESET)\r");
    board.expect("True\r\n", 500);
}

#[test]
fn a_deep_sleep_is_told_when_it_begins_and_when_the_board_wakes() {
    let mut board = Board::at_prompt();
    board.greet();
    board.enter_raw();
    board.tell(|id| HostMessage::Start { id, run: 1, limit_ms: 0 });
    board.launch("import machine\nmachine.deepsleep(300)\n");
    for woken in [None, Some("timer")] {
        let done = board.wait_for(1000, |message| match message {
            BoardMessage::Done(done) => Some(done.clone()),
            _ => None,
        });
        let sleep = done.sleep.expect("a sleep is told");
        assert_eq!(
            (done.run, done.why.as_str(), sleep.ms, sleep.woken.as_deref()),
            (1, "deep_sleep", Some(300), woken)
        );
    }
    assert_eq!(board.broken(), 0);
}

#[test]
fn a_uart_calls_back_hard_and_soft_when_a_burst_ends() {
    for hard in ["True", "False"] {
        let mut board = Board::at_prompt();
        board.enter_raw();
        board.launch(&format!(
            "from machine import UART\nimport time\nu = UART(1, 9600, tx=10, rx=9)\nn = 0\n\
             def burst(u):\n    global n\n    n += 1\n\
             i = u.irq(burst, UART.IRQ_RXIDLE, hard={hard})\nprint('ready')\n\
             while n < 2:\n    time.sleep_ms(1)\n\
             print(n, i.flags() & UART.IRQ_RXIDLE == UART.IRQ_RXIDLE, u.any(), u.readline(), u.read())\n\
             u.irq(None)\nu.write('bye')\nu.flush()\nprint(u)\n"
        ));
        board.expect("ready\r\n", 1000);
        board.machine().uart_write(Port::Uart1, b"$GPRMC\n");
        board.run_ms(50);
        board.machine().uart_write(Port::Uart1, b"more");
        let outcome = board.finish(1000);
        assert_eq!(
            outcome.output,
            "2 True 11 b'$GPRMC\\n' b'more'\n\
             UART(1, baudrate=9600, bits=8, parity=None, stop=1, tx=10, rx=9, timeout=0, timeout_char=0)\n",
            "{}",
            outcome.error
        );
        assert_eq!(board.machine().uart_take_output(Port::Uart1), b"bye");
    }
}

#[test]
fn signals_pulses_and_buses_are_upstreams() {
    let mut board = Board::at_prompt();
    // The resistors that every I2C bus has, without a device on it.
    for pin in [8, 9] {
        board.machine().drive_pin(pin, Drive::PullUp);
    }
    board.enter_raw();
    let outcome = board.run(
        "import machine\nfrom machine import Pin, Signal, SoftI2C, SoftSPI, I2C, SPI\n\
         s = Signal(Pin(4, Pin.OUT), invert=True)\ns.on()\nprint(Pin(4)(), s())\ns.off()\nprint(Pin(4)(), s())\n\
         print(machine.time_pulse_us(Pin(3, Pin.IN), 1, 1000))\n\
         print(I2C(0, freq=100000), I2C(0).scan())\nprint(SoftI2C(scl=Pin(1), sda=Pin(0)))\n\
         print(SPI(1, 1000000), SPI(1).read(2))\n\
         print(len(machine.unique_id()), machine.freq(), machine.reset_cause() == machine.PWRON_RESET)\n",
        2000,
    );
    assert_eq!(
        outcome.output,
        "0 1\n1 0\n-2\nSoftI2C(scl=9, sda=8, freq=100000) []\nSoftI2C(scl=1, sda=0, freq=500000)\n\
         SoftSPI(baudrate=500000, polarity=0, phase=0, firstbit=0, sck=6, mosi=7, miso=2) b'\\x00\\x00'\n6 160000000 True\n"
    );
}

#[test]
fn what_is_not_there_says_so_in_a_sentence() {
    let text = output(
        "import network, bluetooth, dht, onewire, machine\nfrom machine import Pin\n\
         def words(f):\n    try:\n        f()\n    except (OSError, ValueError) as e:\n        print(e)\n\
         words(lambda: network.WLAN(network.STA_IF))\nwords(lambda: bluetooth.BLE())\n\
         words(lambda: machine.freq(80000000))\nwords(lambda: machine.I2C(1))\nwords(lambda: machine.UART(0))\n\
         words(lambda: machine.Timer(-1))\nprint(onewire.OneWire(Pin(5)).scan())\n\
         words(lambda: dht.DHT22(Pin(6)).measure())\n",
    );
    assert_eq!(
        text,
        "this board has no radio: network.WLAN is not there, leave it out or take a board with Wi-Fi firmware\n\
         this board has no radio: bluetooth.BLE is not there, leave it out or take a board with Bluetooth firmware\n\
         this firmware runs at 160 MHz only, since its instruments count in it\n\
         I2C(0) is the only one; SoftI2C takes any pins\nUART(1) is the only one: UART(0) carries the console\n\
         invalid Timer number: this chip has Timer(0) and Timer(1)\n[]\n[Errno 110] ETIMEDOUT\n"
    );
}
