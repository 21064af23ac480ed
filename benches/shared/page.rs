//! The page of benchmarks, docs/benchmarks.md.

use std::fs;
use std::path::Path;

/// Puts a table between the marks `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
pub(crate) fn write(name: &str, table: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md");
    let text = fs::read_to_string(&file).unwrap();
    let (begin, end) = (
        format!("<!-- {name}: begin -->\n"),
        format!("<!-- {name}: end -->"),
    );
    let (before, rest) = text.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(&end).unwrap();
    let beside = file.with_extension("new");
    fs::write(&beside, format!("{before}{begin}{table}{end}{after}")).unwrap();
    fs::rename(&beside, &file).unwrap();
}
