//! The suite: every case on every topology that it applies to.
//!
//! It is one program, so that the servers are started only once, and only if a case needs them. The last case
//! of a driver audits and stops their shared world. It fails if the audit finds anything, even if all cases
//! have passed.

mod amqp;
mod api;
mod audit;
mod bad_input;
mod batches;
mod bench;
mod boundaries;
mod broker;
mod by_key;
mod choreography;
mod config;
mod contention;
mod control;
mod coordinators;
mod crash;
mod crash_matrix;
mod dashboard;
mod deadlocks;
mod divergence;
mod docs;
mod duplicates;
mod edge;
mod environment;
mod examples;
mod flaws;
mod gateway;
mod guides;
mod hang_up;
mod live_audit;
mod machine;
mod openapi;
mod overlap;
mod relay;
mod repeats;
mod retired_coordinators;
mod running;
mod samples;
mod scenario;
mod schema;
mod servers;
mod silent_rollback;
mod slow;
mod soak;
mod story;
mod telemetry;
mod there_and_back;
mod tidy;
mod times;
mod two_phase;
mod waits;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use futures_util::future::LocalBoxFuture;
use libtest_mimic::Arguments;
use running::{Suite, trials};
use tests::{Driver, Mode, Stage, World};
use times::Times;
use tokio::runtime::Runtime;

/// How many cases run in parallel. Most of them spend most of their time waiting.
const THREADS: usize = 4;

/// A case that needs no server.
type Plain = fn() -> Result<()>;
/// A case in a shared world.
type InWorld = fn(Arc<World>) -> LocalBoxFuture<'static, Result<()>>;
/// A case that creates its own world, or breaks one. `Some` gives the reason why it was skipped.
type OnStage = fn(Arc<Stage>) -> LocalBoxFuture<'static, Result<Option<String>>>;
/// A case that creates its own world for each driver.
type WithDriver = fn(Arc<Stage>, Driver) -> LocalBoxFuture<'static, Result<()>>;

/// Pairs each function with its name.
macro_rules! cases {
    (plain: $($module:ident :: $case:ident),* $(,)?) => {
        vec![$((concat!(stringify!($module), "::", stringify!($case)), $module::$case as Plain)),*]
    };
    (world: $($module:ident :: $case:ident),* $(,)?) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($case)),
            (|world| Box::pin(async move { $module::$case(&world).await })) as InWorld,
        )),*]
    };
    (driver: $($module:ident :: $case:ident),* $(,)?) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($case)),
            (|stage, driver| Box::pin(async move { $module::$case(&stage, driver).await })) as WithDriver,
        )),*]
    };
    (stage: $($module:ident :: $case:ident),* $(,)?) => {
        vec![$((
            concat!(stringify!($module), "::", stringify!($case)),
            (|stage| Box::pin(async move { $module::$case(&stage).await })) as OnStage,
        )),*]
    };
}

fn plain() -> Vec<(&'static str, Plain)> {
    cases![plain:
        boundaries::the_crates_depend_as_the_table_says,
        boundaries::the_picture_shows_the_crates,
        boundaries::a_dependency_too_many_or_too_few_is_seen,
        boundaries::every_dependency_is_used,
        boundaries::every_spelling_of_a_use_is_seen,
        boundaries::modules_form_no_cycle,
        boundaries::a_cycle_of_modules_is_seen,
        boundaries::the_foundation_has_no_business,
        boundaries::a_word_of_the_shop_is_seen,
        tidy::modules_keep_their_shape,
        tidy::modules_keep_the_world_out,
        tidy::sql_names_only_its_own_schema,
        tidy::queries_name_their_columns,
        tidy::programs_say_nothing_by_macros_that_panic,
        tidy::migrations_have_versions_of_their_own,
        tidy::translations_have_the_same_headings,
        tidy::glossaries_list_the_same_words,
        tidy::words_are_those_that_readers_know,
        tidy::the_readme_names_every_suite,
        tidy::every_rule_sees_its_violation,
        schema::the_readers_of_sources_read_all_of_it,
        docs::the_schemas_in_docs_are_schemas,
        docs::the_chart_shows_the_figures_of_the_drivers,
        docs::each_reported_case_has_a_test,
        guides::none_is_left_out,
        samples::what_runs_in_full_has_a_sample,
        openapi::a_check_that_is_left_out_says_so,
        choreography::a_module_hears_just_what_it_reacts_to,
        choreography::what_is_sent_is_heard,
        choreography::reactions_stay_at_home,
        crash_matrix::the_workbench_knows_every_point,
        flaws::the_workbench_knows_every_flaw,
    ]
}

fn in_every_world() -> Vec<(&'static str, InWorld)> {
    cases![world:
        api::an_order_is_confirmed,
        api::each_refusal_gives_everything_back,
        api::a_replay_finds_the_order,
        api::a_key_with_another_order_is_refused,
        by_key::an_order_is_found_by_its_key,
        api::deliveries_and_deposits_count_once,
        api::lists_have_pages,
        api::what_is_not_there_is_not_found,
        api::a_time_sale_keeps_to_its_quota,
        api::a_price_may_change_and_a_sale_may_end,
        bad_input::bodies,
        bad_input::fields,
        bad_input::keys,
        bad_input::queries_and_paths,
        bad_input::other_bodies_than_orders,
        contention::one_key_at_the_same_moment_is_one_order,
        contention::the_last_piece_goes_to_one_buyer,
        contention::the_last_coin_is_spent_once,
        contention::a_sale_is_not_oversold,
        contention::crossed_orders_do_not_deadlock,
        contention::one_unit_and_five_hundred_buyers,
        edge::what_a_client_did_harms_no_other,
        edge::a_path_has_one_reading,
        edge::head_is_get_without_the_body,
        edge::a_wrong_method_is_told_which_are_right,
        edge::what_is_described_is_accepted,
        repeats::lines_in_another_order_are_the_same_order,
        repeats::a_reused_id_is_refused,
        repeats::one_id_and_many_contents_at_the_same_moment,
        edge::orders_have_pages,
        edge::a_connection_is_not_held_for_nothing,
        edge::what_belongs_to_one_connection_stays_there,
        edge::a_slow_sender_is_told,
        openapi::every_path_answers,
        openapi::the_pages_are_served,
        openapi::health_is_told,
        telemetry::an_order_is_one_trace,
        telemetry::garbage_in_the_header_begins_a_new_trace,
        telemetry::metrics_move_with_what_is_sent,
    ]
}

fn in_worlds_of_one_mode() -> Vec<(Mode, &'static str, InWorld)> {
    let monolith: Vec<(&str, InWorld)> = cases![world: divergence::an_order_is_answered_decided];
    let split = cases![world:
        divergence::an_order_is_answered_pending,
        divergence::a_client_that_prefers_to_wait_gets_the_decision,
        divergence::a_replay_of_a_pending_order_is_accepted,
        amqp::poison_is_set_aside_and_the_queue_goes_on,
    ];
    let of = |mode, cases: Vec<(&'static str, InWorld)>| {
        cases.into_iter().map(move |(name, case)| (mode, name, case))
    };
    let hybrid = cases![world:
        divergence::an_order_is_answered_once_it_is_known,
        divergence::a_client_that_prefers_to_wait_gets_the_decision,
        divergence::a_replay_of_a_pending_order_is_accepted,
        amqp::poison_is_set_aside_and_the_queue_goes_on,
    ];
    of(Mode::Monolith, monolith).chain(of(Mode::Split, split)).chain(of(Mode::Hybrid, hybrid)).collect()
}

/// Long versions of cases that also run in a short form. They are run only on request.
fn in_full() -> Vec<(&'static str, InWorld)> {
    cases![world: contention::one_unit_and_five_hundred_buyers_in_full]
}

fn with_each_driver() -> Vec<(&'static str, WithDriver)> {
    cases![driver: audit::damage_is_seen]
}

fn with_each_driver_that_sends() -> Vec<(&'static str, WithDriver)> {
    cases![driver: duplicates::every_message_ten_times_has_no_extra_effect]
}

fn on_stage() -> Vec<(&'static str, OnStage)> {
    cases![stage:
        config::bad_usage,
        config::a_port_in_use,
        config::a_database_out_of_reach,
        config::a_broker_out_of_reach,
        config::a_pooler_that_shares_sessions,
        config::two_services_on_one_database,
        config::a_database_of_a_newer_program,
        crash::the_monolith,
        crash::each_process_of_the_split_shop,
        crash::one_of_two_of_everything,
        servers::the_broker_three_times,
        servers::the_database,
        docs::a_real_run_is_as_described,
        guides::the_first_ones_work_when_pasted,
        machine::few_open_files_are_no_evidence,
        machine::a_figure_that_cannot_be_measured_is_absent,
        machine::spans_are_exported_only_when_asked,
        story::it_tells_what_happened,
        story::it_tells_what_is_in_doubt,
        dashboard::everybody_can_read_it,
        dashboard::the_recorded_lesson_is_followed,
        dashboard::a_busy_machine_is_named,
        dashboard::a_wait_is_named,
        live_audit::one_transaction_has_no_window,
        live_audit::between_several_commits_there_is_one,
        live_audit::what_stands_still_is_late,
        live_audit::a_shop_without_a_guard_is_caught_while_it_sells,
        control::up_is_controlled_by_its_owner_alone,
        control::up_sends_the_load_it_was_asked_for,
        there_and_back::a_module_leaves_and_comes_home_under_load,
        there_and_back::a_move_survives_the_death_of_processes,
        environment::a_bad_moment_is_waited_out_in_any_language,
        environment::a_lost_connection_is_tried_again,
        environment::what_is_said_of_an_order_is_true,
        environment::a_stored_order_is_pending_whatever_the_database_does,
        environment::a_table_may_change_under_a_running_shop,
        environment::a_cut_connection_never_counts_against_a_message,
        environment::a_half_open_connection_is_given_up,
        environment::a_read_only_moment_is_waited_out,
        environment::a_commit_whose_answer_is_lost_is_told_as_it_is,
        hang_up::five_hundred_clients_lose_nothing,
        by_key::an_order_whose_response_is_lost_is_found,
        gateway::a_path_has_one_reading_before_monoliths,
        gateway::a_killed_instance_leaves_rotation,
        gateway::values_that_are_refused_are_no_failure,
        gateway::browsing_goes_on_without_the_catalog,
        gateway::the_shop_goes_on_without_its_registry,
        gateway::settings_are_followed,
        batches::a_long_queue_is_handled_in_bounded_transactions,
        deadlocks::no_two_writers_wait_in_a_circle,
        overlap::every_pair_of_handlers_is_as_one_after_the_other,
        overlap::nothing_is_prepared_twice,
        silent_rollback::is_never_taken_for_success,
        schema::tables_are_as_declared,
        schema::every_text_is_a_statement,
        relay::an_order_keeps_its_order_across_instances,
        relay::one_that_stops_does_not_wait_for_others,
        broker::foreign_text_of_any_size_is_set_aside,
        broker::a_delivery_limit_drops_nothing,
        broker::what_kills_its_consumer_is_set_aside,
        broker::a_failure_around_a_suspect_is_no_death,
        broker::a_kill_during_a_wait_is_no_death,
        broker::an_older_queue_is_replaced,
        broker::a_returned_message_delays_no_other,
        broker::asking_again_backs_off,
        broker::a_queue_that_vanishes_comes_back,
        broker::an_exchange_that_vanishes_loses_nothing,
        broker::a_memory_alarm_is_waited_out,
        two_phase::a_coordinator_that_dies_before_the_decision,
        two_phase::a_coordinator_that_dies_between_two_commits,
        two_phase::a_transaction_at_work_is_waited_for,
        two_phase::branches_are_finished_by_hand,
        two_phase::branches_of_the_living_are_left_alone,
        retired_coordinators::an_instance_that_is_gone_for_good,
        retired_coordinators::an_instance_that_stops_leaves_nothing_prepared,
        retired_coordinators::an_instance_that_is_retired_in_its_back_off,
        retired_coordinators::instances_share_the_room_of_their_server,
        retired_coordinators::a_paused_coordinator_says_what_its_successor_did,
        retired_coordinators::a_paused_coordinator_that_holds_its_lock_is_waited_for,
        retired_coordinators::a_branch_that_is_prepared_late,
        retired_coordinators::sessions_that_are_lost_before_the_decision,
        retired_coordinators::a_decision_whose_answer_is_lost_is_asked_for,
        coordinators::two_coordinators_keep_to_their_own,
        coordinators::a_server_without_room_is_refused,
        coordinators::each_module_may_have_its_own_database,
        two_phase::requests_that_are_given_up_keep_no_connection,
        waits::a_service_that_waits_is_named,
        waits::a_monolith_that_waits_is_named,
        waits::each_of_two_instances_is_named,
        coordinators::a_local_transaction_takes_no_further_database,
        telemetry::off_is_off,
    ]
}

/// Cases that need the machine for themselves, because they measure or use every core.
fn alone() -> Vec<(&'static str, OnStage)> {
    cases![stage:
        crash_matrix::a_sample_of_all_points,
        crash_matrix::a_sample_with_two_instances,
        crash_matrix::a_sample_with_a_slow_database,
        bench::of_a_busy_machine_is_as_described,
        bench::of_recovery_is_as_described,
        scenario::the_same_kill_on_both,
        dashboard::a_person_breaks_it_and_watches,
        slow::four_kinds_of_silence_are_told_apart,
        scenario::an_order_does_not_wait_for_what_it_does_not_need,
        soak::orders_live_through_faults_of_every_sort,
        gateway::a_service_that_hangs_is_cut_off_and_taken_back,
        gateway::a_rolling_replacement_loses_no_request,
    ]
}

/// Those of which only a sample is run above, in full.
fn alone_in_full() -> Vec<(&'static str, OnStage)> {
    cases![stage:
        crash_matrix::every_point_of_every_driver,
        crash_matrix::every_point_with_two_instances,
        crash_matrix::every_point_with_a_slow_database,
        deadlocks::a_minute_of_orders_and_receipts,
        servers::the_broker_ten_times,
        guides::all_others_work_when_pasted,
        guides::those_of_the_drivers_work_when_pasted,
        examples::every_one_works_when_pasted,
    ]
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let runtime = Runtime::new().expect("the runtime starts");
    let suite = Arc::new(Suite { runtime, stage: Arc::default(), times: Times::default() });
    let conclusion = libtest_mimic::run(&arguments, trials(&suite));

    let Suite { runtime, stage, times } = Arc::into_inner(suite).expect("all cases are over");
    times.tell();
    samples::tell(&times);
    let stage = Arc::into_inner(stage).expect("all cases are over");
    match runtime.block_on(stage.finish()) {
        Ok(()) => conclusion.exit_code(),
        Err(error) => {
            eprintln!("after all cases: {error:#}");
            ExitCode::FAILURE
        }
    }
}
