//! Telnet framing (RFC 854, RFC 855): separates data from commands, whatever the pieces in which bytes arrive.

/// "Interpret as command": starts every command, doubled when it is data.
pub const IAC: u8 = 255;
const SE: u8 = 240;
const SB: u8 = 250;

/// Binary transmission (RFC 856): without it, a carriage return would be rewritten.
pub const OPTION_BINARY: u8 = 0;
/// Suppress go-ahead (RFC 858): both sides may send at any time.
pub const OPTION_SUPPRESS_GO_AHEAD: u8 = 3;
/// The serial port control option (RFC 2217).
pub const OPTION_COM_PORT: u8 = 44;

/// The longest subnegotiation that is kept; the longest meaningful one is a signature text.
pub const SUBNEGOTIATION_MAX_BYTES: usize = 256;

/// What one side says about one option (RFC 855).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// The sender performs the option, or offers to.
    Will,
    /// The sender does not perform the option.
    Wont,
    /// The sender asks the other side to perform the option.
    Do,
    /// The sender asks the other side not to perform the option.
    Dont,
}

impl Verb {
    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            251 => Some(Self::Will),
            252 => Some(Self::Wont),
            253 => Some(Self::Do),
            254 => Some(Self::Dont),
            _ => None,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Will => 251,
            Self::Wont => 252,
            Self::Do => 253,
            Self::Dont => 254,
        }
    }
}

/// One thing that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// Bytes of the serial line, unescaped. A run of data may come in several pieces.
    Data(&'a [u8]),
    /// A word about an option.
    Negotiation(Verb, u8),
    /// An option's own message, unescaped.
    Subnegotiation(u8, &'a [u8]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Data,
    Command,
    Negotiation(Verb),
    SubnegotiationOption,
    Subnegotiation { option: u8 },
    SubnegotiationCommand { option: u8 },
}

/// Splits a telnet stream into [`Item`]s. Any bytes are accepted; what makes no sense is skipped and counted.
#[derive(Debug)]
pub struct Parser {
    state: State,
    payload: Vec<u8>,
    too_long: bool,
    skipped: u64,
}

impl Default for Parser {
    fn default() -> Self {
        Self { state: State::Data, payload: Vec::new(), too_long: false, skipped: 0 }
    }
}

impl Parser {
    /// Commands and messages that were malformed or too long and have been skipped so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Takes the next bytes of the stream and calls `each` for whatever they complete, in order.
    pub fn receive(&mut self, bytes: &[u8], mut each: impl FnMut(Item<'_>)) {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self.state {
                State::Data => {
                    let length = rest.iter().position(|&byte| byte == IAC).unwrap_or(rest.len());
                    if length > 0 {
                        each(Item::Data(&rest[..length]));
                        rest = &rest[length..];
                        continue;
                    }
                    self.state = State::Command;
                }
                State::Command => self.state = self.command(byte, &mut each),
                State::Negotiation(verb) => {
                    each(Item::Negotiation(verb, byte));
                    self.state = State::Data;
                }
                State::SubnegotiationOption => {
                    self.payload.clear();
                    self.too_long = false;
                    self.state = State::Subnegotiation { option: byte };
                }
                State::Subnegotiation { option } if byte == IAC => {
                    self.state = State::SubnegotiationCommand { option };
                }
                State::Subnegotiation { .. } => self.keep(byte),
                State::SubnegotiationCommand { option } => match byte {
                    IAC => {
                        self.keep(IAC);
                        self.state = State::Subnegotiation { option };
                    }
                    SE => {
                        if self.too_long {
                            self.skipped += 1;
                        } else {
                            each(Item::Subnegotiation(option, &self.payload));
                        }
                        self.state = State::Data;
                    }
                    // The message was never closed: drop it and take the command that interrupts it.
                    other => {
                        self.skipped += 1;
                        self.state = self.command(other, &mut each);
                    }
                },
            }
            rest = after;
        }
    }

    fn command(&mut self, byte: u8, each: &mut impl FnMut(Item<'_>)) -> State {
        match byte {
            IAC => {
                each(Item::Data(&[IAC]));
                State::Data
            }
            SB => State::SubnegotiationOption,
            SE => {
                self.skipped += 1;
                State::Data
            }
            // The other commands (NOP, AYT, break, ...) have no meaning on a serial port beyond keeping a line alive.
            _ => Verb::from_byte(byte).map_or(State::Data, State::Negotiation),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.payload.len() < SUBNEGOTIATION_MAX_BYTES {
            self.payload.push(byte);
        } else {
            self.too_long = true;
        }
    }
}

/// Appends data to `out`, escaped.
pub fn put_data(out: &mut Vec<u8>, data: &[u8]) {
    out.reserve(data.len());
    for &byte in data {
        out.push(byte);
        if byte == IAC {
            out.push(IAC);
        }
    }
}

/// Appends a word about an option to `out`.
pub fn put_negotiation(out: &mut Vec<u8>, verb: Verb, option: u8) {
    out.extend([IAC, verb.byte(), option]);
}

/// Appends an option's message to `out`, escaped.
pub fn put_subnegotiation(out: &mut Vec<u8>, option: u8, payload: &[u8]) {
    out.extend([IAC, SB, option]);
    put_data(out, payload);
    out.extend([IAC, SE]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq)]
    enum Owned {
        Data(Vec<u8>),
        Negotiation(Verb, u8),
        Subnegotiation(u8, Vec<u8>),
    }

    /// Parses the pieces one after the other and joins neighbouring data.
    fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Owned> {
        let mut parser = Parser::default();
        let mut items: Vec<Owned> = Vec::new();
        for piece in pieces {
            parser.receive(piece, |item| match (item, items.last_mut()) {
                (Item::Data(bytes), Some(Owned::Data(data))) => data.extend(bytes),
                (Item::Data(bytes), _) => items.push(Owned::Data(bytes.to_vec())),
                (Item::Negotiation(verb, option), _) => items.push(Owned::Negotiation(verb, option)),
                (Item::Subnegotiation(option, payload), _) => {
                    items.push(Owned::Subnegotiation(option, payload.to_vec()));
                }
            });
        }
        items
    }

    fn put(items: &[Owned]) -> Vec<u8> {
        let mut out = Vec::new();
        for item in items {
            match item {
                Owned::Data(data) => put_data(&mut out, data),
                Owned::Negotiation(verb, option) => put_negotiation(&mut out, *verb, *option),
                Owned::Subnegotiation(option, payload) => put_subnegotiation(&mut out, *option, payload),
            }
        }
        out
    }

    fn item() -> impl Strategy<Value = Owned> {
        let verb = prop::sample::select(vec![Verb::Will, Verb::Wont, Verb::Do, Verb::Dont]);
        prop_oneof![
            prop::collection::vec(prop_oneof![Just(IAC), any::<u8>()], 1..40).prop_map(Owned::Data),
            (verb, any::<u8>()).prop_map(|(verb, option)| Owned::Negotiation(verb, option)),
            (any::<u8>(), prop::collection::vec(prop_oneof![Just(IAC), any::<u8>()], 0..SUBNEGOTIATION_MAX_BYTES))
                .prop_map(|(option, payload)| Owned::Subnegotiation(option, payload)),
        ]
    }

    #[test]
    fn a_message_that_is_too_long_is_counted_and_the_stream_goes_on() {
        let mut bytes = Vec::new();
        put_subnegotiation(&mut bytes, OPTION_COM_PORT, &[7; SUBNEGOTIATION_MAX_BYTES + 1]);
        put_data(&mut bytes, b"next");
        let mut parser = Parser::default();
        let mut data = Vec::new();
        parser.receive(&bytes, |item| match item {
            Item::Data(piece) => data.extend(piece),
            other => panic!("{other:?}"),
        });
        assert_eq!((data.as_slice(), parser.skipped()), (b"next".as_slice(), 1));
    }

    #[test]
    fn a_message_that_is_cut_off_by_a_command_is_dropped() {
        let bytes = [IAC, SB, OPTION_COM_PORT, 1, IAC, 253, OPTION_BINARY, b'x'];
        assert_eq!(parse([&bytes[..]]), [Owned::Negotiation(Verb::Do, OPTION_BINARY), Owned::Data(b"x".to_vec())]);
    }

    proptest! {
        #[test]
        fn what_is_put_is_parsed_again_however_it_is_cut(
            items in prop::collection::vec(item(), 0..20),
            piece_length in 1usize..50,
        ) {
            let bytes = put(&items);
            let mut joined: Vec<Owned> = Vec::new();
            for item in items {
                match (item, joined.last_mut()) {
                    (Owned::Data(more), Some(Owned::Data(data))) => data.extend(more),
                    (item, _) => joined.push(item),
                }
            }
            prop_assert_eq!(&parse([&bytes[..]]), &joined);
            prop_assert_eq!(&parse(bytes.chunks(piece_length)), &joined);
        }

        #[test]
        fn noise_is_survived_and_means_the_same_however_it_is_cut(
            bytes in prop::collection::vec(prop_oneof![Just(IAC), Just(SB), Just(SE), Just(253u8), any::<u8>()], 0..2000),
            piece_length in 1usize..50,
        ) {
            prop_assert_eq!(parse([&bytes[..]]), parse(bytes.chunks(piece_length)));
        }
    }
}
