//! A table on a terminal that is too narrow for it: what stays, how wide it is, and the drawing.

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ColumnConstraint, ContentArrangement, Row, Table, Width,
    presets,
};

use super::table::{Line, PADDING};
use super::{Paint, width};

/// Narrower than this a column says nothing.
const FLOOR: usize = 6;

/// What a column wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Columns of its widest cell.
    pub(super) natural: usize,
    /// What it can be cut to before others suffer.
    pub(super) least: usize,
    /// Columns of its heading.
    pub(super) heading: usize,
    /// The highest goes first; 0 stays as long as it can.
    pub(super) priority: u8,
}

/// Whether columns of these widths fit side by side.
pub(super) fn fits(widths: &[usize], limit: usize) -> bool {
    widths.iter().sum::<usize>() <= budget(widths.len(), limit)
}

/// Which columns stay, and their widths. When `all` must stay, the widths may exceed the limit.
pub(super) fn fit(shapes: &[Shape], limit: usize, all: bool) -> (Vec<usize>, Vec<usize>) {
    // From what everybody would like to what still says something.
    let stages: [fn(&Shape) -> usize; 4] = [
        |shape| shape.natural,
        |shape| shape.least,
        |shape| shape.least.min(shape.heading.max(FLOOR)),
        |shape| shape.least.min(FLOOR),
    ];
    let sizes = |kept: &[usize], stage: usize| -> Vec<usize> {
        kept.iter().map(|at| stages[stage](&shapes[*at])).collect()
    };
    let mut kept: Vec<usize> = (0..shapes.len()).collect();
    while !all && !fits(&sizes(&kept, 1), limit) {
        let droppable = kept
            .iter()
            .enumerate()
            .filter(|(_, at)| shapes[**at].priority > 0);
        let Some((at, _)) = droppable.max_by_key(|(_, at)| shapes[**at].priority) else {
            break;
        };
        kept.remove(at);
    }
    while !all && kept.len() > 1 && !fits(&sizes(&kept, 3), limit) {
        kept.pop();
    }
    let lower = (1..3)
        .find(|stage| fits(&sizes(&kept, *stage), limit))
        .unwrap_or(3);
    let budget = budget(kept.len(), limit);
    let widths = share(&sizes(&kept, lower), &sizes(&kept, lower - 1), budget);
    (kept, widths)
}

/// The terminal's columns without the padding.
fn budget(columns: usize, limit: usize) -> usize {
    limit.saturating_sub(columns.saturating_sub(1) * PADDING)
}

/// Widths between `least` and `most` that use up the budget: the widest are cut, to one level.
fn share(least: &[usize], most: &[usize], budget: usize) -> Vec<usize> {
    let at_level = |level: usize| -> Vec<usize> {
        least
            .iter()
            .zip(most)
            .map(|(least, most)| level.clamp(*least, *most))
            .collect()
    };
    let top = most.iter().copied().max().unwrap_or(0).min(budget);
    let level = (0..=top)
        .rev()
        .find(|level| at_level(*level).iter().sum::<usize>() <= budget);
    let mut widths = at_level(level.unwrap_or(0));
    let mut spare = budget.saturating_sub(widths.iter().sum());
    for (width, most) in widths.iter_mut().zip(most) {
        if spare > 0 && *width < *most {
            *width += 1;
            spare -= 1;
        }
    }
    widths
}

/// Draws lines in columns of these widths; what does not fit is cut with `…`, or wraps.
pub(super) fn draw(
    lines: Vec<Line<'_>>,
    widths: &[usize],
    right: &[bool],
    cut: bool,
    color: bool,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    // The caller has looked at the terminal; trailing space must stay unpainted to be trimmed.
    table.force_no_tty().style_text_only();
    if color {
        table.enforce_styling();
        // `NO_COLOR` has been looked at already: `--color always` overrules it.
        crossterm::style::force_color_output(true);
    }
    for line in lines {
        let cells = line
            .into_iter()
            .zip(widths)
            .map(|((text, role), width)| match cut {
                true => cell(width::cut(&text, *width), role),
                false => cell(text, role),
            });
        table.add_row(Row::from(cells.collect::<Vec<_>>()));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        let gap = if at + 1 == widths.len() { 0 } else { PADDING };
        let width = u16::try_from(widths[at] + gap).unwrap_or(u16::MAX);
        column.set_padding((0, u16::try_from(gap).unwrap_or(0)));
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
        if right[at] {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = table.trim_fmt();
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn cell(text: impl Into<String>, role: Paint) -> Cell {
    let cell = Cell::new(text.into());
    // The dark ones are the terminal's eight plain colours, as everywhere else.
    match role {
        Paint::Plain => cell,
        Paint::Strong => cell.add_attribute(Attribute::Bold),
        Paint::Dim => cell.add_attribute(Attribute::Dim),
        Paint::Good | Paint::Value => cell.fg(Color::DarkGreen),
        Paint::Warn => cell.fg(Color::DarkYellow),
        Paint::Bad => cell.fg(Color::DarkRed),
        Paint::Key => cell.fg(Color::DarkCyan),
        Paint::Literal => cell.fg(Color::DarkMagenta),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(natural: usize, least: usize, heading: usize) -> Shape {
        Shape {
            natural,
            least,
            heading,
            priority: 0,
        }
    }

    #[test]
    fn the_widest_share_what_is_missing() {
        assert_eq!(share(&[1, 1, 1], &[10, 3, 9], 20), [9, 3, 8]);
        assert_eq!(share(&[1, 1], &[4, 4], 20), [4, 4]);
        assert_eq!(share(&[6, 6], &[9, 9], 3), [6, 6]);
    }

    #[test]
    fn headings_are_broken_last() {
        let shapes = [shape(20, 20, 4), shape(12, 12, 10)];
        assert_eq!(fit(&shapes, 21, true).1, [8, 10]);
        assert_eq!(fit(&shapes, 17, true).1, [6, 8]);
        assert_eq!(fit(&shapes, 10, true).1, [6, 6]);
    }

    #[test]
    fn of_equals_the_last_goes_first() {
        let equal = Shape {
            priority: 1,
            ..shape(10, 10, 4)
        };
        assert_eq!(fit(&[shape(10, 10, 4), equal, equal], 23, false).0, [0, 1]);
    }

    #[test]
    fn wrapped_cells_are_painted() {
        let line =
            |text: &'static str| vec![(text.into(), Paint::Bad), ("x".into(), Paint::Strong)];
        let drawn = draw(vec![line("one two")], &[3, 1], &[false, false], false, true);
        assert_eq!(
            drawn,
            "\x1b[38;5;1mone\x1b[39m   \x1b[1mx\x1b[0m\n\x1b[38;5;1mtwo\x1b[39m\n"
        );
    }
}
