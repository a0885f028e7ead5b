//! The session tokens of one node: who may read, until when.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Mutex;
use std::time::Duration;

use crate::clock::{self, Instant};
use crate::lock;

/// Tokens that are remembered; when full, those that have expired go first, then all.
const MAX_TOKENS: usize = 10_000;

/// Letters of a token; 44 of them, as base64 of 32 bytes would be.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const LENGTH: u64 = 43;

/// The longest life of a token in seconds (EC2 user guide): six hours.
const MAX_TTL: u64 = 21_600;

#[derive(Debug, Default)]
pub(super) struct Tokens {
    valid: Mutex<HashMap<String, Instant>>,
}

impl Tokens {
    /// A new token for the TTL as the header gives it; `None` when that is not 1 to 21600.
    pub(super) fn issue(&self, ttl: &str) -> Option<(String, u64)> {
        let seconds = ttl.trim().parse::<u64>().ok().filter(|seconds| (1..=MAX_TTL).contains(seconds))?;
        let token = random_word();
        let now = clock::now();
        let mut valid = lock(&self.valid);
        if valid.len() >= MAX_TOKENS {
            valid.retain(|_, end| *end > now);
        }
        if valid.len() >= MAX_TOKENS {
            valid.clear();
        }
        valid.insert(token.clone(), now + Duration::from_secs(seconds));
        Some((token, seconds))
    }

    pub(super) fn allows(&self, token: &str) -> bool {
        lock(&self.valid).get(token).is_some_and(|end| *end > clock::now())
    }

    pub(super) fn void_all(&self) {
        lock(&self.valid).clear();
    }
}

/// Unpredictable enough for a lab, without a crate for it: the standard library's hash keys are random.
fn random_word() -> String {
    let random = RandomState::new();
    let letter = |position: u64| {
        let index = random.hash_one(position) % 64;
        usize::try_from(index).ok().and_then(|index| LETTERS.get(index)).map_or('A', |letter| char::from(*letter))
    };
    (0..LENGTH).map(letter).chain(['=']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_ttl_of_one_second_to_six_hours_gives_a_token() {
        let tokens = Tokens::default();
        for bad in ["0", "21601", "-1", "", "ten", "1.5"] {
            assert_eq!(tokens.issue(bad), None, "{bad}");
        }
        let (token, ttl) = tokens.issue("21600").expect("six hours are allowed");
        assert_eq!((token.len(), ttl), (44, 21_600));
        assert!(tokens.allows(&token));
        assert!(!tokens.allows("guessed"));
        tokens.void_all();
        assert!(!tokens.allows(&token));
    }

    #[tokio::test]
    async fn a_token_ends_with_its_ttl() {
        let tokens = Tokens::default();
        let (token, _) = tokens.issue("1").expect("a second is allowed");
        assert!(tokens.allows(&token));
        assert!(clock::eventually(Duration::from_secs(5), || !tokens.allows(&token)).await);
    }
}
