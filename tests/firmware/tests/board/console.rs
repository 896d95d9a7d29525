//! The board as any MicroPython tool sees it: prompts, paste, soft reset, files, timers that live on.

use emulator::Port;
use firmware_tests::release::Release;
use firmware_tests::{Board, Plug};

#[test]
fn the_banner_names_board_and_version() {
    let mut board = Board::at_prompt();
    board.send(b"\x02");
    let banner = board.expect(">>> ", 500);
    let version = format!("MicroPython v{} on ", Release::of_the_firmware());
    assert!(banner.contains(&version) && banner.contains("; ISR Lab with ESP32-C3"), "{banner}");
}

#[test]
fn the_friendly_prompt_evaluates_edits_and_pastes() {
    let mut board = Board::at_prompt();
    board.send(b"1+1\r");
    board.expect("2\r\n>>> ", 500);
    board.send(b"pront\x7f\x7f\x7fint('a')\r");
    board.expect("a\r\n>>> ", 500);
    board.send(b"for i in range(3): print(i)\r\r");
    board.expect("0\r\n1\r\n2\r\n>>> ", 500);
    board.send(b"\x05x = 5\rprint(x * 2)\r\x04");
    board.expect("10\r\n>>> ", 500);
    board.send(b"while True: pass\r\r");
    board.run_ms(200);
    board.send(b"\x03");
    board.expect("KeyboardInterrupt: \r\n>>> ", 200);
}

#[test]
fn what_is_typed_while_the_board_boots_does_not_shut_the_console() {
    for plug in [Plug::Uart, Plug::Usb] {
        for delay_ms in [0, 30, 100, 160] {
            let mut board = Board::powered_on(plug);
            board.run_ms(delay_ms);
            board.send(b"\r");
            board.expect(">>> ", 5000);
            board.run_ms(50);
            board.send(b"6 * 7\r");
            board.expect("\r\n42\r\n>>> ", 500);
        }
    }
}

#[test]
fn soft_reset_forgets_names_and_stops_timers() {
    for plug in [Plug::Uart, Plug::Usb] {
        let mut board = Board::at_prompt_on(plug);
        board.send(b"x=1\r");
        board.expect(">>> ", 500);
        board.send(b"\x04");
        let text = board.expect(">>> ", 3000);
        let banner = format!("MPY: soft reboot\r\nMicroPython v{}", Release::of_the_firmware());
        assert!(text.contains(&banner), "{text}");
        board.send(b"x\r");
        board.expect("NameError: name 'x' isn't defined\r\n", 500);
    }
}

#[test]
fn soft_reset_in_the_raw_prompt_stays_there() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.send(b"\x04");
    board.expect("OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>", 3000);
    assert_eq!(board.run("print(1)", 500).output, "1\n");
    board.leave_raw();
}

#[test]
fn a_timer_lives_on_until_a_soft_reset() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    assert_eq!(board.run(include_str!("programs/after_the_program.py"), 1000).error, "");
    let ran = |board: &mut Board| -> u32 { board.run("print(ran)", 500).output.trim().parse().unwrap() };
    let first = ran(&mut board);
    board.run_ms(200);
    let second = ran(&mut board);
    assert!((20..30).contains(&(second - first)), "{first} {second}");
    board.send(b"\x03");
    board.run_ms(100);
    assert!(ran(&mut board) > second);
    board.send(b"\x04");
    board.expect("raw REPL; CTRL-B to exit\r\n>", 3000);
    assert_eq!(board.run("import machine,lab\nprint(lab.stats(machine.Timer(0))[1])", 500).output, "0\n");
}

#[test]
fn files_survive_a_reset_and_boot_py_runs() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let write = "import os\nos.mkdir('/d')\nwith open('/d/f.bin','wb') as f:\n  for i in range(40): f.write(bytes(range(256)))\n\
                 with open('/boot.py','w') as f: f.write('print(\"booted\")')\nprint(os.listdir('/'), os.stat('/d/f.bin')[6])";
    assert_eq!(board.run(write, 5000).output, "['boot.py', 'd'] 10240\n");
    board.machine().power_cycle();
    board.expect("booted\r\nMicroPython", 5000);
    board.expect(">>> ", 500);
    board.enter_raw();
    let check = "b=open('/d/f.bin','rb').read()\nprint(b == bytes(range(256))*40)\nimport os\nos.remove('/d/f.bin')\nos.rmdir('/d')\nprint(os.listdir())";
    assert_eq!(board.run(check, 5000).output, "True\n['boot.py']\n");
}

#[test]
fn ctrl_c_ends_the_callback_that_it_hits_and_not_the_program() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.launch(
        "import time\nfrom machine import Timer\ndef cb(t):\n  t0=time.ticks_ms()\n  \
         while time.ticks_diff(time.ticks_ms(),t0)<40: pass\n\
         t=Timer(0,callback=cb,period=30)\nt0=time.ticks_ms()\n\
         while time.ticks_diff(time.ticks_ms(),t0)<600: pass\nt.deinit()\nprint('main finished')",
    );
    board.run_ms(300);
    board.send(b"\x03");
    let outcome = board.finish(2000);
    assert_eq!(outcome.error, "");
    assert!(outcome.output.ends_with("in cb\nKeyboardInterrupt: \nmain finished\n"), "{}", outcome.output);
}

#[test]
fn pins_interrupt_hard_and_soft_from_inside_and_outside() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let program = "import lab\nfrom machine import Pin\nn=0\ndef cb(p):\n  global n\n  n+=1\n\
        a=Pin(4, Pin.IN, Pin.PULL_UP)\na.irq(cb, Pin.IRQ_FALLING, hard=True)\n\
        b=Pin(5, Pin.OUT, value=0)\nm=0\ndef cb2(p):\n  global m\n  m+=1\nb.irq(cb2, Pin.IRQ_RISING)\n\
        for i in range(5):\n  b(1)\n  b(0)\nprint(m, lab.stats(b)[1:6])";
    assert_eq!(board.run(program, 1000).output, "5 (5, 0, 5, 0, 0)\n");
    for _ in 0..3 {
        board.machine().set_pin(4, false);
        board.run_ms(2);
        board.machine().set_pin(4, true);
        board.run_ms(2);
    }
    assert_eq!(board.run("print(n, lab.stats(a)[1:6])", 500).output, "3 (3, 0, 3, 0, 0)\n");
    let both = "a.irq(cb, hard=True)\nb.irq(None)\nfor i in range(4):\n  b(1)\n  b(0)\nprint(m)\n\
        import micropython\nmicropython.alloc_emergency_exception_buf(256)\ndef bad(p): 1//0\nb.irq(bad, Pin.IRQ_RISING, hard=True)\nb(1); b(0); b(1)\nprint(lab.stats(b)[6])";
    let output = board.run(both, 500).output;
    assert!(output.starts_with("5\nUncaught exception in IRQ callback handler\n"), "{output}");
    assert!(output.ends_with("ZeroDivisionError: divide by zero\n1\n"), "{output}");
}

#[test]
fn refused_arguments_raise_as_they_do_upstream() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    for (statement, error) in [
        ("machine.Timer(2)", "ValueError: invalid Timer number: this chip has Timer(0) and Timer(1)"),
        ("machine.Timer(-1)", "ValueError: invalid Timer number: this chip has Timer(0) and Timer(1)"),
        ("machine.Timer(0, freq=0, callback=print)", "ValueError: invalid Timer period"),
        ("machine.Timer(0, freq=10, callback=print, priority=8)", "ValueError: priority must be 1 to 7"),
        ("machine.Timer(0, freq=10, colour=1)", "TypeError: extra keyword arguments given"),
        ("machine.Pin(18)", "ValueError: invalid pin: 18 and 19 carry USB, take 0 to 10"),
        ("lab.get('nothing')", "ValueError: no such control"),
        ("lab.choice('c', ('a','b'), 'x')", "ValueError: the default is none of the options"),
        ("lab.choice('kind', ('soft', 'hard'), 'soft')", "ValueError: name is in use for something else"),
        ("lab.number('kind', 1, 0, 2)", "ValueError: name is in use for something else"),
        ("lab.value('n' * 24, 1)", "ValueError: name is longer than 23 bytes"),
        ("lab.value('ran', 1)", "ValueError: name is one of the firmware's own"),
        ("lab.counter('missed')", "ValueError: name is one of the firmware's own"),
        ("lab.histogram('lat_max')", "ValueError: name is one of the firmware's own"),
        ("lab.number('expected', 1, 0, 2)", "ValueError: name is one of the firmware's own"),
        ("lab.value('t0.ran', 1)", "ValueError: name is one of the firmware's own"),
        ("lab.value('rate', 1)", "ValueError: name is in use for something else"),
        ("lab.value('a', 1); lab.number('a', 1, 0, 2)", "ValueError: name is in use for something else"),
        ("[lab.value('v%d' % i, i) for i in range(25)]", "ValueError: too many names for the lab module"),
    ] {
        let outcome = board.run(&format!("import machine, lab\n{statement}"), 500);
        assert!(outcome.error.trim_end().ends_with(error), "{statement}: {}", outcome.error);
    }
}

#[test]
fn deep_recursion_is_an_exception_in_main_and_in_a_callback() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let program = "import lab, micropython\nmicropython.alloc_emergency_exception_buf(256)\ndef f(n): return f(n+1)\n\
        try: f(0)\nexcept RuntimeError as e: print(e)\nprint(lab.fire(f, 0))\ndef g(n):\n  if n: return g(n-1)\n  \
        return lab.fire(lambda x: len((1,)), 0)\nprint(g(30))";
    let outcome = board.run(program, 2000);
    assert!(outcome.output.starts_with("maximum recursion depth exceeded\n"), "{}", outcome.output);
    assert!(outcome.output.contains("RuntimeError: maximum recursion depth exceeded\n"), "{}", outcome.output);
    assert!(outcome.output.ends_with("True\n"), "{}", outcome.output);
    assert_eq!(outcome.error, "");
}

#[test]
fn the_other_console_shows_the_same_text() {
    let mut board = Board::at_prompt_on(Plug::Usb);
    board.machine().uart_take_output(Port::Uart0);
    board.send(b"print('to both')\r");
    board.expect("to both\r\n", 500);
    board.run_ms(100);
    let text = String::from_utf8_lossy(&board.machine().uart_take_output(Port::Uart0)).into_owned();
    assert!(text.contains("to both\r\n"), "{text}");
}

#[test]
fn kind_is_known_without_being_declared() {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let program = "import lab\nprint(lab.get('kind'), lab.get('rate'), lab.choice('kind', ('hard', 'soft'), 'hard'))";
    assert_eq!(board.run(program, 500).output, "hard 1000 hard\n");
}

#[test]
fn machine_reset_starts_the_chip_anew() {
    let mut board = Board::at_prompt();
    board.send(b"import machine; print('bye'); machine.reset()\r");
    board.expect("bye\r\n", 500);
    board.expect("ESP-ROM:esp32c3", 500);
    board.expect(">>> ", 3000);
}

#[test]
fn the_program_can_send_the_chip_into_download_mode() {
    let mut board = Board::at_prompt();
    board.send(b"import machine; machine.bootloader()\r");
    board.expect("waiting for download", 1000);
}
