//! Edges that the firmware stamps for a host that watches.

use firmware_tests::{Board, MILLISECOND};
use protocol::host::HostMessage;
use protocol::received::{BoardMessage, What};

const MICROSECOND: u64 = MILLISECOND / 1000;
/// Ticks of the emulator in one of the firmware's, 1/16 us.
const TICK: u64 = MICROSECOND / 16;

/// What was told of edges: `[ticks, pin, what]`, and the sums of what was lost and given up.
#[derive(Debug, Default)]
struct Told {
    begun: Option<(u64, u32)>,
    edges: Vec<(u64, u8, u8)>,
    lost: u32,
    given_up: u32,
}

fn told(board: &mut Board) -> Told {
    let mut told = Told::default();
    for message in board.take_messages() {
        let BoardMessage::Event(event) = message else { continue };
        let What::Edges { ticks, levels, edges, lost, given_up } = event.what else { continue };
        told.begun = told.begun.or(levels.map(|levels| (ticks, levels)));
        told.edges.extend(edges.iter().map(|(after, pin, what)| (ticks + u64::from(*after), *pin, *what)));
        told.lost += lost;
        told.given_up |= given_up;
    }
    told
}

fn watching(pins: u32) -> Board {
    let mut board = Board::at_prompt();
    board.greet();
    board.tell(|id| HostMessage::Watch { id, pins });
    board
}

#[test]
fn edges_are_stamped_within_microseconds_whoever_makes_them() {
    let mut board = watching(1 << 2 | 1 << 3);
    board.run_ms(20);
    let begun = told(&mut board).begun.unwrap();
    assert_eq!(begun.1 & (1 << 2 | 1 << 3), 0);
    let mut moved = Vec::new();
    for (pin, level) in [(2, true), (2, false), (3, true), (2, true)] {
        board.run_ms(3);
        board.machine().set_pin(pin, level);
        moved.push((board.machine().ticks() / TICK, pin, u8::from(level)));
    }
    board.run_ms(100);
    let told = told(&mut board);
    assert_eq!(told.edges.iter().map(|edge| (edge.1, edge.2)).collect::<Vec<_>>(), [(2, 1), (2, 0), (3, 1), (2, 1)]);
    for (edge, moved) in told.edges.iter().zip(&moved) {
        let late_us = (edge.0 as f64 - moved.0 as f64) / 16.0;
        assert!((0.0..20.0).contains(&late_us), "{late_us} us late");
    }
    assert_eq!((told.lost, told.given_up), (0, 0));
}

#[test]
fn a_pin_with_a_callback_keeps_its_trigger_and_its_callbacks() {
    let mut board = watching(0);
    board.enter_raw();
    let program = "from machine import Pin\nimport time\nn = 0\n\
        def cb(p):\n    global n\n    n += 1\n\
        p = Pin(4, Pin.OUT, value=0)\nq = Pin(5, Pin.OUT, value=0)\n\
        i = p.irq(cb, Pin.IRQ_RISING, hard=True)\n\
        for _ in range(3):\n    p.on()\n    q.on()\n    time.sleep_ms(1)\n    p.off()\n    q.off()\n    time.sleep_ms(1)\n\
        print(n, i.trigger())\n";
    let outcome = board.run(program, 1000);
    assert_eq!((outcome.output.as_str(), outcome.error.as_str()), ("3 1\n", ""));
    board.run_ms(100);
    let told = told(&mut board);
    assert_eq!(told.edges.iter().map(|edge| (edge.1, edge.2)).collect::<Vec<_>>(), [(4, 3); 3], "rising edges only");
}

#[test]
fn a_pin_that_moves_too_fast_is_given_up_and_others_are_not() {
    let mut board = watching(1 << 2 | 1 << 3);
    board.run_ms(20);
    told(&mut board);
    for n in 0..2000_u32 {
        board.machine().set_pin(2, n % 2 == 0);
        board.machine().run_for(20 * MICROSECOND);
    }
    board.machine().set_pin(3, true);
    // A hundred edges take their time at 115,200 baud.
    board.run_ms(500);
    let told = told(&mut board);
    assert_eq!(told.given_up, 1 << 2);
    let of_2 = told.edges.iter().filter(|edge| edge.1 == 2).count();
    assert!((50..=101).contains(&of_2), "{of_2}");
    assert_eq!(told.edges.last().map(|edge| (edge.1, edge.2)), Some((3, 1)));
}

#[test]
fn nobody_is_told_without_asking_and_what_was_asked_can_be_taken_back() {
    let mut board = watching(1 << 2);
    board.tell(|id| HostMessage::Unwatch { id });
    board.run_ms(100);
    told(&mut board);
    board.machine().set_pin(2, true);
    board.run_ms(100);
    let told = told(&mut board);
    assert!(told.edges.is_empty() && told.begun.is_none(), "{told:?}");
}

/// What an edge costs the program, in silicon's time: with telemetry included.
#[test]
fn an_edge_costs_the_program_a_few_microseconds() {
    let mut cost = [0.0; 2];
    for (watched, cost) in [false, true].into_iter().zip(&mut cost) {
        let mut board = Board::at_prompt();
        board.greet();
        if watched {
            board.tell(|id| HostMessage::Watch { id, pins: 0 });
        }
        board.enter_raw();
        let program = "from machine import Pin\nimport time\n\
            def cb(p):\n    pass\n\
            p = Pin(4, Pin.OUT, value=0)\np.irq(cb, hard=True)\n\
            def many():\n    on = p.on\n    off = p.off\n    a = time.ticks_us()\n    \
            for _ in range(100):\n        on()\n        off()\n    return time.ticks_diff(time.ticks_us(), a)\n\
            many()\nprint(min(many() for _ in range(5)))\n";
        let outcome = board.run(program, 2000);
        assert_eq!(outcome.error, "");
        *cost = outcome.output.trim().parse::<f64>().unwrap() / 200.0;
    }
    let stamp_us = cost[1] - cost[0];
    println!("an edge with a callback: {:.2} us, stamped {:.2} us", cost[0], cost[1]);
    assert!((0.0..8.0).contains(&stamp_us), "{stamp_us} us");
}
