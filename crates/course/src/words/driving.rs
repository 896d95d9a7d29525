//! Why a checked run counts for nothing, by its code: something was done in the place of the lesson's driver.

use super::Words;

#[rustfmt::skip]
pub(super) fn driving(code: &str) -> Option<(Words, Words)> {
    Some(match code {
        "driver-own-timer" => (
            ("Your program started a timer or raised alarms by itself.",
             "Timer, loop and counting belong to the lesson's driver: define what the exercise asks for, and leave these to it."),
            ("プログラムが自分でタイマを始めたか、アラームを起こしました。",
             "タイマ、ループ、集計は、レッスンのドライバ（確認用のプログラム）が行います。課題が求めるものだけを定義してください。"),
        ),
        "driver-own-end" => (
            ("Your program ended the run by itself.",
             "Leave `lab.done()` to the lesson's driver: it measures to the end."),
            ("プログラムが自分で実行を終わらせました。",
             "`lab.done()` はレッスンのドライバ（確認用のプログラム）に任せてください。ドライバが最後まで測ります。"),
        ),
        "driver-kind" => (
            ("Callbacks ran as the other kind than the one this run asks for.",
             "The driver starts the timer, hard or soft; the same program has to do in both."),
            ("コールバックが、この実行の求める種類とは別の種類で動きました。",
             "ハードかソフトかはドライバが決めます。どちらでも同じプログラムで動く必要があります。"),
        ),
        "driver-rate" => (
            ("The timer's alarms did not come every period: something set them to other moments.",
             "The rate is the driver's; let every alarm come and deal with it."),
            ("タイマのアラームが周期どおりに来ませんでした。何かが別の時刻に設定しました。",
             "周期を決めるのはドライバです。すべてのアラームを受け取って処理してください。"),
        ),
        "driver-called" => (
            ("A callback was called without an interrupt.",
             "Only what the interrupt itself brings is counted."),
            ("割り込みなしにコールバックが呼ばれました。",
             "数えられるのは、割り込みが実際に起こした呼び出しだけです。"),
        ),
        "driver-memory" => (
            ("Your program stored into the board's memory or registers (`machine.mem8`, `mem16`, `mem32`).",
             "The exercise is solved without that; what is counted is out of its reach anyway."),
            ("プログラムがボードのメモリかレジスタに書き込みました（`machine.mem8`、`mem16`、`mem32`）。",
             "この課題には必要ありません。そうしても、数えた結果は変えられません。"),
        ),
        "driver-reserved" => (
            ("Your program published a number under a name that is kept for what is measured.",
             "The driver reports; your program need not publish anything."),
            ("プログラムが、測定用に予約された名前で数値を公開しました。",
             "報告はドライバがします。プログラムで数値を公開する必要はありません。"),
        ),
        "driver-unfinished" => (
            ("The lesson's driver did not come to its end, so nothing is proved.",
             "Keep the functions of the starter under their names, and let each of them return: no loop of your own, no `sys.exit`, no reset."),
            ("レッスンのドライバ（確認用のプログラム）が最後まで動かなかったので、何も確かめられませんでした。",
             "最初のプログラムにある関数の名前を残し、それぞれが必ず戻るようにしてください。独自のループ、`sys.exit`、リセットは使えません。"),
        ),
        "driver-reported" => (
            ("These numbers are what the board reports: nobody watches an attached board from outside.",
             "Check on the virtual board to have it watched."),
            ("この数値はボードの報告によるものです。接続したボードを外から見張ることはできません。",
             "外から見張る確認は、仮想ボードで行ってください。"),
        ),
        _ => return None,
    })
}
