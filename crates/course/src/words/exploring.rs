//! Why nothing was explored, by its code.

use super::Words;
use crate::Language;

#[rustfmt::skip]
pub(super) fn exploring(code: &str) -> Option<(Words, Words)> {
    Some(match code {
        "explore-no-window" => (
            ("This lesson has nothing to explore.", "Open Lost update: its explorer also takes a program of your own."),
            ("このレッスンに探索するものはありません。", "「失われた更新」を開いてください。自分のプログラムも探索できます。"),
        ),
        "explore-program-failed" => (
            ("The program failed before the piece that is explored.{report}",
             "Run it first and repair what the console shows."),
            ("探索する部分に入る前にプログラムが失敗しました。{report}",
             "先に実行し、コンソールに出たエラーを直してください。"),
        ),
        "explore-no-mark" => (
            ("The program never reached the piece that is explored.{report}",
             "Keep the functions of the starter: the explorer calls them by name."),
            ("プログラムは探索する部分に到達しませんでした。{report}",
             "最初のプログラムにある関数を残してください。エクスプローラはその名前で呼び出します。"),
        ),
        "explore-window-too-long" => (
            ("The piece that is explored takes more than {limit} machine instructions.",
             "Take loops and waiting out of it: one addition, or one byte, is enough."),
            ("探索する部分の機械語命令が {limit} 個を超えています。",
             "ループや待ちを外に出してください。加算 1 回、1 バイトで十分です。"),
        ),
        "explore-window-never-ends" => (
            ("Even without an interrupt the piece that is explored does not end: {end}.",
             "Look for a loop or a wait that only a callback ends."),
            ("割り込みがなくても、探索する部分が終わりません（{end}）。",
             "コールバックでしか終わらないループや待ちがないか調べてください。"),
        ),
        "explore-too-much" => (
            ("All arrivals together take more than {limit} million machine instructions.",
             "Shorten the piece that is explored, or what the callback does."),
            ("すべての到着を合わせると、機械語命令が {limit} 百万個を超えます。",
             "探索する部分か、コールバックの処理を短くしてください。"),
        ),
        "explore-too-many-pairs" => (
            ("{pairs} pairs of arrivals would have to be tried one by one; the limit is {limit}.",
             "Shorten the statement, or take the clock out of it: then most pairs need not be tried."),
            ("二つの割り込みの組を {pairs} 通り、一つずつ試すことになります。上限は {limit} です。",
             "文を短くするか、時刻を読まないようにしてください。そうすれば、ほとんどの組は試さずに済みます。"),
        ),
        "explore-no-arrival" => (
            ("There are arrivals 0 to {last}.", "Choose one of these."),
            ("到着は 0～{last} です。", "この中から選んでください。"),
        ),
        "explore-given-up" => (
            ("The exploration was given up.", "Press Explore again."),
            ("探索は中止されました。", "もう一度「すべて試す」を押してください。"),
        ),
        _ => return None,
    })
}

/// How a window ended that has no end of its own: `reset`, `locked-up`, `limit` or `quiet`.
#[must_use]
pub fn window_end(code: &str, language: Language) -> &'static str {
    match code {
        "reset" => language.pick("the chip was reset", "チップがリセットしました"),
        "locked-up" => language.pick("the processor locked up", "プロセッサが停止しました"),
        "limit" => language.pick("it was still running at the limit", "上限まで動き続けました"),
        _ => language.pick("the program ended before it", "その前にプログラムが終わりました"),
    }
}
