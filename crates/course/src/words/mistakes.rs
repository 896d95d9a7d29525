//! Errors of known kinds: one sentence each, and the lesson or page that explains them.

use serde::Serialize;

use crate::Language;

/// One sentence about a mistake, and where to read on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Advice {
    /// The stable code.
    pub code: &'static str,
    /// What it means and what to try.
    pub message: &'static str,
    /// The lesson or page, as an address on this site.
    pub href: Option<&'static str>,
    /// What the link is called; empty without one.
    pub link: &'static str,
}

struct Kind {
    code: &'static str,
    class: &'static str,
    /// What the message contains, in small letters; `""` is an empty message. None of it: any message.
    contains: &'static [&'static str],
    words: (&'static str, &'static str),
    more: Option<(&'static str, (&'static str, &'static str))>,
}

const NO_SUCH_NAME: (&str, &str) = (
    "That module has no such name on this board. Check the spelling; some names came with a later MicroPython.",
    "このボードのそのモジュールに、その名前はありません。つづりを確かめてください。新しい MicroPython で加わった名前もあります。",
);

/// The first that fits is told: exact kinds stand before general ones.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind {
        code: "mistake-heap-locked", class: "MemoryError", contains: &["heap is locked", ""],
        words: ("A hard callback may not make new objects: no float, no list, no text, no large number.",
            "ハードのコールバックでは新しいオブジェクトを作れません。浮動小数点数（小数）、リスト、文字列、大きな整数も作れません。"),
        more: Some(("/lessons/what-allocates", ("Lesson: what allocates", "レッスン: 割り当てるのはどれ"))),
    },
    Kind {
        code: "mistake-memory-full", class: "MemoryError", contains: &["memory allocation failed"],
        words: ("There is not enough free memory in one piece. Make large buffers once, before the interrupts begin.",
            "連続した空きメモリが足りません。大きなバッファは、割り込みを始める前に一度だけ作ります。"),
        more: Some(("/lessons/prepare-before", ("Lesson: prepare before", "レッスン: 前もって用意する"))),
    },
    Kind {
        code: "mistake-queue-full", class: "RuntimeError", contains: &["schedule queue full"],
        words: ("Eight scheduled functions wait already. Catch this error where you call `schedule`, or ask less often.",
            "スケジュールされた関数がすでに 8 個待っています。`schedule` を呼ぶところでこのエラーを捕まえるか、呼ぶ回数を減らします。"),
        more: Some(("/lessons/queue-of-eight", ("Lesson: a queue of eight", "レッスン: 8 個分の待ち行列"))),
    },
    Kind {
        code: "mistake-recursion", class: "RuntimeError", contains: &["recursion depth"],
        words: ("Functions called each other too deeply: the stack is full.",
            "関数の呼び出しが深くなりすぎて、スタックがいっぱいになりました。"),
        more: None,
    },
    Kind {
        code: "mistake-timer-id", class: "ValueError", contains: &["timer number", "timer doesn't exist"],
        words: ("This chip has `Timer(0)` and `Timer(1)`. Other boards count their timers differently.",
            "このチップにあるのは `Timer(0)` と `Timer(1)` です。タイマの番号はボードによって違います。"),
        more: Some(("/boards", ("What the boards can do", "ボードごとにできること"))),
    },
    Kind {
        code: "mistake-pin", class: "ValueError", contains: &["invalid pin", "pin doesn't exist"],
        words: ("This pin cannot do that here. Pins 0 to 10 are free; 0 to 4 can measure, 0 to 5 can wake the chip.",
            "このピンではできません。使えるのは 0～10 です。電圧の測定は 0～4、スリープからの復帰は 0～5 です。"),
        more: Some(("/boards", ("What the boards can do", "ボードごとにできること"))),
    },
    Kind {
        code: "mistake-bus-id", class: "ValueError", contains: &["is the only one"],
        words: ("This chip has fewer of these than other boards; the error names the one that there is.",
            "このチップは、ほかのボードより数が少なくなっています。使えるものはエラーの文に書かれています。"),
        more: Some(("/boards", ("What the boards can do", "ボードごとにできること"))),
    },
    Kind {
        code: "mistake-no-module", class: "ImportError", contains: &["no module named"],
        words: ("This firmware does not have that module. Check the spelling; radio and displays are not there.",
            "このファームウェアにそのモジュールはありません。つづりを確かめてください。無線や画面のモジュールは入っていません。"),
        more: Some(("/boards", ("What the boards can do", "ボードごとにできること"))),
    },
    Kind {
        code: "mistake-no-name", class: "ImportError", contains: &["can't import name"],
        words: NO_SUCH_NAME,
        more: Some(("/boards", ("What the boards can do", "ボードごとにできること"))),
    },
    Kind {
        code: "mistake-no-name", class: "AttributeError", contains: &["'module' object has no attribute"],
        words: NO_SUCH_NAME,
        more: Some(("/boards", ("What the boards can do", "ボードごとにできること"))),
    },
    Kind {
        code: "mistake-hard-argument", class: "TypeError", contains: &["extra keyword arguments"],
        words: ("The call does not know one of its arguments. Official firmware for the ESP32 takes no `hard=` for timers and pins.",
            "受け付けない引数が渡されました。ESP32 の公式ファームウェアでは、タイマとピンに `hard=` を渡せません。"),
        more: Some(("/boards", ("What the boards can do", "ボードごとにできること"))),
    },
    Kind {
        code: "mistake-too-large", class: "OverflowError", contains: &["overflow", "word", "int"],
        words: ("The number does not fit. From 2^30 on an integer is an object on the heap.",
            "数が大きすぎます。2**30 以上の整数は、ヒープに置かれるオブジェクトです。"),
        more: Some(("/lessons/the-2-30-wall", ("Lesson: the wall at 2^30", "レッスン: 2**30 の限界"))),
    },
    Kind {
        code: "mistake-indentation", class: "IndentationError", contains: &[],
        words: ("The indentation of this line does not fit the lines above it.",
            "この行の字下げが、上の行と合っていません。"),
        more: None,
    },
    Kind {
        code: "mistake-syntax", class: "SyntaxError", contains: &[],
        words: ("Python cannot read this line. Look for a missing colon, bracket or quotation mark, here or one line above.",
            "Python がこの行を読めません。この行か一つ上の行で、コロン、括弧、引用符が抜けていないか確かめてください。"),
        more: None,
    },
    Kind {
        code: "mistake-name", class: "NameError", contains: &["isn't defined", "name not defined"],
        words: ("Nothing has this name yet. Check the spelling, and that the line that makes it runs before.",
            "この名前はまだありません。つづりと、この名前を作る行が先に実行されることを確かめてください。"),
        more: None,
    },
    Kind {
        code: "mistake-local", class: "NameError", contains: &["local variable"],
        words: ("The function assigns to this name, so it is its own. Write `global` in the function to mean the one outside.",
            "関数の中で代入しているので、その関数だけの変数になります。外の変数を使うには `global` と書きます。"),
        more: None,
    },
];

/// The advice for an exception of this class with this message, if it is of a known kind.
#[must_use]
pub fn mistake(class: &str, text: &str, language: Language) -> Option<Advice> {
    let text = text.to_ascii_lowercase();
    let says = |part: &&str| if part.is_empty() { text.is_empty() } else { text.contains(part) };
    let fits = |kind: &&Kind| kind.class == class && (kind.contains.is_empty() || kind.contains.iter().any(says));
    let kind = KINDS.iter().find(fits)?;
    let chosen = |(en, ja): (&'static str, &'static str)| match language {
        Language::En => en,
        Language::Ja => ja,
    };
    let (href, link) = kind.more.map_or((None, ""), |(href, words)| (Some(href), chosen(words)));
    Some(Advice { code: kind.code, message: chosen(kind.words), href, link })
}

/// What a check says of a program that failed: line, class and message of its exception, or nothing where it took the
/// board down with it.
#[must_use]
pub fn program_failed(exception: Option<(Option<u32>, &str, &str)>, language: Language) -> String {
    let Some((line, class, text)) = exception else {
        return match language {
            Language::En => "The board reset itself while the program ran.",
            Language::Ja => "プログラムの実行中にボードがリセットされました。",
        }
        .to_owned();
    };
    let error = if text.is_empty() { class.to_owned() } else { format!("{class}: {text}") };
    match (language, line) {
        (Language::En, Some(line)) => format!("The program failed in line {line}: {error}. Nothing else was checked."),
        (Language::En, None) => format!("The program failed: {error}. Nothing else was checked."),
        (Language::Ja, Some(line)) => format!("{line} 行目で失敗しました: {error}。ほかの条件は調べていません。"),
        (Language::Ja, None) => format!("プログラムが失敗しました: {error}。ほかの条件は調べていません。"),
    }
}

/// What a check says of a program that goes on when its time is over.
#[must_use]
pub const fn program_endless(language: Language) -> &'static str {
    match language {
        Language::En => {
            "The time was over and the program went on. Let its loop end with `lab.running()`, and let the program end after it."
        }
        Language::Ja => {
            "時間が過ぎてもプログラムが終わりませんでした。ループの条件を `lab.running()` にし、その後で終わるようにします。"
        }
    }
}

/// What a check says of a program that ends in a deep sleep.
#[must_use]
pub const fn program_asleep(language: Language) -> &'static str {
    match language {
        Language::En => {
            "The program put the board into deep sleep, which ends in a reset: nothing is left that could be checked."
        }
        Language::Ja => {
            "プログラムがボードをディープスリープに入れました。目覚めるとリセットされるので、調べられるものが残りません。"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_board_says_finds_its_kind() {
        for (class, text, code) in [
            ("MemoryError", "memory allocation failed, heap is locked", "mistake-heap-locked"),
            // Without an emergency buffer there is no room for the message.
            ("MemoryError", "", "mistake-heap-locked"),
            ("MemoryError", "memory allocation failed, allocating 4096 bytes", "mistake-memory-full"),
            ("RuntimeError", "schedule queue full", "mistake-queue-full"),
            ("RuntimeError", "maximum recursion depth exceeded", "mistake-recursion"),
            ("ValueError", "invalid Timer number: this chip has Timer(0) and Timer(1)", "mistake-timer-id"),
            ("ValueError", "Timer doesn't exist", "mistake-timer-id"),
            ("ValueError", "invalid pin: 18 and 19 carry USB, take 0 to 10", "mistake-pin"),
            ("ValueError", "I2C(0) is the only one; SoftI2C takes any pins", "mistake-bus-id"),
            ("ImportError", "no module named 'network'", "mistake-no-module"),
            ("ImportError", "can't import name I2CTarget", "mistake-no-name"),
            ("AttributeError", "'module' object has no attribute 'I2CTarget'", "mistake-no-name"),
            ("TypeError", "extra keyword arguments given", "mistake-hard-argument"),
            ("OverflowError", "overflow converting long int to machine word", "mistake-too-large"),
            ("SyntaxError", "invalid syntax", "mistake-syntax"),
            ("IndentationError", "unexpected indent", "mistake-indentation"),
            ("NameError", "name 'tikc' isn't defined", "mistake-name"),
            ("NameError", "local variable referenced before assignment", "mistake-local"),
        ] {
            assert_eq!(mistake(class, text, Language::En).map(|advice| advice.code), Some(code), "{class}: {text}");
        }
        assert_eq!(mistake("ValueError", "something else", Language::En), None);
        assert_eq!(mistake("PinError", "invalid pin", Language::En), None);
    }

    #[test]
    fn links_lead_to_lessons_that_exist_and_every_kind_can_be_reached() {
        let course = crate::Course::ours();
        for (at, kind) in KINDS.iter().enumerate() {
            for part in kind.contains {
                let found = mistake(kind.class, part, Language::En);
                assert_eq!(found.map(|advice| advice.code), Some(kind.code), "{at}: it hides behind another kind");
            }
            assert!(!kind.words.0.is_empty() && !kind.words.1.is_ascii(), "{}", kind.code);
            let Some((href, (en, ja))) = kind.more else { continue };
            assert!(!en.is_empty() && !ja.is_ascii(), "{}", kind.code);
            if let Some(slug) = href.strip_prefix("/lessons/") {
                assert!(course.lesson(slug).is_some(), "{}: there is no lesson {slug}", kind.code);
            }
        }
    }
}
