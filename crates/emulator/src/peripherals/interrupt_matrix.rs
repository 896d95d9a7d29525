//! Interrupt matrix (TRM, chapter "Interrupt Matrix"): routes 62 interrupt sources to the 31
//! interrupt lines of the CPU, and decides which line asks for service.

/// Number of interrupt sources.
const SOURCE_COUNT: usize = 62;

/// A peripheral interrupt source, numbered as in the TRM's table of CPU peripheral interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// GPIO interrupt.
    Gpio = 16,
    /// GPIO non-maskable interrupt.
    GpioNmi = 17,
    /// GP-SPI2.
    Spi2 = 19,
    /// UART0.
    Uart0 = 21,
    /// UART1.
    Uart1 = 22,
    /// LED PWM controller.
    Ledc = 23,
    /// eFuse controller.
    Efuse = 24,
    /// USB-serial-JTAG.
    UsbDevice = 26,
    /// RTC controller.
    RtcCore = 27,
    /// Remote control peripheral.
    Rmt = 28,
    /// I2C controller.
    I2cExt0 = 29,
    /// Timer of timer group 0.
    Tg0T0 = 32,
    /// Watchdog of timer group 0.
    Tg0Wdt = 33,
    /// Timer of timer group 1.
    Tg1T0 = 34,
    /// Watchdog of timer group 1.
    Tg1Wdt = 35,
    /// SYSTIMER comparator 0.
    SystimerTarget0 = 37,
    /// SYSTIMER comparator 1.
    SystimerTarget1 = 38,
    /// SYSTIMER comparator 2.
    SystimerTarget2 = 39,
    /// Analog-to-digital converter.
    ApbAdc = 43,
    /// GDMA channel 0.
    DmaCh0 = 44,
    /// GDMA channel 1.
    DmaCh1 = 45,
    /// GDMA channel 2.
    DmaCh2 = 46,
    /// AES accelerator.
    Aes = 48,
    /// SHA accelerator.
    Sha = 49,
    /// Software interrupt 0.
    FromCpu0 = 50,
    /// Software interrupt 1.
    FromCpu1 = 51,
    /// Software interrupt 2.
    FromCpu2 = 52,
    /// Software interrupt 3.
    FromCpu3 = 53,
}

impl Source {
    /// Whether the source has an event of its own that a host can make happen: a timer's alarm or
    /// a software interrupt. The others follow pins, lines and transfers.
    #[must_use]
    pub fn has_event(self) -> bool {
        matches!(
            self,
            Self::Tg0T0
                | Self::Tg1T0
                | Self::SystimerTarget0
                | Self::SystimerTarget1
                | Self::SystimerTarget2
                | Self::FromCpu0
                | Self::FromCpu1
                | Self::FromCpu2
                | Self::FromCpu3
        )
    }
}

const INTR_STATUS_REG_0: u32 = 0x0F8;
const INTR_STATUS_REG_1: u32 = 0x0FC;
const CLOCK_GATE: u32 = 0x100;
const CPU_INT_ENABLE: u32 = 0x104;
const CPU_INT_TYPE: u32 = 0x108;
const CPU_INT_CLEAR: u32 = 0x10C;
const CPU_INT_EIP_STATUS: u32 = 0x110;
const CPU_INT_PRI_0: u32 = 0x114;
const CPU_INT_PRI_31: u32 = CPU_INT_PRI_0 + 4 * 31;
const CPU_INT_THRESH: u32 = 0x194;

/// The interrupt matrix, block INTERRUPT_CORE0 at 0x600C_2000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct InterruptMatrix {
    map: [u8; SOURCE_COUNT],
    priority: [u8; 32],
    enable: u32,
    edge_type: u32,
    clear: u32,
    threshold: u8,
    clock_gate: u32,
    /// Level of every source, bit n for source n.
    sources: u64,
    /// Lines with an active source.
    lines: u32,
    /// Edge-type lines that rose and were not cleared yet.
    latched: u32,
    /// The line that asks for service.
    selected: Option<u8>,
}

impl InterruptMatrix {
    /// The matrix after reset: every source on line 0, which is no interrupt.
    pub(crate) fn new() -> Self {
        Self {
            map: [0; SOURCE_COUNT],
            priority: [0; 32],
            enable: 0,
            edge_type: 0,
            clear: 0,
            threshold: 0,
            clock_gate: 1,
            sources: 0,
            lines: 0,
            latched: 0,
            selected: None,
        }
    }

    /// The line that asks for service: enabled, pending, its priority above 0 and at or above the
    /// threshold; the highest priority first, then the lowest line.
    pub(crate) fn selected(&self) -> Option<u8> {
        self.selected
    }

    /// Sets the level of a source.
    pub(crate) fn set(&mut self, source: Source, level: bool) {
        let mask = 1_u64 << source as u8;
        let sources = if level { self.sources | mask } else { self.sources & !mask };
        if sources != self.sources {
            self.sources = sources;
            self.update();
        }
    }

    fn pending(&self) -> u32 {
        self.lines & !self.edge_type | self.latched & self.edge_type
    }

    /// Routes sources to lines, latches rising edges and selects a line.
    fn update(&mut self) {
        let mut lines = 0;
        let mut rest = self.sources;
        while rest != 0 {
            lines |= 1_u32 << self.map[rest.trailing_zeros() as usize];
            rest &= rest - 1;
        }
        lines &= !1;
        self.latched = (self.latched | lines & !self.lines) & self.edge_type & !self.clear;
        self.lines = lines;
        let mut candidates = self.pending() & self.enable;
        let mut selected: Option<(u8, u8)> = None;
        while candidates != 0 {
            let line = candidates.trailing_zeros() as u8;
            candidates &= candidates - 1;
            let priority = self.priority[usize::from(line)];
            if priority > 0 && priority >= self.threshold && selected.is_none_or(|(best, _)| priority > best) {
                selected = Some((priority, line));
            }
        }
        self.selected = selected.map(|(_, line)| line);
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            0..INTR_STATUS_REG_0 => u32::from(self.map[offset as usize / 4]),
            INTR_STATUS_REG_0 => self.sources as u32,
            INTR_STATUS_REG_1 => (self.sources >> 32) as u32,
            CLOCK_GATE => self.clock_gate,
            CPU_INT_ENABLE => self.enable,
            CPU_INT_TYPE => self.edge_type,
            CPU_INT_CLEAR => self.clear,
            CPU_INT_EIP_STATUS => self.pending(),
            CPU_INT_PRI_0..=CPU_INT_PRI_31 => u32::from(self.priority[(offset - CPU_INT_PRI_0) as usize / 4]),
            CPU_INT_THRESH => u32::from(self.threshold),
            _ => 0,
        }
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) {
        match offset {
            0..INTR_STATUS_REG_0 => self.map[offset as usize / 4] = (value & 0x1F) as u8,
            CLOCK_GATE => self.clock_gate = value,
            CPU_INT_ENABLE => self.enable = value,
            CPU_INT_TYPE => self.edge_type = value,
            CPU_INT_CLEAR => self.clear = value,
            CPU_INT_PRI_0..=CPU_INT_PRI_31 => {
                self.priority[(offset - CPU_INT_PRI_0) as usize / 4] = (value & 0xF) as u8;
            }
            CPU_INT_THRESH => self.threshold = (value & 0xF) as u8,
            _ => {}
        }
        self.update();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(line: u32, priority: u32) -> InterruptMatrix {
        let mut matrix = InterruptMatrix::new();
        matrix.store(4 * Source::Gpio as u32, line);
        matrix.store(CPU_INT_PRI_0 + 4 * line, priority);
        matrix.store(CPU_INT_ENABLE, 1 << line);
        matrix
    }

    #[test]
    fn a_level_line_follows_its_source() {
        let mut matrix = routed(7, 1);
        assert_eq!(matrix.selected(), None);
        matrix.set(Source::Gpio, true);
        assert_eq!(matrix.selected(), Some(7));
        assert_eq!(matrix.peek(INTR_STATUS_REG_0), 1 << 16);
        matrix.set(Source::Gpio, false);
        assert_eq!(matrix.selected(), None);
    }

    #[test]
    fn an_edge_line_stays_pending_until_it_is_cleared() {
        let mut matrix = routed(7, 1);
        matrix.store(CPU_INT_TYPE, 1 << 7);
        matrix.set(Source::Gpio, true);
        matrix.set(Source::Gpio, false);
        assert_eq!(matrix.selected(), Some(7));
        matrix.store(CPU_INT_CLEAR, 1 << 7);
        matrix.store(CPU_INT_CLEAR, 0);
        assert_eq!(matrix.selected(), None);
        matrix.set(Source::Gpio, true);
        assert_eq!(matrix.selected(), Some(7));
    }

    #[test]
    fn priority_must_be_above_zero_and_reach_the_threshold() {
        for (priority, threshold, taken) in [(0, 0, false), (1, 0, true), (3, 4, false), (4, 4, true), (15, 15, true)] {
            let mut matrix = routed(3, priority);
            matrix.store(CPU_INT_THRESH, threshold);
            matrix.set(Source::Gpio, true);
            assert_eq!(matrix.selected().is_some(), taken, "priority {priority}, threshold {threshold}");
        }
    }

    #[test]
    fn the_highest_priority_wins_then_the_lowest_line() {
        let mut matrix = routed(9, 2);
        matrix.store(4 * Source::Uart0 as u32, 4);
        matrix.store(4 * Source::Uart1 as u32, 20);
        matrix.store(CPU_INT_ENABLE, 1 << 9 | 1 << 4 | 1 << 20);
        matrix.store(CPU_INT_PRI_0 + 4 * 4, 2);
        matrix.store(CPU_INT_PRI_0 + 4 * 20, 5);
        for source in [Source::Gpio, Source::Uart0, Source::Uart1] {
            matrix.set(source, true);
        }
        assert_eq!(matrix.selected(), Some(20));
        matrix.set(Source::Uart1, false);
        assert_eq!(matrix.selected(), Some(4));
    }

    #[test]
    fn line_zero_is_no_interrupt() {
        let mut matrix = routed(0, 15);
        matrix.set(Source::Gpio, true);
        assert_eq!(matrix.selected(), None);
    }
}
