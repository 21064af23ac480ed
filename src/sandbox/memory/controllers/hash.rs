//! Hashes that become part of names and labels.

use serde::Serialize;

/// No vowels, so that no words arise (`k8s.io/apimachinery/pkg/util/rand`).
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// A hash of an object's content, in the alphabet of generated names.
///
/// Kubernetes hashes a dump of its Go structures; this hashes their JSON, with the same function.
/// Values differ from a real server's, which no client can tell, as they are opaque.
pub(super) fn hash(content: &impl Serialize, collisions: Option<i32>) -> String {
    let mut state = Fnv32a::new();
    // Types of k8s-openapi are always written.
    state.add(&serde_json::to_vec(content).unwrap_or_default());
    if let Some(collisions) = collisions {
        state.add(&collisions.to_le_bytes());
    }
    encode(state.0)
}

/// A hash in the letters of names.
pub(super) fn encode(hash: u32) -> String {
    let digits = hash.to_string();
    let letter = |digit: u8| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()]);
    digits.bytes().map(letter).collect()
}

/// FNV-1a of 32 bits.
pub(super) struct Fnv32a(pub(super) u32);

impl Fnv32a {
    pub(super) fn new() -> Self {
        Fnv32a(0x811c_9dc5)
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
    }
}

/// FNV-1 of 32 bits.
pub(super) struct Fnv32(pub(super) u32);

impl Fnv32 {
    pub(super) fn new() -> Self {
        Fnv32(0x811c_9dc5)
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(0x0100_0193) ^ u32::from(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_fnv_1a() {
        let mut state = Fnv32a::new();
        state.add(b"foobar");
        assert_eq!(state.0, 0xbf9c_f968);
    }

    #[test]
    fn digits_become_letters_as_in_kubernetes() {
        // '0' is 48, and 48 % 27 is 21.
        assert_eq!(encode(0), "4");
        assert_eq!(encode(1_234_567_890), "56789bcdf4");
    }

    #[test]
    fn collisions_change_the_hash() {
        assert_ne!(hash(&"a", None), hash(&"a", Some(1)));
        assert_ne!(hash(&"a", Some(2)), hash(&"a", Some(1)));
        assert_eq!(hash(&"a", Some(2)), hash(&"a", Some(2)));
    }
}
