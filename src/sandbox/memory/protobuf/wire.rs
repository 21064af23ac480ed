//! The wire format: tags, numbers and lengths, read as Go's generated code reads them.

/// What stands before a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) number: u32,
    pub(super) wire: u8,
    /// Where it begins
    at: usize,
}

/// A number of variable length
pub(super) const VARINT: u8 = 0;
/// Eight bytes
pub(super) const FIXED64: u8 = 1;
/// A length and as many bytes: text, messages, packed numbers
pub(super) const BYTES: u8 = 2;
const GROUP: u8 = 3;
const GROUP_END: u8 = 4;
const FIXED32: u8 = 5;

const CUT: &str = "unexpected EOF";

/// Reads one message from the front.
pub(super) struct Reader<'a> {
    body: &'a [u8],
    at: usize,
    /// The Go type, for sentences
    message: &'a str,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: &'a [u8], message: &'a str) -> Self {
        Reader {
            body,
            at: 0,
            message,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at >= self.body.len()
    }

    /// The next tag; `None` at the end. Its value is to be read next.
    pub(super) fn tag(&mut self) -> Result<Option<Tag>, String> {
        if self.is_empty() {
            return Ok(None);
        }
        let at = self.at;
        let tag = self.varint()?;
        // As in Go, what is beyond 32 bits is cut off.
        #[expect(clippy::cast_possible_truncation)]
        let (number, wire) = ((tag >> 3) as i32, (tag & 7) as u8);
        if wire == GROUP_END {
            let message = self.message;
            return Err(format!(
                "proto: {message}: wiretype end group for non-group"
            ));
        }
        match u32::try_from(number) {
            Ok(number) if number > 0 => Ok(Some(Tag { number, wire, at })),
            // Go writes all of the tag where it says wire type.
            _ => Err(format!(
                "proto: {}: illegal tag {number} (wire type {tag})",
                self.message
            )),
        }
    }

    /// A number without a tag.
    pub(super) fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.body.get(self.at).ok_or(CUT)?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("proto: integer overflow".to_owned())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let end = self.at.checked_add(length).ok_or(CUT)?;
        let taken = self.body.get(self.at..end).ok_or(CUT)?;
        self.at = end;
        Ok(taken)
    }

    fn counted(&mut self) -> Result<&'a [u8], String> {
        let length = self.varint()?;
        if length > i64::MAX as u64 {
            return Err("proto: negative length found during unmarshaling".to_owned());
        }
        self.take(usize::try_from(length).map_err(|_| CUT)?)
    }

    /// The value of a tag that is to be a number.
    pub(super) fn number(&mut self, tag: Tag, field: impl Fn() -> String) -> Result<u64, String> {
        tag.expect(VARINT, field)?;
        self.varint()
    }

    /// The value of a tag that is to be bytes.
    pub(super) fn bytes(
        &mut self,
        tag: Tag,
        field: impl Fn() -> String,
    ) -> Result<&'a [u8], String> {
        tag.expect(BYTES, field)?;
        self.counted()
    }

    /// The value of a tag that is to be text. Go takes any bytes for text, and writes those that are
    /// no UTF-8 as U+FFFD.
    pub(super) fn text(&mut self, tag: Tag, field: impl Fn() -> String) -> Result<String, String> {
        let bytes = self.bytes(tag, field)?;
        Ok(String::from_utf8_lossy(bytes).into_owned())
    }

    /// The value of a tag that is to be a float.
    pub(super) fn float(&mut self, tag: Tag, field: impl Fn() -> String) -> Result<f64, String> {
        tag.expect(FIXED64, field)?;
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8)?);
        Ok(f64::from_le_bytes(bytes))
    }

    /// Passes over the value of a tag that nobody knows.
    pub(super) fn skip(&mut self, tag: Tag) -> Result<(), String> {
        self.at = tag.at;
        let mut depth = 0_usize;
        loop {
            // Within a group the numbers of tags do not matter, not even those that cannot be.
            if self.is_empty() {
                return Err(CUT.to_owned());
            }
            let wire = (self.varint()? & 7) as u8;
            match wire {
                VARINT => drop(self.varint()?),
                FIXED64 => drop(self.take(8)?),
                BYTES => drop(self.counted()?),
                GROUP => depth += 1,
                GROUP_END if depth == 0 => {
                    return Err("proto: unexpected end of group".to_owned());
                }
                GROUP_END => depth -= 1,
                FIXED32 => drop(self.take(4)?),
                _ => return Err(format!("proto: illegal wireType {wire}")),
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }
}

impl Tag {
    fn expect(self, wire: u8, field: impl Fn() -> String) -> Result<(), String> {
        if self.wire == wire {
            return Ok(());
        }
        let (wire, field) = (self.wire, field());
        Err(format!("proto: wrong wireType = {wire} for field {field}"))
    }
}
