//! Numbers as they were written.

use super::{Notes, Reader};

/// A step from a value into it.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Step<'a> {
    /// To a key
    Key(&'a str),
    /// To an item
    Index(usize),
}

/// The text of the number at that path of JSON that was read before.
pub(in super::super) fn literal<'a>(body: &'a [u8], path: &[Step<'_>]) -> Option<&'a str> {
    let mut notes = Notes::default();
    let mut reader = Reader::new(body, &mut notes);
    reader.skip_space();
    for step in path {
        reader.enter(*step)?;
    }
    let start = reader.at;
    reader.skip()?;
    std::str::from_utf8(&body[start..reader.at]).ok()
}

impl Reader<'_, '_> {
    /// Goes into the value that stands here; the last of equal keys counts.
    fn enter(&mut self, step: Step<'_>) -> Option<()> {
        let found = match (step, self.peek()?) {
            (Step::Key(wanted), b'{') => {
                self.at += 1;
                let mut found = None;
                self.skip_space();
                while self.peek()? != b'}' {
                    let key = self.key().ok()?;
                    if key == wanted {
                        found = Some(self.at);
                    }
                    self.skip_with_comma()?;
                }
                found?
            }
            (Step::Index(wanted), b'[') => {
                self.at += 1;
                self.skip_space();
                for _ in 0..wanted {
                    self.skip_with_comma()?;
                }
                self.at
            }
            _ => return None,
        };
        self.at = found;
        Some(())
    }

    fn skip_with_comma(&mut self) -> Option<()> {
        self.skip()?;
        self.skip_space();
        if self.peek()? == b',' {
            self.at += 1;
            self.skip_space();
        }
        Some(())
    }

    /// Passes over a value, whose syntax is known to be right.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => self.skip_text()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth > 0 => self.at += 1,
                b',' => return None,
                _ => self.skip_word(),
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn skip_text(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
    }

    /// A number, or a word such as `true`.
    fn skip_word(&mut self) {
        self.at += 1;
        while matches!(self.peek(), Some(byte) if byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            self.at += 1;
        }
    }
}
