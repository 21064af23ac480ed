//! Random UUIDs: uids of objects, and names that nobody else has.

/// A new one, of version 4.
pub(super) fn random() -> String {
    let mut bytes = [0u8; 16];
    // Without randomness nothing here would be safe: names, tokens, certificates.
    if getrandom::fill(&mut bytes).is_err() {
        std::process::abort();
    }
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut uid = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            uid.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            uid.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    uid
}
