//! The access server's end of one RFC 2217 connection, without its socket.

use super::com_port::{Buffers, Control, Message, Sender};
use super::options::Options;
use super::telnet::{Item, OPTION_COM_PORT, Parser, Verb, put_data, put_subnegotiation};

/// Clear to send, data set ready and carrier: what a device that is switched on shows (16550 modem status register).
const MODEM_STATE_READY: u8 = 0x10 | 0x20 | 0x80;

/// What the client wants done to the serial port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEvent<'a> {
    /// Bytes for the device.
    Data(&'a [u8]),
    /// Both modem lines as they are to be now; `true` is asserted.
    Lines {
        /// Data terminal ready.
        dtr: bool,
        /// Request to send.
        rts: bool,
    },
    /// A new baud rate, bits per second, never 0.
    BaudRate(u32),
    /// A break starts or ends.
    Break(bool),
    /// Buffered bytes are to be dropped.
    Purge(Buffers),
}

/// State of one connection. Feed it what arrives, carry out the events in order, and send [`Self::take_replies`].
#[derive(Debug)]
pub struct ServerSession {
    parser: Parser,
    signature: String,
    replies: Vec<u8>,
    options: Options,
    baud_rate: u32,
    data_size: u8,
    parity: u8,
    stop_size: u8,
    dtr: bool,
    rts: bool,
    in_break: bool,
    suspended: bool,
}

impl ServerSession {
    /// Starts a session on a port that runs at `baud_rate`; the first replies offer the options.
    pub fn new(signature: impl Into<String>, baud_rate: u32) -> Self {
        let mut replies = Vec::new();
        let options = Options::offer(&mut replies);
        Self {
            parser: Parser::default(),
            signature: signature.into(),
            replies,
            options,
            baud_rate,
            data_size: 8,
            parity: 1,
            stop_size: 1,
            dtr: false,
            rts: false,
            in_break: false,
            suspended: false,
        }
    }

    /// Takes bytes from the client; calls `each` with what is to be done, in order.
    pub fn receive(&mut self, bytes: &[u8], mut each: impl FnMut(ServerEvent<'_>)) {
        let mut parser = std::mem::take(&mut self.parser);
        parser.receive(bytes, |item| match item {
            Item::Data(data) => each(ServerEvent::Data(data)),
            Item::Negotiation(verb, option) => {
                self.options.hear(verb, option, &mut self.replies);
                if (verb, option) == (Verb::Will, OPTION_COM_PORT) {
                    self.answer(&Message::ModemState(MODEM_STATE_READY));
                }
            }
            Item::Subnegotiation(OPTION_COM_PORT, payload) => {
                if let Some(message) = Message::parse(Sender::Client, payload)
                    && let Some(event) = self.carry_out(&message)
                {
                    each(event);
                }
            }
            Item::Subnegotiation(..) => {}
        });
        self.parser = parser;
    }

    /// Appends bytes from the device to `out` as they go to the client.
    pub fn put_data(&self, data: &[u8], out: &mut Vec<u8>) {
        put_data(out, data);
    }

    /// What has to be sent to the client, in front of any later data.
    pub fn take_replies(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.replies)
    }

    /// Whether the client asked for silence (FLOWCONTROL-SUSPEND).
    pub fn suspended(&self) -> bool {
        self.suspended
    }

    fn carry_out(&mut self, message: &Message) -> Option<ServerEvent<'static>> {
        let mut event = None;
        let answer = match message {
            Message::Signature(text) if text.is_empty() => Message::Signature(self.signature.clone().into_bytes()),
            // The client tells its own name; that needs no answer.
            Message::Signature(_) => return None,
            &Message::BaudRate(baud_rate) => {
                if baud_rate != 0 {
                    self.baud_rate = baud_rate;
                    event = Some(ServerEvent::BaudRate(baud_rate));
                }
                Message::BaudRate(self.baud_rate)
            }
            &Message::DataSize(bits) => {
                if (5..=8).contains(&bits) {
                    self.data_size = bits;
                }
                Message::DataSize(self.data_size)
            }
            &Message::Parity(parity) => {
                if (1..=5).contains(&parity) {
                    self.parity = parity;
                }
                Message::Parity(self.parity)
            }
            &Message::StopSize(bits) => {
                if (1..=3).contains(&bits) {
                    self.stop_size = bits;
                }
                Message::StopSize(self.stop_size)
            }
            &Message::Control(control) => {
                let (now, what) = self.control(control);
                event = what;
                Message::Control(now)
            }
            &Message::Purge(buffers) => {
                event = Some(ServerEvent::Purge(buffers));
                Message::Purge(buffers)
            }
            &Message::LineStateMask(mask) => Message::LineStateMask(mask),
            &Message::ModemStateMask(mask) => {
                self.answer(&Message::ModemStateMask(mask));
                Message::ModemState(MODEM_STATE_READY & mask)
            }
            // A client asks for the present state this way.
            Message::LineState(_) => Message::LineState(0),
            Message::ModemState(_) => Message::ModemState(MODEM_STATE_READY),
            Message::SuspendFlow => {
                self.suspended = true;
                return None;
            }
            Message::ResumeFlow => {
                self.suspended = false;
                return None;
            }
        };
        self.answer(&answer);
        event
    }

    /// Carries out a control; returns the state to report and what to do. The port has no flow control of its own.
    fn control(&mut self, control: Control) -> (Control, Option<ServerEvent<'static>>) {
        let now = match control {
            Control::AskFlow | Control::NoFlow | Control::SoftwareFlow | Control::HardwareFlow => Control::NoFlow,
            Control::AskInboundFlow | Control::NoInboundFlow | Control::OtherFlow(_) => Control::NoInboundFlow,
            Control::AskBreak => Control::Break(self.in_break),
            Control::AskDtr => Control::Dtr(self.dtr),
            Control::AskRts => Control::Rts(self.rts),
            Control::Break(on) => {
                self.in_break = on;
                return (control, Some(ServerEvent::Break(on)));
            }
            Control::Dtr(on) => {
                self.dtr = on;
                return (control, Some(self.lines()));
            }
            Control::Rts(on) => {
                self.rts = on;
                return (control, Some(self.lines()));
            }
        };
        (now, None)
    }

    fn lines(&self) -> ServerEvent<'static> {
        ServerEvent::Lines { dtr: self.dtr, rts: self.rts }
    }

    fn answer(&mut self, message: &Message) {
        put_subnegotiation(&mut self.replies, OPTION_COM_PORT, &message.payload(Sender::Server));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rfc2217::options::SUPPORTED;
    use crate::rfc2217::telnet::IAC;
    use crate::rfc2217::telnet::put_negotiation;

    /// Sends one message as a client would; returns the events as text and the server's answers.
    fn exchange(session: &mut ServerSession, message: &Message) -> (Vec<String>, Vec<Message>) {
        session.take_replies();
        let mut bytes = Vec::new();
        put_subnegotiation(&mut bytes, OPTION_COM_PORT, &message.payload(Sender::Client));
        let mut events = Vec::new();
        session.receive(&bytes, |event| events.push(format!("{event:?}")));
        let mut answers = Vec::new();
        Parser::default().receive(&session.take_replies(), |item| match item {
            Item::Subnegotiation(OPTION_COM_PORT, payload) => {
                answers.push(Message::parse(Sender::Server, payload).unwrap());
            }
            other => panic!("{other:?}"),
        });
        (events, answers)
    }

    #[track_caller]
    fn check(session: &mut ServerSession, message: Message, event: Option<ServerEvent<'_>>, answer: Option<Message>) {
        let (events, answers) = exchange(session, &message);
        assert_eq!(events, event.map(|event| format!("{event:?}")).into_iter().collect::<Vec<_>>(), "{message:?}");
        assert_eq!(answers, answer.into_iter().collect::<Vec<_>>(), "{message:?}");
    }

    #[test]
    fn each_request_is_carried_out_and_answered_with_the_state_it_left() {
        let session = &mut ServerSession::new("board", 115_200);
        check(session, Message::Signature(vec![]), None, Some(Message::Signature(b"board".to_vec())));
        check(session, Message::Signature(b"client".to_vec()), None, None);
        check(session, Message::BaudRate(0), None, Some(Message::BaudRate(115_200)));
        let fast = Some(ServerEvent::BaudRate(921_600));
        check(session, Message::BaudRate(921_600), fast, Some(Message::BaudRate(921_600)));
        check(session, Message::BaudRate(0), None, Some(Message::BaudRate(921_600)));
        check(session, Message::DataSize(7), None, Some(Message::DataSize(7)));
        check(session, Message::DataSize(9), None, Some(Message::DataSize(7)));
        check(session, Message::Parity(0), None, Some(Message::Parity(1)));
        check(session, Message::StopSize(2), None, Some(Message::StopSize(2)));
        let dtr = Some(ServerEvent::Lines { dtr: true, rts: false });
        check(session, Message::Control(Control::Dtr(true)), dtr, Some(Message::Control(Control::Dtr(true))));
        let both = Some(ServerEvent::Lines { dtr: true, rts: true });
        check(session, Message::Control(Control::Rts(true)), both, Some(Message::Control(Control::Rts(true))));
        check(session, Message::Control(Control::AskDtr), None, Some(Message::Control(Control::Dtr(true))));
        check(session, Message::Control(Control::HardwareFlow), None, Some(Message::Control(Control::NoFlow)));
        let pressed = Some(ServerEvent::Break(true));
        check(session, Message::Control(Control::Break(true)), pressed, Some(Message::Control(Control::Break(true))));
        let purge = Some(ServerEvent::Purge(Buffers::ToDevice));
        check(session, Message::Purge(Buffers::ToDevice), purge, Some(Message::Purge(Buffers::ToDevice)));
        check(session, Message::SuspendFlow, None, None);
        assert!(session.suspended());
        check(session, Message::ResumeFlow, None, None);
        assert!(!session.suspended());
    }

    #[test]
    fn an_option_that_is_agreed_is_not_spoken_of_again() {
        let mut session = ServerSession::new("board", 115_200);
        session.take_replies();
        let mut agreement = Vec::new();
        for option in SUPPORTED {
            put_negotiation(&mut agreement, Verb::Do, option);
            put_negotiation(&mut agreement, Verb::Will, option);
        }
        session.receive(&agreement, |event| panic!("{event:?}"));
        let mut only = Vec::new();
        put_subnegotiation(&mut only, OPTION_COM_PORT, &Message::ModemState(MODEM_STATE_READY).payload(Sender::Server));
        assert_eq!(session.take_replies(), only);
        let mut unknown = Vec::new();
        put_negotiation(&mut unknown, Verb::Do, 1);
        session.receive(&unknown, |event| panic!("{event:?}"));
        assert_eq!(session.take_replies(), [IAC, 252, 1]);
    }

    proptest! {
        #[test]
        fn noise_is_survived_and_answers_stay_in_proportion(
            bytes in prop::collection::vec(prop_oneof![3 => Just(IAC), 1 => Just(250u8), 1 => Just(240u8),
                1 => Just(OPTION_COM_PORT), 4 => 0u8..16, 2 => any::<u8>()], 0..3000),
        ) {
            let mut session = ServerSession::new("board", 115_200);
            let mut data = 0;
            session.receive(&bytes, |event| if let ServerEvent::Data(piece) = event { data += piece.len() });
            prop_assert!(data <= bytes.len());
            prop_assert!(session.take_replies().len() <= 64 + 8 * bytes.len());
        }
    }
}
