//! Samples the course and writes the module.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use course::{Course, CourseError};
use emulator::engine::traces::module::profile;
use emulator::{EngineKind, Timing};
use workbench::asked::{AskedRun, Unaskable};
use workbench::emulated::{BootedBoard, Emulation};
use workbench::firmware::LessonFirmware;
use workbench::headless::{self, RunError};
use workbench::line::LineFault;

/// How long each program runs, in virtual seconds.
const SECONDS: u32 = 1;
/// Which share of the sampled instructions the traces are to execute. Another percent would make the
/// module half as large again.
const SHARE: f64 = 0.98;

/// Why there is no module.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("call it with the folder of the lessons, the firmware's flash image, and where the module goes")]
    Usage,
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error(transparent)]
    Course(#[from] CourseError),
    #[error(transparent)]
    Asked(#[from] Unaskable),
    #[error(transparent)]
    Board(#[from] LineFault),
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Reads what the arguments name and writes the module.
pub(crate) fn make() -> Result<(), Failure> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [lessons, firmware, module] = &arguments[..] else { return Err(Failure::Usage) };
    let mut files = BTreeMap::new();
    read_below(lessons, "", &mut files)?;
    let course = Course::from_checked_files(&files.into_iter().collect())?;
    let firmware = LessonFirmware::new(std::fs::read(firmware).map_err(at(firmware))?, Vec::new());
    run_all(&course, &firmware)?;
    profile::weigh();
    run_all(&course, &firmware)?;
    let made = profile::make(SHARE);
    println!("{} traces, {:.1} % of what was sampled", made.traces, 100.0 * made.share);
    std::fs::write(module, made.module).map_err(at(module))
}

/// Boots a board, and lets each lesson's program, starter and solution run.
fn run_all(course: &Course, firmware: &LessonFirmware) -> Result<(), Failure> {
    let emulation = Emulation { engine: EngineKind::Sampled, timing: Timing::Silicon };
    let booted = BootedBoard::boot_as(firmware.clone(), emulation)?;
    let runs: Vec<(&str, Option<&str>)> = course
        .lessons
        .iter()
        .flat_map(|lesson| {
            [None, Some(&lesson.starter[..]), Some(&lesson.solution[..])].map(|own| (&lesson.slug[..], own))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let worker = || {
        while let Some(&(lesson, program)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let asked = AskedRun::of(lesson, program.map(str::to_owned), SECONDS);
            let request = asked.request(course, SECONDS)?;
            // A program that fails is as good as another.
            headless::run(&mut booted.fresh(request.seed)?, &request, &mut |_| true)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> =
            (0..thread::available_parallelism().map_or(1, usize::from)).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Reads all files below a folder, by their path from there with `/`.
fn read_below(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        let entry = entry.map_err(at(folder))?;
        let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().to_string_lossy()));
        if path.is_dir() {
            read_below(&path, &format!("{name}/"), files)?;
        } else {
            files.insert(name, std::fs::read(&path).map_err(at(&path))?);
        }
    }
    Ok(())
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    let path = path.to_owned();
    move |error| Failure::File { path: path.clone(), error }
}
