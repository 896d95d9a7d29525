//! Pins and their interrupts, as an official board answers, and with hard callbacks.

use firmware_tests::{Board, Outcome};

fn outcome(program: &str) -> Outcome {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.run(program, 5000)
}

/// What a program prints that raises nothing.
#[track_caller]
fn output(program: &str) -> String {
    let outcome = outcome(program);
    assert_eq!(outcome.error, "", "it had printed:\n{}", outcome.output);
    outcome.output
}

#[test]
fn a_pin_is_made_and_driven_as_on_an_official_board() {
    let text = output(
        "from machine import Pin\n\
         p = Pin(4, Pin.OUT, value=1, drive=Pin.DRIVE_3)\n\
         print(p, p.value(), p(), Pin(4) is p)\n\
         p.off()\nprint(p())\np.on()\nprint(p())\np.toggle()\nprint(p())\np.value(1)\nprint(p())\np(0)\nprint(p())\n\
         q = Pin(5, Pin.IN, Pin.PULL_UP)\nprint(q())\nq.init(pull=Pin.PULL_DOWN)\nprint(q())\n\
         print(Pin.IN, Pin.OUT, Pin.OPEN_DRAIN, Pin.PULL_UP, Pin.PULL_DOWN, Pin.IRQ_RISING, Pin.IRQ_FALLING)\n\
         print(Pin.WAKE_LOW, Pin.WAKE_HIGH, Pin.DRIVE_0)\n",
    );
    assert_eq!(text, "Pin(4) 1 1 True\n0\n1\n0\n1\n0\n1\n0\n1 3 7 2 1 1 2\n4 5 0\n");
}

#[test]
fn pins_that_are_not_the_learners_are_refused_with_the_way_out() {
    let text = output(
        "from machine import Pin\n\
         for n in (11, 18, 21, 22, -1):\n    try:\n        Pin(n)\n    except ValueError as e:\n        print(n, e)\n",
    );
    assert_eq!(
        text,
        "11 invalid pin: 11 to 17 carry the flash memory, take 0 to 10\n\
         18 invalid pin: 18 and 19 carry USB, take 0 to 10\n\
         21 invalid pin: 20 and 21 carry the console, take 0 to 10\n22 invalid pin\n-1 invalid pin\n"
    );
}

#[test]
fn irq_returns_an_object_that_can_be_called_and_asked() {
    let text = output(
        "from machine import Pin\n\
         def settle():\n    for _ in range(30):\n        pass\n\
         p = Pin(4, Pin.OUT, value=0)\n\
         ran = []\n\
         i = p.irq(lambda q: ran.append((q is p, i.flags())), Pin.IRQ_RISING)\n\
         p.on(); p.off(); settle()\n\
         print(ran, p.irq() is i)\n\
         print(i.trigger(), i.trigger(Pin.IRQ_FALLING), i.trigger())\n\
         p.on(); settle(); print(len(ran))\n\
         p.off(); settle(); print(len(ran), ran[-1][1])\n\
         i(); settle(); print(len(ran))\n\
         p.irq(); p.on(); p.off(); settle(); print(len(ran))\n\
         p.irq(None); p.on(); p.off(); i(); settle(); print(len(ran))\n",
    );
    assert_eq!(text, "[(True, 1)] True\n1 1 2\n1\n2 2\n3\n4\n4\n");
}

#[test]
fn a_hard_callback_has_run_when_the_next_statement_does() {
    let text = output(
        "from machine import Pin\nimport array\n\
         n = 0\nseen = array.array('i', [0] * 8)\n\
         def edge(p):\n    global n\n    seen[n] = p.irq().flags()\n    n += 1\n\
         p = Pin(4, Pin.OUT, value=0)\n\
         i = p.irq(edge, hard=True)\n\
         p.on(); a = n; p.off(); b = n; p.toggle(); c = n\n\
         print(a, b, c, list(seen[:3]))\n\
         i(); print(n)\n",
    );
    assert_eq!(text, "1 2 3 [1, 2, 1]\n4\n");
}

#[test]
fn any_pin_has_a_callback_and_edges_before_it_are_one() {
    let text = output(
        "from machine import Pin, disable_irq, enable_irq\n\
         counts = [0] * 11\n\
         def edge(p):\n    counts[pins.index(p)] += 1\n\
         pins = [Pin(n, Pin.OUT, value=0) for n in range(11)]\n\
         for p in pins:\n    p.irq(edge, Pin.IRQ_RISING, hard=True)\n\
         for p in pins:\n    p.on(); p.off()\n\
         print(counts)\n\
         s = disable_irq()\n\
         for _ in range(3):\n    pins[4].on(); pins[4].off(); pins[5].on(); pins[5].off()\n\
         enable_irq(s)\n\
         print(counts[4], counts[5])\n",
    );
    assert_eq!(text, "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n2 2\n");
}

#[test]
fn a_level_is_quieted_by_its_callback() {
    let text = output(
        "from machine import Pin\n\
         n = 0\n\
         def low(p):\n    global n\n    n += 1\n    p.irq().trigger(0)\n\
         p = Pin(4, Pin.OUT, value=1)\n\
         i = p.irq(low, Pin.WAKE_LOW, hard=True)\n\
         p.off(); a = n; i.trigger(Pin.WAKE_LOW); b = n; p.on(); i.trigger(Pin.WAKE_LOW); c = n\n\
         print(a, b, c, i.flags())\n",
    );
    assert_eq!(text, "1 2 2 4\n");
}

#[test]
fn a_level_that_nobody_quiets_is_stopped_in_words() {
    for kind in ["True", "False"] {
        let text = output(&format!(
            "from machine import Pin\nimport time, lab\n\
             n = 0\n\
             def low(p):\n    global n\n    n += 1\n\
             p = Pin(4, Pin.OUT, value=1)\n\
             t = time.ticks_ms()\n\
             p.irq(low, Pin.WAKE_LOW, hard={kind})\n\
             p.off()\n\
             print(200 <= time.ticks_diff(time.ticks_ms(), t) <= 400, n > 0, lab.stats(p)[6])\n",
        ));
        let words = "\nPin(4): its interrupt left main no time for 200 ms and was stopped\n";
        assert_eq!(text, format!("{words}True True 1\n"), "hard={kind}");
    }
}

#[test]
fn every_falling_edge_from_outside_counts() {
    for kind in ["True", "False"] {
        let mut board = Board::at_prompt();
        board.enter_raw();
        board.machine().set_pin(4, true);
        board.launch(&format!(
            "from machine import Pin\nimport time\n\
             n = 0\ndef edge(p):\n    global n\n    n += 1\n\
             Pin(4, Pin.IN).irq(edge, Pin.IRQ_FALLING, hard={kind})\n\
             print('ready')\n\
             time.sleep_ms(300)\nprint(n)\n"
        ));
        board.expect("ready\r\n", 1000);
        for _ in 0..100 {
            board.machine().set_pin(4, false);
            board.run_ms(1);
            board.machine().set_pin(4, true);
            board.run_ms(1);
        }
        assert_eq!(board.finish(1000).output, "100\n", "hard={kind}");
    }
}

#[test]
fn a_queued_callback_runs_although_its_pin_lost_or_changed_its_handler() {
    // Inside a scheduled function other soft callbacks wait in the queue.
    let program = "import micropython\nfrom machine import Pin\nran = []\np = Pin(4, Pin.OUT, value=0)\n\
         def first(q): ran.append('first')\ndef second(q): ran.append('second')\n\
         def lose(_):\n  p.irq(first, Pin.IRQ_RISING)\n  p.on(); p.off()\n  p.irq(None)\n  ran.append('none')\n\
         def change(_):\n  p.irq(first, Pin.IRQ_RISING)\n  p.on(); p.off()\n  p.irq(second, Pin.IRQ_RISING)\n  p.on(); p.off()\n\
         for f in (lose, change):\n  micropython.schedule(f, 0)\n  for i in range(20): pass\n  print(ran)\n  ran.clear()\n";
    assert_eq!(output(program), "['none', 'first']\n['first', 'second']\n");
}
