//! Joins the lines of a file on disk: each line goes to the share of its order, so that an order and its children, wherever they
//! stood, lie in one share; and a share at a time fits in memory, however large the file is.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufWriter, Read as _, Write as _},
    ops::Range,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};

use crate::{
    order::OrderId,
    shopify::{BulkOrder, Role, WireError, assemble, owner},
};

/// How large a share is to be, and how many there are at most: each is an open file while lines come.
const SHARE_BYTES: u64 = 4 * 1024 * 1024;
const MOST_SHARES: u64 = 128;
/// Without a word on the file's size.
const SHARES: u32 = 64;
/// Bytes collected for each share before they are written.
const BUFFER: usize = 32 * 1024;

/// Into how many shares a file of that size is cut. The same size is always cut the same way.
pub(super) fn shares_of(bytes: Option<u64>) -> u32 {
    let of = |bytes: u64| (bytes / SHARE_BYTES).clamp(1, MOST_SHARES);
    bytes.map_or(SHARES, |bytes| u32::try_from(of(bytes)).unwrap_or(SHARES))
}

/// A file in shares. It is private, and gone with its value.
#[derive(Debug)]
pub(super) struct Spool {
    directory: Directory,
    shares: Vec<BufWriter<File>>,
    bytes: u64,
    lines: u64,
    unread: u64,
    seen: Option<Seen>,
}

/// When the orders seen so far were placed, and in which order they came.
#[derive(Debug, Clone, Copy)]
struct Seen {
    last: DateTime<Utc>,
    never_later: bool,
    never_earlier: bool,
}

impl Seen {
    fn and_then(before: Option<Self>, at: DateTime<Utc>) -> Self {
        let before = before.unwrap_or(Self {
            last: at,
            never_later: true,
            never_earlier: true,
        });
        Self {
            last: at,
            never_later: before.never_later && at <= before.last,
            never_earlier: before.never_earlier && at >= before.last,
        }
    }
}

/// In which order a file has its orders, as far as it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// There are none.
    Empty,
    /// Down to the oldest.
    NewestFirst {
        /// When that was placed.
        oldest: DateTime<Utc>,
    },
    /// Up to the newest.
    OldestFirst {
        /// When that was placed.
        newest: DateTime<Utc>,
    },
    /// In none.
    Unordered,
}

/// Removes itself.
#[derive(Debug)]
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(directory = %self.0.display(), "the spool could not be removed and goes at the next start: {error}");
        }
    }
}

impl Spool {
    /// An empty spool in a directory of its own.
    pub(super) fn create(parent: &Path, shares: u32) -> io::Result<Self> {
        make_private(parent)?;
        let directory = parent.join(format!("{:016x}", fastrand::u64(..)));
        make_private(&directory)?;
        let directory = Directory(directory);
        let shares = (0..shares).map(|share| {
            let file = private_file(&directory.path(share))?;
            Ok(BufWriter::with_capacity(BUFFER, file))
        });
        Ok(Self {
            shares: shares.collect::<io::Result<_>>()?,
            directory,
            bytes: 0,
            lines: 0,
            unread: 0,
            seen: None,
        })
    }

    /// How far in the file it reaches.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Lines in it.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Lines that were none of an order's.
    pub(super) fn unread(&self) -> u64 {
        self.unread
    }

    /// In which order it has its orders.
    pub(super) fn extent(&self) -> Extent {
        match self.seen {
            None => Extent::Empty,
            // What was asked for, as long as nothing speaks against it.
            Some(seen) if seen.never_later => Extent::NewestFirst { oldest: seen.last },
            Some(seen) if seen.never_earlier => Extent::OldestFirst { newest: seen.last },
            Some(_) => Extent::Unordered,
        }
    }

    /// Takes complete lines in.
    pub(super) fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        for line in lines.split(|byte| *byte == b'\n') {
            if line.is_empty() {
                continue;
            }
            self.lines += 1;
            let Some(owned) = owner(line) else {
                self.unread += 1;
                continue;
            };
            let mark = match owned.role {
                Role::Itself(placed_at) => {
                    self.seen = Some(Seen::and_then(self.seen, placed_at));
                    'o'
                }
                Role::Child => 'c',
            };
            let share = share_of(owned.order, self.shares.len());
            if let Some(share) = self.shares.get_mut(share) {
                write!(share, "{} {mark} ", owned.order)?;
                share.write_all(line)?;
                share.write_all(b"\n")?;
            }
        }
        self.bytes += u64::try_from(lines.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Closes the shares for writing.
    pub(super) fn finish(mut self) -> io::Result<Shares> {
        for share in &mut self.shares {
            share.flush()?;
        }
        Ok(Shares {
            directory: self.directory,
        })
    }
}

/// The shares of a whole file.
#[derive(Debug)]
pub(super) struct Shares {
    directory: Directory,
}

impl Shares {
    /// Reads one share, and sorts out whose lines are whose.
    pub(super) fn open(&self, share: u32) -> io::Result<Share> {
        Share::read(&self.directory.path(share))
    }
}

impl Directory {
    fn path(&self, share: u32) -> PathBuf {
        self.0.join(format!("share-{share:03}"))
    }
}

/// Some orders, each with its children.
#[derive(Debug)]
pub(super) struct Share {
    text: Vec<u8>,
    orders: std::collections::btree_map::IntoIter<OrderId, Lines>,
}

#[derive(Debug, Default)]
struct Lines {
    itself: Option<Range<usize>>,
    children: Vec<Range<usize>>,
}

/// Why an order of the file is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadLines {
    /// Only children of it are there.
    #[error("its own line is missing in the file")]
    Orphans,
    /// A line is not readable.
    #[error(transparent)]
    Wire(#[from] WireError),
}

impl Share {
    fn read(path: &Path) -> io::Result<Self> {
        let mut text = Vec::new();
        File::open(path)?.read_to_end(&mut text)?;
        let mut orders: BTreeMap<OrderId, Lines> = BTreeMap::new();
        let mut from = 0;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let until = from + line.len();
            if let Some((order, mark, start)) = parts(line) {
                let lines = orders.entry(order).or_default();
                let range = from + start..until;
                match mark {
                    b'o' => lines.itself = Some(range),
                    _child => lines.children.push(range),
                }
            }
            from = until;
        }
        Ok(Self {
            text,
            orders: orders.into_iter(),
        })
    }

    /// The next orders, at most so many; none when all are taken.
    pub(super) fn take(
        &mut self,
        most: usize,
        observed_at: DateTime<Utc>,
    ) -> Vec<Result<BulkOrder, (OrderId, BadLines)>> {
        let text = &self.text;
        let line = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        let made = |(order, lines): (OrderId, Lines)| {
            let itself = lines.itself.ok_or((order, BadLines::Orphans))?;
            let children: Vec<_> = lines.children.iter().map(line).collect();
            assemble(line(&itself), &children, observed_at)
                .map_err(|error| (order, BadLines::Wire(error)))
        };
        self.orders.by_ref().take(most).map(made).collect()
    }
}

/// The order, the mark, and where the line itself begins.
fn parts(line: &[u8]) -> Option<(OrderId, u8, usize)> {
    let space = line.iter().position(|byte| *byte == b' ')?;
    let order = std::str::from_utf8(line.get(..space)?).ok()?.parse().ok()?;
    Some((order, *line.get(space + 1)?, space + 3))
}

/// Shopify's ids are far apart and often even: only all of their digits together tell them well apart.
fn share_of(order: OrderId, shares: usize) -> usize {
    let mixed = order.get().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    usize::try_from(mixed).unwrap_or_default() % shares.max(1)
}

/// A directory that nobody but this user may enter.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// A file that nobody but this user may read.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
