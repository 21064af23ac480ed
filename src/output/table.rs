//! Tables: kubectl's layout in a pipe, made to fit on a terminal.

use std::borrow::Cow;
use std::io;

use super::printer::paint;
use super::{Paint, Printer, clean, fit, width};

/// kubectl's padding between columns, and the least that a column takes with its padding
/// (k8s.io/cli-runtime/pkg/printers/tabwriter.go).
pub(super) const PADDING: usize = 3;
const MIN_WIDTH: usize = 6;

/// A column: its heading and how it gives way on a narrow terminal.
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
    priority: u8,
    least: Option<usize>,
    right: bool,
    wide_only: bool,
}

impl Column {
    /// A column that is always shown; its heading is put in upper case.
    pub fn new(name: &str) -> Self {
        Column {
            name: name.to_uppercase(),
            priority: 0,
            least: None,
            right: false,
            wide_only: false,
        }
    }

    /// On a terminal that is too narrow the columns with the highest number are left out first;
    /// 0, the default, is left out only when nothing else helps.
    pub fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    /// Cells may be cut to `least` columns before other columns are left out or cut: for
    /// descriptions and long lists.
    pub fn flexible(mut self, least: usize) -> Self {
        self.least = Some(least);
        self
    }

    /// Aligns cells to the right: for numbers.
    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// Shown under `-o wide` alone, in a pipe too.
    pub fn wide_only(mut self) -> Self {
        self.wide_only = true;
        self
    }
}

/// A cell: text and its role.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// Sets the role of the text.
    pub fn paint(mut self, paint: Paint) -> Self {
        self.paint = paint;
        self
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Cell {
            text: text.into(),
            paint: Paint::Plain,
        }
    }
}

/// How a table is to be drawn.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Columns of the terminal; `None` in a pipe, where nothing is left out or cut.
    pub width: Option<usize>,
    /// Whether roles are painted.
    pub color: bool,
    /// Whether the headings are drawn.
    pub headers: bool,
}

/// A table as drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The lines, each with its line end.
    pub text: String,
    /// Headings of the columns that did not fit the terminal.
    pub left_out: Vec<String>,
}

/// Columns and rows.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    wide: bool,
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Table {
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
            wide: false,
        }
    }

    /// `-o wide`: all columns are shown, and on a terminal cells wrap inside them in place of
    /// being cut.
    pub fn wide(mut self, wide: bool) -> Self {
        self.wide = wide;
        self
    }

    /// Adds a row: one cell for each column, those that are [`Column::wide_only`] included.
    /// Missing cells are empty, surplus ones are dropped.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells: Vec<Cell> = cells.into_iter().collect();
        cells.resize_with(self.columns.len(), || Cell::from(""));
        self.rows.push(cells);
    }

    /// Whether there are no rows: time for a sentence in place of a table.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Draws the table.
    pub fn render(&self, view: &View) -> Drawn {
        let shown = self
            .columns
            .iter()
            .enumerate()
            .filter(|(_, c)| self.wide || !c.wide_only);
        let (indexes, columns): (Vec<usize>, Vec<&Column>) = shown.unzip();
        let mut lines = self.lines(&indexes, view.headers);
        let natural = natural_widths(&lines, columns.len());
        let Some(limit) = view.width.filter(|limit| !fit::fits(&natural, *limit)) else {
            let text = lay_out(&lines, &columns, &natural, view.color);
            return Drawn {
                text,
                left_out: Vec::new(),
            };
        };
        let shapes = columns
            .iter()
            .zip(natural)
            .map(|(c, natural)| shape(c, natural, self.wide));
        let (kept, widths) = fit::fit(&shapes.collect::<Vec<_>>(), limit, self.wide);
        let keeps = |at: usize| kept.contains(&at);
        for line in &mut lines {
            *line = pick(std::mem::take(line), keeps);
        }
        let (columns, left_out): (Vec<_>, Vec<_>) = columns
            .into_iter()
            .enumerate()
            .partition(|(at, _)| keeps(*at));
        let right: Vec<bool> = columns.iter().map(|(_, column)| column.right).collect();
        Drawn {
            text: fit::draw(lines, &widths, &right, !self.wide, view.color),
            left_out: left_out
                .into_iter()
                .map(|(_, column)| column.name.clone())
                .collect(),
        }
    }

    /// Writes the table to stdout as it suits a person or a pipe, and a note to stderr when
    /// columns had to be left out.
    ///
    /// Errors: what writing to stdout says.
    pub fn print(&self, printer: Printer, headers: bool) -> io::Result<()> {
        let view = View {
            width: printer.width(),
            color: printer.stdout_is_colored(),
            headers,
        };
        let drawn = self.render(&view);
        printer.data(&drawn.text)?;
        if !drawn.left_out.is_empty() {
            printer.note(&format!(
                "The terminal is too narrow for {}; -o wide or a pipe shows all.",
                drawn.left_out.join(", ")
            ));
        }
        Ok(())
    }

    fn lines(&self, indexes: &[usize], headers: bool) -> Vec<Line<'_>> {
        let headings = indexes.iter().map(|at| &self.columns[*at].name);
        let headings = headings.map(|name| (clean::line(name), Paint::Strong));
        let rows = self.rows.iter().map(|row| {
            indexes
                .iter()
                .map(|at| (clean::line(&row[*at].text), row[*at].paint))
                .collect()
        });
        headers
            .then(|| headings.collect())
            .into_iter()
            .chain(rows)
            .collect()
    }
}

/// The cells of a row, or the headings: harmless text and its role.
pub(super) type Line<'a> = Vec<(Cow<'a, str>, Paint)>;

fn pick(line: Line<'_>, keeps: impl Fn(usize) -> bool) -> Line<'_> {
    line.into_iter()
        .enumerate()
        .filter(|(at, _)| keeps(*at))
        .map(|(_, cell)| cell)
        .collect()
}

fn shape(column: &Column, natural: usize, wide: bool) -> fit::Shape {
    let heading = width::of(&column.name);
    let least = column
        .least
        .map_or(natural, |least| least.max(heading))
        .min(natural);
    fit::Shape {
        natural,
        least,
        heading,
        priority: if wide { 0 } else { column.priority },
    }
}

fn natural_widths(lines: &[Line<'_>], columns: usize) -> Vec<usize> {
    let mut widths = vec![MIN_WIDTH - PADDING; columns];
    if let Some(last) = widths.last_mut() {
        *last = 0;
    }
    for line in lines {
        for (widest, (text, _)) in widths.iter_mut().zip(line) {
            *widest = width::of(text).max(*widest);
        }
    }
    widths
}

/// kubectl's layout, but without its spaces at the end of a line.
fn lay_out(lines: &[Line<'_>], columns: &[&Column], widths: &[usize], color: bool) -> String {
    let total: usize = widths.iter().map(|width| width + PADDING).sum();
    let mut out = String::with_capacity(lines.len() * total);
    for line in lines {
        let last = line.iter().rposition(|(text, _)| !text.is_empty());
        for (at, (text, role)) in line
            .iter()
            .enumerate()
            .take(last.map_or(0, |last| last + 1))
        {
            let space = widths[at] - width::of(text);
            if columns[at].right {
                out.extend(std::iter::repeat_n(' ', space));
            }
            out.push_str(&paint(color, *role, text));
            if Some(at) != last {
                let before = if columns[at].right {
                    widths[at]
                } else {
                    width::of(text)
                };
                out.extend(std::iter::repeat_n(' ', widths[at] + PADDING - before));
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIPE: View = View {
        width: None,
        color: false,
        headers: true,
    };

    fn terminal(width: usize) -> View {
        View {
            width: Some(width),
            ..PIPE
        }
    }

    fn resources() -> Table {
        let mut table = Table::new([
            Column::new("name"),
            Column::new("shortnames").priority(2),
            Column::new("kind").priority(1),
            Column::new("verbs").wide_only(),
        ]);
        table.row(["deployments", "deploy", "Deployment", "create,delete,get"].map(Cell::from));
        table.row(["pods", "po", "", ""].map(Cell::from));
        table
    }

    #[test]
    fn a_pipe_gets_the_layout_of_kubectl() {
        let drawn = resources().render(&PIPE);
        assert_eq!(
            drawn.text,
            "NAME          SHORTNAMES   KIND\ndeployments   deploy       Deployment\npods          po\n"
        );
        assert_eq!(
            resources()
                .wide(true)
                .render(&View {
                    headers: false,
                    ..PIPE
                })
                .text,
            "deployments   deploy   Deployment   create,delete,get\npods          po\n"
        );
    }

    #[test]
    fn narrow_columns_are_as_wide_as_those_of_kubectl() {
        let mut table = Table::new(["a", "b"].map(Column::new));
        table.row(["1", "2"].map(Cell::from));
        assert_eq!(table.render(&PIPE).text, "A     B\n1     2\n");
    }

    #[test]
    fn a_terminal_that_is_wide_enough_gets_the_same() {
        assert_eq!(resources().render(&terminal(37)), resources().render(&PIPE));
    }

    #[test]
    fn columns_give_way_by_priority() {
        let drawn = resources().render(&terminal(36));
        assert_eq!(drawn.left_out, ["SHORTNAMES"]);
        assert_eq!(
            drawn.text,
            "NAME          KIND\ndeployments   Deployment\npods\n"
        );
        let drawn = resources().render(&terminal(20));
        assert_eq!(drawn.left_out, ["SHORTNAMES", "KIND"]);
        assert_eq!(drawn.text, "NAME\ndeployments\npods\n");
    }

    #[test]
    fn flexible_columns_are_cut_before_others_are_left_out() {
        let mut table = Table::new([
            Column::new("name"),
            Column::new("about").flexible(8).priority(1),
            Column::new("age").right().priority(2),
        ]);
        table.row(["web", "a long description of it", "5s"].map(Cell::from));
        let drawn = table.render(&terminal(25));
        assert_eq!(drawn.left_out, Vec::<String>::new());
        assert_eq!(
            drawn.text,
            "NAME   ABOUT          AGE\nweb    a long desc…    5s\n"
        );
    }

    #[test]
    fn the_widest_are_cut_when_nothing_can_be_left_out() {
        let mut table = Table::new(["name", "group"].map(Column::new));
        table.row(["a-name-of-twenty-cols", "short"].map(Cell::from));
        let drawn = table.render(&terminal(20));
        assert_eq!(drawn.text, "NAME           GROUP\na-name-of-t…   short\n");
    }

    #[test]
    fn wide_wraps_and_leaves_nothing_out() {
        let drawn = resources().wide(true).render(&terminal(44));
        assert_eq!(drawn.left_out, Vec::<String>::new());
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
        let pipe = resources().wide(true).render(&PIPE);
        assert_eq!(letters(&drawn.text), letters(&pipe.text));
        assert!(drawn.text.lines().count() > 3, "{}", drawn.text);
        assert!(
            drawn.text.lines().all(|line| width::of(line) <= 44),
            "{}",
            drawn.text
        );
    }

    #[test]
    fn no_row_is_wider_than_the_terminal() {
        let mut table = Table::new(["n", "long heading", "x", "y", "z", "last"].map(Column::new));
        table.row(
            [
                "大大大大大大大大大大大大",
                "b",
                "c\nd",
                "two words",
                "",
                "end",
            ]
            .map(Cell::from),
        );
        for width in 20..100 {
            let text = table.render(&terminal(width)).text;
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(
                text.lines().all(|line| width::of(line) <= width),
                "{width}:\n{text}"
            );
            assert!(
                text.lines().all(|line| line.trim_end() == line),
                "{width}:\n{text}"
            );
        }
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let mut table = Table::new(["name", "x"].map(Column::new));
        table.row(["大小", "1"].map(Cell::from));
        table.row(["abcde", "2"].map(Cell::from));
        assert_eq!(
            table.render(&PIPE).text,
            "NAME    X\n大小    1\nabcde   2\n"
        );
    }

    #[test]
    fn cells_are_painted_after_they_are_measured() {
        let mut table = Table::new(["name", "x"].map(Column::new));
        table.row([Cell::from("old").paint(Paint::Warn), Cell::from("\x1b[2J")]);
        let text = table
            .render(&View {
                color: true,
                ..PIPE
            })
            .text;
        assert_eq!(
            text,
            "\x1b[1mNAME\x1b[0m   \x1b[1mX\x1b[0m\n\x1b[33mold\x1b[0m    \\u{1b}[2J\n"
        );
    }
}
