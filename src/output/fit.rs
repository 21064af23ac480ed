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
    /// The highest goes first; 0 stays as long as it can.
    pub(super) priority: u8,
}

/// Whether columns of these widths fit side by side.
pub(super) fn fits(widths: &[usize], limit: usize) -> bool {
    widths.iter().sum::<usize>() <= budget(widths.len(), limit)
}

/// Which columns stay, and their widths. When `all` must stay, the widths may exceed the limit.
pub(super) fn fit(shapes: &[Shape], limit: usize, all: bool) -> (Vec<usize>, Vec<usize>) {
    let mut kept: Vec<usize> = (0..shapes.len()).collect();
    let sizes = |kept: &[usize], size: fn(&Shape) -> usize| -> Vec<usize> {
        kept.iter().map(|at| size(&shapes[*at])).collect()
    };
    let (least, floor) = (|s: &Shape| s.least, |s: &Shape| s.least.min(FLOOR));
    while !all && !fits(&sizes(&kept, least), limit) {
        let last = kept
            .iter()
            .enumerate()
            .filter(|(_, at)| shapes[**at].priority > 0);
        let Some((at, _)) = last.max_by_key(|(_, at)| shapes[**at].priority) else {
            break;
        };
        kept.remove(at);
    }
    while !all && kept.len() > 1 && !fits(&sizes(&kept, floor), limit) {
        kept.pop();
    }
    let budget = budget(kept.len(), limit);
    let widths = if fits(&sizes(&kept, least), limit) {
        share(&sizes(&kept, least), &sizes(&kept, |s| s.natural), budget)
    } else {
        share(&sizes(&kept, floor), &sizes(&kept, least), budget)
    };
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
