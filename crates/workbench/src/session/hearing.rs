//! What a board says: console text, prompts and frames.

use std::time::Duration;

use protocol::host::HostMessage;
use protocol::received::{self, BoardMessage, Done, Hello, Sample};

use super::pieces::Taken;
use super::{
    BROKEN_SHOWN_BYTES, EndReason, FIRST_COUNTERS, GREET_TIMEOUT, LinkTime, OVERTIME, PROOF_INTERVAL, Phase,
    RESETS_OF_A_LOOP, SLOWEST_BOARD, Session, SessionEvent, SessionFault, StartStage, StopStage, TAIL_BYTES,
    UPLOAD_TIMEOUT, rom_banner, stands_still,
};
use crate::driven::without_driver;
use crate::raw_prompt::{FRIENDLY_PROMPT, PromptEvent, find};

impl Session {
    pub(super) fn hear_console(&mut self, text: &[u8]) {
        self.tail.extend(text);
        let booting = matches!(self.phase, Phase::Booting { .. } | Phase::Hunting { .. } | Phase::Down);
        if !booting && rom_banner(&self.tail).is_some() {
            self.crashed_by_itself();
        }
        match self.phase {
            Phase::Running | Phase::Starting(_) => self.hear_program(text),
            Phase::Leaving => {
                if let Some(at) = find(&self.tail, FRIENDLY_PROMPT) {
                    let rest = self.tail.split_off(at);
                    self.events.push_back(SessionEvent::Console(rest));
                    self.left();
                }
            }
            Phase::Booting { .. } | Phase::Hunting { .. } => {
                self.events.push_back(SessionEvent::Console(text.to_vec()));
                let late = matches!(self.phase, Phase::Booting { tries: 2.. });
                self.boot.hear(text, late);
                if find(&self.tail, FRIENDLY_PROMPT).is_some() {
                    self.greet(1);
                } else if self.boot.resets >= RESETS_OF_A_LOOP {
                    self.give_boot_up(SessionFault::ResetLoop);
                }
            }
            Phase::Script => self.hear_script(text),
            Phase::Filing => self.hear_filing(text),
            Phase::Settling => {
                if let Some(at) = find(&self.tail, FRIENDLY_PROMPT) {
                    let rest = self.tail.split_off(at);
                    self.events.push_back(SessionEvent::Console(rest));
                    self.ready();
                }
            }
            // A board without the lesson firmware takes the greeting for something typed, and echoes it.
            Phase::Greeting { .. } if self.attached => {}
            Phase::Down
            | Phase::Greeting { .. }
            | Phase::Speeding
            | Phase::Ready
            | Phase::Parting
            | Phase::Resting
            | Phase::Proving
            | Phase::Faulty(_) => {
                self.hear_news();
                self.events.push_back(SessionEvent::Console(text.to_vec()));
            }
        }
        if self.tail.len() > TAIL_BYTES {
            self.tail.drain(..self.tail.len() - TAIL_BYTES);
        }
    }

    pub(super) fn hear_program(&mut self, text: &[u8]) {
        let Some(run) = &mut self.run else { return };
        let mut heard = Vec::new();
        run.prompt.receive(text, &mut self.out, &mut heard);
        if self.phase == Phase::Starting(StartStage::Upload) {
            self.phase_due = Some(self.now + UPLOAD_TIMEOUT);
        }
        self.follow_prompt(heard);
    }

    pub(super) fn follow_prompt(&mut self, heard: Vec<PromptEvent>) {
        for event in heard {
            if self.is_uploaded() {
                // The board went on before anybody could look.
                self.enter_start(StartStage::Start);
            }
            let preparing = self.run.as_ref().is_some_and(|run| run.preparing);
            match event {
                _ if preparing && self.is_portable() => self.prepare(event),
                _ if preparing => self.mount(event),
                PromptEvent::Entered => self.next_setting(0),
                PromptEvent::Uploaded if self.is_portable() => self.go(),
                PromptEvent::Uploaded => self.enter_start(StartStage::Uploaded),
                // The board parses while it reads: one that wants no more has found a mistake in the
                // program, and says which as the output of a run that ends at once.
                PromptEvent::Accepted => {
                    let limit = self.run.as_ref().map_or(Duration::ZERO, |run| run.order.limit);
                    if let Some(run) = &mut self.run {
                        run.overtime_at = (!limit.is_zero()).then_some(self.now + limit + OVERTIME);
                        run.overtime_by = self.now + limit.saturating_mul(SLOWEST_BOARD) + OVERTIME;
                        run.counters_by = Some(self.now + FIRST_COUNTERS);
                        self.events.push_back(SessionEvent::RunStarted(run.order.run));
                    }
                    self.tail.clear();
                    self.enter(Phase::Running, None);
                }
                PromptEvent::Output(text) => self.events.push_back(SessionEvent::Console(text)),
                PromptEvent::Ended(traceback) => {
                    let text = without_driver(&String::from_utf8_lossy(&traceback));
                    if !text.is_empty() {
                        self.events.push_back(SessionEvent::Console(text.clone().into_bytes()));
                    }
                    self.program_ended(text);
                }
            }
        }
    }

    pub(super) fn hear_frame(&mut self, json: &[u8]) {
        let whole = match self.pieces.take(json) {
            Taken::Whole(whole) => whole,
            Taken::More => return,
            Taken::Broken(bytes) => return self.count_bad_frame(&bytes),
        };
        let json = &whole[..];
        let (Ok(text), Ok(message)) = (std::str::from_utf8(json), received::parse(json)) else {
            self.count_bad_frame(json);
            return;
        };
        match message {
            BoardMessage::Hello(hello) => self.hear_hello(hello),
            BoardMessage::Sample(sample) => {
                if self.phase == Phase::Running
                    && sample.src.iter().any(|source| source.ran > 0)
                    && let Some(run) = &mut self.run
                {
                    run.counters_by = None;
                    run.clock = Some((self.now, Duration::from_micros(sample.run_us)));
                }
                self.hear_idle_sample(&sample);
                self.events.push_back(SessionEvent::Sample(text.into(), sample.clone()));
                if self.phase == Phase::Proving {
                    self.hear_proof(sample);
                } else if self.phase == Phase::Script {
                    self.hear_proof_of_script(sample);
                }
            }
            BoardMessage::Event(event) => {
                self.hear_news();
                self.events.push_back(SessionEvent::Event(text.into(), event));
            }
            BoardMessage::Done(done) => self.hear_done(&done),
            BoardMessage::Ack(ack) => {
                let Some(at) = self.pending.iter().position(|pending| pending.id == ack.id) else { return };
                let pending = self.pending.remove(at);
                self.answered(&pending, if ack.ok { Ok(()) } else { Err(SessionFault::SettingRefused) });
            }
        }
    }

    pub(super) fn hear_hello(&mut self, hello: Hello) {
        let restarted = self.hello.as_ref().is_some_and(|old| old.boots != hello.boots);
        let version = hello.v;
        self.hello = Some(hello.clone());
        if version != protocol::VERSION {
            self.fail(SessionFault::OtherVersion);
            return;
        }
        match self.phase {
            Phase::Greeting { .. } => {
                self.pending.clear();
                self.portable = false;
                let faster = self.fast_baud.filter(|_| hello.caps.iter().any(|cap| cap == "baud"));
                match faster {
                    Some(baud) => {
                        self.enter(Phase::Speeding, Some(GREET_TIMEOUT));
                        let id = self.new_id();
                        self.post(&HostMessage::Baud { id, baud }, None, 0);
                    }
                    None => self.ready(),
                }
            }
            // The VM was restarted under the program, by the firmware's stop or its guard.
            Phase::Running if restarted => {
                if let Some(run) = &mut self.run {
                    run.end.get_or_insert((EndReason::Restarted, None));
                }
                self.leave();
            }
            _ => {}
        }
    }

    pub(super) fn ready(&mut self) {
        self.restarts = 0;
        self.events.extend(self.hello.clone().map(SessionEvent::Ready));
        if self.run.is_some() {
            // A reset ended the run that was to be stopped.
            self.left();
        } else {
            self.enter_ready();
        }
    }

    pub(super) fn hear_done(&mut self, done: &Done) {
        let Some(run) = self.run.as_mut().filter(|run| run.order.run == done.run) else { return };
        if done.why == "deep_sleep" && done.sleep.is_some() {
            run.sleep.clone_from(&done.sleep);
            run.end = Some((EndReason::DeepSleep, None));
        }
        if done.why == "restarted" {
            run.end.get_or_insert((EndReason::Restarted, None));
        }
    }

    pub(super) fn hear_proof(&mut self, sample: Sample) {
        let Some(run) = &mut self.run else { return };
        match run.proof.take() {
            None => {
                run.proof = Some(sample);
                self.phase_due = Some(self.now + PROOF_INTERVAL);
            }
            Some(first) if stands_still(&first, &sample) => {
                if self.now >= self.phase_due.unwrap_or(LinkTime::ZERO)
                    || sample.us >= first.us + PROOF_INTERVAL.as_micros() as u64
                {
                    self.finish(true);
                } else {
                    run.proof = Some(first);
                }
            }
            Some(_) if run.stop == Some(StopStage::Reset) => self.finish(false),
            Some(_) => self.escalate(StopStage::Reset),
        }
    }

    pub(super) fn count_bad_frame(&mut self, bytes: &[u8]) {
        self.bad_frames += 1;
        let shown = bytes[..bytes.len().min(BROKEN_SHOWN_BYTES)].to_vec();
        self.events.push_back(SessionEvent::BadFrame(self.bad_frames, shown));
    }
}
