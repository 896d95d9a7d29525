//! The same inputs at the same instants give the same run, however it is divided, repeated, forked
//! or replayed.

use emulator::{Config, Injection, Input, Machine, Port, ResetCause, Source, Stops};

use crate::{MILLISECOND, esp_app, run_until_printed};

/// A machine whose application waits for commands.
fn ready() -> Machine {
    let mut machine = Machine::new(Config { flash: esp_app(), seed: 7, ..Config::default() });
    run_until_printed(&mut machine, "esp-app: ready", 1000);
    machine
}

/// A session with every kind of input, at uneven instants.
fn session(machine: &mut Machine) {
    for (n, command) in b"atgsxe?a".iter().enumerate() {
        machine.uart_write(Port::Uart0, &[*command]);
        machine.run_for(MILLISECOND * 3 + 12_345 * n as u64);
        machine.set_pin(5, n % 2 == 0);
        machine.run_instructions(101 + n as u64);
    }
    machine.set_analog(1, 2048);
    machine.usb_write(b"bytes for usb");
    machine.raise_at(machine.instructions() + 17, Injection::Source(Source::FromCpu0)).unwrap();
    machine.raise_at(machine.instructions() + 19, Injection::Pin { pin: 5, level: Some(true) }).unwrap();
    machine.run_for(5 * MILLISECOND);
    machine.release_pin(5);
    machine.set_serial_lines(false, true);
    machine.run_for(2 * MILLISECOND);
    machine.set_serial_lines(false, false);
    machine.run_for(150 * MILLISECOND);
    machine.set_seed(99);
    machine.reset(ResetCause::UsbUart);
    machine.run_for(50 * MILLISECOND);
}

#[test]
fn a_snapshot_can_be_returned_to_any_number_of_times() {
    let mut machine = ready();
    let start = machine.snapshot();
    let start_hash = machine.state_hash();
    session(&mut machine);
    let end_hash = machine.state_hash();
    assert_ne!(start_hash, end_hash);
    for _ in 0..2 {
        machine.restore(&start);
        assert_eq!(machine.state_hash(), start_hash);
        session(&mut machine);
        assert_eq!(machine.state_hash(), end_hash);
    }
}

#[test]
fn a_snapshot_fits_another_machine_of_the_same_chip() {
    let mut machine = ready();
    let snapshot = machine.snapshot();
    session(&mut machine);
    let mut other = Machine::new(Config::default());
    other.run_for(20 * MILLISECOND);
    other.restore(&snapshot);
    session(&mut other);
    assert_eq!(machine.state_hash(), other.state_hash());
}

#[test]
fn a_fork_goes_its_own_way_and_ends_where_its_twin_does() {
    let mut machine = ready();
    let mut fork = machine.fork();
    session(&mut machine);
    assert_ne!(machine.state_hash(), fork.state_hash());
    session(&mut fork);
    assert_eq!(machine.state_hash(), fork.state_hash());
    assert_eq!(machine.uart_take_output(Port::Uart0), fork.uart_take_output(Port::Uart0));
}

#[test]
fn it_makes_no_difference_how_a_run_is_divided() {
    let mut whole = ready();
    let mut divided = whole.fork();
    let mut stepped = whole.fork();
    let end = whole.ticks() + 20 * MILLISECOND;
    for machine in [&mut whole, &mut divided, &mut stepped] {
        machine.uart_write(Port::Uart0, b"at");
    }
    whole.run_until(end);
    stepped.set_stops(Stops { on_output: true, ..Stops::default() });
    while divided.ticks() < end {
        divided.run_until(end.min(divided.ticks() + 7919));
    }
    while stepped.ticks() < end {
        stepped.run_to(end, stepped.instructions() + 997);
    }
    assert_eq!(whole.state_hash(), divided.state_hash());
    assert_eq!(whole.state_hash(), stepped.state_hash());
}

#[test]
fn an_input_log_replays_a_session_exactly() {
    let mut machine = ready();
    let mut twin = machine.fork();
    machine.start_input_log();
    session(&mut machine);
    let log = machine.input_log().unwrap().clone();
    assert!(log.is_complete());
    assert!(log.entries().iter().any(|entry| matches!(entry.input, Input::Pin { .. })));
    twin.replay(&log, machine.ticks());
    assert_eq!(machine.state_hash(), twin.state_hash());
    assert_eq!(machine.uart_take_output(Port::Uart0), twin.uart_take_output(Port::Uart0));
}

#[test]
fn the_seed_decides_what_chance_would() {
    const RNG_DATA: u32 = 0x6002_60B0;
    let draw = |seed| {
        let code = crate::image::load_constant(5, RNG_DATA)
            .into_iter()
            .chain([crate::image::load_word(10, 5), crate::image::LOOP]);
        let flash = crate::image::first_stage(&code.collect::<Vec<_>>());
        let mut machine = Machine::new(Config { flash, seed, ..Config::default() });
        machine.run_for(100 * MILLISECOND);
        machine.hart().x.get(emulator::cpu::Reg::from_field(10))
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn output_that_nobody_fetches_is_bounded_and_counted() {
    let mut machine = Machine::new(Config { output_capacity: 100, ..Config::default() });
    machine.run_for(200 * MILLISECOND);
    assert_eq!(machine.uart_take_output(Port::Uart0).len(), 100);
    assert!(machine.lost_output(Port::Uart0) > 100);
    assert_eq!(machine.uart_write(Port::Uart0, &vec![0; 3 << 20]), 1 << 20, "the line takes what fits");
    assert_eq!(machine.uart_write(Port::Uart0, b"more"), 0);
}
