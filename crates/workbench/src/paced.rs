//! A virtual board paced to the host's clock: its session and machine, run in slices of a few milliseconds.
//!
//! The host calls [`PacedBoard::slice`] and is told when the next one is due. Between two steps of a slice the clock is
//! looked at, so that a slow machine gives the slice up in time.

use std::sync::Arc;
use std::time::Duration;

use crate::begun::{Begun, BegunBoards, Heard, Milestone, Way};
use crate::clock::Moment;
use crate::engine::{EngineCommand, EngineReport};
use crate::line::{Drive, Fork, Line, LineFault, STEP};
use crate::pace::{Pace, ShareMeter, Speed};
use crate::pins::PartShown;
use crate::session::filing::{FileFault, FileOrder};
use crate::session::{LinkTime, RunOrder, Session, SessionEvent, Ticket};
use emulator::FlashImage;
use parts::{MoveError, Wiring};

/// The most time that one slice takes, give or take one step.
const SLICE_WALL: Duration = Duration::from_millis(5);
/// How many steps of link time a board that keeps up runs at once: it bounds how late a frame is seen.
const SLICE_STEPS: u32 = 10;
/// What the parts show is told this far apart at least: 15 times a second.
const PARTS_INTERVAL: Duration = Duration::from_millis(66);

/// The ticket of what nobody waits for.
const UNASKED: Ticket = 0;
/// Changes of the pins that are kept for a page that looks at them: about a megabyte.
const PIN_CHANGES: usize = 16_384;

/// Where the boards come from that one paced board is, one after the other.
pub trait Source<L>: Send + Sync {
    /// A booted board with this seed: the same one every time.
    ///
    /// # Errors
    /// The emulation failed.
    fn fresh(&self, seed: u64) -> Result<Drive<L>, LineFault>;

    /// Boards of this source on which runs have begun lately.
    fn begun(&self) -> &BegunBoards<L>;
}

/// A run that begins, as long as nobody interferes.
struct Beginning {
    way: Way,
    order: RunOrder,
    /// What was heard since.
    heard: Heard,
}

/// When a board wants its next slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When it is given a command.
    Woken,
    /// At this time, or as soon as its turn comes after it.
    At(Moment),
    /// Before all others, because somebody waits for it.
    Urgent {
        /// When there is something to do.
        at: Moment,
        /// Since when somebody waits.
        since: Moment,
    },
}

impl Next {
    /// The same, and at this time at the latest.
    fn at_latest(self, due: Moment) -> Self {
        match self {
            Self::Woken => Self::At(due),
            Self::At(at) => Self::At(at.min(due)),
            Self::Urgent { at, since } => Self::Urgent { at: at.min(due), since },
        }
    }
}

/// Takes reports while a slice goes on.
pub trait Outlet {
    /// Takes what there is to report, and says whether it may be more.
    fn take(&mut self, reports: &mut Vec<EngineReport>) -> bool;
}

/// Keeps all reports with the board, for who asks for them after the slice.
pub struct Kept;

impl Outlet for Kept {
    fn take(&mut self, _: &mut Vec<EngineReport>) -> bool {
        true
    }
}

/// A virtual board and its pace.
pub struct PacedBoard<L> {
    source: Arc<dyn Source<L>>,
    /// `None` after the line was lost, until it is booted again.
    drive: Option<Drive<L>>,
    pace: Pace,
    speed: Speed,
    asleep: bool,
    meter: ShareMeter,
    /// Since when somebody waits for what the board does next.
    urgent_since: Option<Moment>,
    /// What is on the pins, of this board and of the next ones.
    wiring: Arc<Wiring>,
    /// What the parts showed when that was told last, and when that was.
    parts: Vec<PartShown>,
    parts_told: Moment,
    /// Whether the pins are recorded, and the number of that record.
    recorded: bool,
    record: u64,
    /// Whether the present board's files outlive it, and the flash with those that are kept.
    files_count: bool,
    files: Option<FlashImage>,
    beginning: Option<Beginning>,
    reports: Vec<EngineReport>,
}

impl<L: Fork> PacedBoard<L> {
    /// A new board, booted at once (from a snapshot, if `source` has one).
    #[must_use]
    pub fn new(now: Moment, source: Arc<dyn Source<L>>) -> Self {
        let mut board = Self {
            source,
            drive: None,
            pace: Pace::new(Speed::REAL_TIME, now, LinkTime::ZERO),
            speed: Speed::REAL_TIME,
            asleep: false,
            meter: ShareMeter::new(now, LinkTime::ZERO),
            urgent_since: None,
            wiring: Arc::default(),
            parts: Vec::new(),
            parts_told: now,
            recorded: false,
            record: 0,
            files_count: false,
            files: None,
            beginning: None,
            reports: Vec::new(),
        };
        board.boot(now, 0, false);
        board.announce(now);
        board
    }

    /// What there is to report, and is taken with that.
    pub fn take_reports(&mut self) -> Vec<EngineReport> {
        std::mem::take(&mut self.reports)
    }

    /// The same, where it is.
    pub fn reports(&mut self) -> &mut Vec<EngineReport> {
        &mut self.reports
    }

    /// Carries a command out that was given at `since`; what it leads to comes with the next slices.
    pub fn obey(&mut self, now: Moment, since: Moment, command: EngineCommand) {
        self.urgent_since.get_or_insert(since);
        if self.asleep && !matches!(command, EngineCommand::Sleep) {
            self.asleep = false;
            self.anchor(now);
        }
        let leaves_alone = matches!(
            command,
            EngineCommand::Pace(_) | EngineCommand::Sleep | EngineCommand::Wake | EngineCommand::Watch(_)
        );
        if !leaves_alone {
            self.beginning = None;
        }
        match command {
            EngineCommand::Start { order, seed, wiring } => self.start(now, order, seed, wiring),
            EngineCommand::Part { ticket, part, control, value } => {
                let result = match &mut self.drive {
                    Some(drive) => drive.line.move_part(&part, &control, value),
                    None => Err(MoveError::NotConnected { part }),
                };
                self.reports.push(EngineReport::Moved { ticket, result });
            }
            EngineCommand::File { ticket, order } => {
                // The files of a lesson's run are its own: those of the workshop come back.
                if !self.files_count && self.drive.as_ref().is_some_and(|drive| !drive.session.is_busy()) {
                    self.boot(now, 0, true);
                    self.mount();
                    self.announce(now);
                }
                match &mut self.drive {
                    Some(drive) => drive.session.file(drive.line.now(), ticket, order),
                    None => self.reports.push(EngineReport::Session {
                        link: LinkTime::ZERO,
                        made: now,
                        event: SessionEvent::Filed(ticket, Err(FileFault::NoAnswer)),
                    }),
                }
            }
            EngineCommand::Pins { ticket, wanted, origin } => {
                let begins = !std::mem::replace(&mut self.recorded, true);
                let told = self.drive.as_mut().and_then(|drive| {
                    if begins {
                        drive.line.record(Some(PIN_CHANGES));
                        self.record += 1;
                    }
                    drive.line.tell_pins(self.record, wanted, &origin)
                });
                self.reports.push(EngineReport::Pins { ticket, told });
            }
            EngineCommand::ForgetPins => {
                self.recorded = false;
                if let Some(drive) = &mut self.drive {
                    drive.line.record(None);
                }
            }
            EngineCommand::Stop => {
                if let Some(drive) = &mut self.drive {
                    drive.session.stop(drive.line.now());
                }
            }
            EngineCommand::Reset => {
                if let Some(drive) = &mut self.drive {
                    drive.session.reset(drive.line.now());
                    collect(&mut self.reports, None, drive, now);
                }
                self.boot(now, 0, self.files_count);
                self.mount();
                self.announce(now);
            }
            EngineCommand::Set { ticket, name, value } => {
                if let Some(drive) = &mut self.drive {
                    drive.session.set(drive.line.now(), ticket, &name, &value);
                }
            }
            EngineCommand::Type(text) => {
                if let Some(drive) = &mut self.drive {
                    drive.session.type_text(drive.line.now(), &text);
                }
            }
            EngineCommand::Pace(speed) => self.speed = speed,
            EngineCommand::Sleep => self.asleep = true,
            // Its pins are seen from outside.
            EngineCommand::Wake | EngineCommand::Watch(_) => {}
        }
    }

    /// Runs until what is due by now, for a few milliseconds at most, and says when to go on.
    pub fn slice(&mut self, clock: &dyn Fn() -> Moment, outlet: &mut dyn Outlet) -> Next {
        let begun = clock();
        if self.asleep {
            return Next::Woken;
        }
        let next = self.run(begun, clock, outlet);
        if let Some(drive) = &self.drive {
            let link = drive.line.now();
            if let Some(share) = self.meter.measure(clock(), link) {
                self.reports.push(EngineReport::Clock { link, share });
            }
        }
        match self.tell_parts(clock()) {
            Some(due) => next.at_latest(due),
            None => next,
        }
    }

    /// Tells what the parts show, where that has changed; returns when a change is due that is held back.
    fn tell_parts(&mut self, now: Moment) -> Option<Moment> {
        let shown = self.drive.as_ref()?.line.parts();
        if shown == self.parts {
            return None;
        }
        let due = self.parts_told + PARTS_INTERVAL;
        if now < due {
            return Some(due);
        }
        self.reports.push(EngineReport::Parts(shown.clone()));
        (self.parts, self.parts_told) = (shown, now);
        None
    }

    /// Starts a run on a board that nobody has used before: that makes it repeatable.
    fn start(&mut self, now: Moment, mut order: RunOrder, seed: u64, wiring: Arc<Wiring>) {
        let run = order.run;
        if self.drive.as_ref().is_some_and(|drive| drive.session.is_busy()) {
            self.reports.push(EngineReport::Busy { run });
            return;
        }
        self.wiring = wiring;
        self.boot(now, seed, order.keeps_files);
        order.mount_anew = self.files_count && self.files.is_some();
        // A board whose pins are recorded has a record of its own.
        self.beginning = Way::new(seed, &order, &self.wiring).filter(|_| !self.recorded).map(|way| Beginning {
            way,
            order: order.clone(),
            heard: Heard::new(),
        });
        if let Some(drive) = &mut self.drive
            && drive.session.start(drive.line.now(), order).is_err()
        {
            self.reports.push(EngineReport::Busy { run });
        }
    }

    /// A board at its prompt sees the files that were put into its flash.
    fn mount(&mut self) {
        if self.files_count
            && self.files.is_some()
            && let Some(drive) = &mut self.drive
        {
            drive.session.file(drive.line.now(), UNASKED, FileOrder::Mount);
        }
    }

    /// Puts a freshly booted board in the place of the present one; `files` says whether it has the files that are kept, and
    /// its own are kept after it.
    fn boot(&mut self, now: Moment, seed: u64, files: bool) {
        if self.files_count
            && let Some(drive) = &self.drive
        {
            self.files = drive.line.files();
        }
        self.files_count = files;
        let fresh = self.source.fresh(seed);
        let wired = fresh.and_then(|mut drive| drive.line.wire(&self.wiring, seed).map(|()| drive));
        // Pages that look at the new board have been told nothing of it.
        self.parts.clear();
        match wired {
            Ok(mut drive) => {
                if self.files_count
                    && let Some(files) = &self.files
                {
                    drive.line.put_files(files);
                }
                if self.recorded {
                    drive.line.record(Some(PIN_CHANGES));
                    self.record += 1;
                }
                self.drive = Some(drive);
            }
            Err(fault) => self.lose(now, fault),
        }
        self.anchor(now);
    }

    fn announce(&mut self, now: Moment) {
        if let Some(drive) = &self.drive
            && let Some(hello) = drive.session.hello()
        {
            let (link, event) = (drive.line.now(), SessionEvent::Ready(hello.clone()));
            self.reports.push(EngineReport::Session { link, made: now, event });
        }
    }

    fn lose(&mut self, now: Moment, fault: LineFault) {
        if let Some(drive) = &mut self.drive {
            // A run that was going on ends, so that nobody waits for it.
            drive.session.reset(drive.line.now());
            collect(&mut self.reports, None, drive, now);
        }
        self.drive = None;
        self.reports.push(EngineReport::Lost(fault));
    }

    /// Lets the board that begins a run be one that has come further on the same way, if there is one.
    fn take_begun(&mut self, now: Moment) {
        let (Some(Beginning { way, order, heard }), Some(drive)) = (&self.beginning, &self.drive) else { return };
        let (begun, uploading) = (self.source.begun(), drive.session.is_uploading());
        if !uploading && !hurries(&drive.session, self.speed) {
            self.beginning = None;
            return;
        }
        // In slow motion somebody wants to see what a run does before it has counted anything.
        let usual = self.speed == Speed::REAL_TIME;
        let counting = usual.then(|| begun.take(way, Milestone::counting(order))).flatten();
        let further = counting.or_else(|| uploading.then(|| begun.take(way, Milestone::Uploaded)).flatten());
        let Some(Begun { mut drive, heard: all }) = further else { return };
        drive.session.rename_uploaded(order);
        for (link, event) in all.iter().skip(heard.len()) {
            report(&mut self.reports, *link, now, event.clone());
        }
        if let Some(beginning) = &mut self.beginning {
            beginning.heard = all;
        }
        self.drive = Some(drive);
        self.anchor(now);
    }

    /// Runs until the goal or the end of the slice, and says when to go on.
    fn run(&mut self, begun: Moment, clock: &dyn Fn() -> Moment, outlet: &mut dyn Outlet) -> Next {
        self.take_begun(begun);
        let (Some(speed), Some(drive)) = (self.speed_now(), self.drive.as_mut()) else { return Next::Woken };
        if speed != self.pace.speed() {
            self.pace.anchor(speed, begun, drive.line.now());
            self.meter = ShareMeter::new(begun, drive.line.now());
        }
        let goal = self.pace.goal(begun).unwrap_or(LinkTime::MAX);
        let mut steps = 0;
        let mut step_begun = begun;
        let hurries = hurries(&drive.session, self.speed);
        while steps < SLICE_STEPS
            && step_begun.saturating_sub(begun) < SLICE_WALL
            && self::hurries(&drive.session, self.speed) == hurries
        {
            match drive.advance(goal) {
                Ok(true) => steps += 1,
                Ok(false) => break,
                Err(fault) => {
                    self.lose(step_begun, fault);
                    return Next::Woken;
                }
            }
            let heard = self.beginning.as_mut().map(|beginning| &mut beginning.heard);
            collect(&mut self.reports, heard, drive, step_begun);
            if let Some(Beginning { way, order, heard }) = &self.beginning {
                if drive.session.is_uploaded() {
                    self.source.begun().keep(way, Milestone::Uploaded, drive, heard);
                } else if drive.session.has_counted() {
                    self.source.begun().keep(way, Milestone::counting(order), drive, heard);
                    self.beginning = None;
                }
            }
            step_begun = clock();
            // Console text is collected by whoever shows it anyway, and a board that prints all the time would report at
            // every step.
            if !self.reports.iter().all(is_console) && !outlet.take(&mut self.reports) {
                break;
            }
        }
        let link = drive.line.now();
        let at = if link + STEP > goal {
            let idle = drive.idle_until().unwrap_or(LinkTime::ZERO);
            // In slow motion ten steps take seconds, in which nobody would see time pass.
            let steps = if speed.factor > 0.0 && speed.factor < 1.0 { 1 } else { SLICE_STEPS };
            self.pace.due(idle.max(link + STEP * steps))
        } else {
            // Behind, or as fast as it goes: again, after all others that are behind as well.
            self.pace.forgive(step_begun, link);
            Some(step_begun)
        };
        self.urgent_since = drive.session.is_awaited().then(|| self.urgent_since.unwrap_or(begun));
        match (at, self.urgent_since) {
            (None, _) => Next::Woken,
            (Some(at), None) => Next::At(at),
            (Some(at), Some(since)) => Next::Urgent { at, since },
        }
    }

    /// The speed that counts at this moment: a board that hurries is not slowed down, and one
    /// that only waits does not race through virtual time.
    fn speed_now(&self) -> Option<Speed> {
        let session = &self.drive.as_ref()?.session;
        Some(if hurries(session, self.speed) {
            Speed { factor: 0.0, paused: false }
        } else if !session.is_busy() && (self.speed.factor == 0.0 || self.speed.paused) {
            Speed::REAL_TIME
        } else {
            self.speed
        })
    }

    fn anchor(&mut self, now: Moment) {
        let link = self.drive.as_ref().map_or(LinkTime::ZERO, |drive| drive.line.now());
        self.pace.anchor(self.pace.speed(), now, link);
        self.meter = ShareMeter::new(now, link);
    }
}

/// Whether a board goes as fast as it can, whatever speed was asked for: while it starts, stops or boots, and at the usual
/// speed until a run's first counters are there, which the board sends up to 50 ms after it has them.
fn hurries(session: &Session, speed: Speed) -> bool {
    session.in_transition() || speed == Speed::REAL_TIME && session.awaits_counters()
}

fn is_console(report: &EngineReport) -> bool {
    matches!(report, EngineReport::Session { event: SessionEvent::Console(_), .. })
}

/// Takes over what the session found out from what the board sent since `made`; neighbouring pieces of console text
/// become one. `heard` keeps it as it was.
fn collect<L: Line>(
    reports: &mut Vec<EngineReport>,
    mut heard: Option<&mut Heard>,
    drive: &mut Drive<L>,
    made: Moment,
) {
    let link = drive.line.now();
    while let Some(event) = drive.session.next_event() {
        if let Some(heard) = &mut heard {
            heard.push((link, event.clone()));
        }
        report(reports, link, made, event);
    }
}

fn report(reports: &mut Vec<EngineReport>, link: LinkTime, made: Moment, event: SessionEvent) {
    match (reports.last_mut(), event) {
        (Some(EngineReport::Session { event: SessionEvent::Console(text), .. }), SessionEvent::Console(more)) => {
            text.extend(more);
        }
        (_, event) => reports.push(EngineReport::Session { link, made, event }),
    }
}
