//! Secrets that prove by themselves that this workbench made them: a seat's cookie, and the host's link.

use sha2::{Digest as _, Sha256};

use crate::class::{ClassId, Member, SeatId};
use crate::store::KEY_BYTES;

use super::{Classes, unless_removed};
use crate::error::Problem;

/// Bytes that say whose a seat's secret is: class, seat, epoch, and chance.
const SEAT_BYTES: usize = 8 + 8 + 4 + 12;
/// Bytes of the proof that follows.
const PROOF_BYTES: usize = 16;

/// The secret of the host's link, 128 bits. It is the database's, so that it can be given out again.
#[must_use]
pub fn host_token(key: &[u8; KEY_BYTES]) -> String {
    hex(&proof(key, b"the link of a class host"))
}

/// Half a hash over the key and a message whose length tells its kind: nothing can be appended, half of the state is hidden.
fn proof(key: &[u8; KEY_BYTES], message: &[u8]) -> [u8; PROOF_BYTES] {
    let hash = Sha256::new().chain_update(key).chain_update(message).finalize();
    let mut proof = [0; PROOF_BYTES];
    proof.copy_from_slice(&hash[..PROOF_BYTES]);
    proof
}

/// What is kept of a co-teacher's link.
pub(super) fn hash(token: &str) -> String {
    hex(&Sha256::digest(token))
}

/// A new link's secret.
pub(super) fn fresh() -> Result<String, getrandom::Error> {
    let mut bytes = [0; PROOF_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Classes {
    /// The secret for the cookie of whoever has this seat.
    pub(super) fn seat_token(&self, class: ClassId, seat: SeatId, epoch: u32) -> Result<String, getrandom::Error> {
        let mut message = [0; SEAT_BYTES];
        message[..8].copy_from_slice(&class.0.to_be_bytes());
        message[8..16].copy_from_slice(&seat.0.to_be_bytes());
        message[16..20].copy_from_slice(&epoch.to_be_bytes());
        getrandom::fill(&mut message[20..])?;
        Ok(hex(&message) + &hex(&proof(&self.key, &message)))
    }

    /// Who has this secret, as long as the seat is theirs. Another process may have let them in just now.
    ///
    /// # Errors
    /// The database failed, and it is not known whose the seat is.
    pub async fn member(&self, token: &str) -> Result<Option<Member>, Problem> {
        let Some((class, seat, epoch)) = self.read_seat_token(token) else { return Ok(None) };
        let member = self.seated(class, seat, epoch);
        if member.is_some() || self.untold.is_none() || self.gone.has_seat(seat, epoch) {
            return Ok(member);
        }
        unless_removed(self.catch_up(class).await)?;
        let member = self.seated(class, seat, epoch);
        if member.is_none() {
            self.gone.note_seat(seat, epoch);
        }
        Ok(member)
    }

    fn seated(&self, class: ClassId, seat: SeatId, epoch: u32) -> Option<Member> {
        self.room(class).ok()?.look(|class| {
            let seat = class.seats.get(&seat).filter(|seat| seat.epoch == epoch)?;
            Some(Member { class: class.id, seat: seat.id, visitor: seat.visitor, ended: class.ended.is_some(), epoch })
        })
    }

    /// What a seat's secret says, if it was made with this key.
    fn read_seat_token(&self, token: &str) -> Option<(ClassId, SeatId, u32)> {
        let mut bytes = [0; SEAT_BYTES + PROOF_BYTES];
        if token.len() != 2 * bytes.len() || !token.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&token[2 * at..2 * at + 2], 16).ok()?;
        }
        let (message, given) = bytes.split_first_chunk::<SEAT_BYTES>()?;
        // Every byte is looked at, so that the time it takes says nothing about them.
        let differing = proof(&self.key, message).iter().zip(given).fold(0, |all, (one, other)| all | (one ^ other));
        if differing != 0 {
            return None;
        }
        let number = |from: usize| message.get(from..from + 8)?.try_into().ok().map(i64::from_be_bytes);
        let (class, seat) = (ClassId(number(0)?), SeatId(number(8)?));
        let epoch = u32::from_be_bytes(message.get(16..20)?.try_into().ok()?);
        Some((class, seat, epoch))
    }
}
