//! The suite: every case against every topology that it is about.
//!
//! One program, so that the servers are started once, and only if a case that needs them is run. At its end the
//! shared worlds are audited and stopped; what the audit finds fails the run, whatever the cases said.

mod amqp;
mod api;
mod audit;
mod bad_input;
mod boundaries;
mod config;
mod contention;
mod crash;
mod divergence;
mod docs;
mod openapi;
mod tidy;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use futures_util::future::LocalBoxFuture;
use libtest_mimic::{Arguments, Completion, Failed, Trial};
use tests::{DRIVERS, Mode, Stage, World};
use tokio::runtime::Runtime;

/// A case that needs no server.
type Plain = fn() -> Result<()>;
/// A case in a world that it shares with others.
type InWorld = fn(Arc<World>) -> LocalBoxFuture<'static, Result<()>>;
/// A case that makes its own world, or breaks one. `Some` says why it could not be tried.
type OnStage = fn(Arc<Stage>) -> LocalBoxFuture<'static, Result<Option<String>>>;

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
        tidy::migrations_have_versions_of_their_own,
        tidy::translations_have_the_same_headings,
        tidy::every_rule_sees_its_violation,
        docs::the_schemas_in_docs_are_schemas,
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
        openapi::every_path_answers,
        openapi::the_pages_are_served,
        openapi::health_is_told,
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

fn on_stage() -> Vec<(&'static str, OnStage)> {
    cases![stage:
        audit::damage_to_the_monolith_is_seen,
        audit::damage_to_the_split_shop_is_seen,
        config::bad_usage,
        config::a_port_in_use,
        config::a_database_out_of_reach,
        config::a_broker_out_of_reach,
        config::two_services_on_one_database,
        config::a_database_of_a_newer_program,
        crash::the_monolith,
        crash::each_process_of_the_split_shop,
        crash::the_broker,
        docs::a_real_run_is_as_described,
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

    let every = in_every_world().into_iter();
    let every = every.flat_map(|(name, case)| DRIVERS.map(|driver| (driver, name, case)));
    let one = in_worlds_of_one_mode().into_iter().flat_map(|(mode, name, case)| {
        let of_mode = DRIVERS.into_iter().filter(move |driver| driver.mode() == mode);
        of_mode.map(move |driver| (driver, name, case))
    });
    let worlds = every.chain(one).map(|(driver, name, case)| {
        let (runtime, stage) = (runtime.clone(), stage.clone());
        Trial::test(format!("{driver}::{name}"), move || {
            runtime.block_on(async { case(stage.world(driver).await?).await }).map_err(failed)
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
    plain.chain(worlds).chain(stages).collect()
}

/// With all causes, which `Display` alone would leave out.
fn failed(error: anyhow::Error) -> Failed {
    format!("{error:#}").into()
}
