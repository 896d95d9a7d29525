//! What a learner sees of each part. Pages, the command line and tests read the same.

use serde::Serialize;

/// The visible state of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the fields are named in the catalogue's words, with units")]
pub enum Shown {
    /// A lamp: lit at this moment, and which share of the time it is (pulse-width modulation).
    Light { lit: bool, duty_permille: u32 },
    /// A lamp of three colours, each the share of the time that it is lit.
    Colour { red_permille: u32, green_permille: u32, blue_permille: u32 },
    /// A contact: closed now, how it bounced when it was last moved.
    Contact { closed: bool, bounced_us: u64, edges: u32 },
    /// A slider.
    Slider { position_permille: u32, raw: u16 },
    /// A rotary encoder: steps from where it was connected, and steps still to turn.
    Encoder { steps: i64, steps_to_go: i64, pushed: bool },
    /// A generator: pulses sent, pulses left out.
    Pulses { running: bool, sent: u64, left_out: u64 },
    /// A motion detector.
    Motion { detected: bool, detections: u32 },
    /// A wheel with magnets.
    Wheel { rpm: u32, pulses: u64 },
    /// A tipping bucket: tips that happened, tips that wait.
    Tips { tips: u64, waiting: u64, closed: bool },
    /// An ultrasonic ranger: measurements, triggers that were too short or came too early, and the
    /// length of the last echo.
    Ranger { distance_mm: u32, measurements: u32, ignored: u32, echo_us: u64 },
    /// An infrared receiver: frames and repeats sent, frames that wait.
    Infrared { frames: u32, repeats: u32, waiting: u32 },
    /// A buzzer: what is heard, in thousandths of a hertz; 0 is silence.
    Sound { frequency_mhz: u64 },
    /// A strip of lights, red, green and blue, as last latched; pulses out of the data sheet's
    /// bounds; bits beyond whole lights.
    Strip { colours: Vec<[u8; 3]>, frames: u32, bad_pulses: u32, stray_bits: u32 },
    /// A thermometer: what it measures, conversions made, and whether one waits to be read.
    Thermometer { temperature_mc: i32, conversions: u32, ready: bool, addressed: u32 },
    /// A talker on a serial line: sentences sent, and the last.
    Talker { sentences: u64, last: String },
    /// Another board's pin: what it drives, and the level that it reads.
    BoardPin { drives: Option<bool>, reads: bool },
    /// A wire: the level that it carries.
    Wire { carries: Option<bool> },
}
