//! Who gives way when all boards are in use.
//!
//! A board is worth what somebody does with it. One that nobody looks at goes first, whatever runs on it: its owner is gone.
//! Then one whose visitor only ever looked; then one whose visitor has long done nothing, although the page is open. What a
//! person works at is taken by nobody of the same place; a place that has more boards than the asker's gives one of them up,
//! so that one machine cannot keep all others out. What somebody with a seat in a class works at is taken by nobody without
//! one.

use std::time::Duration;

use crate::config::Limits;
use crate::place::Place;
use crate::turns::Client;

/// What somebody needs a board for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// To run something.
    Acts,
    /// To see it live.
    Listens,
    /// To see on a page that there is one.
    Looks,
}

/// How a board is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    /// How long its visitor has asked for nothing.
    pub(super) silent: Duration,
    /// How long they have done nothing; `None`: they only ever looked.
    pub(super) idle: Option<Duration>,
    /// Whether a page is open.
    pub(super) read: bool,
    /// Whether something runs on it.
    pub(super) runs: bool,
    /// Whether an attached board of theirs is being flashed: that is never ended by somebody else.
    pub(super) flashes: bool,
}

/// How much a board is missed; the least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    Deserted,
    OnlyLookedAt,
    Unattended,
    UnattendedRun,
    Attended,
}

fn worth(usage: &Use, limits: &Limits) -> Worth {
    if !usage.read && usage.silent >= limits.board_deserted {
        return Worth::Deserted;
    }
    match usage.idle {
        None => Worth::OnlyLookedAt,
        Some(idle) if idle < limits.board_unattended => Worth::Attended,
        Some(_) if usage.runs => Worth::UnattendedRun,
        Some(_) => Worth::Unattended,
    }
}

/// Chooses who gives way to somebody at `place`; `None`: nobody does.
pub(super) fn choose(held: &[(Client, Use)], place: Place, need: Need, limits: &Limits) -> Option<Client> {
    let boards_of = |place: Place| held.iter().filter(|(client, _)| client.place == place).count();
    let asker_has = boards_of(place);
    held.iter()
        .filter(|(_, usage)| !usage.flashes)
        .map(|(client, usage)| (worth(usage, limits), boards_of(client.place), usage, client))
        .filter(|(worth, boards, _, client)| match (need, worth) {
            (Need::Looks, _) => false,
            (_, Worth::Deserted) => true,
            (Need::Listens, _) => false,
            // One board more for the asker's place must not make it the greedier one.
            (Need::Acts, Worth::Attended) => {
                let may = place.is_of_class() || !client.place.is_of_class();
                may && client.place != place && *boards > asker_has + 1
            }
            (Need::Acts, _) => true,
        })
        .min_by_key(|(worth, boards, usage, _)| {
            (*worth, std::cmp::Reverse(*boards), std::cmp::Reverse(usage.idle.unwrap_or(usage.silent)))
        })
        .map(|(.., client)| *client)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::class::ClassId;
    use crate::store::VisitorId;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn client(place: u8, visitor: i64) -> Client {
        Client { place: Place::of(IpAddr::from([10, 0, 0, place])), visitor: VisitorId(visitor) }
    }

    fn usage(silent: u64, idle: Option<u64>, read: bool, runs: bool) -> Use {
        Use { silent: seconds(silent), idle: idle.map(seconds), read, runs, flashes: false }
    }

    #[track_caller]
    fn check(held: &[(Client, Use)], place: u8, need: Need, expected: Option<i64>) {
        let chosen = choose(held, client(place, 0).place, need, &Limits::default());
        assert_eq!(chosen.map(|client| client.visitor.0), expected, "{need:?} from place {place}");
    }

    #[test]
    fn boards_go_in_the_order_in_which_they_are_missed() {
        let mut held = vec![
            (client(1, 1), usage(5, Some(5), true, true)),
            (client(1, 2), usage(500, Some(400), true, true)),
            (client(1, 3), usage(500, Some(300), true, false)),
            (client(1, 4), usage(3, None, true, false)),
            (client(1, 5), usage(60, Some(60), false, true)),
        ];
        for expected in [5, 4, 3, 2] {
            check(&held, 1, Need::Acts, Some(expected));
            check(&held, 1, Need::Looks, None);
            check(&held, 1, Need::Listens, (expected == 5).then_some(5));
            held.pop();
        }
        check(&held, 1, Need::Acts, None);
    }

    #[test]
    fn endless_runs_of_strangers_who_left_go_to_whoever_opens_a_page() {
        let held: Vec<_> = (0..64).map(|id| (client(1, id), usage(12, Some(12), false, true))).collect();
        check(&held, 1, Need::Listens, Some(0));
        check(&held, 2, Need::Listens, Some(0));
    }

    #[test]
    fn a_machine_that_holds_all_boards_gives_one_to_another_machine_and_a_class_is_left_alone() {
        let busy = usage(1, Some(1), true, true);
        let all: Vec<_> = (0..64).map(|id| (client(1, id), busy)).collect();
        check(&all, 1, Need::Acts, None);
        check(&all, 2, Need::Acts, Some(0));
        let half: Vec<_> = (0..64).map(|id| (client(1 + u8::from(id < 32), id), busy)).collect();
        check(&half, 2, Need::Acts, None);
        check(&half, 3, Need::Acts, Some(0));
    }

    #[test]
    fn strangers_take_no_board_from_a_class_at_work_and_two_classes_share() {
        let busy = usage(1, Some(1), true, true);
        let in_class =
            |class: i64, visitor| Client { place: client(1, 0).place.in_class(ClassId(class)), ..client(1, visitor) };
        let class: Vec<_> = (0..64).map(|id| (in_class(7, id), busy)).collect();
        check(&class, 1, Need::Acts, None);
        check(&class, 2, Need::Acts, None);
        let of_other = choose(&class, in_class(8, 100).place, Need::Acts, &Limits::default());
        assert_eq!(of_other.map(|client| client.visitor.0), Some(0));
        let left = usage(12, Some(12), false, true);
        check(&[(in_class(7, 1), left)], 2, Need::Acts, Some(1));
    }

    #[test]
    fn a_board_that_is_being_flashed_stays() {
        let flashing = Use { flashes: true, ..usage(1000, Some(1000), false, true) };
        check(&[(client(1, 1), flashing)], 2, Need::Acts, None);
    }
}
