//! The chip around the hart: the address table of its peripherals, the event queue, the interrupt
//! sources and the ways to reset it.

mod pins;
mod sleep;

use std::collections::VecDeque;

use crate::bus::{AccessFault, Devices, Effect, Tick, Width};
use crate::clock::{Clocks, Moment, Planner, Schedule};
use crate::memory::{MMU_ENTRIES, Memory};
use crate::peripherals::aes::Aes;
use crate::peripherals::apb_saradc::ApbSaradc;
use crate::peripherals::assist_debug::AssistDebug;
use crate::peripherals::efuse::{Efuse, EfuseImage};
use crate::peripherals::extmem::{Extmem, Invalidate};
use crate::peripherals::gdma::Gdma;
use crate::peripherals::gpio::{self, Gpio};
use crate::peripherals::i2c::I2c;
use crate::peripherals::i2c_ana::I2cAna;
use crate::peripherals::interrupt_matrix::{InterruptMatrix, Source};
use crate::peripherals::io_mux::IoMux;
use crate::peripherals::ledc::Ledc;
use crate::peripherals::rmt::Rmt;
use crate::peripherals::rng::Rng;
use crate::peripherals::rtc_cntl::{ResetCause, RtcCntl, wake};
use crate::peripherals::sha::Sha;
use crate::peripherals::spi0;
use crate::peripherals::spi1::Spi1;
use crate::peripherals::spi2::Spi2;
use crate::peripherals::system::{PeripheralResets, System};
use crate::peripherals::systimer::Systimer;
use crate::peripherals::timg::TimerGroup;
use crate::peripherals::uart::{self, Line, Uart};
use crate::peripherals::unmodelled::{self, Unmodelled, UnmodelledAccess};
use crate::peripherals::usb_device::{Cable, UsbDevice};
use crate::peripherals::watchdog::StageAction;
use crate::pins::{Bench, Drives};

/// Who answers at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    Uart0,
    Uart1,
    Spi0,
    Spi1,
    Gpio,
    RtcCntl,
    Efuse,
    IoMux,
    I2cAna,
    I2c0,
    Rmt,
    Ledc,
    Timg0,
    Timg1,
    Systimer,
    Spi2,
    Rng,
    Aes,
    Sha,
    Dma,
    ApbSaradc,
    UsbDevice,
    System,
    InterruptCore0,
    Extmem,
    MmuTable,
    AssistDebug,
    /// Stored and recorded, nothing more.
    Unmodelled,
}

/// A row of the address table.
struct Row {
    base: u32,
    size: u32,
    name: &'static str,
    block: Block,
}

const fn row(base: u32, size: u32, name: &'static str, block: Block) -> Row {
    Row { base, size, name, block }
}

/// The chip's peripherals by address (TRM, table "Module/Peripheral Address Mapping"). Names are
/// the manual's; what is marked `Unmodelled` is on the list of what is missing.
const BLOCKS: &[Row] = &[
    row(0x6000_0000, 0x1000, "UART0", Block::Uart0),
    row(0x6000_2000, 0x1000, "SPI1", Block::Spi1),
    row(0x6000_3000, 0x1000, "SPI0", Block::Spi0),
    row(0x6000_4000, 0x0F00, "GPIO", Block::Gpio),
    row(0x6000_4F00, 0x0100, "GPIO_SD", Block::Unmodelled),
    row(0x6000_5000, 0x1000, "FE2", Block::Unmodelled),
    row(0x6000_6000, 0x1000, "FE", Block::Unmodelled),
    row(0x6000_8000, 0x0800, "RTC_CNTL", Block::RtcCntl),
    row(0x6000_8800, 0x0800, "EFUSE", Block::Efuse),
    row(0x6000_9000, 0x1000, "IO_MUX", Block::IoMux),
    row(0x6000_E000, 0x0100, "I2C_ANA_MST", Block::I2cAna),
    row(0x6001_0000, 0x1000, "UART1", Block::Uart1),
    row(0x6001_3000, 0x1000, "I2C0", Block::I2c0),
    row(0x6001_4000, 0x1000, "UHCI0", Block::Unmodelled),
    row(0x6001_6000, 0x1000, "RMT", Block::Rmt),
    row(0x6001_9000, 0x1000, "LEDC", Block::Ledc),
    row(0x6001_C000, 0x1000, "NRX", Block::Unmodelled),
    row(0x6001_D000, 0x1000, "BB", Block::Unmodelled),
    row(0x6001_F000, 0x1000, "TIMG0", Block::Timg0),
    row(0x6002_0000, 0x1000, "TIMG1", Block::Timg1),
    row(0x6002_3000, 0x1000, "SYSTIMER", Block::Systimer),
    row(0x6002_4000, 0x1000, "SPI2", Block::Spi2),
    row(0x6002_6000, 0x00B0, "APB_CTRL", Block::Unmodelled),
    row(0x6002_60B0, 0x0004, "RNG", Block::Rng),
    row(0x6002_60B4, 0x0F4C, "APB_CTRL", Block::Unmodelled),
    row(0x6002_B000, 0x1000, "TWAI0", Block::Unmodelled),
    row(0x6002_D000, 0x1000, "I2S0", Block::Unmodelled),
    row(0x6003_3000, 0x3000, "WIFI", Block::Unmodelled),
    row(0x6003_A000, 0x1000, "AES", Block::Aes),
    row(0x6003_B000, 0x1000, "SHA", Block::Sha),
    row(0x6003_C000, 0x1000, "RSA", Block::Unmodelled),
    row(0x6003_D000, 0x1000, "DS", Block::Unmodelled),
    row(0x6003_E000, 0x1000, "HMAC", Block::Unmodelled),
    row(0x6003_F000, 0x1000, "DMA", Block::Dma),
    row(0x6004_0000, 0x1000, "APB_SARADC", Block::ApbSaradc),
    row(0x6004_3000, 0x1000, "USB_DEVICE", Block::UsbDevice),
    row(0x600C_0000, 0x1000, "SYSTEM", Block::System),
    row(0x600C_1000, 0x1000, "SENSITIVE", Block::Unmodelled),
    row(0x600C_2000, 0x1000, "INTERRUPT_CORE0", Block::InterruptCore0),
    row(0x600C_4000, 0x1000, "EXTMEM", Block::Extmem),
    row(0x600C_5000, 0x1000, "MMU_TABLE", Block::MmuTable),
    row(0x600C_C000, 0x1000, "XTS_AES", Block::Unmodelled),
    row(0x600C_E000, 0x1000, "ASSIST_DEBUG", Block::AssistDebug),
];

/// Peripheral pages that hold nothing documented.
const RESERVED: Row = row(unmodelled::BASE, unmodelled::SIZE, "reserved", Block::Unmodelled);

const PAGES: usize = (unmodelled::SIZE >> 12) as usize;

/// For every page of 4 KiB the first row of `BLOCKS` in it, 0xFF: none.
const FIRST_ROW: [u8; PAGES] = first_rows();

const fn first_rows() -> [u8; PAGES] {
    let mut first = [0xFF; PAGES];
    let mut n = BLOCKS.len();
    while n > 0 {
        n -= 1;
        let mut page = (BLOCKS[n].base - unmodelled::BASE) >> 12;
        let last = (BLOCKS[n].base + BLOCKS[n].size - 1 - unmodelled::BASE) >> 12;
        while page <= last {
            first[page as usize] = n as u8;
            page += 1;
        }
    }
    first
}

/// The row that covers `address`; `None` outside peripheral space.
fn row_at(address: u32) -> Option<&'static Row> {
    let first = *FIRST_ROW.get((address.wrapping_sub(unmodelled::BASE) >> 12) as usize)?;
    // A page has few rows, and mostly one.
    let rows = BLOCKS.get(usize::from(first)..).unwrap_or_default();
    let row = rows.iter().find(|row| address.wrapping_sub(row.base) < row.size || row.base > address);
    Some(row.filter(|row| row.base <= address).unwrap_or(&RESERVED))
}

impl Row {
    /// Whether a load from this address does more than answer what the register holds.
    fn acts_when_read(&self, address: u32) -> bool {
        match self.block {
            Block::Uart0 | Block::Uart1 => uart::acts_when_read((address - self.base) & !3),
            Block::UsbDevice | Block::I2c0 | Block::Rmt | Block::Rng | Block::Spi0 | Block::Unmodelled => true,
            _ => false,
        }
    }
}

/// A serial port of the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// UART0: console of the ROM, the bootloader and most firmware.
    Uart0,
    /// UART1.
    Uart1,
    /// The serial half of USB-serial-JTAG.
    Usb,
}

/// All ports, in the order in which `Port as usize` counts them.
pub(crate) const PORTS: [Port; 3] = [Port::Uart0, Port::Uart1, Port::Usb];

/// What a port has sent and nobody has fetched yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Output {
    bytes: VecDeque<u8>,
    lost: u64,
}

impl Output {
    fn push(&mut self, bytes: &[u8], capacity: usize) {
        let room = capacity.saturating_sub(self.bytes.len());
        let kept = bytes.len().min(room);
        self.bytes.extend(&bytes[..kept]);
        self.lost += (bytes.len() - kept) as u64;
    }

    /// Hands over what is there.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes).into()
    }

    /// Bytes that nobody fetched in time.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}

/// How the strapping pins stand when the chip leaves reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strapping {
    /// GPIO9 high: the ROM boots from flash.
    FlashBoot,
    /// GPIO9 low: the ROM waits for a download on UART0 or USB.
    DownloadMode,
}

impl Strapping {
    /// The value of GPIO_STRAP_REG.
    fn value(self) -> u32 {
        match self {
            Self::FlashBoot => 0xC,
            Self::DownloadMode => 0x4,
        }
    }
}

/// Everything outside the hart and core memory.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Chip {
    schedule: Schedule,
    clocks: Clocks,
    matrix: InterruptMatrix,
    system: System,
    rtc: RtcCntl,
    timg: [TimerGroup; 2],
    systimer: Systimer,
    uart: [Uart; 2],
    usb: UsbDevice,
    gpio: Gpio,
    io_mux: IoMux,
    /// What lies around the chip, at its pins.
    bench: Bench,
    /// What the chip did to its pins when they were last looked at.
    chip_drives: Drives,
    spi1: Spi1,
    spi2: Spi2,
    i2c0: I2c,
    ledc: Ledc,
    rmt: Rmt,
    extmem: Extmem,
    efuse: Efuse,
    i2c_ana: I2cAna,
    saradc: ApbSaradc,
    sha: Sha,
    aes: Aes,
    dma: Gdma,
    rng: Rng,
    assist_debug: AssistDebug,
    unmodelled: Unmodelled,
    /// How long the cache takes to read a line of flash, as SPI0 is set.
    flash_line_ticks: u32,
    /// The host's ends of the serial lines.
    lines: [Line; 2],
    cable: Cable,
    /// How the strapping pins stand now; they are sampled when the chip leaves reset.
    strapping: Strapping,
    /// A reset that is to be carried out before the next instruction.
    reset: Option<ResetCause>,
    outside: Outside,
}

/// What belongs to the host and not to the state of the chip: it is not part of the state hash.
#[derive(Clone, Debug)]
pub(crate) struct Outside {
    outputs: [Output; PORTS.len()],
    output_capacity: usize,
    stop_on_output: bool,
    /// The port whose output asked for a stop.
    output_stop: Option<Port>,
}

impl Outside {
    fn deliver(&mut self, port: Port, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.outputs[port as usize].push(bytes, self.output_capacity);
        if self.stop_on_output {
            self.output_stop = Some(port);
        }
    }
}

impl std::hash::Hash for Outside {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl Chip {
    /// The chip as it leaves power-on reset.
    pub(crate) fn new(efuse: EfuseImage, strapping: Strapping, seed: u64, output_capacity: usize) -> Self {
        let system = System::new();
        let clocks = system.clocks();
        let at = Moment { now: 0, clocks };
        let mut chip = Self {
            schedule: Schedule::new(),
            clocks,
            matrix: InterruptMatrix::new(),
            system,
            rtc: RtcCntl::new(0, ResetCause::PowerOn),
            timg: [TimerGroup::new(at, false), TimerGroup::new(at, false)],
            systimer: Systimer::new(0),
            uart: [Uart::new(), Uart::new()],
            usb: UsbDevice::new(0),
            gpio: Gpio::new(strapping.value(), IoMux::new().pads()),
            io_mux: IoMux::new(),
            bench: Bench::default(),
            chip_drives: Drives::default(),
            spi1: Spi1::new(),
            spi2: Spi2::new(),
            i2c0: I2c::new(),
            ledc: Ledc::new(),
            rmt: Rmt::new(),
            extmem: Extmem::new(),
            efuse: Efuse::new(efuse),
            i2c_ana: I2cAna::new(),
            saradc: ApbSaradc::new(),
            sha: Sha::new(),
            aes: Aes::new(),
            dma: Gdma::new(),
            rng: Rng::new(seed),
            assist_debug: AssistDebug::new(),
            unmodelled: Unmodelled::new(),
            flash_line_ticks: 0,
            lines: Default::default(),
            cable: Cable::new(),
            strapping,
            reset: None,
            outside: Outside { outputs: Default::default(), output_capacity, stop_on_output: false, output_stop: None },
        };
        chip.arm_flash_boot_protection(0, strapping);
        chip.follow_spi0();
        chip.plan_all(0);
        chip
    }

    /// The watchdogs that guard a boot from flash run from reset on, if flash is what is booted.
    fn arm_flash_boot_protection(&mut self, now: Tick, strapping: Strapping) {
        let armed = strapping == Strapping::FlashBoot;
        let at = self.at(now);
        self.timg[0] = TimerGroup::new(at, armed);
        self.rtc.set_flash_boot_protection(now, armed);
    }

    fn at(&self, now: Tick) -> Moment {
        Moment { now, clocks: self.clocks }
    }

    // ---- resets -------------------------------------------------------------------------------

    /// Notes where the hart stood when a reset struck; the ROM prints it as "Saved PC". Loss of
    /// power leaves nothing to print.
    pub(crate) fn save_pc(&mut self, cause: ResetCause, pc: u32, sp: u32) {
        if cause == ResetCause::PowerOn {
            self.assist_debug = AssistDebug::new();
        } else {
            self.assist_debug.reset(pc, sp);
        }
    }

    /// The reset that is waiting to be carried out.
    pub(crate) fn pending_reset(&self) -> Option<ResetCause> {
        self.reset
    }

    /// Carries a reset of the whole chip out: everything starts anew, only the outside stays.
    pub(crate) fn chip_reset(&mut self, memory: &mut Memory, now: Tick, cause: ResetCause) {
        self.rtc = RtcCntl::new(now, cause);
        self.reset_peripherals(memory, now);
    }

    /// Carries a reset of the digital core out: the RTC domain goes on.
    pub(crate) fn core_reset(&mut self, memory: &mut Memory, now: Tick, cause: ResetCause) {
        self.rtc.core_reset(now, cause);
        self.reset_peripherals(memory, now);
    }

    /// Carries a reset of the hart alone out, as far as the chip takes notice of it.
    pub(crate) fn cpu_reset(&mut self, cause: ResetCause) {
        self.rtc.cpu_reset(cause);
        self.reset = None;
    }

    fn reset_peripherals(&mut self, memory: &mut Memory, now: Tick) {
        let strapping = if self.rtc.force_download_boot() { Strapping::DownloadMode } else { self.strapping };
        self.reset = None;
        self.system = System::new();
        self.clocks = self.system.clocks();
        let at = self.at(now);
        self.matrix = InterruptMatrix::new();
        self.timg[1] = TimerGroup::new(at, false);
        self.arm_flash_boot_protection(now, strapping);
        self.systimer = Systimer::new(now);
        self.uart = [Uart::new(), Uart::new()];
        self.usb = UsbDevice::new(now);
        self.io_mux = IoMux::new();
        self.gpio.reset(strapping.value(), self.io_mux.pads());
        self.spi1.reset();
        self.spi2 = Spi2::new();
        self.i2c0 = I2c::new();
        self.ledc = Ledc::new();
        self.rmt = Rmt::new();
        self.extmem = Extmem::new();
        self.efuse.reset();
        self.i2c_ana = I2cAna::new();
        self.saradc.reset();
        self.sha = Sha::new();
        self.aes = Aes::new();
        self.dma = Gdma::new();
        self.unmodelled.reset();
        self.follow_spi0();
        for index in 0..MMU_ENTRIES {
            memory.set_mmu_entry(index, crate::memory::MMU_INVALID);
        }
        memory.cache.clear();
        self.schedule = Schedule::new();
        self.plan_all(now);
    }

    /// Resets single peripherals as SYSTEM_PERIP_RST_EN0 and 1 ask for it.
    fn reset_by_register(&mut self, now: Tick, resets: PeripheralResets) {
        let at = self.at(now);
        let PeripheralResets { en0, en1 } = resets;
        let en0_has = |number: u32| en0 >> number & 1 != 0;
        let en1_has = |number: u32| en1 >> number & 1 != 0;
        if en0_has(1) {
            self.spi1.reset();
        }
        for (n, number) in [(0, 2), (1, 5)] {
            if en0_has(number) {
                self.uart[n] = Uart::new();
                self.plan_uart(n, now);
            }
        }
        // Bits 5, 6, 7, 9 and 11: UART1, SPI2, I2C0, RMT, LEDC.
        if en0_has(6) {
            self.spi2 = Spi2::new();
        }
        if en0_has(7) {
            self.i2c0 = I2c::new();
        }
        if en0_has(9) {
            self.rmt = Rmt::new();
        }
        if en0_has(11) {
            self.ledc = Ledc::new();
        }
        if en0 & (1 << 5 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 11) != 0 {
            self.follow_pins(now);
        }
        for (n, number) in [(0, 13), (1, 15)] {
            if en0_has(number) {
                self.timg[n] = TimerGroup::new(at, n == 0);
                self.plan_timg(n, now);
            }
        }
        if en0_has(23) {
            self.usb = UsbDevice::new(now);
            self.plan_usb(now);
        }
        if en0_has(28) {
            self.saradc.reset();
            self.matrix.set(Source::ApbAdc, self.saradc.active());
        }
        if en0_has(29) {
            self.systimer = Systimer::new(now);
            self.plan_systimer(now);
        }
        if en1_has(1) {
            self.aes = Aes::new();
        }
        if en1_has(2) {
            self.sha = Sha::new();
        }
        if en1_has(6) {
            self.dma = Gdma::new();
        }
        self.follow_dma();
    }

    // ---- interrupts and events ----------------------------------------------------------------

    fn plan_all(&mut self, now: Tick) {
        self.plan_systimer(now);
        for n in 0..2 {
            self.plan_timg(n, now);
            self.plan_uart(n, now);
        }
        self.plan_usb(now);
        self.plan_rtc();
        self.follow_dma();
        self.follow_pins(now);
        self.follow_from_cpu();
        self.matrix.set(Source::ApbAdc, self.saradc.active());
    }

    fn plan_systimer(&mut self, now: Tick) {
        for (level, source) in self.systimer.active().into_iter().zip([
            Source::SystimerTarget0,
            Source::SystimerTarget1,
            Source::SystimerTarget2,
        ]) {
            self.matrix.set(source, level);
        }
        let due = self.systimer.deadline(now);
        self.plan(Planner::Systimer, due);
    }

    fn plan_timg(&mut self, n: usize, now: Tick) {
        let (timer, watchdog) = self.timg[n].active();
        let (planner, sources) = if n == 0 {
            (Planner::Timg0, [Source::Tg0T0, Source::Tg0Wdt])
        } else {
            (Planner::Timg1, [Source::Tg1T0, Source::Tg1Wdt])
        };
        self.matrix.set(sources[0], timer);
        self.matrix.set(sources[1], watchdog);
        let deadline = self.timg[n].deadline(self.at(now));
        self.plan(planner, deadline);
    }

    pub(crate) fn plan_uart(&mut self, n: usize, now: Tick) {
        let at = self.at(now);
        self.uart[n].listen(at, &self.lines[n]);
        let (planner, source) = if n == 0 { (Planner::Uart0, Source::Uart0) } else { (Planner::Uart1, Source::Uart1) };
        self.matrix.set(source, self.uart[n].active());
        let due = self.uart[n].deadline();
        self.plan(planner, due);
    }

    fn plan_usb(&mut self, now: Tick) {
        self.usb.listen(now, &self.cable);
        self.matrix.set(Source::UsbDevice, self.usb.active());
        let due = self.usb.deadline(&self.cable);
        self.plan(Planner::UsbDevice, due);
    }

    fn plan_rtc(&mut self) {
        self.matrix.set(Source::RtcCore, self.rtc.active());
        let due = self.rtc.deadline();
        self.plan(Planner::RtcCntl, due);
    }

    fn follow_dma(&mut self) {
        let due = self.sha.deadline();
        self.plan(Planner::Sha, due);
        let due = self.aes.deadline();
        self.plan(Planner::Aes, due);
        let due = self.dma.deadline();
        self.plan(Planner::Dma, due);
        for (level, source) in self.dma.active().into_iter().zip([Source::DmaCh0, Source::DmaCh1, Source::DmaCh2]) {
            self.matrix.set(source, level);
        }
        self.matrix.set(Source::Sha, self.sha.active());
        self.matrix.set(Source::Aes, self.aes.active());
    }

    fn follow_from_cpu(&mut self) {
        for (level, source) in self.system.software_interrupts().into_iter().zip([
            Source::FromCpu0,
            Source::FromCpu1,
            Source::FromCpu2,
            Source::FromCpu3,
        ]) {
            self.matrix.set(source, level);
        }
    }

    fn run_event(&mut self, memory: &mut Memory, planner: Planner, now: Tick) {
        let at = self.at(now);
        match planner {
            Planner::Systimer => {
                self.systimer.run(now);
                self.plan_systimer(now);
            }
            Planner::Timg0 | Planner::Timg1 => {
                let n = usize::from(planner == Planner::Timg1);
                if let Some(action) = self.timg[n].run(at) {
                    self.reset = Some(watchdog_cause(n, action));
                }
                self.plan_timg(n, now);
            }
            Planner::Uart0 | Planner::Uart1 => {
                let n = usize::from(planner == Planner::Uart1);
                if let Some(byte) = self.uart[n].run(at, &mut self.lines[n]) {
                    self.outside.deliver(PORTS[n], &[byte]);
                }
                self.plan_uart(n, now);
            }
            Planner::UsbDevice => {
                let Self { usb, cable, outside, .. } = self;
                usb.run(now, cable, |packet| outside.deliver(Port::Usb, packet));
                self.plan_usb(now);
            }
            Planner::RtcCntl => {
                if let Some(cause) = self.rtc.run(now) {
                    self.reset = Some(cause);
                }
                if self.rtc.take_timer_passed() {
                    self.wake(now, wake::TIMER);
                }
                self.plan_rtc();
            }
            Planner::Sha => {
                self.sha.run(now);
                self.follow_dma();
            }
            Planner::Aes => {
                self.aes.run(now);
                self.follow_dma();
            }
            Planner::Dma => {
                self.dma.run(memory, now);
                self.follow_dma();
            }
            Planner::Ledc => {
                self.ledc.run(now);
                self.follow_pins(now);
            }
            Planner::Rmt => {
                self.rmt.run(at);
                self.follow_pins(now);
            }
            Planner::I2c0 => {
                self.i2c0.run(at);
                self.follow_pins(now);
            }
            Planner::Spi2 => {
                self.spi2.run(memory, &mut self.dma, at);
                self.follow_dma();
                self.follow_pins(now);
            }
            Planner::Bench => self.run_bench(now),
        }
    }

    // ---- registers ----------------------------------------------------------------------------

    /// What a register reads, without any side effect; `None` outside peripheral space.
    pub(crate) fn peek(&self, memory: &Memory, now: Tick, address: u32) -> Option<u32> {
        Some(self.peek_in(row_at(address)?, memory, now, address))
    }

    /// The same with the row that covers the address.
    fn peek_in(&self, row: &Row, memory: &Memory, now: Tick, address: u32) -> u32 {
        let offset = (address - row.base) & !3;
        let at = self.at(now);
        match row.block {
            Block::Uart0 => self.uart[0].peek(at, &self.lines[0], offset),
            Block::Uart1 => self.uart[1].peek(at, &self.lines[1], offset),
            Block::Spi1 => self.spi1.peek(offset),
            Block::Gpio if offset == gpio::IN => self.pins(now).0,
            Block::Gpio => self.gpio.peek(offset),
            Block::RtcCntl => self.rtc.peek(offset),
            Block::Efuse => self.efuse.peek(offset),
            Block::IoMux => self.io_mux.peek(offset),
            Block::I2cAna => self.i2c_ana.peek(offset),
            Block::I2c0 => self.i2c0.peek(offset),
            Block::Rmt => self.rmt.peek(offset),
            Block::Ledc => self.ledc.peek(now, offset),
            Block::Spi2 => self.spi2.peek(offset),
            Block::Timg0 => self.timg[0].peek(offset),
            Block::Timg1 => self.timg[1].peek(offset),
            Block::Systimer => self.systimer.peek(offset),
            Block::Rng => 0,
            Block::Aes => self.aes.peek(offset),
            Block::Sha => self.sha.peek(offset),
            Block::Dma => self.dma.peek(offset),
            Block::ApbSaradc => self.saradc.peek(offset),
            Block::UsbDevice => self.usb.peek(now, offset),
            Block::System => self.system.peek(offset),
            Block::InterruptCore0 => self.matrix.peek(offset),
            Block::Extmem => self.extmem.peek(offset),
            Block::MmuTable => memory.mmu_entry(offset as usize / 4 % MMU_ENTRIES),
            Block::AssistDebug => self.assist_debug.peek(offset),
            Block::Spi0 | Block::Unmodelled => self.unmodelled.peek(address),
        }
    }

    /// What a load gets from a register that does more than answer.
    #[inline(never)]
    fn read_register(&mut self, row: &Row, memory: &Memory, now: Tick, address: u32) -> u32 {
        let offset = (address - row.base) & !3;
        match row.block {
            Block::Uart0 | Block::Uart1 => {
                let n = usize::from(row.block == Block::Uart1);
                let value = self.uart[n].load(self.at(now), &self.lines[n], offset);
                self.plan_uart(n, now);
                value
            }
            Block::UsbDevice => {
                let value = self.usb.load(now, &self.cable, offset);
                self.plan_usb(now);
                value
            }
            Block::I2c0 => {
                let value = self.i2c0.load(offset);
                self.follow_signals(now);
                value
            }
            Block::Rmt => self.rmt.load(offset),
            Block::Rng => self.rng.draw(),
            Block::Spi0 | Block::Unmodelled => {
                self.record(row, offset, false, now);
                self.unmodelled.peek(address)
            }
            _ => self.peek_in(row, memory, now, address),
        }
    }

    fn record(&mut self, row: &Row, offset: u32, write: bool, tick: Tick) {
        self.unmodelled.record(UnmodelledAccess { block: row.name, base: row.base, offset, write, tick });
    }

    fn write_register(&mut self, memory: &mut Memory, now: Tick, address: u32, value: u32) -> Result<(), AccessFault> {
        let row = row_at(address).ok_or(AccessFault)?;
        let offset = (address - row.base) & !3;
        let at = self.at(now);
        match row.block {
            Block::Uart0 | Block::Uart1 => {
                let n = usize::from(row.block == Block::Uart1);
                self.uart[n].store(at, offset, value);
                self.plan_uart(n, now);
            }
            Block::Spi1 => {
                if let Some(changed) = self.spi1.store(|| memory.flash_mut(), now, offset, value) {
                    memory.flash_changed(changed.offset, changed.length);
                }
            }
            Block::Gpio => {
                self.refresh_waves(now);
                self.gpio.store(offset, value);
                if offset < gpio::PIN0 {
                    self.follow_outputs(now);
                } else {
                    self.follow_pins(now);
                }
            }
            Block::I2c0 => {
                self.i2c0.store(at, offset, value);
                self.follow_pins(now);
            }
            Block::Rmt => {
                self.rmt.store(at, offset, value);
                self.follow_pins(now);
            }
            Block::Ledc => {
                self.ledc.store(at, offset, value);
                self.follow_pins(now);
            }
            Block::Spi2 => {
                self.spi2.store(memory, &mut self.dma, at, offset, value);
                self.follow_dma();
                self.follow_pins(now);
            }
            Block::RtcCntl => {
                if let Some(cause) = self.rtc.store(now, offset, value) {
                    self.reset = Some(cause);
                }
                if self.rtc.wants_sleep() {
                    self.fall_asleep(memory, now);
                }
                self.plan_rtc();
            }
            Block::Efuse => {
                self.efuse.store(offset, value);
                self.matrix.set(Source::Efuse, self.efuse.active());
            }
            Block::IoMux => {
                self.io_mux.store(offset, value);
                self.gpio.set_pads(self.io_mux.pads());
                self.follow_pins(now);
            }
            Block::I2cAna => self.i2c_ana.store(offset, value),
            Block::Timg0 | Block::Timg1 => {
                let n = usize::from(row.block == Block::Timg1);
                self.timg[n].store(at, offset, value);
                self.plan_timg(n, now);
            }
            Block::Systimer => {
                self.systimer.store(now, offset, value);
                self.plan_systimer(now);
            }
            Block::Rng => {}
            Block::Aes => {
                self.aes.store(memory, &mut self.dma, now, offset, value);
                self.follow_dma();
            }
            Block::Sha => {
                self.sha.store(memory, &mut self.dma, now, offset, value);
                self.follow_dma();
            }
            Block::Dma => {
                self.dma.store(memory, now, offset, value);
                self.follow_dma();
            }
            Block::ApbSaradc => {
                self.saradc.store(offset, value);
                self.matrix.set(Source::ApbAdc, self.saradc.active());
            }
            Block::UsbDevice => {
                self.usb.store(now, &self.cable, offset, value);
                self.plan_usb(now);
            }
            Block::System => {
                let resets = self.system.store(offset, value);
                self.reset_by_register(now, resets);
                self.follow_from_cpu();
                self.follow_clocks(now);
            }
            Block::InterruptCore0 => self.matrix.store(offset, value),
            Block::Extmem => {
                if let Some(Invalidate { address, length }) = self.extmem.store(offset, value) {
                    memory.cache.invalidate(address, length);
                }
            }
            Block::MmuTable => memory.set_mmu_entry(offset as usize / 4 % MMU_ENTRIES, value),
            Block::AssistDebug => self.assist_debug.store(offset, value),
            Block::Spi0 => {
                self.record(row, offset, true, now);
                self.unmodelled.store(address, value);
                self.follow_spi0();
            }
            Block::Unmodelled => {
                self.record(row, offset, true, now);
                self.unmodelled.store(address, value);
            }
        }
        Ok(())
    }

    /// Lets the time that a line of flash takes follow the registers of SPI0.
    fn follow_spi0(&mut self) {
        self.flash_line_ticks = spi0::line_ticks(|offset| self.unmodelled.peek(spi0::BASE + offset));
    }

    /// Lets everything that counts cycles of a derived clock follow a change of the clocks.
    fn follow_clocks(&mut self, now: Tick) {
        let (old, new) = (self.clocks, self.system.clocks());
        if old == new {
            return;
        }
        self.clocks = new;
        self.ledc.clocks_changed(now, new);
        self.follow_pins(now);
        for n in 0..2 {
            self.timg[n].clocks_changed(now, old, new);
            self.plan_timg(n, now);
        }
    }

    // ---- the host's side ----------------------------------------------------------------------

    /// Puts bytes on a port's line towards the chip; returns how many there was room for.
    pub(crate) fn send(&mut self, now: Tick, port: Port, bytes: &[u8]) -> usize {
        match port {
            Port::Uart0 | Port::Uart1 => {
                let n = port as usize;
                let taken = self.lines[n].send(bytes);
                if taken > 0 {
                    self.wake_by_line(now, port);
                }
                self.plan_uart(n, now);
                taken
            }
            Port::Usb => {
                let taken = self.cable.send(bytes);
                self.plan_usb(now);
                taken
            }
        }
    }

    /// Bytes on their way to the chip.
    pub(crate) fn waiting(&self, port: Port) -> usize {
        match port {
            Port::Uart0 | Port::Uart1 => self.lines[port as usize].waiting(),
            Port::Usb => self.cable.waiting(),
        }
    }

    /// Names the host's baud rate on a UART's line.
    pub(crate) fn set_line_baud(&mut self, port: Port, baud: u32) {
        if let Some(line) = self.lines.get_mut(port as usize) {
            line.set_baud(baud);
        }
    }

    /// The baud rate that a UART of the chip has selected.
    pub(crate) fn baud(&self, port: Port, now: Tick) -> Option<u32> {
        self.uart.get(port as usize).map(|uart| uart.baud(self.at(now)))
    }

    pub(crate) fn set_usb_connected(&mut self, now: Tick, connected: bool) {
        self.cable.set_connected(connected);
        self.plan_usb(now);
    }

    /// What a port has sent.
    pub(crate) fn output(&mut self, port: Port) -> &mut Output {
        &mut self.outside.outputs[port as usize]
    }

    pub(crate) fn set_stop_on_output(&mut self, stop: bool) {
        self.outside.stop_on_output = stop;
    }

    /// The port whose output asked for a stop, once.
    pub(crate) fn take_output_stop(&mut self) -> Option<Port> {
        self.outside.output_stop.take()
    }

    /// Returns to another chip state; what belongs to the host stays.
    pub(crate) fn restore(&mut self, other: &Self) {
        macro_rules! in_place {
            ($($field:ident),+) => {
                // A field that is not named here does not compile.
                let Self { $($field,)+ bench, outside: _ } = self;
                $($field.clone_from(&other.$field);)+
                bench.restore(&other.bench);
            };
        }
        in_place!(
            schedule,
            clocks,
            matrix,
            system,
            rtc,
            timg,
            systimer,
            uart,
            usb,
            gpio,
            io_mux,
            chip_drives,
            spi1,
            spi2,
            i2c0,
            ledc,
            rmt,
            extmem,
            efuse,
            i2c_ana,
            saradc,
            sha,
            aes,
            dma,
            rng,
            assist_debug,
            unmodelled,
            flash_line_ticks,
            lines,
            cable,
            strapping,
            reset
        );
    }

    pub(crate) fn set_adc_input(&mut self, channel: u8, raw: u16) {
        self.saradc.set_input(channel, raw);
    }

    pub(crate) fn set_seed(&mut self, seed: u64) {
        self.rng = Rng::new(seed);
    }

    pub(crate) fn set_strapping(&mut self, strapping: Strapping) {
        self.strapping = strapping;
    }

    /// The eFuse memory.
    pub(crate) fn efuse(&self) -> EfuseImage {
        self.efuse.image()
    }

    /// The cause of the last reset.
    pub(crate) fn reset_cause(&self) -> ResetCause {
        self.rtc.cause()
    }

    /// First accesses to registers that are not modelled, and how many were not kept.
    pub(crate) fn unmodelled_log(&self) -> (&[UnmodelledAccess], u64) {
        self.unmodelled.log()
    }

    /// Makes a source ask for service the way its own event would: a timer's alarm matches now, a
    /// software interrupt is set. Returns whether the source can be raised this way; pins and
    /// serial ports are raised by what happens on them.
    pub(crate) fn raise(&mut self, now: Tick, source: Source) -> bool {
        let at = self.at(now);
        match source {
            Source::Tg0T0 | Source::Tg1T0 => {
                let n = usize::from(source == Source::Tg1T0);
                self.timg[n].fire(at);
                self.plan_timg(n, now);
            }
            Source::SystimerTarget0 | Source::SystimerTarget1 | Source::SystimerTarget2 => {
                self.systimer.fire(now, source as usize - Source::SystimerTarget0 as usize);
                self.plan_systimer(now);
            }
            Source::FromCpu0 | Source::FromCpu1 | Source::FromCpu2 | Source::FromCpu3 => {
                self.system.raise_software_interrupt(source as u32 - Source::FromCpu0 as u32);
                self.follow_from_cpu();
            }
            _ => return false,
        }
        true
    }

    /// Moves the next alarm of a timer source to an exact tick; returns whether one was planned.
    pub(crate) fn move_alarm(&mut self, now: Tick, source: Source, tick: Tick) -> bool {
        let at = self.at(now);
        match source {
            Source::Tg0T0 | Source::Tg1T0 => {
                let n = usize::from(source == Source::Tg1T0);
                let moved = self.timg[n].move_alarm(at, tick);
                self.plan_timg(n, now);
                moved
            }
            Source::SystimerTarget0 | Source::SystimerTarget1 | Source::SystimerTarget2 => {
                let n = source as usize - Source::SystimerTarget0 as usize;
                let moved = self.systimer.move_alarm(now, n, tick);
                self.plan_systimer(now);
                moved
            }
            _ => false,
        }
    }

    /// When a timer's alarm will match; `None`: it will not.
    pub(crate) fn planned_alarm(&self, now: Tick, source: Source) -> Option<Tick> {
        let at = match source {
            Source::SystimerTarget0 | Source::SystimerTarget1 | Source::SystimerTarget2 => {
                self.systimer.alarm_at(now, source as usize - Source::SystimerTarget0 as usize)
            }
            _ => Tick::MAX,
        };
        (at != Tick::MAX).then_some(at)
    }

    /// What the engine caches, apart from what ends the run at once.
    #[inline(always)]
    fn engine_view(&self) -> (Tick, Option<u8>, u32, u32) {
        let Self { schedule, matrix, clocks, flash_line_ticks, .. } = self;
        (schedule.next(), matrix.selected(), clocks.cpu, *flash_line_ticks)
    }

    /// What an access means for the engine before which it cached this. No access is made where a stop is asked for, nor
    /// asleep.
    #[inline(always)]
    fn effect(&self, before: (Tick, Option<u8>, u32, u32)) -> Effect {
        let goes_on = self.engine_view() == before && !self.stop_requested() && !self.is_asleep();
        if goes_on { Effect::None } else { Effect::Reschedule }
    }
}

/// The cause that a main watchdog's reset shows.
fn watchdog_cause(group: usize, action: StageAction) -> ResetCause {
    match (group, action) {
        (0, StageAction::CpuReset) => ResetCause::MainWatchdog0Cpu,
        (0, _) => ResetCause::MainWatchdog0System,
        (_, StageAction::CpuReset) => ResetCause::MainWatchdog1Cpu,
        _ => ResetCause::MainWatchdog1System,
    }
}

impl Devices for Chip {
    fn load(
        &mut self,
        memory: &mut Memory,
        now: Tick,
        address: u32,
        width: Width,
    ) -> Result<(u32, Effect), AccessFault> {
        let row = row_at(address).ok_or(AccessFault)?;
        let (word, effect) = if row.acts_when_read(address) {
            let before = self.engine_view();
            let word = self.read_register(row, memory, now, address);
            (word, self.effect(before))
        } else {
            // Programs wait by such loads, in loops.
            (self.peek_in(row, memory, now, address), Effect::None)
        };
        let shift = address % 4 * 8;
        let value = match width {
            Width::Byte => word >> shift & 0xFF,
            Width::Half => word >> shift & 0xFFFF,
            Width::Word => word,
        };
        Ok((value, effect))
    }

    fn store(
        &mut self,
        memory: &mut Memory,
        now: Tick,
        address: u32,
        width: Width,
        value: u32,
    ) -> Result<Effect, AccessFault> {
        let before = self.engine_view();
        let mask = match width {
            Width::Byte => 0xFF,
            Width::Half => 0xFFFF,
            Width::Word => u32::MAX,
        };
        let word = if width == Width::Word {
            value
        } else {
            // The other bytes of the register keep what they show.
            let shift = address % 4 * 8;
            let held = self.peek(memory, now, address).ok_or(AccessFault)?;
            held & !(mask << shift) | (value & mask) << shift
        };
        self.write_register(memory, now, address, word)?;
        Ok(self.effect(before))
    }

    fn next_event(&self) -> Tick {
        self.schedule.next()
    }

    fn run_events(&mut self, memory: &mut Memory, now: Tick) {
        while let Some((planner, due)) = self.schedule.due(now) {
            self.run_event(memory, planner, due);
            if self.reset.is_some() {
                return;
            }
        }
    }

    fn interrupt(&self) -> Option<u8> {
        self.matrix.selected()
    }

    fn ticks_per_cycle(&self) -> u32 {
        self.clocks.cpu
    }

    fn holds_hart(&self) -> bool {
        self.is_asleep()
    }

    fn flash_line_ticks(&self) -> u32 {
        self.flash_line_ticks
    }

    fn stop_requested(&self) -> bool {
        self.reset.is_some() || self.outside.output_stop.is_some() || self.bench.wants_stop()
    }
}
