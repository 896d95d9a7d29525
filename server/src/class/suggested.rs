//! Nicknames that are suggested: an adjective and an animal, so that nobody has to give a name away.

use course::Language;

const EN: ([&str; 16], [&str; 24]) = (
    [
        "amber", "brave", "calm", "clever", "cosy", "green", "happy", "keen", "lucky", "merry", "misty", "quick",
        "silver", "sunny", "tiny", "wild",
    ],
    [
        "otter", "heron", "marten", "sparrow", "badger", "beaver", "falcon", "finch", "gecko", "hare", "ibis", "kiwi",
        "lemur", "lynx", "mole", "newt", "owl", "panda", "puffin", "quokka", "raven", "seal", "tapir", "wren",
    ],
);

const JA: ([&str; 16], [&str; 24]) = (
    [
        "みどりの",
        "あおい",
        "しろい",
        "きいろい",
        "ぎんの",
        "げんきな",
        "しずかな",
        "やさしい",
        "はやい",
        "ちいさな",
        "かしこい",
        "あかるい",
        "ふしぎな",
        "ねむい",
        "まるい",
        "ごきげんな",
    ],
    [
        "カワウソ",
        "フクロウ",
        "リス",
        "ウサギ",
        "タヌキ",
        "キツネ",
        "ペンギン",
        "イルカ",
        "カメ",
        "ヤマネ",
        "ツバメ",
        "スズメ",
        "アザラシ",
        "ラッコ",
        "パンダ",
        "シカ",
        "モグラ",
        "ヤモリ",
        "ハヤブサ",
        "ヒバリ",
        "コアラ",
        "カモメ",
        "ビーバー",
        "ハリネズミ",
    ],
);

/// A nickname by this number, a chance one of the caller's. Beyond all pairs it counts them.
#[must_use]
pub fn suggested(language: Language, number: u32) -> String {
    let (kinds, animals) = match language {
        Language::En => EN,
        Language::Ja => JA,
    };
    let pairs = (kinds.len() * animals.len()) as u32;
    let at = (number % pairs) as usize;
    let (kind, animal) = (kinds[at / animals.len()], animals[at % animals.len()]);
    let counted = match number / pairs % 100 {
        0 => String::new(),
        more => format!(" {}", more + 1),
    };
    match language {
        Language::En => format!("{kind} {animal}{counted}"),
        Language::Ja => format!("{kind}{animal}{counted}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::class::Nickname;

    #[test]
    fn every_suggestion_is_a_nickname_of_its_own() {
        for language in Language::ALL {
            let all: BTreeSet<String> =
                (0..38_400).map(|number| Nickname::read(&suggested(language, number)).unwrap().folded).collect();
            assert_eq!(all.len(), 38_400);
        }
    }
}
