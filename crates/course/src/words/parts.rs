//! What parts on the pins, and what a hand moves of them, are called on pages.

use parts::catalogue::{Control, Kind};

use crate::Language;

/// The name of a kind of part.
#[must_use]
pub fn kind(kind: &Kind, language: Language) -> &'static str {
    let (en, ja) = kind_words(kind.name).unwrap_or((kind.name, kind.name));
    language.pick(en, ja)
}

/// What one does with a control.
#[must_use]
pub fn control(control: &Control, language: Language) -> &'static str {
    let (en, ja) = control_words(control.key).unwrap_or((control.key, control.key));
    language.pick(en, ja)
}

/// The unit in which a control's value is counted, as its key has it.
#[must_use]
pub fn unit(control: &Control) -> &'static str {
    const UNITS: [(&str, &str); 6] =
        [("_permille", "‰"), ("_us", "µs"), ("_ns", "ns"), ("_mm", "mm"), ("_mc", "m°C"), ("_udeg", "µ°")];
    let found = UNITS.iter().find(|(ending, _)| control.key.ends_with(ending));
    found.map_or("", |(_, unit)| unit)
}

fn kind_words(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "led" => ("LED", "LED"),
        "rgb-led" => ("RGB LED", "RGB LED"),
        "button" => ("Button", "ボタン"),
        "switch" => ("Switch", "スイッチ"),
        "potentiometer" => ("Potentiometer", "可変抵抗"),
        "encoder" => ("Encoder", "エンコーダ"),
        "pulses" => ("Pulses", "パルス"),
        "pir" => ("Motion sensor", "人感センサ"),
        "hall" => ("Wheel with magnets", "磁石付きの車輪"),
        "rain-gauge" => ("Rain gauge", "雨量計"),
        "hc-sr04" => ("Range finder", "距離センサ"),
        "nec-receiver" => ("Infrared receiver", "赤外線受信器"),
        "buzzer" => ("Buzzer", "ブザー"),
        "ws2812" => ("Light strip", "LED テープ"),
        "tmp117" => ("Thermometer", "温度計"),
        "gps" => ("GPS receiver", "GPS 受信機"),
        "board-pin" => ("Pin of another board", "別のボードのピン"),
        "wire" => ("Wire", "導線"),
        _ => return None,
    })
}

fn control_words(key: &str) -> Option<(&'static str, &'static str)> {
    Some(match key {
        "pressed" => ("Press", "押す"),
        "on" => ("Switch on", "オンにする"),
        "position_permille" => ("Position", "位置"),
        "turn_steps" => ("Turn", "回す"),
        "step_us" => ("Time for a step", "1 ステップの時間"),
        "running" => ("Send pulses", "パルスを送る"),
        "period_ns" => ("Period", "周期"),
        "motion" => ("Somebody moves", "人が動く"),
        "rpm" => ("Turns a minute", "毎分の回転数"),
        "tips" => ("Tip once", "1 回傾ける"),
        "tips_an_hour" => ("Tips an hour", "1 時間に傾く回数"),
        "distance_mm" => ("Distance", "距離"),
        "code" => ("Send a code", "コードを送る"),
        "repeats" => ("Repeat the code", "コードを繰り返す"),
        "temperature_mc" => ("Temperature", "温度"),
        "fix" => ("Satellites in view", "衛星が見える"),
        "latitude_udeg" => ("Latitude", "緯度"),
        "longitude_udeg" => ("Longitude", "経度"),
        "level" => ("Level", "レベル"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_and_every_control_has_a_name_in_both_languages() {
        for kind in parts::catalogue::KINDS {
            assert!(kind_words(kind.name).is_some(), "{} has no name", kind.name);
            for one in kind.controls {
                assert!(control_words(one.key).is_some(), "{} has no name", one.key);
            }
        }
    }
}
