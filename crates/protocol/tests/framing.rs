//! Properties of the framing: any split, any noise, any length.

use proptest::prelude::*;
use protocol::MAX_FRAME_BYTES;
use protocol::frame::{Breakage, FRAME_END, FRAME_START, Piece, Splitter, write};
use protocol::host::{self, HostMessage};

/// What a splitter made of some bytes, with neighbouring pieces of one kind joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Heard {
    console: Vec<u8>,
    frames: Vec<Vec<u8>>,
    broken: Vec<u8>,
}

impl Heard {
    fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Console(text) => self.console.extend_from_slice(text),
            Piece::Frame(json) => self.frames.push(json.to_vec()),
            Piece::Broken(_, bytes) => self.broken.extend_from_slice(bytes),
        }
    }
}

fn hear<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Heard {
    let (mut splitter, mut heard) = (Splitter::new(), Heard::default());
    for chunk in chunks {
        splitter.push(chunk, |piece| heard.take(piece));
    }
    splitter.finish(|piece| heard.take(piece));
    heard
}

fn frame(id: u32) -> Vec<u8> {
    let mut buffer = [0; MAX_FRAME_BYTES];
    let len = write(&HostMessage::Stop { id }, &mut buffer).expect("fits");
    buffer[..len].to_vec()
}

fn noisy_bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => any::<u8>(), 2 => Just(FRAME_START), 2 => Just(FRAME_END), 1 => Just(b'{')];
    proptest::collection::vec(byte, 0..most)
}

proptest! {
    #[test]
    fn how_bytes_are_split_does_not_matter(bytes in noisy_bytes(4000), sizes in proptest::collection::vec(1usize..200, 1..60)) {
        let whole = hear([&bytes[..]]);
        let (mut rest, mut chunks) = (&bytes[..], Vec::new());
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break }
            let (chunk, after) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        prop_assert_eq!(hear(chunks), whole);
    }

    #[test]
    fn no_byte_is_lost_or_invented(bytes in noisy_bytes(4000)) {
        let heard = hear([&bytes[..]]);
        let delimiters = bytes.len() - heard.console.len() - heard.broken.len() - heard.frames.iter().map(Vec::len).sum::<usize>();
        let most = bytes.iter().filter(|&&b| b == FRAME_START || b == FRAME_END).count();
        prop_assert!(delimiters <= most, "{} bytes vanished that are no delimiters", delimiters - most.min(delimiters));
    }

    #[test]
    fn frames_after_a_line_end_always_arrive(noise in noisy_bytes(3000), ids in proptest::collection::vec(any::<u32>(), 1..20)) {
        let mut bytes = noise;
        bytes.push(FRAME_END);
        for &id in &ids { bytes.extend(frame(id)); }
        let heard = hear([&bytes[..]]);
        let last: Vec<u32> = heard.frames.iter().rev().take(ids.len()).rev().map(|json| host::parse(json).map_or(0, |m| m.id())).collect();
        prop_assert_eq!(last, ids);
    }

    #[test]
    fn parsers_survive_anything(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = host::parse(&bytes);
        let _ = protocol::received::parse(&bytes);
    }
}

#[test]
fn a_megabyte_of_garbage_then_a_frame() {
    let mut bytes: Vec<u8> = (0..1_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    bytes.push(FRAME_END);
    bytes.extend(frame(77));
    let heard = hear(bytes.chunks(509));
    assert_eq!(host::parse(heard.frames.last().expect("the frame arrives")), Ok(HostMessage::Stop { id: 77 }));
}

#[test]
fn console_text_and_frames_interleave() {
    let mut bytes = b"hello\r\n".to_vec();
    bytes.extend(frame(1));
    bytes.extend(b">>> ");
    let heard = hear([&bytes[..]]);
    assert_eq!((heard.console.as_slice(), heard.frames.len(), heard.broken.len()), (&b"hello\r\n>>> "[..], 1, 0));
}

#[test]
fn a_cut_frame_is_counted_and_the_next_one_arrives() {
    let mut bytes = frame(1);
    bytes.truncate(9);
    bytes.extend(frame(2));
    let (mut splitter, mut seen) = (Splitter::new(), Vec::new());
    splitter.push(&bytes, |piece| {
        seen.push(match piece {
            Piece::Broken(why, _) => Some(why),
            _ => None,
        })
    });
    assert_eq!(seen, [Some(Breakage::Cut), None]);
}

#[test]
fn an_overlong_frame_ends_at_its_line_end() {
    let mut bytes = vec![FRAME_START];
    bytes.extend(std::iter::repeat_n(b'{', 3 * MAX_FRAME_BYTES));
    bytes.extend(b"\nback\n");
    let heard = hear([&bytes[..]]);
    assert_eq!((heard.console.as_slice(), heard.broken.len()), (&b"back\n"[..], 3 * MAX_FRAME_BYTES));
}

#[test]
fn a_message_too_long_for_a_frame_is_refused() {
    let name = "x".repeat(MAX_FRAME_BYTES);
    assert!(write(&HostMessage::SetNumber { id: 1, name: &name, value: 0 }, &mut [0; 4096]).is_err());
    assert!(write(&HostMessage::Stop { id: 1 }, &mut [0; 5]).is_err());
    assert!(write(&HostMessage::Stop { id: 1 }, &mut []).is_err());
}
