//! Measures what a flaw and a crash point cost if none is active. Run it explicitly:
//! `cargo test --release -p platform --test switches -- --ignored --nocapture`

use std::hint::black_box;
use std::time::Instant;

use platform::{CrashPoint, Flaw};

const TIMES: u32 = 100_000_000;

/// The fastest of these trials counts: other load on the machine can only make a trial slower.
const TRIALS: u32 = 7;

fn nanoseconds(work: impl Fn()) -> f64 {
    let trial = |_| {
        let began = Instant::now();
        for _ in 0..TIMES {
            work();
        }
        began.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES)
    };
    (0..TRIALS).map(trial).fold(f64::INFINITY, f64::min)
}

#[test]
#[ignore = "it measures a cost and asserts none; docs/performance.md has the command that runs it"]
fn flaw_costs() {
    let nothing = nanoseconds(|| {
        black_box(());
    });
    // As in the shop, the flaw is known at compile time and its state is not.
    let flaw = nanoseconds(|| {
        black_box(Flaw::NoOutbox.is_on());
    });
    let point = nanoseconds(|| {
        CrashPoint::BeforeCommit.pass();
        black_box(());
    });
    println!("an empty loop {nothing:.2} ns, a flaw that is off {flaw:.2} ns, a crash point {point:.2} ns");
}
