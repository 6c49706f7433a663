//! The table that is printed in the end, in Markdown.

use std::fmt;

/// A figure.
#[derive(Debug)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// What came out.
    pub(crate) measured: String,
    /// The bar in words and whether it was met, where there is one.
    pub(crate) bar: Option<(&'static str, bool)>,
    /// The part of this script that measures it.
    pub(crate) part: &'static str,
}

/// All figures.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<Row>);

impl Table {
    pub(crate) fn add(&mut self, row: Row) {
        self.0.push(row);
    }
}

impl Row {
    fn cells(&self) -> [String; 4] {
        let bar = match self.bar {
            None => "–".to_owned(),
            Some((bar, true)) => format!("{bar}: ok"),
            Some((bar, false)) => format!("{bar}: MISSED"),
        };
        let command = format!("`cargo bench --bench figures -- {}`", self.part);
        [self.what.clone(), self.measured.clone(), bar, command]
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heads = ["what", "measured", "bar", "command"].map(str::to_owned);
        let rows: Vec<_> = self.0.iter().map(Row::cells).collect();
        let mut widths = heads.each_ref().map(|head| head.chars().count());
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let line = |f: &mut fmt::Formatter<'_>, cells: &[String; 4]| {
            for (width, cell) in widths.iter().zip(cells) {
                write!(f, "| {cell:<width$} ")?;
            }
            writeln!(f, "|")
        };
        line(f, &heads)?;
        line(f, &widths.map(|width| "-".repeat(width)))?;
        rows.iter().try_for_each(|row| line(f, row))
    }
}
