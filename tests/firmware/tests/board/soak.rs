//! Ten minutes of virtual time at 5 kHz, hard, with telemetry on.

use protocol::host::HostMessage;
use protocol::received::BoardMessage;

use firmware_tests::{Board, identities};

const MINUTES: u64 = 10;

#[test]
fn ten_minutes_at_5_khz() {
    let mut board = Board::at_prompt();
    board.greet();
    board.tell(|id| HostMessage::Baud { id, baud: 921_600 });
    board.run_ms(60);
    board.set_baud(921_600);
    board.tell(|id| HostMessage::SetNumber { id, name: "rate", value: 5000 });
    board.enter_raw();
    board.upload(
        "import lab, gc, time\nn = 0\ndef cb(t):\n  global n\n  n += 1\nlab.timer(cb)\n\
         while lab.running():\n  time.sleep_ms(500)\n  gc.collect()\n  lab.value('free', gc.mem_free())\n  lab.beat()\n\
         lab.value('n', n)\n",
    );
    board.tell(|id| HostMessage::Start { id, run: 1, limit_ms: (MINUTES * 60_000) as u32 });
    board.take_messages();
    board.send(b"\x04");
    let (mut last_number, mut gaps, mut samples) = (None, 0, 0);
    let mut free = Vec::new();
    let mut last = None;
    board.wait_for(MINUTES * 60_000 + 5000, |message| {
        let number = match message {
            BoardMessage::Sample(sample) => {
                identities(sample);
                samples += 1;
                free.extend(sample.v.get("free").copied());
                last = Some(sample.clone());
                sample.n
            }
            BoardMessage::Event(event) => event.n,
            BoardMessage::Done(done) => done.n,
            _ => return None,
        };
        if let Some(last) = last_number.replace(number) {
            assert!(number > last, "frame {number} after {last}");
            gaps += number - last - 1;
        }
        matches!(message, BoardMessage::Done(_)).then_some(())
    });
    let last = last.expect("samples");
    assert_eq!(gaps, last.lost_frames, "frames that nobody reported as lost");
    assert_eq!(board.broken(), 0);
    assert!(samples >= MINUTES * 60 * 19, "{samples} samples");
    let source = &last.src[0];
    let expected = MINUTES * 60 * 5000;
    assert!(u64::from(source.expected).abs_diff(expected) <= 5000, "{source:?}");
    assert_eq!((source.missed, source.ran), (0, source.fired));
    assert!(last.v["n"].abs_diff(source.ran as i32) <= 5000);
    // The first seconds still fill tables; from then on every collection finds the same.
    let settled = &free[100..];
    assert!(settled.iter().all(|bytes| *bytes == settled[0]), "memory grows: {:?} to {:?}", settled[0], settled.last());
    assert_eq!(last.exc, 0);
}
