//! The plain engine is the oracle of the others, on the chip as a whole.

use emulator::{Config, EngineKind, FlashImage, Machine, Port, Stops, Timing};

use crate::{esp_app, lesson_firmware};

/// Runs all engines side by side in uneven steps and compares them at every stop.
#[track_caller]
fn check_agreement(
    flash: &FlashImage,
    timing: Timing,
    steps: u64,
    scale: u64,
    input: impl Fn(u64, &mut Machine),
) -> String {
    // Traces are compiled at the first opportunity, so that all that can be compiled is.
    let [mut plain, mut block, mut traces] = [EngineKind::Plain, EngineKind::Block, EngineKind::Traces].map(|engine| {
        let config = Config { flash: flash.clone(), engine, timing, trace_threshold: 1, ..Config::default() };
        let mut machine = Machine::new(config);
        machine.set_stops(Stops { on_reset: true, ..Stops::default() });
        machine
    });
    for step in 0..steps {
        // Primes, so that stops fall everywhere in blocks and between events.
        let instructions = scale * [7, 7919, 104_729, 1_299_709][step as usize % 4];
        let tick = plain.ticks() + 480 * 9973;
        let [expected, by_block, by_traces] = [&mut plain, &mut block, &mut traces].map(|machine| {
            input(step, machine);
            let stop = machine.run_to(tick, machine.instructions() + instructions);
            (stop, machine.instructions(), machine.ticks(), machine.state_hash())
        });
        assert_eq!(expected, by_block, "blocks, step {step}");
        assert_eq!(expected, by_traces, "traces, step {step}");
    }
    let printed = plain.uart_take_output(Port::Uart0);
    assert_eq!(printed, block.uart_take_output(Port::Uart0));
    assert_eq!(printed, traces.uart_take_output(Port::Uart0));
    String::from_utf8_lossy(&printed).into_owned()
}

#[test]
fn engines_agree_on_the_loop_of_blank_flash() {
    for timing in [Timing::Unit, Timing::Silicon] {
        check_agreement(&FlashImage::blank(), timing, 80, 1, |_, _| {});
    }
}

fn check_micropython(timing: Timing) {
    let program = "import machine\r\nn=0\r\ndef f(t):\r\n global n\r\n n+=1\r\n\r\n\
                   t=machine.Timer(0,freq=1000,callback=f,hard=True)\r\n\
                   x=0\r\nwhile x<20000: x+=1\r\n\r\nn>0\r\n";
    let printed = check_agreement(&lesson_firmware(), timing, 400, 1, |step, machine| {
        if step > 80 {
            // A few characters at a time, as a person or a tool types them.
            let typed: Vec<u8> = program.bytes().skip(4 * (step as usize - 81)).take(4).collect();
            machine.uart_write(Port::Uart0, &typed);
        }
    });
    assert!(printed.contains("True"), "{printed}");
}

#[test]
fn engines_agree_on_micropython_with_a_hard_timer() {
    check_micropython(Timing::Unit);
}

#[test]
fn engines_agree_on_micropython_with_a_hard_timer_in_silicon_time() {
    check_micropython(Timing::Silicon);
}

#[test]
fn engines_agree_on_a_firmware_with_interrupts() {
    for timing in [Timing::Unit, Timing::Silicon] {
        check_agreement(&esp_app(), timing, 120, 1, |step, machine| {
            if step > 40 {
                let commands = b"atgs?e";
                machine.uart_write(Port::Uart0, &commands[step as usize % commands.len()..][..1]);
                machine.set_pin(5, step % 3 == 0);
            }
        });
    }
}
