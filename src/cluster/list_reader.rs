//! The JSON of a List taken apart while it arrives: each item as the server's bytes, and what
//! stands around them. Holds one item at a time.

/// No object is near this size (etcd's limit is 1.5 MiB), so a longer one is no answer to wait for.
const MEMBER_LIMIT: usize = 64 << 20;

/// Why an answer is not a List.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAList {
    /// The text is not the JSON of an object
    #[error("it is not the JSON of a List (byte {0})")]
    Malformed(u64),
    /// An object without items
    #[error("it has no items")]
    NoItems,
    /// It ends in the middle
    #[error("it ends in the middle")]
    Cut,
    /// An item or member beyond all reason
    #[error("one of its parts is larger than {} MiB", MEMBER_LIMIT >> 20)]
    TooLarge,
}

/// One step through a List.
#[derive(Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// The members before `items` are all there: see [`ListReader::members`]
    ItemsBegin,
    /// The bytes of one item
    Item(&'a [u8]),
}

/// Reads one List; feed it with [`ListReader::push`], then ask [`ListReader::finish`].
#[derive(Debug, Default)]
pub struct ListReader {
    place: Place,
    value: Value,
    /// The key or value that is being read
    held: Vec<u8>,
    key: String,
    members: Vec<(String, Vec<u8>)>,
    has_items: bool,
    taken: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    /// After `{` (the object may end) or after a comma (it may not)
    BeforeKey {
        may_end: bool,
    },
    Key,
    Colon,
    BeforeValue,
    Value,
    AfterValue,
    BeforeItem {
        may_end: bool,
    },
    Item,
    AfterItem,
    End,
}

/// How far a value has been read.
#[derive(Clone, Copy, Debug, Default)]
struct Value {
    depth: u32,
    in_string: bool,
    escape: bool,
    /// A number or a word: it ends where something else begins
    bare: bool,
}

impl Value {
    /// Takes bytes of the value; how many, and whether it is complete.
    fn take(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut at = 0;
        while at < bytes.len() {
            if self.escape {
                self.escape = false;
                at += 1;
                continue;
            }
            if self.in_string {
                let Some(run) = bytes[at..].iter().position(|b| matches!(b, b'"' | b'\\')) else {
                    return (bytes.len(), false);
                };
                at += run + 1;
                if bytes[at - 1] == b'\\' {
                    self.escape = true;
                    continue;
                }
                self.in_string = false;
                if self.depth == 0 {
                    return (at, true);
                }
                continue;
            }
            match bytes[at] {
                b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 => {
                    return (at, true);
                }
                b'"' if !self.bare => self.in_string = true,
                b'{' | b'[' if !self.bare => self.depth += 1,
                b'}' | b']' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return (at + 1, true);
                    }
                }
                _ => self.bare = self.depth == 0,
            }
            at += 1;
        }
        (at, false)
    }
}

impl ListReader {
    /// A reader before the first byte.
    pub fn new() -> Self {
        Self::default()
    }

    /// The members that stand around the items, as they were read so far: key and JSON.
    pub fn members(&self) -> &[(String, Vec<u8>)] {
        &self.members
    }

    /// Takes the next bytes, split anywhere, and tells `part` of what they complete.
    ///
    /// Errors: what `part` says, or a [`NotAList`].
    pub fn push<E: From<NotAList>>(
        &mut self,
        mut bytes: &[u8],
        mut part: impl FnMut(&Self, Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(&next) = bytes.first() {
            let taken = match self.place {
                Place::Key | Place::Value | Place::Item => {
                    let (taken, done) = self.value.take(bytes);
                    if self.held.len() + taken > MEMBER_LIMIT {
                        return Err(NotAList::TooLarge.into());
                    }
                    if done && self.place == Place::Item && self.held.is_empty() {
                        // The usual case: nothing is copied.
                        part(self, Part::Item(&bytes[..taken]))?;
                        self.place = Place::AfterItem;
                    } else {
                        self.held.extend_from_slice(&bytes[..taken]);
                        if done {
                            self.complete(&mut part)?;
                        }
                    }
                    taken
                }
                _ if matches!(next, b' ' | b'\t' | b'\n' | b'\r') => 1,
                _ => {
                    let (taken, begins) = self.structure(next)?;
                    if begins {
                        part(self, Part::ItemsBegin)?;
                    }
                    taken
                }
            };
            self.taken += taken as u64;
            bytes = &bytes[taken..];
        }
        Ok(())
    }

    /// To be called when the answer has ended.
    ///
    /// Errors: it ended too early, or there were no items in it.
    pub fn finish(&self) -> Result<(), NotAList> {
        match self.place {
            Place::End if self.has_items => Ok(()),
            Place::End => Err(NotAList::NoItems),
            _ => Err(NotAList::Cut),
        }
    }

    /// A byte between keys and values: how many bytes it takes (none where it starts a key or
    /// value), and whether the items begin.
    fn structure(&mut self, byte: u8) -> Result<(usize, bool), NotAList> {
        let (taken, place) = match (self.place, byte) {
            (Place::Start, b'{') => (1, Place::BeforeKey { may_end: true }),
            (Place::BeforeKey { .. }, b'"') => (0, Place::Key),
            (Place::BeforeKey { may_end: true } | Place::AfterValue, b'}') => (1, Place::End),
            (Place::Colon, b':') => (1, Place::BeforeValue),
            (Place::BeforeValue, b'[') if self.key == "items" && !self.has_items => {
                self.has_items = true;
                self.place = Place::BeforeItem { may_end: true };
                return Ok((1, true));
            }
            (Place::BeforeValue, byte) if begins_value(byte) => (0, Place::Value),
            (Place::AfterValue, b',') => (1, Place::BeforeKey { may_end: false }),
            (Place::BeforeItem { may_end: true } | Place::AfterItem, b']') => {
                (1, Place::AfterValue)
            }
            (Place::BeforeItem { .. }, byte) if begins_value(byte) => (0, Place::Item),
            (Place::AfterItem, b',') => (1, Place::BeforeItem { may_end: false }),
            _ => return Err(NotAList::Malformed(self.taken)),
        };
        if taken == 0 {
            self.value = Value::default();
            self.held.clear();
        }
        self.place = place;
        Ok((taken, false))
    }

    /// A key, value or item is whole in `held`.
    fn complete<E: From<NotAList>>(
        &mut self,
        part: &mut impl FnMut(&Self, Part<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let held = std::mem::take(&mut self.held);
        match self.place {
            Place::Key => {
                let key = serde_json::from_slice(&held);
                self.key = key.map_err(|_| NotAList::Malformed(self.taken))?;
                self.place = Place::Colon;
            }
            Place::Item => {
                part(self, Part::Item(&held))?;
                self.place = Place::AfterItem;
                // The room is kept for the next one.
                self.held = held;
                self.held.clear();
            }
            _ => {
                let key = std::mem::take(&mut self.key);
                if key == "items" && held == b"null" && !self.has_items {
                    // Go writes an empty list so where nobody made it.
                    self.has_items = true;
                    part(self, Part::ItemsBegin)?;
                } else {
                    self.members.push((key, held));
                }
                self.place = Place::AfterValue;
            }
        }
        Ok(())
    }
}

fn begins_value(byte: u8) -> bool {
    matches!(
        byte,
        b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the reader says of `text` when it comes in pieces of `size` bytes.
    fn read(text: &str, size: usize) -> Result<(Vec<String>, Vec<String>), NotAList> {
        let mut reader = ListReader::new();
        let mut items = Vec::new();
        for piece in text.as_bytes().chunks(size) {
            reader.push::<NotAList>(piece, |reader, part| {
                items.push(match part {
                    Part::ItemsBegin => format!("begin {}", reader.members().len()),
                    Part::Item(item) => String::from_utf8(item.to_vec()).unwrap(),
                });
                Ok(())
            })?;
        }
        reader.finish()?;
        let members = reader
            .members()
            .iter()
            .map(|(key, value)| format!("{key}={}", String::from_utf8_lossy(value)));
        Ok((items, members.collect()))
    }

    #[test]
    fn items_come_out_byte_for_byte_however_the_text_is_split() {
        let text = r#" {"kind":"L\u0069st", "metadata":{"continue":"a]}\"b"} ,"items":[ {"a":"]},{\\\""} ,
            {"b":[{},[1,-2e3]],"c":null},7,"s",true ] , "n":1.5,"e":{}}
"#;
        for size in 1..=text.len() {
            let (items, members) = read(text, size).unwrap();
            assert_eq!(
                items,
                [
                    "begin 2",
                    r#"{"a":"]},{\\\""}"#,
                    r#"{"b":[{},[1,-2e3]],"c":null}"#,
                    "7",
                    "\"s\"",
                    "true"
                ],
                "pieces of {size}"
            );
            assert_eq!(
                members,
                [
                    r#"kind="L\u0069st""#,
                    r#"metadata={"continue":"a]}\"b"}"#,
                    "n=1.5",
                    "e={}"
                ]
            );
        }
    }

    #[test]
    fn items_may_be_empty_or_null_or_come_first() {
        for (text, members) in [
            (r#"{"items":[],"kind":"L"}"#, 1),
            (r#"{"kind":"L","items":null}"#, 1),
            (r#"{"items":[ ]}"#, 0),
        ] {
            let (items, found) = read(text, 3).unwrap();
            assert_eq!((items.len(), found.len()), (1, members), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_told_apart() {
        use NotAList::{Cut, Malformed, NoItems};
        for (text, wanted) in [
            (r#"{"kind":"Pod"}"#, NoItems),
            (r#"{"items":{}}"#, NoItems),
            ("{}", NoItems),
            ("ok", Malformed(0)),
            ("[1]", Malformed(0)),
            (r#"{"items":[,]}"#, Malformed(10)),
            (r#"{"items":[{},]}"#, Malformed(13)),
            (r#"{"items":[{}]"#, Cut),
            (r#"{"items":[{"a":"b"#, Cut),
            (r#"{"items":[{}]}}"#, Malformed(14)),
            (r#"{"a"x"#, Malformed(4)),
            ("", Cut),
        ] {
            for size in [1, 100] {
                assert_eq!(read(text, size), Err(wanted.clone()), "{text}");
            }
        }
    }

    #[test]
    fn deep_nesting_takes_no_memory() {
        let deep = format!(
            "{{\"items\":[{}{}]}}",
            "[".repeat(200_000),
            "]".repeat(200_000)
        );
        assert_eq!(read(&deep, 4096).unwrap().0.len(), 2);
    }
}
