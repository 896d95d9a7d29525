//! The way from an order to a running program.

use protocol::host::HostMessage;

use super::{
    BAUD_PAUSE, EndReason, LinkAction, PROMPT_TIMEOUT, Pending, Phase, Session, SessionEvent, SessionFault, Setting,
    StartStage, Ticket, UPLOAD_TIMEOUT,
};

impl Session {
    pub(super) fn next_setting(&mut self, next: usize) {
        let setting = self.run.as_ref().and_then(|run| run.order.settings.get(next).cloned());
        match setting {
            Some((name, value)) => {
                self.enter_start(StartStage::Settings { next });
                self.send_setting(&name, &value, None);
            }
            None => {
                self.enter_start(StartStage::Upload);
                if let Some(run) = &mut self.run {
                    run.prompt.upload(&mut self.out);
                }
            }
        }
    }

    pub(super) fn enter_start(&mut self, stage: StartStage) {
        let timeout = match stage {
            StartStage::Upload | StartStage::Go => Some(UPLOAD_TIMEOUT),
            StartStage::Prompt { .. } => Some(PROMPT_TIMEOUT),
            StartStage::Settings { .. } | StartStage::Uploaded | StartStage::Start => None,
        };
        self.enter(Phase::Starting(stage), timeout);
        if stage == StartStage::Start
            && let Some(run) = &self.run
        {
            let limit_ms = u32::try_from(run.order.limit.as_millis()).unwrap_or(u32::MAX);
            let (id, run) = (self.last_id + 1, run.order.run);
            self.last_id = id;
            self.post(&HostMessage::Start { id, run, limit_ms }, None, 1);
        }
    }

    pub(super) fn send_setting(&mut self, name: &str, value: &Setting, ticket: Option<Ticket>) {
        let id = self.new_id();
        match value {
            Setting::Number(value) => self.post(&HostMessage::SetNumber { id, name, value: *value }, ticket, 1),
            Setting::Choice(choice) => self.post(&HostMessage::SetChoice { id, name, choice }, ticket, 1),
        }
    }

    pub(super) fn answered(&mut self, pending: &Pending, result: Result<(), SessionFault>) {
        if let Some(ticket) = pending.ticket {
            self.events.push_back(SessionEvent::Answer(ticket, result));
            return;
        }
        match (self.phase, result) {
            (Phase::Starting(StartStage::Settings { next }), Ok(())) => self.next_setting(next + 1),
            (Phase::Starting(StartStage::Start), Ok(())) => self.go(),
            (Phase::Starting(StartStage::Settings { .. } | StartStage::Start), Err(fault)) => self.refuse(fault),
            (Phase::Speeding, Ok(())) => {
                self.actions.extend(self.fast_baud.map(LinkAction::SetBaud));
                self.enter(Phase::Speeding, Some(BAUD_PAUSE));
            }
            // A slower line carries fewer samples, but it works.
            (Phase::Speeding, Err(_)) => self.ready(),
            (Phase::Parting, result) => self.hear_farewell(result),
            _ => {}
        }
    }

    pub(super) fn go(&mut self) {
        self.enter_start(StartStage::Go);
        self.actions.push_back(LinkAction::Begin);
        if let Some(run) = &mut self.run {
            run.prompt.go(&mut self.out);
        }
    }

    /// Gives a run up that has not started.
    pub(super) fn refuse(&mut self, fault: SessionFault) {
        if let Some(run) = &mut self.run {
            run.end = Some((EndReason::NotStarted, None));
            run.fault = Some(fault);
        }
        self.leave();
    }
}
