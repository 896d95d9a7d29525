//! What is told of a program that puts the board into deep sleep.

use crate::Language;

/// What has woken a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// The time was over.
    Timer,
    /// A pin had the level that wakes.
    Pin,
}

/// That a program has ended in a deep sleep, what wakes the board (`ms` milliseconds; the level of a bit of `pins`), and what
/// has done so by the end of the run.
#[must_use]
pub fn deep_sleep(ms: Option<u32>, pins: u32, high: bool, woken: Option<Woken>, language: Language) -> String {
    let names: Vec<String> =
        (0..u32::BITS).filter(|pin| pins >> pin & 1 != 0).map(|pin| format!("GPIO{pin}")).collect();
    match language {
        Language::En => {
            let timer = ms.map(|ms| format!("the timer after {ms} ms"));
            let level = if high { "high" } else { "low" };
            let pins = (!names.is_empty()).then(|| format!("a {level} level on {}", names.join(" or ")));
            let wakes: Vec<String> = timer.into_iter().chain(pins).collect();
            let wakes = match wakes.is_empty() {
                true => "Nothing but a reset wakes it.".to_owned(),
                false => format!("It is woken by {}.", wakes.join(", or by ")),
            };
            let end = match woken {
                Some(Woken::Timer) => " The timer has woken it, and it has started anew.",
                Some(Woken::Pin) => " A pin has woken it, and it has started anew.",
                None => " It was still asleep when the run ended.",
            };
            format!("The board went into deep sleep. {wakes}{end}")
        }
        Language::Ja => {
            let timer = ms.map(|ms| format!("{ms} ms 後のタイマ"));
            let level = if high { "H" } else { "L" };
            let pins = (!names.is_empty()).then(|| format!("{} の {level} レベル", names.join(" か ")));
            let wakes: Vec<String> = timer.into_iter().chain(pins).collect();
            let wakes = match wakes.is_empty() {
                true => "目覚めさせるものはリセットだけです。".to_owned(),
                false => format!("目覚めさせるのは{}です。", wakes.join("、または ")),
            };
            let end = match woken {
                Some(Woken::Timer) => "タイマで目覚め、はじめから起動しました。",
                Some(Woken::Pin) => "ピンで目覚め、はじめから起動しました。",
                None => "実行が終わったときも、まだ眠っていました。",
            };
            format!("ボードはディープスリープに入りました。{wakes}{end}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_told_with_what_wakes_and_what_has_woken() {
        for (ms, pins, high, woken, en, ja) in [
            (
                Some(1000),
                0,
                false,
                Some(Woken::Timer),
                "The board went into deep sleep. It is woken by the timer after 1000 ms. The timer has woken it, and it has \
                 started anew.",
                "ボードはディープスリープに入りました。目覚めさせるのは1000 ms 後のタイマです。タイマで目覚め、はじめから起動しました。",
            ),
            (
                Some(5),
                0b10100,
                true,
                Some(Woken::Pin),
                "The board went into deep sleep. It is woken by the timer after 5 ms, or by a high level on GPIO2 or GPIO4. A \
                 pin has woken it, and it has started anew.",
                "ボードはディープスリープに入りました。目覚めさせるのは5 ms 後のタイマ、または GPIO2 か GPIO4 の H レベルです。\
                 ピンで目覚め、はじめから起動しました。",
            ),
            (
                None,
                0,
                false,
                None,
                "The board went into deep sleep. Nothing but a reset wakes it. It was still asleep when the run ended.",
                "ボードはディープスリープに入りました。目覚めさせるものはリセットだけです。実行が終わったときも、まだ眠っていました。",
            ),
        ] {
            assert_eq!(deep_sleep(ms, pins, high, woken, Language::En), en);
            assert_eq!(deep_sleep(ms, pins, high, woken, Language::Ja), ja);
        }
    }
}
