//! Where an answer's bytes go: unchanged into a pipe, or laid out on a terminal.

use std::io::{self, Write};

use crate::output::Printer;
use crate::output::json_stream::JsonStream;

/// Pieces smaller than this are put together before they are written.
const CHUNK: usize = 64 * 1024;
/// So much is shown on a terminal: some ten thousand lines, which a slow one draws in a second.
const SCREEN: usize = 2 << 20;
/// kubectl's indentation of JSON.
const INDENT: usize = 4;
/// The layout works in memory; it gets no more than this at a time.
const PUSH: usize = 16 * 1024;

/// How an answer is to be shown on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One JSON document
    Json,
    /// Text of any kind
    Text,
    /// JSON documents line by line, for as long as the server likes
    JsonLines,
    /// Lines of text, for as long as the server likes
    TextLines,
}

impl Kind {
    /// Whether there is no end to wait for, so that what comes next is worth more than what was.
    pub(super) fn is_endless(self) -> bool {
        matches!(self, Kind::JsonLines | Kind::TextLines)
    }

    fn layout(self, printer: Printer) -> JsonStream {
        match self {
            Kind::Json | Kind::JsonLines => JsonStream::new(INDENT, printer.stdout_is_colored()),
            Kind::Text | Kind::TextLines => JsonStream::of_text(),
        }
    }
}

/// Takes an answer's bytes.
pub(super) enum Sink {
    Pipe(Pipe),
    Screen(Box<Screen>),
}

impl Sink {
    /// What suits stdout.
    pub(super) fn new(printer: Printer, kind: Kind) -> Self {
        if printer.stdout_is_terminal() {
            Sink::Screen(Box::new(Screen::new(printer, kind)))
        } else {
            Sink::Pipe(Pipe {
                printer,
                held: Vec::with_capacity(CHUNK),
            })
        }
    }

    /// Takes bytes, and writes them now or soon.
    ///
    /// Errors: what writing to stdout says.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Sink::Pipe(pipe) => pipe.push(bytes),
            Sink::Screen(screen) => screen.push(bytes),
        }
    }

    /// Writes what was taken: nothing more is there for the moment.
    ///
    /// Errors: what writing to stdout says.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Sink::Pipe(pipe) => pipe.flush(),
            Sink::Screen(_) => Ok(()),
        }
    }

    /// Nothing has come for a while: what comes next is seen anew.
    ///
    /// Errors: what writing to stdout says.
    pub(super) fn rest(&mut self) -> io::Result<()> {
        match self {
            Sink::Pipe(pipe) => pipe.flush(),
            Sink::Screen(screen) => screen.rest(),
        }
    }

    /// Ends the answer, also where it broke off.
    ///
    /// Errors: what writing to stdout says.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Sink::Pipe(pipe) => pipe.flush(),
            Sink::Screen(screen) => screen.finish(),
        }
    }

    /// Whether nothing more will be shown of what is left of the answer.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Sink::Pipe(_) => false,
            Sink::Screen(screen) => screen.is_full(),
        }
    }

    /// Bytes that were taken and not shown.
    pub(super) fn left_out(&self) -> u64 {
        match self {
            Sink::Pipe(_) => 0,
            Sink::Screen(screen) => screen.left_out,
        }
    }
}

/// The server's bytes, written in large pieces.
pub(super) struct Pipe {
    printer: Printer,
    held: Vec<u8>,
}

impl Pipe {
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.held.len() + bytes.len() > CHUNK {
            self.flush()?;
        }
        if bytes.len() >= CHUNK {
            return self.printer.bytes(bytes);
        }
        self.held.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let written = self.printer.bytes(&self.held);
        self.held.clear();
        written
    }
}

/// A terminal: laid out, harmless, and no more at a time than a person can take in.
pub(super) struct Screen {
    printer: Printer,
    kind: Kind,
    layout: JsonStream,
    /// What may still be written before it is too much
    room: usize,
    cut: bool,
    left_out: u64,
    /// Whether the last byte taken was the end of a line
    at_line_start: bool,
    /// After a cut in an endless answer: the rest of the line that was cut is left out too
    to_line_end: bool,
}

impl Screen {
    fn new(printer: Printer, kind: Kind) -> Self {
        Screen {
            printer,
            kind,
            layout: kind.layout(printer),
            room: SCREEN,
            cut: false,
            left_out: 0,
            at_line_start: true,
            to_line_end: false,
        }
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut bytes = bytes;
        if self.to_line_end && !self.cut {
            let end = bytes.iter().position(|b| *b == b'\n');
            let skipped = end.map_or(bytes.len(), |end| end + 1);
            self.left_out += skipped as u64;
            self.to_line_end = end.is_none();
            bytes = &bytes[skipped..];
        }
        for piece in bytes.chunks(PUSH) {
            if self.cut {
                self.left_out += piece.len() as u64;
            } else {
                let mut to = Limited {
                    printer: self.printer,
                    room: &mut self.room,
                };
                self.layout.push(piece, &mut to)?;
                if self.room == 0 {
                    self.cut = true;
                    self.end_layout()?;
                }
            }
            self.at_line_start = piece.ends_with(b"\n");
        }
        Ok(())
    }

    fn rest(&mut self) -> io::Result<()> {
        if self.cut {
            self.tell();
            self.cut = false;
            self.to_line_end = !self.at_line_start;
        }
        self.room = SCREEN;
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.cut { Ok(()) } else { self.end_layout() }
    }

    /// Ends the line and the colours, and is ready for another beginning.
    fn end_layout(&mut self) -> io::Result<()> {
        let mut layout = std::mem::replace(&mut self.layout, self.kind.layout(self.printer));
        let mut room = usize::MAX;
        layout.finish(&mut Limited {
            printer: self.printer,
            room: &mut room,
        })
    }

    fn is_full(&self) -> bool {
        self.cut && !self.kind.is_endless()
    }

    /// Says how much of an endless answer was left out.
    fn tell(&mut self) {
        let left_out = std::mem::take(&mut self.left_out);
        self.printer.note(&format!(
            "… {} came too fast for a screen and are not shown; in a pipe (| less, > file) all is.",
            size(left_out)
        ));
    }
}

/// Writes to stdout until there is no room, then pretends to.
struct Limited<'a> {
    printer: Printer,
    room: &'a mut usize,
}

impl Write for Limited<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if *self.room > 0 {
            // Pieces are whole characters and colours: they are not cut.
            self.printer.bytes(bytes)?;
            *self.room = self.room.saturating_sub(bytes.len());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A number of bytes for a person.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(31 << 20), "31.0 MiB");
    }
}
