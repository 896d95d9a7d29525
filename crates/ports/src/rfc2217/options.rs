//! Which telnet options each side of a connection performs (RFC 854, RFC 1143): the same for both ends.

use super::telnet::{OPTION_BINARY, OPTION_COM_PORT, OPTION_SUPPRESS_GO_AHEAD, Verb, put_negotiation};

/// What we perform and want performed.
pub(super) const SUPPORTED: [u8; 3] = [OPTION_BINARY, OPTION_SUPPRESS_GO_AHEAD, OPTION_COM_PORT];

/// The state of the options.
#[derive(Debug)]
pub(super) struct Options {
    we_perform: [bool; SUPPORTED.len()],
    they_perform: [bool; SUPPORTED.len()],
}

impl Options {
    /// Offers and asks for everything that is supported.
    pub(super) fn offer(out: &mut Vec<u8>) -> Self {
        for option in SUPPORTED {
            put_negotiation(out, Verb::Will, option);
            put_negotiation(out, Verb::Do, option);
        }
        Self { we_perform: [true; SUPPORTED.len()], they_perform: [true; SUPPORTED.len()] }
    }

    /// Hears what the other side says of an option. Answering only what changes a state is what keeps two telnet
    /// ends from answering each other for ever.
    pub(super) fn hear(&mut self, verb: Verb, option: u8, out: &mut Vec<u8>) {
        let Some(index) = SUPPORTED.iter().position(|&supported| supported == option) else {
            match verb {
                Verb::Do => put_negotiation(out, Verb::Wont, option),
                Verb::Will => put_negotiation(out, Verb::Dont, option),
                Verb::Dont | Verb::Wont => {}
            }
            return;
        };
        let (state, performs, answer) = match verb {
            Verb::Do => (&mut self.we_perform, true, Verb::Will),
            Verb::Dont => (&mut self.we_perform, false, Verb::Wont),
            Verb::Will => (&mut self.they_perform, true, Verb::Do),
            Verb::Wont => (&mut self.they_perform, false, Verb::Dont),
        };
        if std::mem::replace(&mut state[index], performs) != performs {
            put_negotiation(out, answer, option);
        }
    }
}
