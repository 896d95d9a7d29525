//! What learners and hosts of a class are told, by the answer's code.

use super::Words;

#[rustfmt::skip]
pub(super) fn classes(code: &str) -> Option<(Words, Words)> {
    Some(match code {
        "class-pin" => (
            ("No class has this PIN.", "Look at the teacher's screen again. {left} more tries at once."),
            ("この PIN のクラスはありません。", "先生の画面をもう一度見てください。あと {left} 回試せます。"),
        ),
        "class-words" => (
            ("These three words do not belong to a learner of this class.",
             "Look at PIN and words again, in their order; the teacher can give you new words. {left} more tries at once."),
            ("この三つのことばに合う参加者はいません。",
             "PIN と、ことばの順番を確かめてください。先生が新しいことばを出せます。あと {left} 回試せます。"),
        ),
        "class-wait" => (
            ("There were too many wrong tries.", "Wait {seconds} s, then look at the PIN again."),
            ("間違いが多すぎました。", "{seconds} 秒待ってから、PIN をもう一度確かめてください。"),
        ),
        "class-name-empty" => (
            ("A nickname needs a character that can be seen.", "Type one, or take the one that is suggested."),
            ("ニックネームには、目に見える文字が必要です。", "入力するか、提案された名前を使ってください。"),
        ),
        "class-name-long" => (
            ("A nickname has 24 characters at most.", "Choose a shorter one."),
            ("ニックネームは 24 文字までです。", "短い名前にしてください。"),
        ),
        "class-name-taken" => (
            ("Somebody in this class has this nickname.",
             "“{other}” is free. If it is you, continue with your three words."),
            ("このニックネームは使われています。",
             "「{other}」なら使えます。あなた自身の名前なら、三つのことばで続けてください。"),
        ),
        "class-full" => (
            ("This class is full.", "Ask the teacher to remove a seat that nobody uses."),
            ("このクラスは満員です。", "使っていない席を消してもらえるか、先生に聞いてください。"),
        ),
        "class-ended" => (
            ("This class has ended: it can only be read.", "Ask the teacher whether there is another one."),
            ("このクラスは終わりました。見ることだけできます。", "ほかのクラスがあるか、先生に聞いてください。"),
        ),
        "class-unknown" => (
            ("There is no such class, or nobody of that number in it.", "Go back to the list of classes."),
            ("そのクラス、またはその参加者はありません。", "クラスの一覧に戻ってください。"),
        ),
        "class-host-only" => (
            ("Only the host of the class may do this.",
             "Open the page at the computer that runs ISR Lab, or with the host's link (`isrlab class link`)."),
            ("これはクラスの管理者だけができます。",
             "ISR Lab が動くコンピュータでページを開くか、管理者用リンク（`isrlab class link`）を使ってください。"),
        ),
        "class-not-in" => (
            ("This browser is in no class.", "Join with the PIN on the teacher's screen."),
            ("このブラウザはクラスに参加していません。", "先生の画面の PIN で参加してください。"),
        ),
        "class-question-closed" => (
            ("This question is not open any more.", "Look at the wall: the next one comes there."),
            ("この質問はもう締め切られました。", "前の画面を見てください。次の質問が出ます。"),
        ),
        "class-file" => (
            ("This file is no class that this workbench knows.", "Choose a file that “Everything (JSON)” gave, or use a newer workbench."),
            ("このファイルは、読み込めるクラスではありません。", "「すべて（JSON）」で書き出したファイルを選ぶか、新しい版を使ってください。"),
        ),
        "class-same-names" => (
            ("Two learners in this file have one nickname.", "Give one of them another name on the computer that the file is from."),
            ("このファイルでは、2 人が同じニックネームです。", "ファイルを書き出したコンピュータで、どちらかの名前を変えてください。"),
        ),
        "class-title" => (
            ("A class needs a title.", "Type one, such as 10b."),
            ("クラスには題名が必要です。", "「10b」のような題名を入れてください。"),
        ),
        "class-lessons" => (
            ("No lessons are chosen.", "Choose a path, or tick single lessons."),
            ("レッスンが選ばれていません。", "コースを選ぶか、レッスンを個別に選んでください。"),
        ),
        "class-seed" => (
            ("The seed is no number from 0 to 4294967295.", "Type another one."),
            ("シードが 0～4294967295 の数ではありません。", "別の数を入れてください。"),
        ),
        "class-many" => (
            ("As many classes are kept as there may be.", "Delete one that is no longer needed."),
            ("クラスの数が上限に達しています。", "不要なクラスを削除してください。"),
        ),
        "class-many-links" => (
            ("As many links are given out as there may be.", "Take them back first, then make a new one."),
            ("リンクの数が上限に達しています。", "いまのリンクを無効にしてから、新しく作ってください。"),
        ),
        "class-input" => (
            ("This lesson, question or answer is not in the course.", "Reload the page and try again."),
            ("そのレッスン、質問、答えはコースにありません。", "ページを再読み込みして、もう一度試してください。"),
        ),
        _ => return None,
    })
}
