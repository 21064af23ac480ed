//! A tree of labelled nodes, drawn with lines.

use std::io;

use super::printer::paint;
use super::{Paint, Printer, clean, width};

/// A node: its label, what is said beside it, and what hangs below it.
#[derive(Clone, Debug)]
pub struct Node {
    /// The label.
    pub text: String,
    /// How the label is painted.
    pub paint: Paint,
    /// Dim text after the label.
    pub note: String,
    /// What hangs below, in this order.
    pub children: Vec<Node>,
}

impl Node {
    /// A plain node without note or children.
    pub fn new(text: impl Into<String>) -> Self {
        Node {
            text: text.into(),
            paint: Paint::Plain,
            note: String::new(),
            children: Vec::new(),
        }
    }

    /// Sets the label's role.
    pub fn paint(mut self, paint: Paint) -> Self {
        self.paint = paint;
        self
    }

    /// Sets the dim text after the label.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Hangs a node below.
    pub fn child(mut self, child: Node) -> Self {
        self.children.push(child);
        self
    }

    /// Hangs several nodes below.
    pub fn children(mut self, children: impl IntoIterator<Item = Node>) -> Self {
        self.children.extend(children);
        self
    }
}

/// Draws trees one below the other, a node a line. With a width, longer lines end in `…`.
pub fn render(roots: &[Node], width: Option<usize>, color: bool) -> String {
    let mut tree = Drawing {
        width,
        color,
        out: String::new(),
    };
    for root in roots {
        tree.node(root, "");
        tree.below(&root.children, &mut String::new());
    }
    tree.out
}

/// Draws trees to stdout: to the terminal's width and coloured for a person, complete and plain in
/// a pipe.
///
/// Errors: what writing to stdout says.
pub fn print(printer: Printer, roots: &[Node]) -> io::Result<()> {
    printer.data(&render(roots, printer.width(), printer.stdout_is_colored()))
}

struct Drawing {
    width: Option<usize>,
    color: bool,
    out: String,
}

impl Drawing {
    fn below(&mut self, nodes: &[Node], prefix: &mut String) {
        for (at, node) in nodes.iter().enumerate() {
            let (branch, trunk) = if at + 1 == nodes.len() {
                ("└── ", "    ")
            } else {
                ("├── ", "│   ")
            };
            self.node(node, &format!("{prefix}{branch}"));
            prefix.push_str(trunk);
            self.below(&node.children, prefix);
            prefix.truncate(prefix.len() - trunk.len());
        }
    }

    fn node(&mut self, node: &Node, prefix: &str) {
        let left = self.width.unwrap_or(usize::MAX);
        let prefix = width::cut(prefix, left);
        let left = left.saturating_sub(width::of(&prefix));
        let text = clean::line(&node.text);
        let text = width::cut(&text, left);
        // Two spaces part a note from its label.
        let left = left.saturating_sub(width::of(&text) + 2);
        let note = clean::line(&node.note);
        let note = width::cut(&note, left);
        self.out.push_str(&paint(self.color, Paint::Dim, &prefix));
        self.out.push_str(&paint(self.color, node.paint, &text));
        if !note.is_empty() {
            self.out.push_str("  ");
            self.out.push_str(&paint(self.color, Paint::Dim, &note));
        }
        self.out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family() -> Vec<Node> {
        vec![
            Node::new("apps")
                .paint(Paint::Strong)
                .child(
                    Node::new("v1")
                        .note("preferred")
                        .child(Node::new("deployments")),
                )
                .children([Node::new("v1beta1").child(Node::new("scales"))]),
            Node::new("batch"),
        ]
    }

    #[test]
    fn lines_show_what_hangs_where() {
        let drawn = "\
apps
├── v1  preferred
│   └── deployments
└── v1beta1
    └── scales
batch
";
        assert_eq!(render(&family(), None, false), drawn);
    }

    #[test]
    fn a_terminal_gets_what_fits() {
        let drawn = "\
apps
├── v1  pref…
│   └── depl…
└── v1beta1
    └── scal…
batch
";
        assert_eq!(render(&family(), Some(13), false), drawn);
    }

    #[test]
    fn labels_cannot_steer_the_terminal() {
        let drawn = render(&[Node::new("a\x1b[2J\nb").note("\u{202e}")], None, false);
        assert_eq!(drawn, "a\\u{1b}[2J\\nb  \\u{202e}\n");
    }

    #[test]
    fn roles_are_painted() {
        let drawn = render(&[Node::new("x").paint(Paint::Bad).note("n")], None, true);
        assert_eq!(drawn, "\x1b[31mx\x1b[0m  \x1b[2mn\x1b[0m\n");
    }
}
