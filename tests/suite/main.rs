//! The suite: every case against every topology that it is about.
//!
//! One program, so that the servers are started once, and only if a case that needs them is run. The last case of a
//! driver has their shared world audited and stopped; what the audit finds fails it, whatever the cases said.

mod amqp;
mod api;
mod audit;
mod bad_input;
mod boundaries;
mod choreography;
mod config;
mod contention;
mod control;
mod coordinators;
mod crash;
mod crash_matrix;
mod dashboard;
mod divergence;
mod docs;
mod duplicates;
mod flaws;
mod gateway;
mod live_audit;
mod openapi;
mod relay;
mod scenario;
mod servers;
mod soak;
mod story;
mod telemetry;
mod tidy;
mod two_phase;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use experiments::flaws::FLAWS;
use futures_util::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tests::{DRIVERS, Driver, Mode, Seat, Stage, World};
use tokio::runtime::Runtime;

/// A case that needs no server.
type Plain = fn() -> Result<()>;
/// A case in a world that it shares with others.
type InWorld = fn(Arc<World>) -> LocalBoxFuture<'static, Result<()>>;
/// A case that makes its own world, or breaks one. `Some` says why it could not be tried.
type OnStage = fn(Arc<Stage>) -> LocalBoxFuture<'static, Result<Option<String>>>;
/// A case that makes its own world of each driver.
type WithDriver = fn(Arc<Stage>, Driver) -> LocalBoxFuture<'static, Result<()>>;

/// Names with the functions that they name.
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
        boundaries::a_dependency_too_many_or_too_few_is_seen,
        tidy::modules_keep_their_shape,
        tidy::modules_keep_the_world_out,
        tidy::sql_names_only_its_own_schema,
        tidy::programs_say_nothing_by_macros_that_panic,
        tidy::migrations_have_versions_of_their_own,
        tidy::translations_have_the_same_headings,
        tidy::every_rule_sees_its_violation,
        docs::the_schemas_in_docs_are_schemas,
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
        divergence::who_prefers_to_wait_gets_the_decision,
        divergence::a_replay_of_a_pending_order_is_accepted,
        amqp::poison_is_set_aside_and_the_queue_goes_on,
    ];
    let of = |mode, cases: Vec<(&'static str, InWorld)>| {
        cases.into_iter().map(move |(name, case)| (mode, name, case))
    };
    of(Mode::Monolith, monolith).chain(of(Mode::Split, split)).collect()
}

/// Cases that take long, and say the same as others in small: only who asks for them gets them.
fn in_full() -> Vec<(&'static str, InWorld)> {
    cases![world: contention::one_unit_and_five_hundred_buyers_in_full]
}

fn with_each_driver() -> Vec<(&'static str, WithDriver)> {
    cases![driver: audit::damage_is_seen]
}

fn with_each_split_driver() -> Vec<(&'static str, WithDriver)> {
    cases![driver: duplicates::every_message_ten_times_has_no_extra_effect]
}

fn on_stage() -> Vec<(&'static str, OnStage)> {
    cases![stage:
        config::bad_usage,
        config::a_port_in_use,
        config::a_database_out_of_reach,
        config::a_broker_out_of_reach,
        config::two_services_on_one_database,
        config::a_database_of_a_newer_program,
        crash::the_monolith,
        crash::each_process_of_the_split_shop,
        crash::one_of_two_of_everything,
        crash_matrix::every_point_of_every_driver,
        servers::the_broker_ten_times,
        servers::the_database,
        docs::a_real_run_is_as_described,
        story::it_tells_what_happened,
        story::it_tells_what_is_in_doubt,
        dashboard::everybody_can_read_it,
        dashboard::a_person_breaks_it_and_watches,
        scenario::the_same_kill_on_both,
        live_audit::one_transaction_has_no_window,
        live_audit::between_several_commits_there_is_one,
        live_audit::what_stands_still_is_late,
        live_audit::a_shop_without_a_guard_is_caught_while_it_sells,
        soak::orders_live_through_faults_of_every_sort,
        control::up_is_controlled_by_its_owner_alone,
        gateway::a_service_that_hangs_is_cut_off_and_taken_back,
        gateway::a_killed_instance_leaves_rotation,
        gateway::a_rolling_replacement_loses_no_request,
        gateway::browsing_goes_on_without_the_catalog,
        gateway::the_shop_goes_on_without_its_registry,
        gateway::settings_are_followed,
        relay::one_that_stops_does_not_wait_for_others,
        two_phase::a_coordinator_that_dies_before_the_decision,
        two_phase::a_coordinator_that_dies_between_two_commits,
        two_phase::a_transaction_at_work_is_waited_for,
        two_phase::branches_are_finished_by_hand,
        two_phase::branches_of_the_living_are_left_alone,
        coordinators::two_coordinators_keep_to_their_own,
        coordinators::a_server_without_room_is_refused,
        coordinators::each_module_may_have_its_own_database,
        two_phase::requests_that_are_given_up_keep_no_connection,
        coordinators::a_local_transaction_takes_no_further_database,
        telemetry::off_is_off,
    ]
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let runtime = Arc::new(Runtime::new().expect("threads can be started"));
    let stage = Arc::new(Stage::default());
    let conclusion = libtest_mimic::run(&arguments, trials(&runtime, &stage));

    let stage = Arc::into_inner(stage).expect("all cases are over");
    match runtime.block_on(stage.finish()) {
        Ok(()) => conclusion.exit_code(),
        Err(error) => {
            eprintln!("the cases are over, and: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn trials(runtime: &Arc<Runtime>, stage: &Arc<Stage>) -> Vec<Trial> {
    let plain = plain().into_iter().map(|(name, case)| Trial::test(name, move || case().map_err(failed)));

    let of_mode = |mode| DRIVERS.into_iter().filter(move |driver: &Driver| driver.mode() == mode);
    let shared = DRIVERS.into_iter().flat_map(|driver| cases_of(driver, runtime, stage));

    let own = each(with_each_driver(), DRIVERS);
    let own = own.chain(each(with_each_split_driver(), of_mode(Mode::Split)));
    let own = own.map(|(driver, name, case)| {
        let (runtime, stage) = (runtime.clone(), stage.clone());
        Trial::test(format!("{driver}::{name}"), move || {
            runtime.block_on(case(stage, driver)).map_err(failed)
        })
    });

    let stages = on_stage().into_iter().map(|(name, case)| {
        let (runtime, stage) = (runtime.clone(), stage.clone());
        Trial::ignorable_test(name, move || match runtime.block_on(case(stage)) {
            Ok(None) => Ok(Completion::Completed),
            Ok(Some(reason)) => Ok(Completion::ignored_with(reason)),
            Err(error) => Err(failed(error)),
        })
    });
    let experiments = Arc::new(flaws::Experiments::new().expect("a temporary folder can be made"));
    let flawed = FLAWS.iter().map(|flaw| {
        let (runtime, stage, experiments) = (runtime.clone(), stage.clone(), experiments.clone());
        Trial::test(format!("flaws::{}", flaw.name), move || {
            runtime.block_on(experiments.catch(&stage, flaw)).map_err(failed)
        })
    });
    plain.chain(shared).chain(own).chain(stages).chain(flawed).collect()
}

/// The cases that share this driver's world, one after the other: the world is there from the first to the last.
fn cases_of(driver: Driver, runtime: &Arc<Runtime>, stage: &Arc<Stage>) -> Vec<Trial> {
    let seat = Arc::new(Seat::new(driver));
    let trial = |(name, case): (&'static str, InWorld)| {
        let (runtime, stage, seat) = (runtime.clone(), stage.clone(), seat.clone());
        Trial::test(format!("{driver}::{name}"), move || {
            let outcome = runtime.block_on(async { case(seat.world(&stage).await?).await });
            let closed = Arc::into_inner(seat).map_or(Ok(()), |seat| runtime.block_on(seat.close(&stage)));
            outcome.and(closed).map_err(failed)
        })
    };
    let of_one_mode = in_worlds_of_one_mode().into_iter();
    let of_one_mode =
        of_one_mode.filter(|(mode, ..)| *mode == driver.mode()).map(|(_, name, case)| (name, case));
    // First, because one that is left out leaves its seat when its turn comes, and cannot close anything.
    let in_full = in_full().into_iter().map(|case| trial(case).with_ignored_flag(true));
    in_full.chain(in_every_world().into_iter().chain(of_one_mode).map(trial)).collect()
}

/// Every case with every driver.
fn each<Case: Copy>(
    cases: Vec<(&'static str, Case)>,
    drivers: impl IntoIterator<Item = Driver> + Clone,
) -> impl Iterator<Item = (Driver, &'static str, Case)> {
    cases
        .into_iter()
        .flat_map(move |(name, case)| drivers.clone().into_iter().map(move |driver| (driver, name, case)))
}

/// With all causes, which `Display` alone would leave out.
fn failed(error: anyhow::Error) -> Failed {
    format!("{error:#}").into()
}
