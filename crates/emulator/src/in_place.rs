//! Clones that use the room that is there. A restore copies the snapshot's chip into the machine's, thousands of times a
//! second; a derived `clone_from` makes a new one first, allocates its queues, and frees the old ones.

/// `Clone` for a struct by its fields, of which none can be forgotten: each is cloned in place.
macro_rules! clone_in_place {
    ($type:ident { $($field:ident),+ $(,)? }) => {
        #[allow(clippy::clone_on_copy, reason = "some fields are Copy")]
        impl Clone for $type {
            fn clone(&self) -> Self {
                Self { $($field: self.$field.clone()),+ }
            }

            fn clone_from(&mut self, other: &Self) {
                $(self.$field.clone_from(&other.$field);)+
            }
        }
    };
}

pub(crate) use clone_in_place;

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    #[derive(Debug, PartialEq)]
    struct Fifo {
        bytes: VecDeque<u8>,
        due: u64,
    }
    clone_in_place!(Fifo { bytes, due });

    #[test]
    fn what_is_there_is_used() {
        let full = Fifo { bytes: (0..100).collect(), due: 7 };
        let mut other = full.clone();
        assert_eq!(other, full);
        let (place, room) = (other.bytes.as_slices().0.as_ptr(), other.bytes.capacity());
        other.clone_from(&Fifo { bytes: [1, 2].into(), due: 8 });
        assert_eq!((&other.bytes, other.due), (&VecDeque::from([1, 2]), 8));
        other.clone_from(&full);
        assert_eq!((&other, other.bytes.capacity()), (&full, room));
        assert_eq!(other.bytes.as_slices().0.as_ptr(), place);
    }
}
