//! What the race explorer does: put an interrupt at exact instruction boundaries, also while
//! interrupts are masked, and see exactly when it was delivered.

use emulator::cpu::observe::TrapLogEntry;
use emulator::cpu::{Observer, Trap};
use emulator::{Config, Injection, InjectionError, Machine, Port, Source, Stop, Stops};

use crate::{MILLISECOND, esp_app, run_until_printed};

fn ready() -> Machine {
    let flash = esp_app();
    let mut machine = Machine::new(Config { flash, trap_log_capacity: 64, ..Config::default() });
    run_until_printed(&mut machine, "esp-app: ready", 1000);
    machine.clear_trap_log();
    machine
}

/// Instruction counts at which traps for interrupts were taken.
fn deliveries(machine: &Machine) -> Vec<u64> {
    let entries = machine.trap_log().unwrap().entries();
    entries
        .filter_map(|entry| match entry {
            TrapLogEntry::Trap(record) if matches!(record.trap, Trap::Interrupt(_)) => Some(record.instructions),
            _ => None,
        })
        .collect()
}

#[test]
fn a_pin_edge_at_each_boundary_is_handled_exactly_once() {
    // The application counts rising edges of GPIO5 since `e` was last typed.
    let mut machine = ready();
    machine.set_pin(5, false);
    machine.uart_write(Port::Uart0, b"e");
    run_until_printed(&mut machine, "rising edges", 100);
    machine.run_for(10 * MILLISECOND);
    machine.uart_write(Port::Uart0, b"x");
    // Into the middle of the work for `x`.
    machine.run_instructions(200);
    let snapshot = machine.snapshot();
    for offset in 0..300 {
        machine.restore(&snapshot);
        machine.clear_trap_log();
        let at = machine.instructions() + offset;
        machine.raise_at(at, Injection::Pin { pin: 5, level: Some(true) }).unwrap();
        machine.run_for(20 * MILLISECOND);
        machine.uart_write(Port::Uart0, b"e");
        let printed = run_until_printed(&mut machine, "rising edges", 100);
        assert!(printed.contains("gpio5: 1 rising edges"), "boundary {offset}: {printed}");
        assert!(deliveries(&machine).iter().any(|&taken| taken >= at), "boundary {offset}");
    }
}

#[test]
fn a_masked_interrupt_is_delivered_when_it_is_unmasked() {
    // `s` raises a software interrupt inside a critical section and prints how often its handler
    // ran there and afterwards.
    let mut machine = ready();
    machine.uart_write(Port::Uart0, b"s");
    let printed = run_until_printed(&mut machine, "after", 100);
    assert!(printed.contains("software interrupt: 0 while masked, 1 after"), "{printed}");
}

#[test]
fn breakpoints_stop_before_the_instruction_and_let_it_run_next() {
    struct Returns(Vec<u32>);
    impl Observer for Returns {
        fn mret(&mut self, _: u64, _: u64, from: u32, _: u32) {
            self.0.push(from);
        }
    }
    let mut machine = ready();
    let snapshot = machine.snapshot();
    machine.uart_write(Port::Uart0, b"a");
    let mut returns = Returns(Vec::new());
    machine.run_observed(machine.ticks() + 20 * MILLISECOND, u64::MAX, &mut returns);
    let mret = returns.0[0];
    let expected = returns.0.iter().filter(|&&from| from == mret).count();
    let end = machine.ticks();
    for _ in 0..2 {
        // The same stops again after a restore: nothing of the first run is remembered.
        machine.restore(&snapshot);
        machine.set_stops(Stops { breakpoints: vec![mret], ..Stops::default() });
        machine.uart_write(Port::Uart0, b"a");
        let mut hits = 0;
        while machine.run_until(end) == Stop::Breakpoint(mret) {
            assert_eq!(machine.hart().pc, mret);
            hits += 1;
        }
        assert_eq!(hits, expected);
    }
}

#[test]
fn output_stops_the_run_at_the_byte() {
    let mut machine = ready();
    machine.run_for(MILLISECOND);
    machine.uart_take_output(Port::Uart0);
    machine.set_stops(Stops { on_output: true, ..Stops::default() });
    machine.uart_write(Port::Uart0, b"x");
    let mut text = Vec::new();
    loop {
        match machine.run_for(50 * MILLISECOND) {
            Stop::Output(Port::Uart0) => {
                let bytes = machine.uart_take_output(Port::Uart0);
                assert_eq!(bytes.len(), 1);
                text.extend(bytes);
            }
            Stop::Output(_) => {}
            stop => break assert_eq!(stop, Stop::Deadline),
        }
    }
    assert_eq!(String::from_utf8_lossy(&text).trim_end(), "uart0: received 0x78");
}

#[test]
fn impossible_injections_are_refused() {
    let mut machine = ready();
    assert_eq!(machine.raise_interrupt(Source::Uart0), Err(InjectionError::NoEvent(Source::Uart0)));
    let executed = machine.instructions();
    let pin = Injection::Pin { pin: 0, level: None };
    assert_eq!(
        machine.raise_at(executed - 1, pin.clone()),
        Err(InjectionError::Past { asked: executed - 1, executed })
    );
    let mut refused = false;
    for _ in 0..100_000 {
        refused |= machine.raise_at(u64::MAX, pin.clone()) == Err(InjectionError::TooMany);
    }
    assert!(refused);
}
