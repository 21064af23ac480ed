//! Text on a terminal that is drawn anew where it stands.

use std::fmt::Write;
use std::io;

use super::{Printer, width};

/// What stands on the terminal and can be replaced. Use only where stdout is a terminal.
#[derive(Debug, Default)]
pub struct Redraw {
    text: String,
    rows: usize,
    size: Option<(usize, usize)>,
}

impl Redraw {
    /// Nothing drawn yet.
    pub fn new() -> Self {
        Redraw::default()
    }

    /// Puts `text` (whole lines) in place of what was drawn before, as far as the terminal is high
    /// enough. The same text on a terminal of the same size is left as it stands.
    ///
    /// Errors: what writing to stdout says.
    pub fn draw(&mut self, printer: Printer, text: &str) -> io::Result<()> {
        let size =
            terminal_size::terminal_size().map(|(w, h)| (usize::from(w.0), usize::from(h.0)));
        if self.text == text && self.size == size {
            return Ok(());
        }
        let (frame, rows) = frame(text, size);
        let back = match self.size == size {
            true if self.rows == 0 => String::new(),
            true => format!("\x1b[{}A\r\x1b[J", self.rows),
            // A terminal that has changed its width has wrapped the old lines in its own way.
            false if self.rows > 0 => "\x1b[2J\x1b[H".to_owned(),
            false => String::new(),
        };
        printer.data(&format!("{back}{frame}"))?;
        self.text = text.to_owned();
        self.rows = rows;
        self.size = size;
        Ok(())
    }
}

/// As many lines as fit, and the rows that they take.
fn frame(text: &str, size: Option<(usize, usize)>) -> (String, usize) {
    let rows_of = |line: &str| match size {
        Some((columns, _)) if columns > 0 => visible(line).div_ceil(columns).max(1),
        _ => 1,
    };
    let all: usize = text.lines().map(rows_of).sum();
    let Some((_, height)) = size.filter(|(_, height)| *height > 2 && all >= *height) else {
        return (text.to_owned(), all);
    };
    // One row for what is said below, one for the cursor.
    let room = height - 2;
    let (mut shown, mut rows, mut left) = (String::new(), 0, 0);
    for line in text.lines() {
        let takes = rows_of(line);
        if left > 0 || rows + takes > room {
            left += 1;
        } else {
            rows += takes;
            shown.push_str(line);
            shown.push('\n');
        }
    }
    let _ = writeln!(shown, "… {left} more lines");
    (shown, rows + 1)
}

/// Columns that a line takes, without the colours in it.
fn visible(line: &str) -> usize {
    let mut pieces = line.split('\x1b');
    let first = width::of(pieces.next().unwrap_or_default());
    let rest = pieces.map(|piece| width::of(piece.split_once('m').map_or("", |(_, text)| text)));
    first + rest.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_fits_the_terminal() {
        let text = "one\n\x1b[31mtwo\x1b[0m\nthree\n";
        assert_eq!(frame(text, None), (text.to_owned(), 3));
        assert_eq!(frame(text, Some((10, 4))), (text.to_owned(), 3));
        let cut = "one\n… 2 more lines\n".to_owned();
        assert_eq!(frame(text, Some((10, 3))), (cut, 2));
        // A line that wraps takes two rows.
        assert_eq!(frame(text, Some((4, 9))), (text.to_owned(), 4));
    }

    #[test]
    fn colours_take_no_room() {
        assert_eq!(visible("\x1b[31mtwo\x1b[0m 大"), 6);
    }
}
