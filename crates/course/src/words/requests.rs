//! What the workbench answers to a request that it does not do, by the answer's code.

use super::Words;

#[rustfmt::skip]
pub(super) fn requests(code: &str) -> Option<(Words, Words)> {
    Some(match code {
        "page-unknown" => (
            ("There is no such page.", "Go back to the course index."),
            ("そのページはありません。", "コース一覧に戻ってください。"),
        ),
        "lesson-unknown" => (
            ("There is no lesson “{lesson}”.", "Choose one in the course index."),
            ("「{lesson}」というレッスンはありません。", "コース一覧から選んでください。"),
        ),
        "method-not-allowed" => (
            ("This address does not answer this kind of request.", "Reload the page."),
            ("このアドレスはこの種類の要求に応じません。", "ページを再読み込みしてください。"),
        ),
        "data-folder-gone" => (
            ("The folder with everybody's work was deleted while ISR Lab runs: this was not saved.",
             "Leave the page open and tell the teacher; ISR Lab has to be stopped and started again, and then saves again."),
            ("ISR Lab の実行中に、全員の作業を保存するフォルダーが削除されました。今の内容は保存されていません。",
             "ページを開いたまま先生に伝えてください。ISR Lab を終了して起動し直すと、再び保存できます。"),
        ),
        "database-away" => (
            ("The database with everybody's work does not answer: this was not saved yet.",
             "Leave the page open: it is saved as soon as the database answers again. If that takes long, tell the teacher."),
            ("全員の作業を保存するデータベースが応答しません。今の内容はまだ保存されていません。",
             "ページを開いたままにしてください。データベースが応答すれば保存されます。長く続くときは先生に伝えてください。"),
        ),
        "taken" => (
            ("Somebody else has just taken this.", "Try again."),
            ("たった今、ほかの人が使い始めました。", "もう一度試してください。"),
        ),
        "database-damaged" => (
            ("The file with everybody's work is damaged: this cannot be read or saved.",
             "Tell the teacher: stop ISR Lab and start it again, and it says what to do."),
            ("全員の作業を保存するファイルが壊れていて、読み書きできません。",
             "先生に伝えてください。ISR Lab を終了して起動し直すと、対処方法が表示されます。"),
        ),
        "saved-too-much" => (
            ("This is more than ISR Lab keeps for one visitor or one address: it was not saved.",
             "Shorten the program, or empty programs of other lessons that you do not need."),
            ("一人または一つのアドレスに保存できる量を超えるため、保存できませんでした。",
             "プログラムを短くするか、ほかのレッスンの不要なプログラムを消してください。"),
        ),
        "checks-crowded" => (
            ("Very many checks are going on.", "Check again in a few seconds."),
            ("確認が混み合っています。", "数秒待って、もう一度確認してください。"),
        ),
        "too-slow" => (
            ("The request did not arrive in time.", "Check the network, then try again."),
            ("要求が時間内に届きませんでした。", "ネットワークを確かめて、もう一度試してください。"),
        ),
        "not-json" => (
            ("The request is not JSON.", "Send it with Content-Type: application/json."),
            ("要求が JSON ではありません。", "Content-Type: application/json で送ってください。"),
        ),
        "bad-json" => (
            ("The request cannot be read: {cause}.", "Reload the page."),
            ("要求を読み取れません: {cause}", "ページを再読み込みしてください。"),
        ),
        "too-large" => (
            ("The request is larger than {kb} KB.", "Shorten the program."),
            ("要求が {kb} KB を超えています。", "プログラムを短くしてください。"),
        ),
        "too-many-requests" => (
            ("Too many requests in a short time.", "Wait a few seconds."),
            ("短い時間に要求が多すぎます。", "数秒待ってください。"),
        ),
        "wrong-host" => (
            ("This address is not one of this machine.",
             "Use the address that the workbench printed; on a network, start it with --lan."),
            ("このアドレスはこのコンピュータのものではありません。",
             "起動時に表示されたアドレスを使ってください。ネットワークで使うには --lan を付けて起動します。"),
        ),
        "wrong-origin" => (
            ("The request comes from another site.", "Use the workbench's own page."),
            ("別のサイトからの要求です。", "ISR Lab のページから操作してください。"),
        ),
        "visitor-unknown" => (
            ("The workbench does not know this browser yet.", "Open the page first, and allow its cookie."),
            ("このブラウザはまだ登録されていません。", "先にページを開き、Cookie を許可してください。"),
        ),
        "program-unsendable" => (
            ("Line {line} of the program holds the control character {character}, which would steer the board's prompt.",
             "Remove it, or write it as an escape such as \\x03."),
            ("プログラムの {line} 行目に制御文字 {character} があります。ボードのプロンプトを操作してしまうため送れません。",
             "削除するか、\\x03 のようなエスケープで書いてください。"),
        ),
        "seconds-out-of-range" => (
            ("A run lasts 1 to {most} seconds.", "Choose a length within these."),
            ("実行時間は 1～{most} 秒です。", "この範囲で選んでください。"),
        ),
        "speed-out-of-range" => (
            ("There is no such speed.", "Choose 0 (as fast as it goes) or 0.001 to 1000."),
            ("その速度はありません。", "0(できるだけ速く)か 0.001～1000 を選んでください。"),
        ),
        "check-given-up" => (
            ("A newer check took the place of this one.", "Look at the newer one."),
            ("新しい確認に置き換えられました。", "新しい結果を見てください。"),
        ),
        "all-boards-taken" => (
            ("All boards are in use.", "Try again when somebody has finished."),
            ("ボードはすべて使用中です。", "誰かが終わるのを待って、もう一度試してください。"),
        ),
        "board-busy" => (
            ("A program is running.", "Stop it first."),
            ("プログラムを実行中です。", "先に停止してください。"),
        ),
        "board-not-ready" => (
            ("The board is not ready.", "Wait a moment, or press Reset."),
            ("ボードの準備ができていません。", "少し待つか、「リセット」を押してください。"),
        ),
        "nothing-runs" => (
            ("Nothing is running.", "Press Run first."),
            ("何も実行していません。", "先に「実行」を押してください。"),
        ),
        "wiring-fixed" => (
            ("A lesson has its own wiring.", "Try your own parts in the workshop."),
            ("レッスンの配線は変えられません。", "自分の部品は「工房」で試してください。"),
        ),
        "parts-are-real" => (
            ("The parts of a board at a cable are real.", "Move them by hand."),
            ("ケーブルで接続したボードの部品は実物です。", "手で動かしてください。"),
        ),
        "pins-unseen" => (
            ("Nobody sees the pins of a board at a cable whose firmware does not stamp their edges.",
             "Write the lesson firmware, take the virtual board, or connect a logic analyser."),
            ("エッジの時刻を記録しないファームウェアのボードのピンは、ここからは見えません。",
             "レッスン用ファームウェアを書き込むか、仮想ボードを使うか、ロジックアナライザを接続してください。"),
        ),
        "interrupts-unseen" => (
            ("A board at a cable stamps edges, but nobody sees its interrupts and callbacks.",
             "Save the pins as VCD, or take the virtual board."),
            ("ケーブルで接続したボードではエッジの時刻だけが記録され、割り込みとコールバックは見えません。",
             "ピンを VCD で保存するか、仮想ボードを使ってください。"),
        ),
        "file-path" => (
            ("No file on the board can have this name.",
             "Use up to 99 letters and digits, `/` for folders, and no quotes or backslashes."),
            ("この名前のファイルは作れません。",
             "99 文字以内で、フォルダーは `/` で区切り、引用符とバックスラッシュは使わないでください。"),
        ),
        "file-too-large" => (
            ("The file is larger than 64 KB.", "Split it, or leave out what the program does not need."),
            ("ファイルが 64 KB を超えています。", "分割するか、プログラムの不要な部分を省いてください。"),
        ),
        "file-missing" => (
            ("The board has no such file.", "Look at the list again: a program may have deleted it."),
            ("ボードにそのファイルはありません。",
             "一覧を読み直してください。プログラムが削除したのかもしれません。"),
        ),
        "file-disk-full" => (
            ("The board's file system is full.", "Delete files that nobody needs."),
            ("ボードのファイル領域がいっぱいです。", "不要なファイルを削除してください。"),
        ),
        "file-folder" => (
            ("This is a folder, or lies in something that is none.", "Choose another name, or empty the folder first."),
            ("これはフォルダーであるか、フォルダーでないものの中にあります。",
             "別の名前にするか、先にフォルダーを空にしてください。"),
        ),
        "file-memory" => (
            ("The board has too little free memory for this.", "Press Reset and try again, or use a smaller file."),
            ("ボードの空きメモリが足りません。", "「リセット」を押してもう一度試すか、ファイルを小さくしてください。"),
        ),
        "file-no-answer" => (
            ("The board did not answer about its files.", "Press Reset and try again."),
            ("ファイルについてボードから応答がありません。", "「リセット」を押して、もう一度試してください。"),
        ),
        "disk-full" => (
            ("The workbench's disk is full: this was not saved.",
             "Leave the page open and tell the teacher; when there is room again, do it once more."),
            ("サーバーのディスクがいっぱいで、保存できませんでした。",
             "ページを開いたまま先生に伝え、空きができたらもう一度行ってください。"),
        ),
        "not-a-port" => (
            ("“{text}” is no port.",
             "Write rfc2217://host:port, or the port's path on the computer that runs ISR Lab."),
            ("「{text}」はポートではありません。",
             "rfc2217://ホスト:ポート か、ISR Lab が動くコンピュータでのポートのパスを書いてください。"),
        ),
        "internal" => (
            ("The workbench failed inside.", "Try again; if it stays, the server's log names the cause."),
            ("サーバー内部でエラーが起きました。",
             "もう一度試してください。続く場合は、サーバーのログに原因があります。"),
        ),
        _ => return None,
    })
}
