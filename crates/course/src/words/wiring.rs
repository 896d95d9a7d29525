//! What is wrong with a wiring, or with the move of a control, in words.

use parts::{Mistake, Mistakes, MoveError, Place, Reserved, Wanted};

use super::ProblemText;
use crate::Language::{self, En, Ja};

/// Where in a wiring a mistake stands.
#[must_use]
pub fn place(place: &Place, language: Language) -> String {
    match (place, language) {
        (Place::Wiring, En) => "wiring".to_owned(),
        (Place::Wiring, Ja) => "配線".to_owned(),
        (Place::Part { index, name }, En) if name.is_empty() => format!("part {}", index + 1),
        (Place::Part { index, name }, Ja) if name.is_empty() => format!("部品 {}", index + 1),
        (Place::Part { name, .. }, En) => format!("part `{name}`"),
        (Place::Part { name, .. }, Ja) => format!("部品 `{name}`"),
        (Place::Move(index), En) => format!("move {}", index + 1),
        (Place::Move(index), Ja) => format!("操作 {}", index + 1),
    }
}

/// The place of a mistake.
#[must_use]
pub fn place_of(mistake: &Mistake) -> Place {
    match mistake {
        Mistake::WrongType { place, .. }
        | Mistake::UnknownKey { place, .. }
        | Mistake::KeyTwice { place, .. }
        | Mistake::Missing { place, .. }
        | Mistake::UnknownKind { place, .. }
        | Mistake::OutOfRange { place, .. }
        | Mistake::NotAChoice { place, .. }
        | Mistake::BadName { place, .. }
        | Mistake::NameTaken { place }
        | Mistake::NoSuchPin { place, .. }
        | Mistake::PinReserved { place, .. }
        | Mistake::PinNotAnalog { place, .. }
        | Mistake::PinTaken { place, .. }
        | Mistake::UnknownPart { place, .. }
        | Mistake::UnknownControl { place, .. } => place.clone(),
        Mistake::TooManyParts { .. } | Mistake::TooManyMoves { .. } => Place::Wiring,
    }
}

/// What is wrong, and what to do, as one sentence.
#[must_use]
pub fn mistake(mistake: &Mistake, language: Language) -> String {
    let (en, ja) = both(mistake);
    language.pick(&en, &ja).to_owned()
}

/// All mistakes of a wiring as one problem, under the code of the first.
#[must_use]
pub fn unsound(mistakes: &Mistakes, language: Language) -> ProblemText {
    let told = mistakes.0.iter().map(|one| format!("{}: {}", place(&place_of(one), language), mistake(one, language)));
    let hint =
        language.pick("Mend the wiring, then press Run again.", "配線を直して、もう一度「実行」を押してください。");
    ProblemText {
        code: mistakes.0.first().map_or("E-WIRE-TYPE", Mistake::code),
        message: told.collect::<Vec<_>>().join("; "),
        hint: hint.to_owned(),
    }
}

/// Why a control was not moved.
#[must_use]
pub fn moved(error: &MoveError, language: Language) -> ProblemText {
    let (en, ja) = match error {
        MoveError::UnknownPart { part } => (
            (format!("No part on the pins is called “{part}”."), "Reload the page.".to_owned()),
            (format!("ピンに「{part}」という部品はありません。"), "ページを再読み込みしてください。".to_owned()),
        ),
        MoveError::NotConnected { part } => (
            (format!("“{part}” is not connected yet."), "Press Run: it connects the parts.".to_owned()),
            (format!("「{part}」はまだ接続されていません。"), "「実行」を押すと、部品が接続されます。".to_owned()),
        ),
        MoveError::UnknownControl { part, control } => (
            (format!("“{part}” has no control “{control}”."), "Reload the page.".to_owned()),
            (format!("「{part}」に操作「{control}」はありません。"), "ページを再読み込みしてください。".to_owned()),
        ),
        MoveError::OutOfRange { control, value, min, max } => (
            (format!("`{control}` = {value} is out of range."), format!("Choose {min} to {max}.")),
            (format!("`{control}` = {value} は範囲外です。"), format!("{min}～{max} を選んでください。")),
        ),
        MoveError::Past { .. } => (
            ("That moment is over.".to_owned(), "Choose a later one.".to_owned()),
            ("その時刻は過ぎています。".to_owned(), "後の時刻を選んでください。".to_owned()),
        ),
        MoveError::TooMany { most } => (
            (format!("{most} moves are waiting already."), "Wait until the board has caught up.".to_owned()),
            (format!("待っている操作がすでに {most} 個あります。"), "ボードが追いつくまで待ってください。".to_owned()),
        ),
    };
    let (message, hint) = match language {
        En => en,
        Ja => ja,
    };
    ProblemText { code: error.code(), message, hint }
}

fn both(mistake: &Mistake) -> (String, String) {
    match mistake {
        Mistake::WrongType { key, wanted, .. } => {
            let (en, ja) = match wanted {
                Wanted::Table => ("a table of keys", "キーの表"),
                Wanted::List => ("a list", "リスト"),
                Wanted::Text => ("text in quotes", "引用符で囲んだ文字列"),
                Wanted::WholeNumber => ("a whole number", "整数"),
            };
            match key.is_empty() {
                true => (format!("write {en} here"), format!("ここには{ja}を書いてください")),
                false => (format!("`{key}` must be {en}"), format!("`{key}` は{ja}にしてください")),
            }
        }
        Mistake::UnknownKey { key, known, .. } => {
            let known = known.join(", ");
            (format!("nobody knows `{key}`; there are {known}"), format!("`{key}` はありません。あるのは {known} です"))
        }
        Mistake::KeyTwice { key, .. } => {
            (format!("`{key}` stands there twice; keep one"), format!("`{key}` が二つあります。一つにしてください"))
        }
        Mistake::Missing { key, .. } => {
            (format!("`{key}` is missing; write it"), format!("`{key}` がありません。書いてください"))
        }
        Mistake::UnknownKind { kind, .. } => {
            let known: Vec<&str> = parts::catalogue::KINDS.iter().map(|kind| kind.name).collect();
            let known = known.join(", ");
            (
                format!("there is no kind of part `{kind}`; there are {known}"),
                format!("部品の種類 `{kind}` はありません。あるのは {known} です"),
            )
        }
        Mistake::OutOfRange { key, value, min, max, .. } => (
            format!("`{key}` = {value} is out of range; choose {min} to {max}"),
            format!("`{key}` = {value} は範囲外です。{min}～{max} にしてください"),
        ),
        Mistake::NotAChoice { key, word, known, .. } => {
            let known = known.join(", ");
            (
                format!("`{key}` cannot be `{word}`; choose one of {known}"),
                format!("`{key}` に `{word}` は使えません。{known} から選んでください"),
            )
        }
        Mistake::BadName { most_chars, .. } => (
            format!("a name has 1 to {most_chars} characters, and no blanks around it"),
            format!("名前は 1～{most_chars} 文字で、前後に空白を置かないでください"),
        ),
        Mistake::NameTaken { .. } => (
            "another part has this name; choose another".to_owned(),
            "同じ名前の部品があります。別の名前にしてください".to_owned(),
        ),
        Mistake::NoSuchPin { role, pin, .. } => (
            format!("`{role}`: the chip has no GPIO {pin}; it has 0 to 21"),
            format!("`{role}`: GPIO {pin} はありません。0～21 から選んでください"),
        ),
        Mistake::PinReserved { role, pin, by, .. } => {
            let (en, ja) = match by {
                Reserved::Flash => ("the flash chip", "フラッシュ"),
                Reserved::Usb => ("the USB socket", "USB"),
            };
            (
                format!("`{role}`: GPIO {pin} belongs to {en}; choose 0 to 10, 20 or 21"),
                format!("`{role}`: GPIO {pin} は{ja}が使っています。0～10、20、21 から選んでください"),
            )
        }
        Mistake::PinNotAnalog { role, pin, most, .. } => (
            format!("`{role}`: GPIO {pin} measures no voltage; choose 0 to {most}"),
            format!("`{role}`: GPIO {pin} では電圧を測れません。0～{most} から選んでください"),
        ),
        Mistake::PinTaken { role, pin, by, .. } => (
            format!("`{role}`: GPIO {pin} already has `{by}`; choose a free pin"),
            format!("`{role}`: GPIO {pin} には `{by}` があります。空いているピンを選んでください"),
        ),
        Mistake::TooManyParts { count, most } => (
            format!("{count} parts are too many; the most is {most}"),
            format!("部品が {count} 個あります。{most} 個までです"),
        ),
        Mistake::TooManyMoves { count, most } => (
            format!("{count} moves are too many; the most is {most}"),
            format!("操作が {count} 個あります。{most} 個までです"),
        ),
        Mistake::UnknownPart { part, .. } => (
            format!("no part is called `{part}`; mend the name"),
            format!("`{part}` という部品はありません。名前を直してください"),
        ),
        Mistake::UnknownControl { part, control, known, .. } => {
            let known = known.join(", ");
            (
                format!("`{part}` has no control `{control}`; it has {known}"),
                format!("`{part}` に操作 `{control}` はありません。あるのは {known} です"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One wiring with as many mistakes as fit into it: each is told in both languages, with its place.
    #[test]
    fn every_mistake_has_words_and_a_place_in_both_languages() {
        let draft: parts::Draft = toml::from_str(
            r#"
            colour = 1
            moves = [{ at_us = -1, part = "a", control = "pull", value = 1 }, { at_us = 1, part = "z", control = "x", value = 1 }, 7]
            parts = [
              { kind = "button", name = "a", pins = { contact = 12 } },
              { kind = "button", name = "b", pins = { contact = 99 }, to = "sky", bounces = "six", bounce_us = -1 },
              { kind = "button", name = "b", pins = { contact = 18 } },
              { kind = "potentiometer", name = " ", pins = { wiper = 9 } },
              { kind = "toaster", name = "t", pins = {} },
              { kind = "led", pins = { anode = 4 } },
              { kind = "led", name = "m", pins = { anode = 4 } },
            ]
            "#,
        )
        .unwrap();
        let mistakes = draft.check().unwrap_err().0;
        assert!(mistakes.len() > 12, "{mistakes:?}");
        let mut codes: Vec<&str> = mistakes.iter().map(Mistake::code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert!(codes.len() >= 11, "{codes:?}");
        for one in &mistakes {
            let place_of = place_of(one);
            for language in Language::ALL {
                assert!(!mistake(one, language).is_empty() && !place(&place_of, language).is_empty());
            }
            assert!(mistake(one, En).is_ascii(), "{}", mistake(one, En));
            assert!(!mistake(one, Ja).is_ascii(), "{}", mistake(one, Ja));
        }
    }

    #[test]
    fn a_move_that_is_refused_is_told_with_its_code() {
        let error = MoveError::OutOfRange { control: "pressed".to_owned(), value: 7, min: 0, max: 1 };
        assert_eq!(moved(&error, En).hint, "Choose 0 to 1.");
        assert_eq!(moved(&error, Ja).code, "E-MOVE-RANGE");
    }
}
