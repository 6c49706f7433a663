//! Merges a file into the cache, and reads by id what it does not tell.

use std::{cmp::Reverse, collections::BTreeSet, io};

use tokio::time::{Instant, sleep};
use tracing::info;

use super::{
    Import, Operation, Step,
    fetch::{NotFetched, fetch},
    operation::{Found, Whole, note},
    spool::{BadLines, Extent, Share, Shares, shares_of},
};
use crate::{
    order::{Order, OrderId},
    shopify::BulkOrder,
    sweep::{Interrupted, Sweep, checkpoint::Position},
};

/// Orders merged at a time.
const BATCH: usize = 250;
/// Orders read by id in one call, which costs the same for one and for all of them. Halved while Shopify takes too long over it.
const DETAILS: u32 = 250;
/// The part of the time that merging leaves the store to others, as a divisor.
const BREATH: u32 = 4;

/// What came of a file.
pub(super) enum Taken {
    /// All of it is merged.
    Whole,
    /// All there was is merged; the operation had failed on the way.
    Part(Extent),
    /// It did not come through.
    Nothing,
    /// There is no room for it here: another would find none either.
    NoRoom,
}

/// Orders that are to be read by id.
#[derive(Debug, Default)]
struct Needy {
    /// Those that are in the cache, less what the file does not tell.
    merged: Vec<OrderId>,
    /// Those that a file which breaks off told too little of.
    unmerged: BTreeSet<OrderId>,
}

/// Takes a file in. What was merged before, by whomever, is not merged again.
pub(super) async fn take_in(
    sweep: &mut Sweep<'_>,
    import: &mut Import,
    operation: &Operation,
    found: &Found,
) -> Result<Taken, Interrupted> {
    let of = match import.step {
        Step::Merging { of, .. } => of,
        Step::Waiting | Step::Details { .. } => shares_of(found.file.bytes),
    };
    if import.step == Step::Waiting {
        import.step = Step::Merging { of, done: 0 };
        sweep.save(Position::Bulk(import.clone())).await?;
    }
    let spool = match fetch(sweep, found, of).await? {
        Ok(spool) => spool,
        Err(error) => {
            note(sweep, &format!("the result of a bulk operation: {error}"));
            return Ok(match error {
                NotFetched::Download(_) => Taken::Nothing,
                NotFetched::Client(_) | NotFetched::Disk(_) => Taken::NoRoom,
            });
        }
    };
    info!(site = %sweep.site.code, task = %sweep.at.plan.task, bytes = spool.bytes(), lines = spool.lines(), "the result of the bulk operation is here");
    if spool.unread() > 0 {
        let text = format!("{} lines of a bulk operation are no orders", spool.unread());
        note(sweep, &text);
    }
    let extent = spool.extent();
    let merged = match spool.finish() {
        Ok(shares) => merge(sweep, import, (operation, found), (shares, of)).await?,
        Err(error) => Err(error),
    };
    let needy = match merged {
        Ok(needy) => needy,
        Err(error) => {
            note(sweep, &format!("the spool of a bulk operation: {error}"));
            return Ok(Taken::NoRoom);
        }
    };
    details(sweep, import, needy).await?;
    Ok(match found.whole {
        Whole::Yes => Taken::Whole,
        Whole::No => Taken::Part(extent),
    })
}

/// Merges share by share. Returns the orders that are to be read by id.
async fn merge(
    sweep: &mut Sweep<'_>,
    import: &mut Import,
    (operation, found): (&Operation, &Found),
    (shares, of): (Shares, u32),
) -> Result<io::Result<Needy>, Interrupted> {
    let merged_before = match import.step {
        Step::Merging { done, .. } => done,
        Step::Waiting => 0,
        Step::Details { .. } => of,
    };
    let mut needy = Needy::default();
    let mut shares = shares;
    for number in 0..of {
        let opened = blocking(move || {
            let share = shares.open(number);
            (shares, share)
        });
        let (back, share) = match sweep.until_stopped(opened).await? {
            Ok((back, Ok(share))) => (back, share),
            Ok((_, Err(error))) | Err(error) => return Ok(Err(error)),
        };
        shares = back;
        let wanted = if number < merged_before {
            Wanted::Needy
        } else {
            Wanted::All
        };
        if let Err(error) = merge_share(
            sweep,
            (operation, found),
            (share, wanted, &import.known),
            &mut needy,
        )
        .await?
        {
            return Ok(Err(error));
        }
        if wanted == Wanted::All {
            import.step = Step::Merging {
                of,
                done: number + 1,
            };
            sweep.save(Position::Bulk(import.clone())).await?;
        }
    }
    Ok(Ok(needy))
}

/// What is wanted of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Its orders.
    All,
    /// Only which of them are to be read by id: the rest is merged.
    Needy,
}

async fn merge_share(
    sweep: &mut Sweep<'_>,
    (operation, found): (&Operation, &Found),
    (mut share, wanted, known): (Share, Wanted, &BTreeSet<OrderId>),
    needy: &mut Needy,
) -> Result<io::Result<()>, Interrupted> {
    let asked_at = operation.asked_at;
    loop {
        let taken = blocking(move || {
            let orders = share.take(BATCH, asked_at);
            (share, orders)
        });
        let (back, orders) = match sweep.until_stopped(taken).await? {
            Ok(taken) => taken,
            Err(error) => return Ok(Err(error)),
        };
        share = back;
        if orders.is_empty() {
            return Ok(Ok(()));
        }
        let mut orders = sorted_out(sweep, orders, (found.whole, wanted), needy);
        orders.retain(|order| !known.contains(&order.order.id));
        if wanted == Wanted::All {
            merge_batch(sweep, orders, found.orders).await?;
        }
    }
}

/// Separates what can be merged from what is to be read by id. Of a file that breaks off, an order may lack lines.
fn sorted_out(
    sweep: &mut Sweep<'_>,
    orders: Vec<Result<BulkOrder, (OrderId, BadLines)>>,
    (whole, wanted): (Whole, Wanted),
    needy: &mut Needy,
) -> Vec<BulkOrder> {
    let mut good = Vec::with_capacity(orders.len());
    for order in orders {
        match order {
            Ok(order) if whole == Whole::No && !order.has_its_lines => {
                needy.unmerged.insert(order.order.id);
            }
            Ok(order) => {
                if order.needs_read {
                    needy.merged.push(order.order.id);
                }
                good.push(order);
            }
            Err((id, BadLines::Orphans)) if whole == Whole::No => {
                needy.unmerged.insert(id);
            }
            Err((id, error)) if wanted == Wanted::All => {
                sweep.at.findings.failure(Some(id), &error);
            }
            Err(_told_before) => {}
        }
    }
    good
}

/// Merges, and then leaves the store to others for a while.
async fn merge_batch(
    sweep: &mut Sweep<'_>,
    orders: Vec<BulkOrder>,
    of: u64,
) -> Result<(), Interrupted> {
    if orders.is_empty() {
        return Ok(());
    }
    sweep.may_go_on().await?;
    let began = Instant::now();
    let read = orders.len();
    let orders = orders.into_iter().map(|order| order.order).collect();
    sweep.take_in(orders).await?;
    let all = of.max(sweep.at.findings.orders);
    sweep.advance(read, part(sweep.at.findings.orders, all));
    sweep.until_stopped(sleep(began.elapsed() / BREATH)).await
}

/// Reads by id what the file does not tell, the newest first.
async fn details(
    sweep: &mut Sweep<'_>,
    import: &mut Import,
    needy: Needy,
) -> Result<(), Interrupted> {
    let Needy { merged, unmerged } = needy;
    let mut needy = merged;
    needy.extend(&unmerged);
    needy.sort_unstable_by_key(|id| Reverse(*id));
    if let Step::Details { below: Some(below) } = import.step {
        needy.retain(|id| *id < below);
    }
    info!(site = %sweep.site.code, task = %sweep.at.plan.task, orders = needy.len(), "what the bulk operation does not tell is read by id");
    let (mut page_size, mut done) = (DETAILS, 0);
    while let Some(rest) = needy.get(done..).filter(|rest| !rest.is_empty()) {
        let (batch, found) = sweep.read_ids(&mut page_size, rest).await?;
        for (id, error) in &found.failed {
            sweep.at.findings.failure(Some(*id), error);
        }
        let below = batch.last().copied();
        done += batch.len();
        let is_new = |order: &Order| unmerged.contains(&order.id);
        let (new, merged): (Vec<_>, Vec<_>) = found.orders.into_iter().partition(is_new);
        sweep.take_in(new).await?;
        sweep.complete(merged).await?;
        import.step = Step::Details { below };
        sweep.save(Position::Bulk(import.clone())).await?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(io::Error::other)
}

/// A little less than all, since something is left to do.
fn part(done: u64, all: u64) -> f64 {
    let count = |orders: u64| f64::from(u32::try_from(orders).unwrap_or(u32::MAX));
    (count(done) / count(all.max(1))).min(0.999)
}
