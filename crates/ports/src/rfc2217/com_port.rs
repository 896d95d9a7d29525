//! The messages of the COM-PORT-OPTION (RFC 2217, section 3), as values and as bytes.

/// What the server adds to a command's code in its answer.
const ANSWER: u8 = 100;

/// A value of SET-CONTROL (RFC 2217, section 3, "SET-CONTROL").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Asks which outbound (or both ways) flow control is used.
    AskFlow,
    /// Uses no flow control.
    NoFlow,
    /// Uses XON/XOFF.
    SoftwareFlow,
    /// Uses RTS/CTS.
    HardwareFlow,
    /// Asks whether a break is being sent.
    AskBreak,
    /// Starts or ends a break.
    Break(bool),
    /// Asks for the state of DTR.
    AskDtr,
    /// Asserts or releases DTR.
    Dtr(bool),
    /// Asks for the state of RTS.
    AskRts,
    /// Asserts or releases RTS.
    Rts(bool),
    /// Asks which inbound flow control is used.
    AskInboundFlow,
    /// Uses no inbound flow control.
    NoInboundFlow,
    /// Any other flow control (XON/XOFF, RTS, DTR, DCD or DSR, inbound or outbound), by its code.
    OtherFlow(u8),
}

impl Control {
    const fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::AskFlow,
            1 => Self::NoFlow,
            2 => Self::SoftwareFlow,
            3 => Self::HardwareFlow,
            4 => Self::AskBreak,
            5 => Self::Break(true),
            6 => Self::Break(false),
            7 => Self::AskDtr,
            8 => Self::Dtr(true),
            9 => Self::Dtr(false),
            10 => Self::AskRts,
            11 => Self::Rts(true),
            12 => Self::Rts(false),
            13 => Self::AskInboundFlow,
            14 => Self::NoInboundFlow,
            other => Self::OtherFlow(other),
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::AskFlow => 0,
            Self::NoFlow => 1,
            Self::SoftwareFlow => 2,
            Self::HardwareFlow => 3,
            Self::AskBreak => 4,
            Self::Break(true) => 5,
            Self::Break(false) => 6,
            Self::AskDtr => 7,
            Self::Dtr(true) => 8,
            Self::Dtr(false) => 9,
            Self::AskRts => 10,
            Self::Rts(true) => 11,
            Self::Rts(false) => 12,
            Self::AskInboundFlow => 13,
            Self::NoInboundFlow => 14,
            Self::OtherFlow(byte) => byte,
        }
    }
}

/// Which of the server's buffers PURGE-DATA empties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffers {
    /// What came from the device and was not yet sent to the client.
    FromDevice,
    /// What came from the client and was not yet sent to the device.
    ToDevice,
    /// Both.
    Both,
}

impl Buffers {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::FromDevice),
            2 => Some(Self::ToDevice),
            3 => Some(Self::Both),
            _ => None,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::FromDevice => 1,
            Self::ToDevice => 2,
            Self::Both => 3,
        }
    }
}

/// One message of the option. Values are as on the wire; in a request, zero asks for the present value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A name of the access server or client; empty asks for it.
    Signature(Vec<u8>),
    /// Bits per second.
    BaudRate(u32),
    /// Data bits, 5 to 8.
    DataSize(u8),
    /// 1 none, 2 odd, 3 even, 4 mark, 5 space.
    Parity(u8),
    /// 1 one, 2 two, 3 one and a half.
    StopSize(u8),
    /// Flow control and modem lines.
    Control(Control),
    /// State of the line, as in the 16550's line status register.
    LineState(u8),
    /// State of the modem lines, as in the 16550's modem status register.
    ModemState(u8),
    /// Asks the other side to stop sending data.
    SuspendFlow,
    /// Lets the other side send data again.
    ResumeFlow,
    /// Which bits of [`Message::LineState`] are to be reported.
    LineStateMask(u8),
    /// Which bits of [`Message::ModemState`] are to be reported.
    ModemStateMask(u8),
    /// Empties buffers.
    Purge(Buffers),
}

/// Which end a message comes from; it decides the codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The end that wants to use the port.
    Client,
    /// The end that has the port.
    Server,
}

impl Message {
    /// Reads the payload of a subnegotiation; `None` for anything the RFC does not define for this sender.
    pub fn parse(sender: Sender, payload: &[u8]) -> Option<Self> {
        let (&code, value) = payload.split_first()?;
        let command = match sender {
            Sender::Client => code,
            Sender::Server => code.checked_sub(ANSWER)?,
        };
        Some(match (command, value) {
            (0, text) => Self::Signature(text.to_vec()),
            (1, &[a, b, c, d]) => Self::BaudRate(u32::from_be_bytes([a, b, c, d])),
            (2, &[bits]) => Self::DataSize(bits),
            (3, &[parity]) => Self::Parity(parity),
            (4, &[bits]) => Self::StopSize(bits),
            (5, &[control]) => Self::Control(Control::from_byte(control)),
            (6, &[state]) => Self::LineState(state),
            (7, &[state]) => Self::ModemState(state),
            (8, &[]) => Self::SuspendFlow,
            (9, &[]) => Self::ResumeFlow,
            (10, &[mask]) => Self::LineStateMask(mask),
            (11, &[mask]) => Self::ModemStateMask(mask),
            (12, &[buffers]) => Self::Purge(Buffers::from_byte(buffers)?),
            _ => return None,
        })
    }

    /// The payload of the subnegotiation that carries this message.
    pub fn payload(&self, sender: Sender) -> Vec<u8> {
        let (command, value): (u8, Vec<u8>) = match self {
            Self::Signature(text) => (0, text.clone()),
            Self::BaudRate(baud) => (1, baud.to_be_bytes().to_vec()),
            Self::DataSize(bits) => (2, vec![*bits]),
            Self::Parity(parity) => (3, vec![*parity]),
            Self::StopSize(bits) => (4, vec![*bits]),
            Self::Control(control) => (5, vec![control.byte()]),
            Self::LineState(state) => (6, vec![*state]),
            Self::ModemState(state) => (7, vec![*state]),
            Self::SuspendFlow => (8, Vec::new()),
            Self::ResumeFlow => (9, Vec::new()),
            Self::LineStateMask(mask) => (10, vec![*mask]),
            Self::ModemStateMask(mask) => (11, vec![*mask]),
            Self::Purge(buffers) => (12, vec![buffers.byte()]),
        };
        let code = match sender {
            Sender::Client => command,
            Sender::Server => command + ANSWER,
        };
        let mut payload = vec![code];
        payload.extend(value);
        payload
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        let cases: &[(Message, &[u8])] = &[
            (Message::Signature(b"x".to_vec()), &[0, b'x']),
            (Message::BaudRate(921_600), &[1, 0x00, 0x0E, 0x10, 0x00]),
            (Message::DataSize(8), &[2, 8]),
            (Message::Parity(1), &[3, 1]),
            (Message::StopSize(1), &[4, 1]),
            (Message::Control(Control::Dtr(true)), &[5, 8]),
            (Message::Control(Control::Dtr(false)), &[5, 9]),
            (Message::Control(Control::Rts(true)), &[5, 11]),
            (Message::Control(Control::Rts(false)), &[5, 12]),
            (Message::Control(Control::Break(true)), &[5, 5]),
            (Message::LineState(0x60), &[6, 0x60]),
            (Message::ModemState(0xB0), &[7, 0xB0]),
            (Message::SuspendFlow, &[8]),
            (Message::ResumeFlow, &[9]),
            (Message::LineStateMask(255), &[10, 255]),
            (Message::ModemStateMask(255), &[11, 255]),
            (Message::Purge(Buffers::FromDevice), &[12, 1]),
            (Message::Purge(Buffers::Both), &[12, 3]),
        ];
        for (message, bytes) in cases {
            assert_eq!(message.payload(Sender::Client), *bytes, "{message:?}");
            let answer: Vec<u8> = std::iter::once(bytes[0] + 100).chain(bytes[1..].iter().copied()).collect();
            assert_eq!(message.payload(Sender::Server), answer, "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn any_payload_is_nothing_or_a_message_with_that_payload(
            payload in prop::collection::vec(prop_oneof![0u8..20, 95u8..120, any::<u8>()], 0..12),
        ) {
            for sender in [Sender::Client, Sender::Server] {
                if let Some(message) = Message::parse(sender, &payload) {
                    prop_assert_eq!(message.payload(sender), payload.clone());
                }
            }
        }
    }
}
