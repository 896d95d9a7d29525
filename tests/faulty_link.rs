//! A serial link that loses, alters and delays bytes and is cut at any of them: flashing and running either succeed,
//! proven, or end in a clear fault from which the next attempt over a sound link succeeds.
//!
//! `ISRLAB_LINK_SEEDS` names the seeds to try; each fixes the faults of one link.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::link::{Bench, Chance, Faults, PLACE, try_to_flash};
use ports::attached;
use ports::discovery::Named;
use ports::serial::PortAddress;
use workbench::line::Line as _;
use workbench::session::{EndReason, RunOrder, SessionEvent};

/// Seeds of a normal run.
const SEEDS: u64 = 8;
/// Links that are tried at the same time: most of the time they wait for a timeout.
const AT_ONCE: usize = 2;
/// What flashing carries over the link, about: the stub, the image, the ROM's words.
const FLASH_TRAFFIC_BYTES: u64 = 45_000;
/// What a run carries over the link, about: boot log, greeting, program, samples.
const RUN_TRAFFIC_BYTES: u64 = 4_000;
/// No step may take longer, whatever the link does.
const STEP_LIMIT: Duration = Duration::from_secs(150);

async fn try_to_run(port: &PortAddress) -> Result<EndReason, String> {
    let named = Named { port: port.clone(), product_id: None };
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let mut drive = attached::open(&named, &runtime).map_err(|fault| fault.code().to_owned())?;
        let program = "import lab\nlab.value('x', 6 * 7)\nlab.done()\n".to_owned();
        let order =
            RunOrder { run: 7, program, settings: Vec::new(), limit: Duration::from_secs(1), ..RunOrder::default() };
        drive.session.start(drive.line.now(), order).map_err(|_| "not ready".to_owned())?;
        let goal = drive.line.now() + Duration::from_secs(60);
        while drive.advance(goal).map_err(|fault| fault.code().to_owned())? {
            while let Some(event) = drive.session.next_event() {
                match event {
                    SessionEvent::RunEnded(end) => match end.fault {
                        Some(fault) => return Err(fault.code().to_owned()),
                        None => return Ok(end.why),
                    },
                    SessionEvent::Fault(fault) => return Err(fault.code().to_owned()),
                    _ => {}
                }
            }
        }
        Err("endless".to_owned())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Fails if a step hangs.
async fn in_time<T>(seed: u64, what: &str, step: impl Future<Output = T>) -> T {
    match tokio::time::timeout(STEP_LIMIT, step).await {
        Ok(done) => done,
        Err(_) => panic!("seed {seed}: {what} hangs"),
    }
}

/// One link's story. Returns how flashing and running over it ended.
async fn story(seed: u64) -> (Result<usize, String>, Result<EndReason, String>) {
    let mut chance = Chance(seed);
    let faults = Faults::of(&mut chance, FLASH_TRAFFIC_BYTES);
    let bench = Bench::start().await;
    let sound = bench.port();
    let data: Vec<u8> = std::iter::repeat_with(|| chance.next() as u8).take(20_000).collect();

    let link = bench.link(faults, seed).await;
    let flashed = in_time(seed, "flashing", try_to_flash(&link.port(), &data)).await;
    drop(link);
    if flashed.is_err() {
        let again = in_time(seed, "flashing again", try_to_flash(&sound, &data)).await;
        assert!(again.is_ok(), "seed {seed}, {faults:?}: {flashed:?}, then {again:?}");
    }

    let run_faults = Faults::of(&mut chance, RUN_TRAFFIC_BYTES);
    let link = bench.link(run_faults, !seed).await;
    let ran = in_time(seed, "running", try_to_run(&link.port())).await;
    drop(link);
    if ran != Ok(EndReason::Finished) {
        let again = in_time(seed, "running again", try_to_run(&sound)).await;
        assert_eq!(again, Ok(EndReason::Finished), "seed {seed}, {run_faults:?}: {ran:?} before");
    }

    // What was said to be written and verified is there, byte for byte.
    let contents = bench.stop().await;
    assert!(contents[PLACE..].starts_with(&data), "seed {seed}, {faults:?}: {flashed:?}");
    println!("seed {seed}: {flashed:?} with {faults:?}; {ran:?} with {run_faults:?}");
    (flashed, ran)
}

/// The seeds to try: `ISRLAB_LINK_SEEDS` is how many, or the first and the one after the last, as in `100..200`.
fn seeds() -> std::ops::Range<u64> {
    let Ok(text) = std::env::var("ISRLAB_LINK_SEEDS") else { return 0..SEEDS };
    match text.split_once("..") {
        Some((first, end)) => first.parse().unwrap()..end.parse().unwrap(),
        None => 0..text.parse().unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_link_does_the_outcome_is_clear_and_the_next_attempt_succeeds() {
    let seeds = seeds();
    let tried = seeds.end - seeds.start;
    let started = Instant::now();
    let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut stories = tokio::task::JoinSet::new();
    for seed in seeds {
        let places = places.clone();
        stories.spawn(async move {
            let _place = places.acquire().await.unwrap();
            story(seed).await
        });
    }
    let (mut flashed, mut ran, mut broken, mut codes) = (0, 0, 0, std::collections::BTreeMap::<String, u32>::new());
    while let Some(told) = stories.join_next().await {
        // A story that does not end well has said why; the others are worth telling, too.
        let Ok((flash, run)) = told else {
            broken += 1;
            continue;
        };
        flashed += u64::from(flash.is_ok());
        ran += u64::from(run == Ok(EndReason::Finished));
        for code in [flash.err(), run.err()].into_iter().flatten() {
            *codes.entry(code).or_default() += 1;
        }
    }
    println!(
        "{tried} links in {:?}: {flashed} flashed, {ran} ran, {broken} without a clear end; faults {codes:?}",
        started.elapsed()
    );
    assert_eq!(broken, 0);
    // The faults are mild enough that some succeed, and hard enough that some do not.
    assert!(flashed > 0 && flashed < tried && ran > 0 && ran < tried, "{flashed} and {ran} of {tried}");
}
