//! Visitors' secrets: each proves by itself that this workbench made it, and says whose it is. So somebody who opens a page
//! costs nothing that would have to be kept, however often they come without a cookie.

use sha2::{Digest as _, Sha256};

use crate::store::{KEY_BYTES, VisitorId};

/// Random bytes in a secret.
const RANDOM_BYTES: usize = 16;
/// Bytes of the proof that follows.
const PROOF_BYTES: usize = 16;
/// Set in every number that is made here: an older database numbered its visitors from 1.
const MADE_HERE: u64 = 1 << 62;

/// What makes secrets.
#[derive(Clone)]
pub(super) struct Mint {
    key: [u8; KEY_BYTES],
}

impl std::fmt::Debug for Mint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mint")
    }
}

impl Mint {
    pub(super) fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self { key: *key }
    }

    /// A new visitor's secret.
    pub(super) fn make(&self) -> Result<(VisitorId, String), getrandom::Error> {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random)?;
        let secret = random.iter().chain(&self.proof(&random)).map(|byte| format!("{byte:02x}")).collect();
        Ok((number(&random), secret))
    }

    /// Whose secret this is, if it was made here.
    pub(super) fn read(&self, secret: &str) -> Option<VisitorId> {
        let mut bytes = [0; RANDOM_BYTES + PROOF_BYTES];
        if secret.len() != 2 * bytes.len() || !secret.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&secret[2 * at..2 * at + 2], 16).ok()?;
        }
        let (random, proof) = bytes.split_first_chunk::<RANDOM_BYTES>()?;
        // Every byte is looked at, so that the time it takes says nothing about them.
        let differing = self.proof(random).iter().zip(proof).fold(0, |all, (one, other)| all | (one ^ other));
        (differing == 0).then(|| number(random))
    }

    /// Half a hash over the key and a message of fixed length: nothing can be appended, and half of the state is hidden.
    fn proof(&self, random: &[u8; RANDOM_BYTES]) -> [u8; PROOF_BYTES] {
        let hash = Sha256::new().chain_update(self.key).chain_update(random).finalize();
        let mut proof = [0; PROOF_BYTES];
        proof.copy_from_slice(&hash[..PROOF_BYTES]);
        proof
    }
}

/// The number of whoever has these bytes. It is in the database, and does not lead back to them.
fn number(random: &[u8; RANDOM_BYTES]) -> VisitorId {
    let hash = Sha256::new().chain_update(b"visitor").chain_update(random).finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash[..8]);
    VisitorId(((u64::from_le_bytes(bytes) >> 2) | MADE_HERE).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_secret_is_known_by_the_key_that_made_it_and_by_no_other() {
        let mint = Mint::new(&[7; KEY_BYTES]);
        let (id, secret) = mint.make().unwrap();
        assert_eq!(Mint::new(&[7; KEY_BYTES]).read(&secret), Some(id), "a restart changes nothing");
        assert_eq!(Mint::new(&[8; KEY_BYTES]).read(&secret), None);
        assert!(id.0 >= MADE_HERE.cast_signed());
        let other = mint.make().unwrap();
        assert!(other.0 != id && other.1 != secret);
    }

    proptest! {
        #[test]
        fn whatever_comes_as_a_secret_is_read_and_not_believed(text in "[0-9a-f]{64}|.{0,80}|[0-9a-f+é]{60,66}") {
            prop_assert_eq!(Mint::new(&[7; KEY_BYTES]).read(&text), None);
        }

        #[test]
        fn a_changed_digit_is_noticed(at in 0usize..64, other in "[0-9a-f]") {
            let mint = Mint::new(&[7; KEY_BYTES]);
            let (_, mut secret) = mint.make().unwrap();
            prop_assume!(secret[at..=at] != other);
            secret.replace_range(at..=at, &other);
            prop_assert_eq!(mint.read(&secret), None);
        }
    }
}
