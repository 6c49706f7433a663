//! Customers' lists in the file.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{
    EmbeddedStore, Place, Redb, Result,
    entries::{self, Entries},
};
use crate::{
    order::{Email, OrderId},
    site::SiteCode,
    store::{
        CustomerHash, CustomerKeys, CustomerOrders,
        customer::{CustomerNews, Listed},
    },
};

impl EmbeddedStore {
    pub(in crate::store) fn customer(
        &self,
        site: &SiteCode,
        email: &Email,
        now: DateTime<Utc>,
    ) -> Result<CustomerOrders> {
        let hashes = self.customers.hashes(site, email);
        let Some(current) = hashes.first() else {
            return Ok(CustomerOrders::Unknown);
        };
        let key = self.keys.customer(site, current);
        let held = self.read(|read| entries::read(read, &key, now))?;
        let listed = held.and_then(|(text, left)| Some((Listed::decode(&text)?, left)));
        Ok(listed.map_or(CustomerOrders::Unknown, |(listed, left)| listed.told(left)))
    }

    pub(in crate::store) async fn list_customer(
        &self,
        site: &SiteCode,
        email: &Email,
        (list, left): (Listed, Duration),
        now: DateTime<Utc>,
    ) -> Result<()> {
        let hashes = self.customers.hashes(site, email);
        let keys: Vec<_> = hashes
            .iter()
            .map(|hash| self.keys.customer(site, hash))
            .collect();
        self.write(Some(now), move |write| {
            let mut entries = Entries::of(write, now)?;
            for key in &keys {
                let (mut list, mut left) = (list.clone(), left);
                if let Some((held, held_left)) = held(&entries, key)? {
                    list.add_all(held);
                    left = left.max(held_left);
                }
                entries.put(key, &list.encode(), left)?;
            }
            Ok(())
        })
        .await
    }

    pub(in crate::store) async fn forget_customer(
        &self,
        site: &SiteCode,
        hash: &CustomerHash,
    ) -> Result<()> {
        let key = self.keys.customer(site, hash);
        self.write(None, move |write| {
            // The time matters to what is read or put alone.
            Entries::of(write, DateTime::UNIX_EPOCH)?.remove(&key)
        })
        .await
    }

    pub(in crate::store) async fn note_customer(
        &self,
        site: &SiteCode,
        id: OrderId,
        news: CustomerNews,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let (keys, customers, site) = (self.keys.clone(), self.customers.clone(), site.clone());
        self.write(Some(now), move |write| {
            let place = Place {
                keys: &keys,
                site: &site,
                id,
            };
            place.note_customer(&mut Entries::of(write, now)?, &customers, &news)
        })
        .await
    }
}

impl Place<'_> {
    /// Takes the order out of the list it has left and puts it into the one that it has joined.
    pub(super) fn note_customer(
        &self,
        entries: &mut Entries<'_>,
        customers: &CustomerKeys,
        news: &CustomerNews,
    ) -> Redb<()> {
        for key in self.customer_keys(customers, news.left.as_ref()) {
            if let Some((mut list, left)) = held(entries, &key)?
                && list.remove(self.id)
            {
                entries.put(&key, &list.encode(), left)?;
            }
        }
        for key in self.customer_keys(customers, news.joined.as_ref()) {
            match (held(entries, &key)?, news.noted_for) {
                (Some((mut list, left)), least) => {
                    let lives = left.max(least.unwrap_or_default());
                    if list.add(self.id) || lives > left {
                        entries.put(&key, &list.encode(), lives)?;
                    }
                }
                (None, Some(noted_for)) => {
                    entries.put(&key, &Listed::note(self.id).encode(), noted_for)?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn customer_keys(&self, customers: &CustomerKeys, email: Option<&Email>) -> Vec<String> {
        let hashes = email.map(|email| customers.hashes(self.site, email));
        let hashes = hashes.into_iter().flatten();
        hashes
            .map(|hash| self.keys.customer(self.site, &hash))
            .collect()
    }
}

fn held(entries: &Entries<'_>, key: &str) -> Redb<Option<(Listed, Duration)>> {
    let held = entries.get(key)?;
    Ok(held.and_then(|(text, left)| Some((Listed::decode(&text)?, left))))
}
