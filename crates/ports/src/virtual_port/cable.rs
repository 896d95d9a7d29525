//! The cable between a port that programs open and the board behind it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::lock::lock;

/// Bytes on their way to the board after which the sender has to wait.
const TO_BOARD_MAX_BYTES: usize = 16 * 1024;
/// Actions on their way to the board after which the sender has to wait: a program may set lines and rates as fast as it likes.
const TO_BOARD_MAX_ACTIONS: usize = 1024;
/// Bytes on their way from the board after which further ones are lost, as on a real port nobody reads.
const FROM_BOARD_MAX_BYTES: usize = 256 * 1024;

/// What the program at the port does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostAction {
    /// Sends bytes.
    Data(Vec<u8>),
    /// Sets both modem lines; `true` is asserted.
    Lines {
        /// Data terminal ready.
        dtr: bool,
        /// Request to send.
        rts: bool,
    },
    /// Sets the baud rate of its end.
    BaudRate(u32),
}

#[derive(Debug, Default)]
struct ToBoard {
    actions: VecDeque<HostAction>,
    data_bytes: usize,
    unplugged: bool,
}

#[derive(Debug, Default)]
struct FromBoard {
    bytes: VecDeque<u8>,
    connected: bool,
    lost_bytes: u64,
}

/// Carries host actions one way and bytes the other. Bounded both ways, and silent while nothing happens.
#[derive(Debug, Default)]
pub struct Cable {
    to_board: Mutex<ToBoard>,
    board_wakes: Condvar,
    room: Notify,
    from_board: Mutex<FromBoard>,
    output: Notify,
}

impl Cable {
    /// Host end: hands an action to the board. Ask for [`Self::room`] first, or the queue grows.
    pub fn send(&self, action: HostAction) {
        let mut to_board = lock(&self.to_board);
        if let HostAction::Data(bytes) = &action {
            to_board.data_bytes += bytes.len();
        }
        to_board.actions.push_back(action);
        drop(to_board);
        self.board_wakes.notify_one();
    }

    /// Host end: whether so little is on its way to the board that more may be sent.
    pub fn has_room(&self) -> bool {
        let to_board = lock(&self.to_board);
        let few = to_board.data_bytes < TO_BOARD_MAX_BYTES && to_board.actions.len() < TO_BOARD_MAX_ACTIONS;
        few || to_board.unplugged
    }

    /// Host end: waits for room. Dropping the future loses nothing.
    pub async fn room(&self) {
        loop {
            let room = self.room.notified();
            if self.has_room() {
                return;
            }
            room.await;
        }
    }

    /// Host end: drops the bytes that the board has not received yet.
    pub fn purge_to_board(&self) {
        let mut to_board = lock(&self.to_board);
        to_board.actions.retain(|action| !matches!(action, HostAction::Data(_)));
        to_board.data_bytes = 0;
        drop(to_board);
        self.room.notify_one();
    }

    /// Host end: says whether a program has the port open. What the board sends to nobody is dropped.
    pub fn set_connected(&self, connected: bool) {
        let mut from_board = lock(&self.from_board);
        from_board.connected = connected;
        from_board.bytes.clear();
    }

    /// Host end: drops the bytes from the board that were not fetched yet.
    pub fn purge_from_board(&self) {
        lock(&self.from_board).bytes.clear();
    }

    /// Host end: waits for bytes from the board and takes at most `max_bytes` of them, never none.
    pub async fn receive(&self, max_bytes: usize) -> Vec<u8> {
        loop {
            let output = self.output.notified();
            {
                let mut from_board = lock(&self.from_board);
                if !from_board.bytes.is_empty() {
                    let length = from_board.bytes.len().min(max_bytes);
                    return from_board.bytes.drain(..length).collect();
                }
            }
            output.await;
        }
    }

    /// Host end: tells the board to end its work.
    pub fn unplug(&self) {
        lock(&self.to_board).unplugged = true;
        self.board_wakes.notify_one();
        self.room.notify_one();
    }

    /// Board end: waits until the host has done something, at most `timeout` (for ever without one). Returns `false`
    /// once the cable was unplugged.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let to_board = lock(&self.to_board);
        let idle = |to_board: &mut ToBoard| to_board.actions.is_empty() && !to_board.unplugged;
        let to_board = match timeout {
            None => self.board_wakes.wait_while(to_board, idle).unwrap_or_else(PoisonError::into_inner),
            Some(timeout) => {
                self.board_wakes.wait_timeout_while(to_board, timeout, idle).unwrap_or_else(PoisonError::into_inner).0
            }
        };
        !to_board.unplugged
    }

    /// Board end: takes the next action, if there is one.
    pub fn take_action(&self) -> Option<HostAction> {
        let mut to_board = lock(&self.to_board);
        let action = to_board.actions.pop_front();
        if let Some(HostAction::Data(bytes)) = &action {
            to_board.data_bytes -= bytes.len();
        }
        drop(to_board);
        if action.is_some() {
            self.room.notify_one();
        }
        action
    }

    /// Board end: sends bytes; never waits.
    pub fn put_output(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let mut from_board = lock(&self.from_board);
        if !from_board.connected {
            return;
        }
        let room = FROM_BOARD_MAX_BYTES - from_board.bytes.len();
        let (kept, lost) = bytes.split_at(bytes.len().min(room));
        from_board.bytes.extend(kept);
        from_board.lost_bytes += lost.len() as u64;
        drop(from_board);
        self.output.notify_one();
    }

    /// Bytes from the board that were lost because the program at the port did not read.
    pub fn lost_bytes(&self) -> u64 {
        lock(&self.from_board).lost_bytes
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::thread::JoinHandle;

    use super::*;

    /// Sends every byte back and remembers what was done to it.
    pub(in crate::virtual_port) struct EchoBoard {
        cable: Arc<Cable>,
        thread: JoinHandle<Vec<HostAction>>,
    }

    impl EchoBoard {
        pub(in crate::virtual_port) fn start() -> Self {
            let cable = Arc::new(Cable::default());
            let at_board = cable.clone();
            let thread = std::thread::spawn(move || {
                let mut actions = Vec::new();
                let mut plugged = true;
                while plugged {
                    plugged = at_board.wait(None);
                    while let Some(action) = at_board.take_action() {
                        if let HostAction::Data(bytes) = &action {
                            at_board.put_output(bytes);
                        }
                        actions.push(action);
                    }
                }
                actions
            });
            Self { cable, thread }
        }

        pub(in crate::virtual_port) fn cable(&self) -> Arc<Cable> {
            self.cable.clone()
        }

        pub(in crate::virtual_port) fn wait_until_connected(&self, connected: bool) {
            let deadline = std::time::Instant::now() + Duration::from_secs(10);
            while lock(&self.cable.from_board).connected != connected {
                assert!(std::time::Instant::now() < deadline, "the port never got there");
                std::thread::sleep(Duration::from_millis(1));
            }
        }

        /// Everything the host did.
        pub(in crate::virtual_port) fn stop(self) -> Vec<HostAction> {
            self.cable.unplug();
            self.thread.join().unwrap()
        }
    }

    #[tokio::test]
    async fn bytes_for_nobody_are_dropped_and_a_reader_that_sleeps_loses_only_the_newest() {
        let cable = Cable::default();
        cable.put_output(b"boot");
        cable.set_connected(true);
        cable.put_output(&[1; FROM_BOARD_MAX_BYTES]);
        cable.put_output(&[2; 10]);
        assert_eq!(cable.lost_bytes(), 10);
        assert_eq!(cable.receive(usize::MAX).await, [1; FROM_BOARD_MAX_BYTES]);
    }

    #[tokio::test]
    async fn a_host_that_is_too_fast_waits_for_the_board() {
        let cable = Arc::new(Cable::default());
        cable.send(HostAction::Data(vec![0; TO_BOARD_MAX_BYTES]));
        let room = tokio::spawn({
            let cable = cable.clone();
            async move { cable.room().await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!room.is_finished());
        assert!(cable.wait(None));
        assert!(matches!(cable.take_action(), Some(HostAction::Data(_))));
        room.await.unwrap();
        assert_eq!(cable.take_action(), None);
    }

    #[test]
    fn a_host_that_only_turns_lines_and_rates_waits_as_well() {
        let cable = Cable::default();
        for rate in 0..TO_BOARD_MAX_ACTIONS as u32 {
            assert!(cable.has_room(), "{rate}");
            cable.send(HostAction::BaudRate(rate));
        }
        assert!(!cable.has_room());
        cable.take_action();
        assert!(cable.has_room());
    }

    #[test]
    fn a_board_that_waits_is_woken_by_unplugging() {
        let cable = Arc::new(Cable::default());
        let board = std::thread::spawn({
            let cable = cable.clone();
            move || cable.wait(None)
        });
        cable.unplug();
        assert!(!board.join().unwrap());
    }
}
