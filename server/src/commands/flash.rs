//! `isrlab flash`: writes an image to a board.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::out::{Unheard, complain, language, say, words};
use course::Language;
use course::words::problem;
use ports::discovery::{self, Named};
use ports::flash::{Cancel, FlashFault, History, Image, ImageArgument, flash};
use ports::folder::FolderFault;
use ports::serial::{CONSOLE_BAUD, SerialLine};
use workbench::flashing::{Progress, Report, Stage};

/// Options of `isrlab flash`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The board, as `isrlab boards` names it, or its port; several may be named.
    #[arg(long, value_name = "ID", required = true)]
    board: Vec<String>,
    /// An image and its place in flash, by default where the chip boots from; the lesson firmware without it.
    #[arg(long, value_name = "FILE@OFFSET")]
    image: Vec<ImageArgument>,
    /// The folder that remembers which file went to which board.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let plugged_in = discovery::list()?;
    let boards: Vec<(String, Named)> = arguments
        .board
        .iter()
        .map(|name| Ok((name.clone(), discovery::resolve(name, &plugged_in)?)))
        .collect::<anyhow::Result<_>>()?;
    let images: Arc<[Image]> = if arguments.image.is_empty() {
        Arc::new([crate::firmware::image()])
    } else {
        arguments.image.iter().map(Image::read).collect::<Result<_, FlashFault>>().map_err(told)?
    };
    // What needs no board is judged before any is opened.
    for image in images.iter() {
        image.check().map_err(told)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let history = History::in_folder(&arguments.data);
    let failures = runtime.block_on(flash_all(boards, images, &history))?;
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Flashes all boards at once; returns how many failed.
async fn flash_all(boards: Vec<(String, Named)>, images: Arc<[Image]>, history: &History) -> Result<usize, Unheard> {
    let cancel = Cancel::default();
    tokio::spawn({
        let cancel = cancel.clone();
        async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                cancel.cancel();
            }
        }
    });
    let bars = MultiProgress::new();
    let mut jobs = JoinSet::new();
    for (name, board) in boards {
        let bar = bars.add(ProgressBar::new(100));
        let (images, cancel) = (images.clone(), cancel.clone());
        jobs.spawn(async move {
            let started = Instant::now();
            let outcome = flash_one(&name, &board, images, &bar, &cancel).await;
            bar.finish_and_clear();
            (name, outcome, started.elapsed())
        });
    }
    let mut failures = 0;
    let mut heard = Ok(());
    while let Some(Ok((name, outcome, took))) = jobs.join_next().await {
        match outcome {
            Ok(report) => {
                // The board is flashed whether or not somebody reads it.
                heard = heard.and(say!("{name}: {}", told_success(&report, took.as_secs_f64(), language())));
                heard = heard.and(remember(history, &report));
            }
            Err(fault) => {
                failures += 1;
                complain(&format!("{name}: {:#}", told(fault)));
            }
        }
    }
    heard.map(|()| failures)
}

async fn flash_one(
    name: &str,
    board: &Named,
    images: Arc<[Image]>,
    bar: &ProgressBar,
    cancel: &Cancel,
) -> Result<Report, FlashFault> {
    if let Ok(style) = ProgressStyle::with_template("{prefix:.bold} [{bar:32}] {percent:>3} % {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(name.to_owned());
    let line = SerialLine::open(&board.port, CONSOLE_BAUD, board.product_id).await?;
    let (sender, mut progress) = watch::channel(Progress::default());
    let shown = tokio::spawn({
        let bar = bar.clone();
        async move {
            while progress.changed().await.is_ok() {
                show(&bar, *progress.borrow_and_update());
            }
        }
    });
    let (line, outcome) = flash(line, board.product_id, images, sender, cancel).await;
    let _ = shown.await;
    if let (Some(mut line), Ok(_)) = (line, &outcome) {
        until_it_has_booted(&mut line).await;
    }
    outcome
}

/// How long a board may take to its prompt, and how long it is silent when it has none.
const BOOT_LIMIT: Duration = Duration::from_secs(5);
const BOOT_SILENCE: Duration = Duration::from_secs(1);
/// MicroPython's prompt.
const PROMPT: &[u8] = b">>> ";

/// Waits until the board is at a prompt, or says nothing more. What is typed at a board that boots is lost: whoever opens the
/// port when this command has ended must not meet one.
async fn until_it_has_booted(line: &mut SerialLine) {
    let heard_prompt = async {
        let mut heard = Vec::new();
        while let Ok(Ok(bytes)) = timeout(BOOT_SILENCE, line.read()).await {
            heard.extend(bytes);
            if heard.windows(PROMPT.len()).any(|text| text == PROMPT) {
                return;
            }
            heard.drain(..heard.len().saturating_sub(PROMPT.len()));
        }
    };
    _ = timeout(BOOT_LIMIT, heard_prompt).await;
}

fn show(bar: &ProgressBar, progress: Progress) {
    let stage = match progress.stage {
        Stage::Waiting => "waiting",
        Stage::Connecting => "connecting",
        Stage::Checking => "checking",
        Stage::Comparing => "comparing",
        Stage::Writing => "writing",
        Stage::Resetting => "resetting",
    };
    let rate = match progress.bytes_per_second {
        0 => String::new(),
        rate => format!(" {} KB/s", rate / 1000),
    };
    let again = match progress.failed_attempts {
        0 => String::new(),
        attempts => format!(" (try {})", attempts + 1),
    };
    bar.set_message(format!("{stage}{again} {} baud{rate}", progress.baud));
    bar.set_position(progress.percent.into());
}

/// Says what is known of these files, and remembers them. The board is flashed whatever becomes of it.
fn remember(history: &History, report: &Report) -> Result<(), Unheard> {
    let mut heard = Ok(());
    let outcome = history.known(report).and_then(|known| {
        for known in known {
            heard = std::mem::replace(&mut heard, Ok(())).and(say!("  {}", known.told()));
        }
        history.add(report)
    });
    if let Err(error) = outcome {
        let fault = FolderFault { doing: "which file went to the board is not remembered", error };
        complain(&format!("{fault}\n  {}\n  [{}]", fault.advice(), fault.code()));
    }
    heard
}

fn told_success(report: &Report, seconds: f64, language: Language) -> String {
    let (kilobytes, baud) = (report.written_bytes.div_ceil(1000), report.baud);
    let what = match (report.written_bytes, language) {
        (0, Language::En) => "nothing written, it is there already".to_owned(),
        (0, Language::Ja) => "すでに書き込まれているため、書き込みはしていません".to_owned(),
        (_, Language::En) => format!("{kilobytes} KB written at {baud} baud and verified in {seconds:.1} s"),
        (_, Language::Ja) => format!("{kilobytes} KB を {baud} ボーで書き込み、{seconds:.1} 秒で確認まで終わりました"),
    };
    let images: Vec<String> =
        report.sha256.iter().map(|(name, sum)| format!("{name} (SHA-256 {})", &sum[..16.min(sum.len())])).collect();
    format!("{} {} {}: {what}", images.join(", "), language.pick("on the", "→"), report.chip)
}

/// A fault with its advice and its code, in one line each.
fn told(fault: FlashFault) -> anyhow::Error {
    match language() {
        Language::En => anyhow::anyhow!("{fault}\n  {}\n  [{}]", fault.advice(), fault.code()),
        Language::Ja => words(&problem(fault.code(), &[], Language::Ja)),
    }
}
