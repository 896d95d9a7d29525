//! The client's end of one RFC 2217 connection, without its socket.

use super::com_port::{Buffers, Control, Message, Sender};
use super::options::Options;
use super::telnet::{Item, OPTION_COM_PORT, Parser, Verb, put_data, put_subnegotiation};

/// What the access server sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent<'a> {
    /// Bytes from the device.
    Data(&'a [u8]),
    /// The server controls a serial port: requests will be carried out.
    Ready,
    /// The server does not offer the option: there is a byte stream, but no lines and no baud rate.
    Refused,
    /// The server's answer to a request, or a change it reports.
    Told(Message),
}

/// State of one connection. Feed it what arrives and send what it puts out.
#[derive(Debug)]
pub struct ClientSession {
    parser: Parser,
    out: Vec<u8>,
    options: Options,
    answered: bool,
    suspended: bool,
    /// Words about options that were heard.
    words: u32,
}

/// A server that has said more about options than this does not serve a port: three options are agreed on in a dozen words.
const MOST_WORDS: u32 = 1000;

impl Default for ClientSession {
    fn default() -> Self {
        let mut out = Vec::new();
        let options = Options::offer(&mut out);
        Self { parser: Parser::default(), out, options, answered: false, suspended: false, words: 0 }
    }
}

impl ClientSession {
    /// Takes bytes from the server; calls `each` with what they mean, in order.
    pub fn receive(&mut self, bytes: &[u8], mut each: impl FnMut(ClientEvent<'_>)) {
        let mut parser = std::mem::take(&mut self.parser);
        parser.receive(bytes, |item| match item {
            Item::Data(data) => each(ClientEvent::Data(data)),
            Item::Negotiation(verb, option) => {
                self.words = self.words.saturating_add(1);
                if self.words > MOST_WORDS {
                    return;
                }
                self.options.hear(verb, option, &mut self.out);
                if option == OPTION_COM_PORT && matches!(verb, Verb::Do | Verb::Dont) && !self.answered {
                    self.answered = true;
                    each(if verb == Verb::Do { ClientEvent::Ready } else { ClientEvent::Refused });
                }
            }
            Item::Subnegotiation(OPTION_COM_PORT, payload) => match Message::parse(Sender::Server, payload) {
                Some(Message::SuspendFlow) => self.suspended = true,
                Some(Message::ResumeFlow) => self.suspended = false,
                Some(message) => each(ClientEvent::Told(message)),
                None => {}
            },
            Item::Subnegotiation(..) => {}
        });
        self.parser = parser;
    }

    /// Queues bytes for the device.
    pub fn send_data(&mut self, data: &[u8]) {
        put_data(&mut self.out, data);
    }

    /// Queues a request for the server.
    pub fn request(&mut self, message: &Message) {
        put_subnegotiation(&mut self.out, OPTION_COM_PORT, &message.payload(Sender::Client));
    }

    /// Queues the requests that set a port up as 8 data bits, no parity, 1 stop bit, no flow control.
    pub fn request_setup(&mut self, baud_rate: u32) {
        for message in [
            Message::BaudRate(baud_rate),
            Message::DataSize(8),
            Message::Parity(1),
            Message::StopSize(1),
            Message::Control(Control::NoFlow),
            Message::Purge(Buffers::Both),
        ] {
            self.request(&message);
        }
    }

    /// What has to be sent to the server now.
    pub fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Whether the server talks about options without end. It is not answered any more, and the connection is to end.
    pub fn talks_endlessly(&self) -> bool {
        self.words > MOST_WORDS
    }

    /// Whether the server asked for silence (FLOWCONTROL-SUSPEND).
    pub fn suspended(&self) -> bool {
        self.suspended
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rfc2217::{ServerEvent, ServerSession};

    /// Lets both ends talk until neither has anything to say; returns the server's and the client's events as text.
    fn converse(client: &mut ClientSession, server: &mut ServerSession) -> (Vec<String>, Vec<String>) {
        let (mut at_server, mut at_client) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let to_server = client.take_output();
            let to_client = server.take_replies();
            if to_server.is_empty() && to_client.is_empty() {
                return (at_server, at_client);
            }
            server.receive(&to_server, |event| at_server.push(format!("{event:?}")));
            client.receive(&to_client, |event| at_client.push(format!("{event:?}")));
        }
        panic!("the two ends answer each other for ever");
    }

    #[test]
    fn the_two_ends_agree_and_fall_silent() {
        let mut client = ClientSession::default();
        let mut server = ServerSession::new("board", 115_200);
        let (_, at_client) = converse(&mut client, &mut server);
        assert!(at_client.contains(&format!("{:?}", ClientEvent::Ready)), "{at_client:?}");

        client.request_setup(921_600);
        client.request(&Message::Control(Control::Rts(true)));
        client.send_data(&[1, 255, 2]);
        let (at_server, at_client) = converse(&mut client, &mut server);
        let expected = [
            ServerEvent::BaudRate(921_600),
            ServerEvent::Purge(Buffers::Both),
            ServerEvent::Lines { dtr: false, rts: true },
            ServerEvent::Data(&[1]),
            ServerEvent::Data(&[255]),
            ServerEvent::Data(&[2]),
        ];
        assert_eq!(at_server, expected.map(|event| format!("{event:?}")));
        assert_eq!(at_client.len(), 7, "{at_client:?}");
    }

    #[test]
    fn a_server_that_negotiates_for_ever_is_not_answered_for_ever() {
        let mut client = ClientSession::default();
        client.take_output();
        for option in 0..100_000u32 {
            client.receive(&[255, 253, option as u8], |_| {});
        }
        assert!(client.talks_endlessly());
        assert!(client.take_output().len() <= 3 * MOST_WORDS as usize);
    }

    proptest! {
        #[test]
        fn noise_from_a_server_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut client = ClientSession::default();
            let mut data = 0;
            client.receive(&bytes, |event| if let ClientEvent::Data(piece) = event { data += piece.len() });
            prop_assert!(data <= bytes.len());
        }
    }
}
