//! What callers rely on, whichever store it is. Each is told of both, and again of Redis in the ways a real shop runs it.

mod customers;
mod lease;
mod news;
mod numbers;
mod redaction;
mod refresh;
mod site;
mod warming;
mod writers;

/// Runs each test of the contract on both stores, and all of them, one after the other, on Redis in its other forms.
macro_rules! contract {
    ($($group:ident: $($name:ident)+;)+) => {
        mod on_redis {
            use crate::store::Backend;

            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let backend = Backend::redis().await;
                let store = backend.open();
                super::$group::$name(&backend, &store).await;
            })+)+
        }

        mod on_embedded {
            use crate::store::Backend;

            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let backend = Backend::embedded();
                let store = backend.open();
                super::$group::$name(&backend, &store).await;
            })+)+
        }

        /// On one set of servers, which is emptied before each.
        mod in_real_life {
            use crate::{
                redis_cluster::RedisCluster, redis_guarded::GuardedRedis,
                redis_sentinel::SentinelTrio, store::{Backend, Redises},
            };

            #[tokio::test(flavor = "multi_thread")]
            async fn on_a_cluster_of_three() {
                all(Redises::Cluster(RedisCluster::start().await)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn behind_sentinel() {
                all(Redises::Sentinel(SentinelTrio::start().await)).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn over_tls_as_a_user_of_few_rights_in_database_three() {
                all(Redises::Guarded(GuardedRedis::start().await)).await;
            }

            async fn all(servers: Redises) {
                let backend = Backend::Redises(servers);
                let Backend::Redises(servers) = &backend else { panic!() };
                $($(
                    servers.flush().await;
                    let store = backend.open();
                    super::$group::$name(&backend, &store).await;
                )+)+
            }
        }
    };
}

contract! {
    news:
        news_has_its_outcome
        an_older_body_changes_nothing
        partial_news_writes_nothing_about_an_unknown_order
        partial_news_changes_values_and_keeps_the_deadline
        lifetimes_run_from_the_observation
        what_is_too_old_is_not_cached
        an_observation_from_the_future_renews_no_more_than_now
        a_tombstone_outranks_what_comes_late
        a_deletion_of_an_unknown_order_is_remembered
        a_name_that_is_no_number_is_found_by_id;
    numbers:
        a_number_leads_to_its_order_and_no_other
        an_order_that_changed_its_number_is_found_by_the_new_one
        absence_is_outranked_and_never_outranks
        a_number_that_leads_nowhere_any_more_can_be_absent
        what_is_forgotten_may_come_back;
    warming:
        what_expires_soonest_comes_first
        coverage_counts_what_is_warm
        a_deleted_order_leaves_the_window
        a_long_window_is_counted_whole;
    refresh:
        asks_for_one_order_become_one
        what_is_due_comes_earliest_first
        what_is_done_leaves_and_what_is_not_comes_again
        who_asks_during_a_fetch_is_not_settled_by_it
        a_deletion_ends_the_wait_and_forgetting_does_not;
    site:
        the_watermark_never_goes_back
        voices_are_kept_apart_and_never_go_back
        history_is_bounded_and_newest_first
        a_purge_takes_one_site_alone
        it_answers_when_asked_whether_it_does;
    redaction:
        a_redacted_customer_is_gone_and_stays_gone
        a_demand_met_in_two_attempts_tells_of_all_its_orders
        a_redacted_site_refuses_its_past
        no_writer_brings_back_what_is_being_redacted
        receipts_are_bounded_and_newest_first
        a_removal_stands_until_the_shop_lets_us_in_later;
    customers:
        a_list_is_what_a_search_found_and_news_adds_to_it
        an_order_leaves_with_its_address_and_with_itself
        no_list_and_news_alone_tell_nothing
        that_a_customer_has_none_is_remembered_shortly
        lists_live_as_long_as_orders_and_go_with_their_site
        a_list_is_kept_under_every_secret
        a_customer_is_forgotten_by_the_hash
        many_orders_are_read_at_once;
    lease:
        a_lease_has_one_holder_until_it_runs_out
        a_lease_given_back_is_free_at_once
        who_lost_the_lease_changes_nothing
        what_the_warmer_writes_is_read_whole_and_by_anybody
        one_sweep_is_asked_for_at_a_time
        a_dead_letter_lies_until_its_order_is_fetched_after_all
        it_tells_how_much_it_holds
        the_last_webhook_is_known_to_all;
    writers:
        sixteen_writers_lose_nothing
        deletion_wins_against_sixteen_writers
        a_page_is_merged_in_order_and_a_bad_one_stops_nothing;
}
