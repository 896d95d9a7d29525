//! Frames out and frames in: they go on whatever Python does.

use protocol::host::HostMessage;
use protocol::received::{BoardMessage, What};

use firmware_tests::release::Release;
use firmware_tests::{Board, MILLISECOND, Plug, identities};

/// A board that was greeted and whose raw prompt waits for the end of `program`.
fn ready(program: &str) -> Board {
    let mut board = Board::at_prompt();
    board.greet();
    board.enter_raw();
    board.upload(program);
    board
}

/// Starts the uploaded program as run 1.
#[track_caller]
fn go(board: &mut Board, limit_ms: u32) {
    board.tell(|id| HostMessage::Start { id, run: 1, limit_ms });
    board.send(b"\x04");
    board.expect("\x04", 2000);
}

#[track_caller]
fn end_of_run(board: &mut Board, timeout_ms: u64) -> String {
    board.wait_for(timeout_ms, |message| match message {
        BoardMessage::Done(done) => Some(done.why.clone()),
        _ => None,
    })
}

#[track_caller]
fn guard_event(board: &mut Board, timeout_ms: u64) -> (String, u32) {
    board.wait_for(timeout_ms, |message| match message {
        BoardMessage::Event(event) => match &event.what {
            What::Guard { source, starved_ms } => Some((source.clone(), *starved_ms)),
            _ => None,
        },
        _ => None,
    })
}

#[test]
fn nothing_is_sent_before_a_greeting_and_after_a_farewell() {
    let mut board = Board::at_prompt();
    board.send(b"import lab\rlab.mark(1, 2)\r");
    board.run_ms(500);
    assert_eq!(board.take_messages(), []);
    board.greet();
    board.run_ms(1000);
    let messages = board.take_messages();
    assert!(matches!(messages[0], BoardMessage::Hello(_)), "{:?}", messages[0]);
    let samples = messages.iter().filter(|message| matches!(message, BoardMessage::Sample(_))).count();
    assert!((9..=11).contains(&samples), "{samples} samples in a second at 115200 baud");
    board.tell(|id| HostMessage::Farewell { id });
    board.run_ms(200);
    board.take_messages();
    board.run_ms(500);
    assert_eq!(board.take_messages(), []);
    assert_eq!(board.broken(), 0);
}

#[test]
fn a_program_cannot_write_a_frame() {
    let forged = r#"\x1e{"t":"event","us":1,"run":1,"kind":"mark","mark":7,"value":8}\n"#;
    for plug in [Plug::Uart, Plug::Usb] {
        let mut board = Board::at_prompt_on(plug);
        board.greet();
        board.enter_raw();
        board.take_messages();
        let program = format!(
            "import sys\nprint('{forged}')\nsys.stdout.buffer.write(b'{forged}')\nsys.stdout.write('{forged}')\n\
             sys.stderr.write('\\x1e' * 40)\nprint(input('{forged}'))"
        );
        board.launch(&program);
        board.expect("?{\"t\":\"event\"", 1000);
        board.run_ms(200);
        // What is typed is echoed.
        board.send(b"a\r");
        let outcome = board.finish(2000);
        assert_eq!(outcome.error, "");
        assert!(outcome.output.contains(&"?".repeat(40)), "{plug:?}: {}", outcome.output);
        let marks = board.take_messages().iter().filter(|message| matches!(message, BoardMessage::Event(_))).count();
        assert_eq!((marks, board.broken()), (0, 0), "{plug:?}");
    }
}

#[test]
fn hello_says_who_is_there() {
    let mut board = Board::at_prompt();
    board.greet();
    let messages = board.take_messages();
    let Some(BoardMessage::Hello(hello)) = messages.first() else { panic!("{messages:?}") };
    assert_eq!(hello.v, protocol::VERSION);
    assert_eq!(hello.mpy, Release::of_the_firmware().to_string());
    assert_eq!(hello.chip, "esp32c3");
    assert_eq!(hello.cpu_hz, 160_000_000);
    assert_eq!(hello.boots, 0);
    for cap in ["hard", "soft", "pins", "native", "baud"] {
        assert!(hello.caps.iter().any(|c| c == cap), "{cap} is missing");
    }
}

#[test]
fn a_faster_line_is_taken_when_asked_for() {
    let mut board = Board::at_prompt();
    board.greet();
    board.tell(|id| HostMessage::Baud { id, baud: 921_600 });
    board.run_ms(60);
    board.set_baud(921_600);
    board.take_messages();
    board.run_ms(1000);
    let samples = board.take_messages().iter().filter(|m| matches!(m, BoardMessage::Sample(_))).count();
    assert!((19..=21).contains(&samples), "{samples} samples in a second");
    board.send(b"1+1\r");
    board.expect("2\r\n", 100);
    board.tell(|id| HostMessage::Farewell { id });
    board.run_ms(60);
    board.set_baud(115_200);
    board.send(b"2+2\r");
    board.expect("4\r\n", 100);
}

#[test]
fn numbers_go_on_whatever_main_does() {
    for main in [
        "while True: pass",
        "import machine\nmachine.disable_irq()\nwhile True: pass",
        "a=[(i*7919)%10007 for i in range(3000)]\nwhile True:\n  b=a[:]\n  b.sort()",
        "import time\ntime.sleep(100)",
        "import gc\nwhile True: gc.collect()",
    ] {
        let mut board = ready(&format!("import lab\ndef cb(t): pass\nlab.timer(cb)\n{main}"));
        go(&mut board, 0);
        board.run_ms(300);
        board.take_messages();
        let mut last = None;
        for _ in 0..8 {
            let sample = board.sample(200);
            identities(&sample);
            let fired = sample.src[0].fired;
            if let Some(last) = last.replace(fired) {
                assert!(main.contains("disable_irq") || fired > last, "{main}: the timer stands at {fired}");
            }
        }
        board.tell(|id| HostMessage::Stop { id });
        assert_eq!(end_of_run(&mut board, 1000), "stopped", "{main}");
        assert!(board.expect("\x04", 200).is_empty());
    }
}

#[test]
fn no_event_of_a_full_queue_is_forgotten() {
    let mut board = ready(
        "import lab\nn = 0\ndef cb(t):\n  global n\n  n += 1\nt = lab.timer(cb)\n\
         while lab.running():\n  sum(range(4000))\n  for i in range(30): pass\n\
         t.deinit()\nfor i in range(40): pass\nprint(n)",
    );
    board.tell(|id| HostMessage::SetNumber { id, name: "rate", value: 5000 });
    board.tell(|id| HostMessage::SetChoice { id, name: "kind", choice: "soft" });
    go(&mut board, 4000);
    let mut last = None;
    board.wait_for(6000, |message| match message {
        BoardMessage::Sample(sample) => {
            identities(sample);
            last = Some(sample.clone());
            None
        }
        BoardMessage::Done(_) => Some(()),
        _ => None,
    });
    let source = last.expect("numbers before the end").src[0].clone();
    assert!(source.dropped > 0 && source.queued == 0, "{source:?}");
    assert_eq!(board.finish(500).output.trim(), source.ran.to_string());
}

#[test]
fn a_control_takes_effect_within_50_ms() {
    let mut board = ready(
        "import lab\ncb = lambda t: None\nlab.timer(cb)\nw = lab.choice('cure', ('none', 'mutex'), 'none')\n\
         n = lab.number('length', 5, 0, 100)\nwhile True: pass",
    );
    go(&mut board, 0);
    board.run_ms(300);
    let took = board.tell(|id| HostMessage::SetNumber { id, name: "rate", value: 5000 });
    assert!(took < 50, "acknowledged after {took} ms");
    board.take_messages();
    let before = board.sample(300);
    let after = board.sample(300);
    assert_eq!(after.src[0].hz, 5000);
    let rate = f64::from(after.src[0].fired - before.src[0].fired) * 1e6 / (after.us - before.us) as f64;
    assert!((4900.0..5100.0).contains(&rate), "{rate} alarms a second");
    board.tell(|id| HostMessage::SetChoice { id, name: "kind", choice: "soft" });
    board.run_ms(120);
    board.take_messages();
    let sample = board.sample(300);
    assert!(!sample.src[0].hard);
    identities(&sample);
    board.tell(|id| HostMessage::SetChoice { id, name: "cure", choice: "mutex" });
    let change = board.wait_for(300, |message| match message {
        BoardMessage::Event(event) => match &event.what {
            What::Control { name, value } => Some((name.clone(), *value)),
            _ => None,
        },
        _ => None,
    });
    assert_eq!(change, ("cure".to_owned(), 1));
    for (message, error) in [
        (HostMessage::SetNumber { id: 90, name: "length", value: 101 }, "out_of_range"),
        (HostMessage::SetChoice { id: 91, name: "cure", choice: "prayer" }, "unknown_option"),
        (HostMessage::Baud { id: 92, baud: 1 }, "out_of_range"),
        (HostMessage::Request { id: 93, what: "tea" }, "unknown_message"),
    ] {
        board.post(|_| message);
        let refused = board.wait_for(300, |answer| match answer {
            BoardMessage::Ack(ack) if ack.id == message.id() => ack.err.clone(),
            _ => None,
        });
        assert_eq!(refused, error);
    }
}

#[test]
fn what_the_host_set_before_overrides_the_programs_defaults() {
    let mut board = Board::at_prompt();
    board.greet();
    board.tell(|id| HostMessage::SetNumber { id, name: "length", value: 42 });
    board.tell(|id| HostMessage::SetChoice { id, name: "cure", choice: "mutex" });
    board.tell(|id| HostMessage::SetNumber { id, name: "rate", value: 250 });
    board.enter_raw();
    board.upload(
        "import lab\nprint(lab.number('length', 5, 0, 100), lab.choice('cure', ('none', 'mutex'), 'none'),\n\
         lab.rate(), lab.hard(), lab.get('cure'), lab.number('other', 7, 0, 9))\n",
    );
    go(&mut board, 0);
    assert_eq!(board.finish(1000).output, "42 mutex 250 True mutex 7\n");
}

#[test]
fn stop_ends_every_program() {
    for (program, whys) in [
        ("while True: pass", &["stopped"][..]),
        ("import time\ntime.sleep(1000)", &["stopped"]),
        ("while True:\n  try:\n    while True: pass\n  except: pass", &["restarted"]),
        (
            "import machine\nmachine.disable_irq()\nwhile True:\n  try:\n    while True: pass\n  except: pass",
            &["restarted"],
        ),
        ("import micropython\n@micropython.native\ndef f():\n  while True: pass\nf()", &["restarted"]),
        ("sum(range(2000000000))", &["restarted"]),
        ("import micropython\nmicropython.kbd_intr(-1)\nwhile True: pass", &["stopped"]),
        (
            "from machine import Timer\ndef cb(t):\n  while True: pass\nTimer(0, freq=100, callback=cb)\nwhile True: pass",
            &["stopped", "restarted"],
        ),
        (
            "import asyncio\nasync def f():\n  while True:\n    try: await asyncio.sleep_ms(1)\n    except: pass\nasyncio.run(f())",
            &["stopped", "restarted"],
        ),
    ] {
        let mut board = ready(program);
        go(&mut board, 0);
        board.run_ms(200);
        board.tell(|id| HostMessage::Stop { id });
        let why = end_of_run(&mut board, 1000);
        assert!(whys.contains(&why.as_str()), "{program}: {why}");
        board.run_ms(300);
        board.send(b"\x02");
        board.expect(">>> ", 1000);
        board.send(b"print(6*7)\r");
        board.expect("42\r\n", 500);
        assert_eq!(board.broken(), 0);
    }
}

#[test]
fn a_run_ends_by_itself_by_its_limit_and_by_an_exception() {
    let mut board = ready("import lab\nn=0\nwhile lab.running():\n  lab.beat()\n  n+=1\nlab.value('n', n)");
    go(&mut board, 300);
    assert_eq!(end_of_run(&mut board, 1000), "finished");
    board.finish(500);
    board.upload("import lab\nlab.value('x', -7)\nlab.value('y', 2.6)\n1//0");
    board.tell(|id| HostMessage::Start { id, run: 2, limit_ms: 0 });
    board.take_messages();
    board.send(b"\x04");
    let mut last = None;
    let mut exception = None;
    let why = board.wait_for(1000, |message| match message {
        BoardMessage::Sample(sample) => {
            last = Some(sample.clone());
            None
        }
        BoardMessage::Event(event) => {
            if let What::Exception { context, class, text } = &event.what {
                exception = Some((context.clone(), class.clone(), text.clone()));
            }
            None
        }
        BoardMessage::Done(done) => Some((done.run, done.why.clone())),
        _ => None,
    });
    assert_eq!(why, (2, "exception".to_owned()));
    let sample = last.expect("the final numbers come before the end");
    assert_eq!((sample.run, sample.exc), (2, 1));
    assert_eq!((sample.v["x"], sample.v["y"]), (-7, 3));
    assert_eq!(exception, Some(("main".into(), "ZeroDivisionError".into(), "divide by zero".into())));
}

#[test]
fn the_load_guard_stops_a_callback_that_is_longer_than_its_period() {
    let mut board = ready(
        "import time\nfrom machine import Timer\ndef cb(t):\n  u = time.ticks_us()\n  \
         while time.ticks_diff(time.ticks_us(), u) < 1500: pass\n\
         t = Timer(0, freq=1000, callback=cb, hard=True)\nn = 0\nwhile n < 20000: n += 1\nprint('main ended')",
    );
    go(&mut board, 0);
    let (source, starved_ms) = guard_event(&mut board, 1500);
    assert_eq!(source, "t0");
    assert!((200..=250).contains(&starved_ms), "{starved_ms}");
    let mut last = None;
    let why = board.wait_for(2000, |message| match message {
        BoardMessage::Sample(sample) => {
            last = Some(sample.clone());
            None
        }
        BoardMessage::Done(done) => Some(done.why.clone()),
        _ => None,
    });
    assert_eq!(why, "finished");
    let sample = last.expect("numbers before the end");
    assert!(sample.src[0].disabled && sample.src[0].missed > 0, "{sample:?}");
    let words = format!("\nTimer(0): its interrupt left main no time for {starved_ms} ms and was stopped\n");
    assert_eq!(board.finish(500).output, words + "main ended\n");
}

#[test]
fn the_load_guard_leaves_a_callback_that_never_returns() {
    for (decorator, body, restarted) in [
        ("", "while True: pass", false),
        ("", "while True:\n    try:\n      while True: pass\n    except: pass", false),
        ("@micropython.native\n", "while True: pass", true),
    ] {
        let mut board = ready(&format!(
            "import micropython\nfrom machine import Timer\n{decorator}def cb(t):\n  {body}\n\
             Timer(1, freq=100, callback=cb, hard=True)\nfor i in range(20000): pass\nprint('main ended')"
        ));
        go(&mut board, 0);
        assert_eq!(guard_event(&mut board, 1000).0, "t1", "{body}");
        let why = end_of_run(&mut board, 2000);
        assert_eq!(why, if restarted { "restarted" } else { "finished" }, "{decorator}{body}");
        if !restarted {
            let output = board.finish(500).output;
            assert!(output.starts_with("\nTimer(1): its interrupt left main no time for "), "{output}");
            assert!(output.ends_with(" ms and was stopped\nmain ended\n"), "{output}");
        }
        board.run_ms(300);
        board.send(b"\x02");
        board.expect(">>> ", 1000);
        board.send(b"print(6*7)\r");
        board.expect("42\r\n", 500);
    }
}

#[test]
fn noise_and_half_frames_are_counted_and_nothing_worse() {
    let mut board = Board::at_prompt();
    board.greet();
    let before = board.sample(300).bad_bytes;
    board.send(b"\x1e{\"t\":\"stop\",\"id\":\x1e{\"half\x1e\x1e\x1ehello\n");
    board.send(&[0x1e, b'{', 0xff, 0xfe, b'\n']);
    let mut long = vec![b'x'; 3000];
    long.splice(0..0, *b"\x1e{");
    long.push(b'\n');
    board.send(&long);
    board.run_ms(400);
    board.take_messages();
    let after = board.sample(300);
    assert!(after.bad_bytes - before > 3000, "{} bad bytes", after.bad_bytes - before);
    // Whatever is left of a half frame, Ctrl-C is heard.
    board.send(b"\x1e{\"t\":\x03");
    board.send(b"\rprint(6*7)\r");
    board.expect("42\r\n", 500);
    assert!(board.tell(|id| HostMessage::Greet { id, v: 1 }) < 50);
}

#[test]
fn frames_stay_whole_in_a_flood_of_text_and_losses_are_told() {
    let mut board = ready(
        "import lab\ndef cb(t):\n  print('hard', end=' ')\n  lab.mark(3, 4)\nlab.timer(cb)\n\
         for i in range(500): lab.mark(1, i)\n\
         while lab.running(): print('main says something rather long to fill the line')",
    );
    board.tell(|id| HostMessage::SetNumber { id, name: "rate", value: 300 });
    go(&mut board, 3000);
    let mut last = None;
    let (mut gaps, mut samples, mut overflow) = (0, 0, 0);
    let mut lost = 0;
    board.wait_for(6000, |message| {
        let n = match message {
            BoardMessage::Sample(sample) => {
                samples += 1;
                identities(sample);
                lost = sample.lost_frames;
                sample.n
            }
            BoardMessage::Event(event) => {
                if let What::Overflow { marks } = event.what {
                    overflow += marks;
                }
                event.n
            }
            BoardMessage::Done(done) => done.n,
            _ => return None,
        };
        if let Some(last) = last.replace(n) {
            assert!(n > last, "frame {n} after {last}");
            gaps += n - last - 1;
        }
        matches!(message, BoardMessage::Done(_)).then_some(())
    });
    assert_eq!(board.broken(), 0);
    assert!(samples > 10, "{samples}");
    assert_eq!(gaps, lost);
    assert!(overflow > 0);
}

#[test]
fn usb_carries_the_same_conversation() {
    let mut board = Board::at_prompt_on(Plug::Usb);
    board.greet();
    board.enter_raw();
    board.upload(
        "import lab\nn=0\ndef cb(t):\n  global n\n  n+=1\nlab.timer(cb)\nwhile lab.running(): lab.beat()\nprint(n)",
    );
    go(&mut board, 1000);
    let mut samples = 0;
    board.wait_for(3000, |message| match message {
        BoardMessage::Sample(sample) => {
            identities(sample);
            samples += 1;
            None
        }
        BoardMessage::Done(done) => {
            assert_eq!(done.why, "finished");
            Some(())
        }
        _ => None,
    });
    assert!((19..=23).contains(&samples), "{samples}");
    let n: i64 = board.finish(500).output.trim().parse().unwrap();
    assert!((995..=1001).contains(&n), "{n}");
    assert_eq!(board.broken(), 0);
}

#[test]
fn lists_histograms_traces_and_marks_arrive() {
    let mut board = ready(
        "import lab, array\nH = array.array('i', [1, 2, 3])\nlab.array('H', H)\nh = lab.histogram('hist')\n\
         c = lab.counter('c')\ndef cb(t):\n  c.add()\n  h.add(100)\n  lab.trace(7)\n\
         t = lab.timer(cb)\ni = 0\nwhile lab.running():\n  lab.trace(i)\n  i += 1\n  \
         if i == 500: lab.trigger('lost')\n  if i == 100: lab.mark(9, -5)\n\
         t.deinit()\nfor i in range(40): pass\nprint(c.value())",
    );
    go(&mut board, 700);
    let (mut arrays, mut histograms, mut trace, mut mark) = (0, 0, None, None);
    let mut counted = 0;
    board.wait_for(3000, |message| match message {
        BoardMessage::Sample(sample) => {
            if let Some(array) = sample.h.get("H") {
                assert_eq!(array, &[1, 2, 3]);
                arrays += 1;
            }
            if let Some(bins) = sample.h.get("hist") {
                histograms += 1;
                counted = bins.iter().sum();
                assert_eq!(bins.iter().filter(|count| **count > 0).count() as i32, i32::from(counted > 0));
            }
            None
        }
        BoardMessage::Event(event) => {
            match &event.what {
                What::Trace { trigger, points } => trace = Some((trigger.clone(), points.clone())),
                What::Mark { mark: 9, value } => mark = Some(*value),
                _ => {}
            }
            None
        }
        BoardMessage::Done(_) => Some(()),
        _ => None,
    });
    assert!(arrays > 1 && histograms > 1);
    assert_eq!(mark, Some(-5));
    let (trigger, points) = trace.expect("a trace");
    assert_eq!(trigger, "lost");
    assert!(points.len() > 30, "{points:?}");
    assert!(points.windows(2).all(|pair| pair[0].0 <= pair[1].0), "{points:?}");
    assert!(points.iter().any(|point| point.0 < 0) && points.iter().any(|point| point.0 > 0));
    let printed: i32 = board.finish(500).output.trim().parse().unwrap();
    assert_eq!(counted, printed);
}

#[test]
fn a_section_holds_the_sample_back() {
    let mut board = ready(
        "import lab\ni = 0\nwhile lab.running():\n  s = lab.lock()\n  lab.value('a', i)\n  \
         for k in range(100): pass\n  lab.value('b', i)\n  lab.unlock(s)\n  i += 1",
    );
    go(&mut board, 2000);
    let mut samples = 0;
    board.wait_for(4000, |message| match message {
        BoardMessage::Sample(sample) if sample.v.len() == 2 => {
            assert_eq!(sample.v["a"], sample.v["b"]);
            assert!(sample.locked_max > 100, "{}", sample.locked_max);
            samples += 1;
            None
        }
        BoardMessage::Done(_) => Some(()),
        _ => None,
    });
    assert!(samples >= 15, "{samples}");
}

#[test]
fn the_sample_after_a_section_delays_no_callback() {
    let mut board = ready(
        "import lab\nfrom machine import Timer\nfrom time import ticks_us, ticks_diff\ndef cb(t): pass\n\
         t = Timer(0, freq=1000, callback=cb, hard=True)\nwhile lab.running():\n  s = lab.lock()\n  start = ticks_us()\n  \
         while ticks_diff(ticks_us(), start) < 600: pass\n  lab.unlock(s)\n  for i in range(20): pass",
    );
    go(&mut board, 2000);
    let (mut samples, mut last) = (0, None);
    board.wait_for(4000, |message| match message {
        BoardMessage::Sample(sample) => {
            samples += 1;
            last = Some(sample.clone());
            None
        }
        BoardMessage::Done(_) => Some(()),
        _ => None,
    });
    let last = last.expect("a sample");
    let timer = &last.src[0];
    assert!(samples >= 15 && timer.fired > 1500, "{samples} {timer:?}");
    assert!(last.locked_max >= 600, "{last:?}");
    // Who waits for the end of a section does not wait for its sample as well.
    assert_eq!(timer.missed, 0);
    assert!(timer.lat.max <= last.locked_max + 100, "{} us late, locked for {}", timer.lat.max, last.locked_max);
}

#[test]
fn a_sample_does_not_cut_a_stream_of_bits() {
    const LINE: u32 = 1 << 3;
    const SENDING: u32 = 1 << 4;
    let mut board = ready(
        "import lab, neopixel\nfrom machine import Pin\nsending = Pin(4, Pin.OUT)\nn = neopixel.NeoPixel(Pin(3), 200)\n\
         while lab.running():\n  sending(1)\n  n.write()\n  sending(0)",
    );
    go(&mut board, 2000);
    let first = board.wait_for(1000, |message| match message {
        BoardMessage::Sample(sample) => Some(sample.n),
        _ => None,
    });
    let (mut bits, mut low_since, mut longest_low) = (0, None, 0);
    let end = board.machine().ticks() + 400 * MILLISECOND;
    let mut was = 0;
    while board.machine().ticks() < end {
        board.machine().run_instructions(40);
        let (now, pins) = (board.machine().ticks(), board.machine().pins().0);
        if pins & SENDING == 0 {
            low_since = None;
        } else if pins & LINE == 0 && was & LINE != 0 {
            low_since = Some(now);
        } else if pins & LINE != 0 && was & LINE == 0 {
            longest_low = longest_low.max(low_since.map_or(0, |since| now - since));
            bits += 1;
        }
        was = pins;
    }
    board.wait_for(1000, |message| match message {
        BoardMessage::Sample(sample) => (sample.n >= first + 3).then_some(()),
        _ => None,
    });
    assert!(bits > 50_000, "{bits}");
    // A strip takes 50 us of low for the end of the bits.
    assert!(longest_low < MILLISECOND / 20, "{longest_low} ticks");
}
