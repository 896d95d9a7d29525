//! What is told of a board, its port, a flashing job and whoever else has it.

use super::Words;
use crate::Language;

/// The words for a code.
pub(super) fn board(code: &str) -> Option<(Words, Words)> {
    session(code).or_else(|| port(code)).or_else(|| flash(code)).or_else(|| sharing(code))
}

/// Another program has the port.
pub(super) fn in_use_by(program: &str, language: Language) -> String {
    match language {
        Language::En => format!("The port is in use by {program}."),
        Language::Ja => format!("ポートは {program} が使用中です。"),
    }
}

#[rustfmt::skip]
fn session(code: &str) -> Option<(Words, Words)> {
    Some(match code {
        "board-no-answer" => (
            ("The board does not answer.",
             "Press Reset. If it stays, write the lesson firmware, or check the cable."),
            ("ボードが応答しません。",
             "「リセット」を押してください。続く場合は、レッスン用ファームウェアを書き込むか、ケーブルを確かめてください。"),
        ),
        "board-no-lesson-firmware" => (
            ("The board runs MicroPython without the lesson firmware.",
             "Write the lesson firmware on the boards page."),
            ("ボードの MicroPython にはレッスン用ファームウェアがありません。",
             "ボードのページで書き込んでください。"),
        ),
        "board-other-version" => (
            ("The board's lesson firmware has another version.",
             "Write this workbench's firmware on the boards page."),
            ("ボードのレッスン用ファームウェアの版が違います。",
             "ボードのページで書き込み直してください。"),
        ),
        "board-no-prompt" => (
            ("The board offers no prompt.", "Press Reset."),
            ("ボードのプロンプトが出ません。", "「リセット」を押してください。"),
        ),
        "board-upload-failed" => (
            ("The program did not arrive on the board.",
             "Run it again. If it stays, shorten the program: the board's memory may be full."),
            ("プログラムをボードに送れませんでした。",
             "もう一度実行してください。続く場合は、プログラムを短くしてください。ボードのメモリが足りないのかもしれません。"),
        ),
        "board-setting-refused" => (
            ("The board refused a setting.", "Choose another value."),
            ("ボードが設定を受け付けませんでした。", "別の値を選んでください。"),
        ),
        "board-not-acknowledged" => (
            ("The board did not confirm.", "Try again. Stop still works."),
            ("ボードから確認が返りません。", "もう一度試してください。「停止」は使えます。"),
        ),
        "board-still-counting" => (
            ("The counters went on after Stop and a reset.", "Press Reset, or unplug the board."),
            ("停止とリセットの後もカウンタが動いています。", "「リセット」を押すか、ボードを抜いてください。"),
        ),
        "board-no-raw-prompt" => (
            ("The board has a MicroPython prompt, but not the one that programs are sent through.",
             "Write official MicroPython or the lesson firmware to it."),
            ("ボードの MicroPython には、プログラムを送るためのプロンプト（raw REPL）がありません。",
             "公式の MicroPython かレッスン用ファームウェアを書き込んでください。"),
        ),
        "board-not-esp32" => (
            ("The board is no ESP32 with MicroPython.",
             "Connect an ESP32 board, or write MicroPython for its chip to it."),
            ("MicroPython の入った ESP32 ではありません。",
             "ESP32 のボードをつなぐか、そのチップ用の MicroPython を書き込んでください。"),
        ),
        "board-disk-full" => (
            ("The board's file system is full: the lab module does not fit.",
             "Delete files on the board; 20 KB are enough."),
            ("ボードのファイルシステムがいっぱいで、lab モジュールが入りません。",
             "ボードのファイルを消してください。20 KB の空きで足ります。"),
        ),
        "board-deploy-failed" => (
            ("The lab module could not be put on the board.",
             "Press Reset. If it stays, write official MicroPython again."),
            ("lab モジュールをボードに置けませんでした。",
             "「リセット」を押してください。続く場合は、公式の MicroPython を書き込み直してください。"),
        ),
        "board-no-memory" => (
            ("The board has too little free memory for the lab module.",
             "Rename its main.py and boot.py, for what they load stays in memory. Then press Reset."),
            ("ボードの空きメモリが足りず、lab モジュールを読み込めません。",
             "ボードの main.py と boot.py の名前を変えて（読み込んだものがメモリに残るため）、「リセット」を押してください。"),
        ),
        "board-too-slow" => (
            ("The board took too long to store the lab module.",
             "Press Reset. If it stays, the board's flash is nearly full or worn out: delete files, or take another board."),
            ("lab モジュールの保存に時間がかかりすぎました。",
             "「リセット」を押してください。続く場合は、フラッシュの空きが少ないか寿命です。ファイルを消すか、別のボードを使ってください。"),
        ),
        "board-busy" => (
            ("A program runs on the board, and no prompt comes.",
             "Let it end, or press Reset. One that begins by itself and ignores Ctrl-C goes with a new firmware."),
            ("ボードで別のプログラムが動いていて、プロンプトが出ません。",
             "終わるのを待つか、「リセット」を押してください。自動で始まり Ctrl-C で止まらない場合は、ファームウェアを書き込み直してください。"),
        ),
        "board-needs-hard" => (
            ("This needs hard interrupts, and the board's official MicroPython has only soft ones.",
             "Choose soft, go back to the virtual board, or write the lesson firmware if the board is an ESP32-C3."),
            ("ハード割り込みが必要ですが、公式の MicroPython にはソフト割り込みしかありません。",
             "ソフトを選ぶか、仮想ボードに戻るか、ESP32-C3 ならレッスン用ファームウェアを書き込んでください。"),
        ),
        "board-reset-loop" => (
            ("The board resets again and again and comes to no prompt.",
             "Write its firmware again. If its log speaks of a brownout, take another cable or socket."),
            ("ボードがリセットを繰り返し、プロンプトまで進みません。",
             "ファームウェアを書き込み直してください。ログに brownout とある場合は、ケーブルか差し込み口を変えてください。"),
        ),
        "board-wrong-baud" => (
            ("The board talks at another speed: what comes is no text.",
             "Press the board's RESET button. If it stays, write the lesson firmware."),
            ("ボードの通信速度が違い、受け取った内容が文字になりません。",
             "ボードの RESET ボタンを押してください。続く場合は、レッスン用ファームウェアを書き込んでください。"),
        ),
        "board-emulation" => (
            ("The virtual board met something that it cannot do.", "Press Reset."),
            ("仮想ボードが実行できない動作に出会いました。", "「リセット」を押してください。"),
        ),
        _ => return None,
    })
}

#[rustfmt::skip]
fn port(code: &str) -> Option<(Words, Words)> {
    Some(match code {
        "port-absent" => (
            ("Nothing is plugged in at this port.", "Plug the board in with a cable that carries data."),
            ("このポートには何も接続されていません。", "データ通信のできるケーブルでボードを接続してください。"),
        ),
        "port-permission" => (
            ("This computer lists the port but does not let ISR Lab open it.",
             "Run this once in a terminal on the computer that runs ISR Lab:"),
            ("このポートを開く権限がありません。",
             "ISR Lab を動かしているコンピュータの端末で、次のコマンドを一度実行してください:"),
        ),
        "port-busy" => (
            ("Another program uses the port.", "Close that program, then try again."),
            ("ほかのプログラムがポートを使っています。", "そのプログラムを閉じてから、もう一度試してください。"),
        ),
        "port-unreachable" => (
            ("The computer that has the port does not answer, or somebody else uses it.",
             "Check that it is on and that its port server runs, then try again."),
            ("ポートのあるコンピュータが応答しないか、ほかの人が使っています。",
             "電源が入っていること、ポートのサーバーが動いていることを確かめて、もう一度試してください。"),
        ),
        "port-lost" => (
            ("The board was unplugged, or its connection was lost.", "Plug it in again: it comes back by itself."),
            ("ボードが抜かれたか、接続が切れました。", "接続し直してください。自動で元に戻ります。"),
        ),
        _ => return None,
    })
}

#[rustfmt::skip]
fn flash(code: &str) -> Option<(Words, Words)> {
    Some(match code {
        "flash-no-answer" => (
            ("The chip does not answer in its download mode.",
             "Hold the board's BOOT button, press RESET once, let BOOT go, then try again."),
            ("チップがダウンロードモードで応答しません。",
             "ボードの BOOT ボタンを押したまま RESET を一度押し、BOOT を離してから、もう一度試してください。"),
        ),
        "flash-wrong-boot-mode" => (
            ("The chip started its program in the place of its download mode.",
             "Hold the board's BOOT button, press RESET once, let BOOT go, then try again."),
            ("チップがダウンロードモードに入らず、プログラムを始めました。",
             "ボードの BOOT ボタンを押したまま RESET を一度押し、BOOT を離してから、もう一度試してください。"),
        ),
        "flash-wrong-chip" => (
            ("The image is made for another chip. Nothing was erased.", "Take the image for this board's chip."),
            ("イメージは別のチップ用です。何も消去していません。", "このボードのチップ用のイメージを使ってください。"),
        ),
        "flash-not-an-image" => (
            ("The file is no image for a chip.", "Check the file's name and its address."),
            ("ファイルはチップ用のイメージではありません。", "ファイル名とアドレスを確かめてください。"),
        ),
        "flash-image-damaged" => (
            ("The image is incomplete or altered.", "Download the file again."),
            ("イメージが欠けているか、変わっています。", "ファイルをもう一度ダウンロードしてください。"),
        ),
        "flash-image-unreadable" => (
            ("The image file cannot be read.", "Check its name and whether you may read it."),
            ("イメージのファイルを読めません。", "ファイル名と、読む権限を確かめてください。"),
        ),
        "flash-too-small" => (
            ("The image does not fit into the board's flash. Nothing was erased.",
             "Take an image for a smaller flash, or another board."),
            ("イメージがボードのフラッシュに入りません。何も消去していません。",
             "小さいフラッシュ用のイメージか、別のボードを使ってください。"),
        ),
        "flash-verify-failed" => (
            ("The flash reads back differently from what was written.",
             "Try again. If it stays so, the board's flash is worn out."),
            ("書き込んだ内容と読み出した内容が違います。",
             "もう一度試してください。続く場合は、ボードのフラッシュが寿命です。"),
        ),
        "flash-link-unreliable" => (
            ("Bytes get lost on the way to the board, even at the lowest speed.",
             "Try another cable or socket, without a hub, then try again: what is right already stays."),
            ("最も遅い速度でも、ボードまでの間でデータが失われます。",
             "別のケーブルや端子を、ハブなしで試してください。書き込めた部分はそのまま使います。"),
        ),
        "flash-protected" => (
            ("The chip is in secure download mode and takes only its owner's images.", "Use another board."),
            ("チップは保護されていて、所有者のイメージしか受け付けません。", "別のボードを使ってください。"),
        ),
        "flash-cancelled" => (
            ("Flashing was cancelled; the image may be incomplete.", "Flash the board again before you use it."),
            ("書き込みを中止しました。イメージは不完全かもしれません。", "使う前に、もう一度書き込んでください。"),
        ),
        "flash-no-terminal" => (
            ("The computer has no pseudo-terminal left.", "Close programs that use many terminals, then try again."),
            ("コンピュータの擬似端末が足りません。", "端末を多く使うプログラムを閉じて、もう一度試してください。"),
        ),
        _ => return None,
    })
}

#[rustfmt::skip]
fn sharing(code: &str) -> Option<(Words, Words)> {
    Some(match code {
        "board-unknown" => (
            ("There is no such board.", "Choose one on the boards page."),
            ("そのボードはありません。", "ボードのページから選んでください。"),
        ),
        "board-taken" => (
            ("Somebody else has this board.",
             "Wait until they give it back, or use the virtual board: every lesson works there."),
            ("このボードはほかの人が使っています。",
             "返されるのを待つか、仮想ボードを使ってください。すべてのレッスンが動きます。"),
        ),
        "board-taken-back" => (
            ("Whoever runs the class has taken the board back. Your bench is on your virtual board again.",
             "What you measured and typed is kept."),
            ("クラスの管理者がボードを戻しました。実験台は仮想ボードに戻りました。",
             "測定結果と入力した内容は残っています。"),
        ),
        "board-reclaimed" => (
            ("Your virtual board went to somebody else, because all boards are in use or whoever runs the class freed it.",
             "Press Run and you have another one. What you measured and typed is kept."),
            ("ボードがすべて使用中のため、またはクラスの管理者の操作により、仮想ボードはほかの人に渡りました。",
             "「実行」を押すと別のボードで続けられます。測定結果と入力した内容は残っています。"),
        ),
        "board-none-yet" => (
            ("All virtual boards are in use at the moment.",
             "You can read, type and check your program. Press Run and you get the first board that nobody works at."),
            ("仮想ボードは現在すべて使用中です。",
             "読む、入力する、確認することはできます。「実行」を押すと、誰も使っていないボードから順に使えます。"),
        ),
        "board-flashing" => (
            ("The board is being flashed.", "Wait until it is done, or cancel it on the boards page."),
            ("ボードに書き込み中です。", "終わるのを待つか、ボードのページで中止してください。"),
        ),
        "nothing-flashes" => (
            ("Nothing is being flashed.", "Reload the page."),
            ("書き込みは行われていません。", "ページを再読み込みしてください。"),
        ),
        "board-real-time" => (
            ("An attached board runs in real time.", "Slow motion and pause work on the virtual board."),
            ("接続したボードは実時間で動きます。", "スローモーションと一時停止は仮想ボードで使えます。"),
        ),
        "host-only" => (
            ("Only whoever runs the class may do this.", "Ask the person at the computer that runs ISR Lab."),
            ("これはクラスの管理者だけができます。", "ISR Lab を動かしている人に頼んでください。"),
        ),
        "board-not-named" => (
            ("This board was found by itself.", "Unplug it, and it leaves the list."),
            ("このボードは自動で見つかったものです。", "抜くと一覧から消えます。"),
        ),
        _ => return None,
    })
}
