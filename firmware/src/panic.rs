//! Last words: a panic is a bug of the firmware; say where on UART0 and reset the chip.

use core::fmt::Write;

struct Raw;

impl Write for Raw {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        crate::console::write_raw(text);
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // Nothing can be done if even this fails.
    let _ = write!(Raw, "\r\nlesson firmware: {info}\r\n");
    esp_hal::system::software_reset()
}
