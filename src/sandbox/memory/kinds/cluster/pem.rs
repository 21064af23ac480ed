//! PEM, as far as certificates and requests for them are looked at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The blocks of a text: their types, and whether there are headers.
struct Block {
    type_: String,
    has_headers: bool,
    bytes: Vec<u8>,
}

/// Checks a request for a certificate, in base64 as JSON holds it.
///
/// # Errors
///
/// The real server's words where no request is found; other words where what is found is none.
pub(super) fn check_request(base64: &str) -> Result<(), String> {
    let blocks = blocks(base64);
    let Some(block) = blocks
        .first()
        .filter(|block| block.type_ == "CERTIFICATE REQUEST")
    else {
        return Err("PEM block type must be CERTIFICATE REQUEST".to_owned());
    };
    check_sequence(&block.bytes)
}

/// Checks certificates that were issued, in base64 as JSON holds them; none are fine.
///
/// # Errors
///
/// As of [`check_request`].
pub(super) fn check_certificates(base64: &str) -> Result<(), String> {
    if base64.is_empty() {
        return Ok(());
    }
    let blocks = blocks(base64);
    if blocks.is_empty() {
        return Err("must contain at least one CERTIFICATE PEM block".to_owned());
    }
    for block in blocks {
        if block.type_ != "CERTIFICATE" {
            let found = block.type_;
            return Err(format!(
                "only CERTIFICATE PEM blocks are allowed, found {found:?}"
            ));
        }
        if block.has_headers {
            return Err("no PEM block headers are permitted".to_owned());
        }
        if check_sequence(&block.bytes).is_err() {
            return Err("x509: malformed certificate".to_owned());
        }
    }
    Ok(())
}

fn blocks(base64: &str) -> Vec<Block> {
    let Ok(text) = STANDARD.decode(base64) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&text);
    let mut blocks = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let begin = line
            .strip_prefix("-----BEGIN ")
            .and_then(|line| line.strip_suffix("-----"));
        let Some(type_) = begin else {
            continue;
        };
        let end = format!("-----END {type_}-----");
        let mut body = String::new();
        let mut has_headers = false;
        let mut is_closed = false;
        for line in lines.by_ref() {
            if line == end {
                is_closed = true;
                break;
            }
            if line.contains(": ") {
                has_headers = true;
            } else {
                body.push_str(line);
            }
        }
        if let (true, Ok(bytes)) = (is_closed, STANDARD.decode(&body)) {
            blocks.push(Block {
                type_: type_.to_owned(),
                has_headers,
                bytes,
            });
        }
    }
    blocks
}

/// Whether bytes are one ASN.1 SEQUENCE, by its head; Go's words where they are not.
fn check_sequence(bytes: &[u8]) -> Result<(), String> {
    let syntax = |why: &str| Err(format!("asn1: syntax error: {why}"));
    let [tag, length, rest @ ..] = bytes else {
        return syntax("sequence truncated");
    };
    let count = usize::from(length & 0x7f);
    let (length, rest) = match *length {
        length if length < 0x80 => (usize::from(length), rest),
        0x80 => return syntax("indefinite length found (not DER)"),
        _ if count > 4 => return Err("asn1: structure error: length too large".to_owned()),
        _ if rest.len() < count => return syntax("truncated tag or length"),
        _ => {
            let (digits, rest) = rest.split_at(count);
            (
                digits
                    .iter()
                    .fold(0, |length, digit| (length << 8) | usize::from(*digit)),
                rest,
            )
        }
    };
    if *tag != 0x30 {
        let (class, number, is_compound) = (tag >> 6, tag & 0x1f, tag & 0x20 != 0);
        return Err(format!(
            "asn1: structure error: tags don't match (16 vs {{class:{class} tag:{number} \
             length:{length} isCompound:{is_compound}}}) {{optional:false explicit:false \
             application:false private:false defaultValue:<nil> tag:<nil> stringType:0 timeType:0 \
             set:false omitEmpty:false}} certificateRequest @2"
        ));
    }
    match rest.len() {
        found if found < length => syntax("data truncated"),
        found if found > length => syntax("trailing data"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_told_apart() {
        let pem = |type_: &str, body: &[u8]| {
            let body = STANDARD.encode(body);
            STANDARD.encode(format!(
                "-----BEGIN {type_}-----\n{body}\n-----END {type_}-----\n"
            ))
        };
        let error = |result: Result<(), String>| result.err().unwrap_or_default();
        let fine = [0x30, 2, 5, 0];
        assert_eq!(check_request(&pem("CERTIFICATE REQUEST", &fine)), Ok(()));
        assert_eq!(check_certificates(&pem("CERTIFICATE", &fine)), Ok(()));
        assert_eq!(
            error(check_request(&pem("CERTIFICATE", &fine))),
            "PEM block type must be CERTIFICATE REQUEST"
        );
        assert_eq!(
            error(check_certificates(&pem("KEY", &fine))),
            "only CERTIFICATE PEM blocks are allowed, found \"KEY\""
        );
        assert_eq!(
            error(check_certificates("YQ==")),
            "must contain at least one CERTIFICATE PEM block"
        );
        assert_eq!(
            error(check_certificates(&pem("CERTIFICATE", &[0x30, 3, 5, 0]))),
            "x509: malformed certificate"
        );
    }
}
