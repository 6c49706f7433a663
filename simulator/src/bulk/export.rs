//! The file of an operation, written as it comes: one object a line.

use std::fs::File;
use std::io::{self, BufWriter, Seek as _, Write as _};

use tempfile::{NamedTempFile, TempPath};

use super::BulkLayout;
use crate::graphql::Rendered;

/// A file being written.
#[derive(Debug)]
pub(super) struct Export {
    out: BufWriter<NamedTempFile>,
    /// What comes at the very end.
    tail: BufWriter<File>,
    layout: BulkLayout,
    most: Option<u64>,
    pub(super) objects: u64,
    pub(super) roots: u64,
}

impl Export {
    pub(super) fn new(layout: BulkLayout, most: Option<u64>) -> io::Result<Self> {
        Ok(Self {
            out: BufWriter::new(NamedTempFile::new()?),
            tail: BufWriter::new(tempfile::tempfile()?),
            layout,
            most,
            objects: 0,
            roots: 0,
        })
    }

    /// Whether it holds as much as it may.
    pub(super) fn is_full(&self) -> bool {
        self.most.is_some_and(|most| self.objects >= most)
    }

    /// Writes some orders and their children, apart from each other.
    pub(super) fn add(&mut self, orders: &[Rendered]) -> io::Result<()> {
        match self.layout {
            BulkLayout::ChildrenLater => {
                for order in orders {
                    self.root(&order.line)?;
                }
                for child in orders.iter().flat_map(|order| &order.children) {
                    self.line(child)?;
                }
            }
            BulkLayout::ChildrenAnywhere => {
                for (nth, order) in orders.iter().enumerate() {
                    for (other, child) in order.children.iter().enumerate() {
                        if (nth + other) % 2 == 0 {
                            self.line(child)?;
                        } else {
                            self.late(child)?;
                        }
                    }
                }
                for order in orders.iter().rev() {
                    self.root(&order.line)?;
                }
            }
        }
        Ok(())
    }

    fn root(&mut self, line: &str) -> io::Result<()> {
        if !self.is_full() {
            self.roots += 1;
        }
        self.line(line)
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        if self.is_full() {
            return Ok(());
        }
        self.objects += 1;
        writeln!(self.out, "{line}")
    }

    fn late(&mut self, line: &str) -> io::Result<()> {
        if self.is_full() {
            return Ok(());
        }
        self.objects += 1;
        writeln!(self.tail, "{line}")
    }

    /// The finished file, and its length.
    pub(super) fn finish(mut self) -> io::Result<(TempPath, u64)> {
        let mut tail = self.tail.into_inner()?;
        tail.rewind()?;
        io::copy(&mut tail, &mut self.out)?;
        let file = self.out.into_inner()?;
        let size = file.as_file().metadata()?.len();
        Ok((file.into_temp_path(), size))
    }
}
