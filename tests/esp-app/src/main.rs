//! A plain esp-hal application for the ESP32-C3.
//!
//! The virtual board must run what anybody writes for the real chip, so this
//! application uses nothing but the published crates. The host drives it with
//! single bytes on UART0 and reads one line per answer:
//!
//! | byte | what happens | answer |
//! |---|---|---|
//! | `a` | ten SYSTIMER alarms, 1 ms apart | `systimer: 10 alarms in N us` |
//! | `t` | five TIMG0 alarms, 2 ms apart | `timg0: 5 alarms in N us` |
//! | `g` | eight level changes of GPIO6, which listens to itself | `gpio6: 8 edges` |
//! | `e` | tells how often GPIO5 rose since the last question | `gpio5: N rising edges` |
//! | `l` | waits for a low level on GPIO4, once | `gpio4: low level` |
//! | `s` | raises a software interrupt while interrupts are masked | `software interrupt: 0 while masked, 1 after` |
//! | `r` | resets itself | the next start says `reset reason: ...` |
//! | `p` | panics | esp-backtrace's report |
//! | other | | `uart0: received 0xNN` |

#![no_std]
#![no_main]

use core::cell::RefCell;

use critical_section::Mutex;
use esp_backtrace as _;
use esp_hal::Blocking;
use esp_hal::gpio::{Event, Flex, Input, InputConfig, Io, Pull};
use esp_hal::interrupt::Priority;
use esp_hal::interrupt::software::SoftwareInterrupt;
use esp_hal::time::{Duration, Instant};
use esp_hal::timer::PeriodicTimer;
use esp_hal::timer::systimer::SystemTimer;
use esp_hal::timer::timg::TimerGroup;
use esp_hal::uart::{Config as UartConfig, RxConfig, Uart, UartInterrupt};
use esp_println::println;
// The C3 has no A extension; portable-atomic masks interrupts instead.
use portable_atomic::{AtomicU32, Ordering};

esp_bootloader_esp_idf::esp_app_desc!();

/// A peripheral that an interrupt handler shares with the main program.
type Shared<T> = Mutex<RefCell<Option<T>>>;

static SYSTIMER_ALARM: Shared<PeriodicTimer<'static, Blocking>> = Mutex::new(RefCell::new(None));
static TIMG0_TIMER: Shared<PeriodicTimer<'static, Blocking>> = Mutex::new(RefCell::new(None));
static UART0: Shared<Uart<'static, Blocking>> = Mutex::new(RefCell::new(None));
static GPIO4: Shared<Input<'static>> = Mutex::new(RefCell::new(None));
static GPIO5: Shared<Input<'static>> = Mutex::new(RefCell::new(None));
static GPIO6: Shared<Flex<'static>> = Mutex::new(RefCell::new(None));
static SOFTWARE_INTERRUPT: Shared<SoftwareInterrupt<'static, 0>> = Mutex::new(RefCell::new(None));

static SYSTIMER_ALARMS: AtomicU32 = AtomicU32::new(0);
static TIMG0_ALARMS: AtomicU32 = AtomicU32::new(0);
static GPIO4_LOW_LEVELS: AtomicU32 = AtomicU32::new(0);
static GPIO5_RISING_EDGES: AtomicU32 = AtomicU32::new(0);
static GPIO6_EDGES: AtomicU32 = AtomicU32::new(0);
static SOFTWARE_INTERRUPTS: AtomicU32 = AtomicU32::new(0);

/// Bytes on their way from the UART0 interrupt to the main program.
static RECEIVED: Mutex<RefCell<ByteQueue>> = Mutex::new(RefCell::new(ByteQueue::new()));

/// A ring buffer of 64 bytes that drops what does not fit.
struct ByteQueue {
    bytes: [u8; 64],
    head: usize,
    len: usize,
}

impl ByteQueue {
    const fn new() -> Self {
        Self { bytes: [0; 64], head: 0, len: 0 }
    }

    fn push(&mut self, byte: u8) {
        if self.len < self.bytes.len() {
            self.bytes[(self.head + self.len) % self.bytes.len()] = byte;
            self.len += 1;
        }
    }

    fn pop(&mut self) -> Option<u8> {
        if self.len == 0 {
            return None;
        }
        let byte = self.bytes[self.head];
        self.head = (self.head + 1) % self.bytes.len();
        self.len -= 1;
        Some(byte)
    }
}

/// Runs `action` on a shared peripheral, with interrupts off.
fn with<T, R>(shared: &Shared<T>, action: impl FnOnce(&mut T) -> R) -> R {
    critical_section::with(|section| {
        let mut slot = shared.borrow_ref_mut(section);
        action(slot.as_mut().expect("shared before its interrupt is enabled"))
    })
}

/// Sleeps until the main program may find `done` true.
///
/// WFI with interrupts masked wakes at a pending interrupt and leaves it
/// pending, so no interrupt can slip in between the question and the sleep.
fn wait_until(done: impl Fn() -> bool) {
    loop {
        let finished = critical_section::with(|_| {
            let finished = done();
            if !finished {
                riscv::asm::wfi();
            }
            finished
        });
        if finished {
            return;
        }
    }
}

#[esp_hal::handler]
fn on_systimer_alarm() {
    with(&SYSTIMER_ALARM, PeriodicTimer::clear_interrupt);
    SYSTIMER_ALARMS.fetch_add(1, Ordering::Relaxed);
}

#[esp_hal::handler]
fn on_timg0_alarm() {
    with(&TIMG0_TIMER, PeriodicTimer::clear_interrupt);
    TIMG0_ALARMS.fetch_add(1, Ordering::Relaxed);
}

#[esp_hal::handler]
fn on_gpio() {
    with(&GPIO4, |pin| {
        if pin.is_interrupt_set() {
            // A level stays: the interrupt would come again at once.
            pin.unlisten();
            pin.clear_interrupt();
            GPIO4_LOW_LEVELS.fetch_add(1, Ordering::Relaxed);
        }
    });
    with(&GPIO5, |pin| {
        if pin.is_interrupt_set() {
            pin.clear_interrupt();
            GPIO5_RISING_EDGES.fetch_add(1, Ordering::Relaxed);
        }
    });
    with(&GPIO6, |pin| {
        if pin.is_interrupt_set() {
            pin.clear_interrupt();
            GPIO6_EDGES.fetch_add(1, Ordering::Relaxed);
        }
    });
}

#[esp_hal::handler]
fn on_uart0() {
    let mut buffer = [0; 16];
    loop {
        let count = with(&UART0, |uart| uart.read_buffered(&mut buffer)).unwrap_or(0);
        if count == 0 {
            break;
        }
        critical_section::with(|section| {
            let mut received = RECEIVED.borrow_ref_mut(section);
            buffer[..count].iter().for_each(|&byte| received.push(byte));
        });
    }
    with(&UART0, |uart| {
        uart.clear_interrupts(UartInterrupt::RxFifoFull | UartInterrupt::RxTimeout);
    });
}

#[esp_hal::handler(priority = Priority::Priority3)]
fn on_software_interrupt() {
    with(&SOFTWARE_INTERRUPT, |interrupt| interrupt.reset());
    SOFTWARE_INTERRUPTS.fetch_add(1, Ordering::Relaxed);
}

/// Lets a periodic timer run for `alarms` alarms and says how long that took.
fn run_timer(
    name: &str,
    timer: &Shared<PeriodicTimer<'static, Blocking>>,
    alarms: &AtomicU32,
    count: u32,
    period: Duration,
) {
    alarms.store(0, Ordering::Relaxed);
    let begin = Instant::now();
    with(timer, |timer| {
        timer.start(period).expect("the period fits the counter");
        // An alarm of the time before the start must not count.
        timer.clear_interrupt();
        timer.listen();
    });
    wait_until(|| alarms.load(Ordering::Relaxed) >= count);
    let elapsed_us = begin.elapsed().as_micros();
    with(timer, |timer| {
        timer.unlisten();
        timer.cancel().expect("the timer is running");
    });
    println!("{name}: {count} alarms in {elapsed_us} us");
}

fn toggle_gpio6() {
    GPIO6_EDGES.store(0, Ordering::Relaxed);
    with(&GPIO6, |pin| pin.listen(Event::AnyEdge));
    for _ in 0..8 {
        let before = GPIO6_EDGES.load(Ordering::Relaxed);
        with(&GPIO6, Flex::toggle);
        wait_until(|| GPIO6_EDGES.load(Ordering::Relaxed) > before);
    }
    with(&GPIO6, Flex::unlisten);
    println!("gpio6: {} edges", GPIO6_EDGES.load(Ordering::Relaxed));
}

fn wait_for_low_level() {
    let before = GPIO4_LOW_LEVELS.load(Ordering::Relaxed);
    println!("gpio4: waiting");
    with(&GPIO4, |pin| pin.listen(Event::LowLevel));
    wait_until(|| GPIO4_LOW_LEVELS.load(Ordering::Relaxed) > before);
    println!("gpio4: low level");
}

fn raise_software_interrupt() {
    let before = SOFTWARE_INTERRUPTS.load(Ordering::Relaxed);
    let masked = critical_section::with(|section| {
        SOFTWARE_INTERRUPT.borrow_ref(section).as_ref().expect("set up in main").raise();
        SOFTWARE_INTERRUPTS.load(Ordering::Relaxed)
    });
    wait_until(|| SOFTWARE_INTERRUPTS.load(Ordering::Relaxed) > before);
    let after = SOFTWARE_INTERRUPTS.load(Ordering::Relaxed);
    println!("software interrupt: {} while masked, {} after", masked - before, after - before);
}

#[esp_hal::main]
fn main() -> ! {
    let peripherals = esp_hal::init(esp_hal::Config::default());

    let mut io = Io::new(peripherals.IO_MUX);
    io.set_interrupt_handler(on_gpio);

    let pulled_up = InputConfig::default().with_pull(Pull::Up);
    let pulled_down = InputConfig::default().with_pull(Pull::Down);
    let mut gpio5 = Input::new(peripherals.GPIO5, pulled_down);
    gpio5.listen(Event::RisingEdge);
    let mut gpio6 = Flex::new(peripherals.GPIO6);
    gpio6.set_input_enable(true);
    gpio6.set_output_enable(true);
    critical_section::with(|section| {
        GPIO4.borrow_ref_mut(section).replace(Input::new(peripherals.GPIO4, pulled_up));
        GPIO5.borrow_ref_mut(section).replace(gpio5);
        GPIO6.borrow_ref_mut(section).replace(gpio6);

        let mut alarm = PeriodicTimer::new(SystemTimer::new(peripherals.SYSTIMER).alarm0);
        alarm.set_interrupt_handler(on_systimer_alarm);
        SYSTIMER_ALARM.borrow_ref_mut(section).replace(alarm);

        let mut timer = PeriodicTimer::new(TimerGroup::new(peripherals.TIMG0).timer0);
        timer.set_interrupt_handler(on_timg0_alarm);
        TIMG0_TIMER.borrow_ref_mut(section).replace(timer);

        let mut interrupt = SoftwareInterrupt::new(peripherals.FROM_CPU_INTR0);
        interrupt.set_interrupt_handler(on_software_interrupt);
        SOFTWARE_INTERRUPT.borrow_ref_mut(section).replace(interrupt);

        let config = UartConfig::default().with_rx(RxConfig::default().with_fifo_full_threshold(1));
        let mut uart = Uart::new(peripherals.UART0, config)
            .expect("115200 baud can be set from every clock")
            .with_tx(peripherals.GPIO21)
            .with_rx(peripherals.GPIO20);
        uart.set_interrupt_handler(on_uart0);
        uart.listen(UartInterrupt::RxFifoFull | UartInterrupt::RxTimeout);
        UART0.borrow_ref_mut(section).replace(uart);
    });

    match esp_hal::system::reset_reason() {
        Some(reason) => println!("reset reason: {reason:?}"),
        None => println!("reset reason: unknown"),
    }
    println!("esp-app: ready");

    loop {
        wait_until(|| critical_section::with(|section| RECEIVED.borrow_ref(section).len > 0));
        let Some(byte) = critical_section::with(|section| RECEIVED.borrow_ref_mut(section).pop()) else {
            continue;
        };
        match byte {
            b'a' => run_timer("systimer", &SYSTIMER_ALARM, &SYSTIMER_ALARMS, 10, Duration::from_millis(1)),
            b't' => run_timer("timg0", &TIMG0_TIMER, &TIMG0_ALARMS, 5, Duration::from_millis(2)),
            b'g' => toggle_gpio6(),
            b'e' => println!("gpio5: {} rising edges", GPIO5_RISING_EDGES.swap(0, Ordering::Relaxed)),
            b'l' => wait_for_low_level(),
            b's' => raise_software_interrupt(),
            b'r' => esp_hal::system::software_reset(),
            b'p' => panic!("requested by the host"),
            other => println!("uart0: received {other:#04x}"),
        }
    }
}
