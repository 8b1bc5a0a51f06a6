//! Room that sockets lend each other: what one has written from or worked with, the next on the same thread uses while it is
//! warm, and a socket that is idle holds none.

use std::{cell::RefCell, thread::LocalKey};

use crate::session::action::Action;

/// Rooms that each thread keeps of each kind, and how large one may be to be kept, in entries.
const ROOMS: usize = 4;
const LARGEST: usize = 64 << 10;

type Shelf<T> = RefCell<Vec<Vec<T>>>;

/// What room is lent for.
pub(super) trait Lent: Sized + 'static {
    /// Where room lies that nobody uses.
    const SHELF: &'static LocalKey<Shelf<Self>>;
}

thread_local! {
    static BYTES: Shelf<u8> = const { RefCell::new(Vec::new()) };
    static ACTIONS: Shelf<Action> = const { RefCell::new(Vec::new()) };
}

impl Lent for u8 {
    const SHELF: &'static LocalKey<Shelf<Self>> = &BYTES;
}

impl Lent for Action {
    const SHELF: &'static LocalKey<Shelf<Self>> = &ACTIONS;
}

/// Sees to it that `place`, which is empty, has room when there is some to lend.
pub(super) fn borrow<T: Lent>(place: &mut Vec<T>) {
    if place.capacity() == 0 {
        // A thread that is ending lends nothing.
        let _ = T::SHELF.try_with(|shelf| *place = shelf.borrow_mut().pop().unwrap_or_default());
    }
}

/// Gives room back.
pub(super) fn give_back<T: Lent>(mut room: Vec<T>) {
    room.clear();
    if (1..=LARGEST).contains(&room.capacity()) {
        // A thread that is ending keeps nothing.
        let _ = T::SHELF.try_with(|shelf| {
            let mut shelf = shelf.borrow_mut();
            if shelf.len() < ROOMS {
                shelf.push(room);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_is_lent_again_and_what_is_too_large_is_not() {
        give_back(vec![1_u8; 100]);
        let mut place = Vec::<u8>::new();
        borrow(&mut place);
        assert!(place.is_empty() && place.capacity() >= 100);
        give_back(vec![1_u8; LARGEST + 1]);
        let mut other = Vec::<u8>::new();
        borrow(&mut other);
        assert_eq!(other.capacity(), 0);
    }
}
