//! The ways in which a run, or a board, comes to its end.

use protocol::frame::Splitter;
use protocol::host::HostMessage;

use super::pieces::Pieces;
use super::{
    BOOT_TIMEOUT, BootTalk, EndReason, INTERRUPT_TIMEOUT, LinkAction, PROMPT_TIMEOUT, PROOF_INTERVAL, Phase,
    RESETS_OF_A_LOOP, Run, RunEnd, STOP_LIMIT, STOP_TIMEOUT, Session, SessionEvent, SessionFault, StopStage,
    rom_banner,
};
use crate::raw_prompt::{INTERRUPT, LEAVE_RAW};

impl Session {
    pub(super) fn program_ended(&mut self, traceback: String) {
        let Some(run) = &mut self.run else { return };
        let interrupted = (run.stop.is_some() || run.interrupted) && traceback.contains("KeyboardInterrupt");
        let reason = match (run.stop, traceback.is_empty() || interrupted) {
            (None, _) if interrupted => EndReason::Stopped,
            (Some(_), true) if run.stopped_for_overtime => EndReason::Overtime,
            (Some(_), true) => EndReason::Stopped,
            (_, false) => EndReason::Exception,
            (None, true) => EndReason::Finished,
        };
        let report = (!traceback.is_empty() && !interrupted).then_some(traceback);
        if run.end.as_ref().is_none_or(|(why, _)| *why != EndReason::NotStarted) {
            run.end = Some((reason, report));
        }
        if self.is_portable() {
            self.end_on_board(reason);
        } else {
            self.leave();
        }
    }

    /// Goes back to the friendly prompt.
    pub(super) fn leave(&mut self) {
        self.tail.clear();
        self.out.extend([b'\r', LEAVE_RAW]);
        self.enter(Phase::Leaving, Some(PROMPT_TIMEOUT));
    }

    /// The board is at the friendly prompt again.
    pub(super) fn left(&mut self) {
        let stopped = self.run.as_ref().is_some_and(|run| run.stop.is_some());
        if self.is_portable() {
            self.left_portable(stopped);
        } else if stopped {
            self.enter(Phase::Proving, Some(PROOF_INTERVAL));
            self.request_sample();
        } else {
            self.finish(false);
        }
    }

    pub(super) fn finish(&mut self, proven_still: bool) {
        let Some(mut run) = self.run.take() else { return };
        let (why, report) = run.end.take().unwrap_or((EndReason::Finished, None));
        if run.stop.is_some() && !proven_still {
            self.end_run(run, why, report, false);
            self.fail(SessionFault::StillCounting);
            return;
        }
        self.enter_ready();
        self.end_run(run, why, report, proven_still);
    }

    pub(super) fn end_run(&mut self, run: Run, why: EndReason, report: Option<String>, proven_still: bool) {
        let end = RunEnd { run: run.order.run, why, report, proven_still, fault: run.fault, sleep: run.sleep };
        self.events.push_back(SessionEvent::RunEnded(end));
    }

    /// A stop has taken all the time there is for it. Whatever the program did to the board's clock or prompt, a reset ends
    /// it; and if that does not help, the run ends all the same.
    pub(super) fn end_stop(&mut self) {
        match self.run.as_ref().and_then(|run| run.stop) {
            Some(StopStage::Reset) => self.finish(false),
            _ => self.escalate(StopStage::Reset),
        }
    }

    pub(super) fn escalate(&mut self, stage: StopStage) {
        let Some(run) = &mut self.run else { return };
        if stage == StopStage::Reset || run.stop_by.is_none() {
            run.stop_by = Some(self.now + STOP_LIMIT);
        }
        run.stop = Some(stage);
        run.proof = None;
        match stage {
            StopStage::Frame => {
                let id = self.new_id();
                self.post(&HostMessage::Stop { id }, None, 0);
                self.phase_due = Some(self.now + STOP_TIMEOUT);
            }
            StopStage::Interrupt { .. } => {
                self.out.extend([INTERRUPT, INTERRUPT]);
                self.phase_due = Some(self.now + INTERRUPT_TIMEOUT);
            }
            StopStage::SoftReset => self.restart_vm(),
            StopStage::Reset => {
                let overtime = run.stopped_for_overtime;
                run.end.get_or_insert((if overtime { EndReason::Overtime } else { EndReason::Restarted }, None));
                self.reset_board();
            }
        }
    }

    pub(super) fn crashed(&mut self) {
        let report = String::from_utf8_lossy(&self.tail).into_owned();
        let run = self.run.take();
        self.reset_board();
        self.end_crashed_run(run, report);
    }

    /// The ROM has printed its banner although nobody asked for a reset.
    pub(super) fn crashed_by_itself(&mut self) {
        let from = rom_banner(&self.tail).unwrap_or(0);
        let before: Vec<u8> = self.tail.drain(..from).collect();
        let run = self.run.take();
        self.hello = None;
        self.pending.clear();
        self.begin_boot();
        self.restarts += 1;
        self.end_crashed_run(run, String::from_utf8_lossy(&before).into_owned());
        if self.restarts >= RESETS_OF_A_LOOP {
            self.give_boot_up(SessionFault::ResetLoop);
        }
    }

    pub(super) fn end_crashed_run(&mut self, run: Option<Run>, report: String) {
        match run {
            Some(run) if run.sleep.is_some() => self.end_run(run, EndReason::DeepSleep, None, false),
            Some(run) => self.end_run(run, EndReason::Crashed, Some(report), false),
            None => {}
        }
    }

    pub(super) fn reset_board(&mut self) {
        self.splitter = Splitter::new();
        self.pieces = Pieces::default();
        self.tail.clear();
        self.out.clear();
        self.hello = None;
        for pending in std::mem::take(&mut self.pending) {
            if let Some(ticket) = pending.ticket {
                self.events.push_back(SessionEvent::Answer(ticket, Err(SessionFault::NotAcknowledged)));
            }
        }
        self.actions.push_back(LinkAction::Reset);
        self.begin_boot();
    }

    pub(super) fn begin_boot(&mut self) {
        self.rest.typed.clear();
        self.script = None;
        self.give_filing_up();
        self.boot = BootTalk::default();
        self.events.push_back(SessionEvent::Booting);
        self.enter(Phase::Booting { tries: 1 }, Some(BOOT_TIMEOUT));
    }
}
