//! What commands print: results on standard output, complaints on standard error.

use std::io::{self, Write as _};

/// Prints a result. A reader that went away (`| head`) is no error of ours.
pub(super) fn say(text: &str) {
    drop(writeln!(io::stdout().lock(), "{text}"));
}

/// Prints what is being done, beside the result.
pub(super) fn note(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Prints what went wrong.
pub(super) fn complain(text: &str) {
    drop(writeln!(
        io::stderr().lock(),
        "shopify-warmer: {}",
        text.trim_end()
    ));
}

/// Rows in columns, each as wide as its widest cell.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = columns(&[
            row(["site", "é", ""]),
            row(["uk", "warm", "x"]),
            vec!["long one".to_owned()],
        ]);
        assert_eq!(text, "site      é\nuk        warm  x\nlong one");
    }
}
