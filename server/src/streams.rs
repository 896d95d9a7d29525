//! Live streams: how many pages listen, by visitor and by place. A stream holds a connection for as long as it likes, so
//! when a place has its share of them, the visitor with the most loses the oldest one to the newcomer; a browser asks again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;

use crate::lock::lock;
use crate::turns::Client;

/// All streams.
#[derive(Debug)]
pub struct Streams {
    open: Arc<Mutex<Open>>,
    of_a_visitor: usize,
    of_a_place: usize,
}

#[derive(Debug, Default)]
struct Open {
    streams: HashMap<u64, (Client, oneshot::Sender<()>)>,
    last: u64,
}

/// A stream that is open; dropping it makes room.
#[derive(Debug)]
pub struct OpenStream {
    open: Arc<Mutex<Open>>,
    number: u64,
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        lock(&self.open).streams.remove(&self.number);
    }
}

impl Streams {
    /// So many for each.
    #[must_use]
    pub fn new(of_a_visitor: usize, of_a_place: usize) -> Self {
        Self { open: Arc::default(), of_a_visitor: of_a_visitor.max(1), of_a_place: of_a_place.max(1) }
    }

    /// Opens one. The receiver resolves when it has to end.
    #[must_use]
    pub fn open(&self, client: Client) -> (OpenStream, oneshot::Receiver<()>) {
        let mut open = lock(&self.open);
        let visitor_has = open.streams.values().filter(|(other, _)| *other == client).count();
        let place_has = open.streams.values().filter(|(other, _)| other.place == client.place).count();
        if visitor_has >= self.of_a_visitor {
            open.end_oldest(client);
        } else if place_has >= self.of_a_place {
            let mut counts: HashMap<Client, usize> = HashMap::new();
            for (other, _) in open.streams.values().filter(|(other, _)| other.place == client.place) {
                *counts.entry(*other).or_default() += 1;
            }
            if let Some((greediest, _)) = counts.into_iter().max_by_key(|(other, count)| (*count, other.visitor)) {
                open.end_oldest(greediest);
            }
        }
        open.last += 1;
        let (number, (end, ended)) = (open.last, oneshot::channel());
        open.streams.insert(number, (client, end));
        (OpenStream { open: Arc::clone(&self.open), number }, ended)
    }
}

impl Open {
    /// Ends the oldest stream of a visitor: dropping its end tells it.
    fn end_oldest(&mut self, client: Client) {
        let oldest = self.streams.iter().filter(|(_, (other, _))| *other == client).map(|(number, _)| *number).min();
        if let Some(oldest) = oldest {
            self.streams.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Place;
    use crate::store::VisitorId;

    fn client(visitor: i64) -> Client {
        Client { place: Place::HERE, visitor: VisitorId(visitor) }
    }

    #[test]
    fn the_visitor_with_the_most_streams_loses_one_to_a_newcomer() {
        let streams = Streams::new(4, 5);
        let mut greedy: Vec<_> = (0..5).map(|_| streams.open(client(1))).collect();
        let ended = |streams: &mut [(OpenStream, oneshot::Receiver<()>)]| {
            streams
                .iter_mut()
                .map(|(_, ended)| ended.try_recv() == Err(oneshot::error::TryRecvError::Closed))
                .collect::<Vec<_>>()
        };
        assert_eq!(ended(&mut greedy), [true, false, false, false, false], "four of one visitor");
        let mut others = vec![streams.open(client(2)), streams.open(client(3))];
        assert_eq!(ended(&mut greedy), [true, true, false, false, false], "five of one place");
        assert_eq!(ended(&mut others), [false, false]);
        drop((greedy, others));
        assert!(lock(&streams.open).streams.is_empty());
    }
}
