//! Measures the figures of the README on the virtual board and prints them as a table.
//!
//! Cycles are those of silicon's time, what the flash's cache misses included (ARCHITECTURE.md, "Silicon's time").

#![expect(clippy::panic, reason = "without its measurement the program has nothing to say")]

use std::error::Error;

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::cpu::{Trap, TrapLogEntry};
use emulator::{Machine, Stop, Stops};
use firmware_tests::{Board, MILLISECOND, firmware_file};
use object::{Object, ObjectSection, ObjectSymbol};
use protocol::host::HostMessage;

const CPU_HZ: Tick = 160_000_000;
/// So many callbacks make a distribution.
const CALLBACKS: usize = 2000;
/// Where the factory application begins in flash; `firmware/partitions.csv`.
const APPLICATION_OFFSET: usize = 0x1_0000;
const APPLICATION_BYTES: usize = 0x1F_0000;

/// What main does meanwhile, and what that means for the cache. The second one reads twice as much of flash as the cache
/// holds between two alarms.
const MAINS: [(&str, &str); 2] = [
    ("i = 0\n  while True: i = i + 1 if i < 9 else 0", "main in a loop with a jump, cache warm"),
    (
        "while True:\n    for a in range(0x3C000000, 0x3C008000, 32): mem8[a]",
        "main reads through flash with jumps, cache cold",
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let elf = firmware_file("lesson-firmware-esp32c3.elf");
    let elf = object::File::parse(&*elf)?;
    println!("| figure | value |\n|---|---|");
    memory(&elf)?;
    let entry = elf
        .symbols()
        .find(|symbol| symbol.name() == Ok("port_vm_execute"))
        .ok_or("the firmware's ELF file has no symbol port_vm_execute")?
        .address() as u32;
    for kind in ["hard", "soft"] {
        for (main, main_does) in MAINS {
            let mut cycles = latencies(kind == "hard", entry, main);
            cycles.sort_unstable();
            println!(
                "| {kind} callback: alarm to the first bytecode, {CALLBACKS} alarms, {main_does} | median {} cycles, \
                 maximum {} |",
                cycles[cycles.len() / 2],
                cycles[cycles.len() - 1],
            );
        }
    }
    let (rate, share) = highest_rate();
    println!(
        "| highest hard rate at which main keeps half of the CPU (callback `n += 1`) | {rate} Hz ({share:.0} % left) |"
    );
    println!("| telemetry's share of the CPU at 20 samples a second, 921600 baud | {:.2} % |", telemetry_share());
    Ok(())
}

/// Flash and RAM, from image and ELF file.
fn memory(elf: &object::File<'_>) -> Result<(), Box<dyn Error>> {
    let image = firmware_file("lesson-firmware-esp32c3.bin");
    let application = &image[APPLICATION_OFFSET..APPLICATION_OFFSET + APPLICATION_BYTES];
    let used = application.iter().rposition(|byte| *byte != 0xFF).map_or(0, |last| last + 1);
    let size = |name: &str| elf.section_by_name(name).map_or(0, |section| section.size());
    let code = size(".trap") + size(".rwtext");
    let data = size(".data") + size(".bss") + size(".noinit");
    let heap = elf
        .symbols()
        .filter(|symbol| symbol.name().is_ok_and(|name| name.contains("HEAP")))
        .map(|symbol| symbol.size())
        .max()
        .ok_or("the firmware's ELF file has no heap")?;
    println!("| flash: application image | {:.0} KiB |", used as f64 / 1024.0);
    println!("| RAM: Python's heap | {:.0} KiB |", heap as f64 / 1024.0);
    println!("| RAM: stack | {:.0} KiB |", size(".stack") as f64 / 1024.0);
    println!("| RAM: code | {:.1} KiB |", code as f64 / 1024.0);
    println!("| RAM: everything else of the firmware | {:.1} KiB |", (data - heap) as f64 / 1024.0);
    Ok(())
}

/// Cycles from the trap of an alarm to the entry of the VM with its callback.
fn latencies(hard: bool, vm_entry: u32, main: &str) -> Vec<u64> {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let hard = if hard { "True" } else { "False" };
    board.launch(&format!(
        "from machine import Timer, mem8\nn = 0\ndef cb(t):\n  global n\n  n += 1\ndef main():\n  {main}\n\
         Timer(0, period=9001, tick_hz=1000000, callback=cb, hard={hard})\nmain()\n"
    ));
    board.run_ms(50);
    let machine = board.machine();
    let line = busiest_line(machine);
    machine.set_stops(Stops { breakpoints: vec![vm_entry], ..Stops::default() });
    machine.clear_trap_log();
    let mut cycles = Vec::new();
    while cycles.len() < CALLBACKS {
        let Stop::Breakpoint(_) = machine.run_for(TICKS_PER_SECOND) else {
            panic!("the callbacks stopped after {}", cycles.len());
        };
        let alarm = machine.trap_log().and_then(|log| {
            log.entries().find_map(|entry| match entry {
                TrapLogEntry::Trap(record) if record.trap == Trap::Interrupt(line) => Some(record.now),
                _ => None,
            })
        });
        if let Some(alarm) = alarm {
            cycles.push((machine.ticks() - alarm) * CPU_HZ / TICKS_PER_SECOND);
        }
        machine.clear_trap_log();
    }
    cycles
}

/// The interrupt line of the timer, which is the one that comes most often.
fn busiest_line(machine: &mut Machine) -> u8 {
    machine.clear_trap_log();
    machine.run_for(200 * MILLISECOND);
    let lines: Vec<u8> = machine
        .trap_log()
        .into_iter()
        .flat_map(|log| log.entries())
        .filter_map(|entry| match entry {
            TrapLogEntry::Trap(record) => match record.trap {
                Trap::Interrupt(line) => Some(line),
                Trap::Exception(_) => None,
            },
            TrapLogEntry::Mret { .. } => None,
        })
        .collect();
    let count = |line: u8| lines.iter().filter(|other| **other == line).count();
    lines.iter().copied().max_by_key(|line| count(*line)).expect("the timer interrupts")
}

/// The number that a program prints.
fn printed(board: &mut Board, program: &str) -> f64 {
    let outcome = board.run(program, 20_000);
    assert_eq!(outcome.error, "", "{}", outcome.output);
    outcome.output.trim().parse().unwrap_or_else(|_| panic!("not a number: {}", outcome.output))
}

/// Every name is there before the first interrupt: a hard callback must not find the globals while they grow.
const LOOPS: &str = "import time\nfrom machine import Timer\nt = None\nn = k = 0\ndef cb(t):\n  global n\n  n += 1\n\
    def loops(ms):\n  e = time.ticks_add(time.ticks_ms(), ms)\n  k = 0\n  \
    while time.ticks_diff(e, time.ticks_ms()) > 0: k += 1\n  return k\n";

/// The highest hard rate that leaves main half of its loops, in Hz, and what it leaves in percent.
fn highest_rate() -> (u32, f64) {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let alone = printed(&mut board, &format!("{LOOPS}print(loops(200))"));
    let mut share = |rate: u32| {
        let program =
            format!("t = Timer(0, freq={rate}, callback=cb, hard=True)\nk = loops(200)\nt.deinit()\nprint(k)");
        printed(&mut board, &program) * 100.0 / alone
    };
    let (mut low, mut high) = (1000, 60_000);
    while high - low > 250 {
        let middle = (low + high) / 2;
        if share(middle) >= 50.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low, share(low))
}

/// Percent of main's loops that 20 samples a second take.
fn telemetry_share() -> f64 {
    let mut board = Board::at_prompt();
    board.enter_raw();
    let program = "import lab\nfor i in range(6): lab.value('value_%d' % i, i * 1000)\n\
        t = Timer(0, freq=1000, callback=cb, hard=True)\nk = loops(2000)\nt.deinit()\nprint(k)";
    let silent = printed(&mut board, &format!("{LOOPS}{program}"));
    board.greet();
    board.tell(|id| HostMessage::Baud { id, baud: 921_600 });
    board.machine().run_for(100 * MILLISECOND);
    board.set_baud(921_600);
    let listening = printed(&mut board, program);
    (silent - listening) * 100.0 / silent
}
