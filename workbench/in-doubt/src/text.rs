//! The terminal output of `cleave in-doubt`.

use std::fmt::Write;

use super::{Branch, Coordinator, Decision, InDoubt, Resolution, words};

impl InDoubt {
    /// The text for the terminal: one paragraph per branch.
    pub fn text(&self) -> String {
        if self.branches.is_empty() {
            return words::nothing(self.databases.join(", ")) + "\n";
        }
        let mut text = String::new();
        for branch in &self.branches {
            // Writing to a String cannot fail.
            let _ = write_branch(&mut text, branch);
        }
        if self.branches.iter().any(|branch| branch.outcome.is_none()) {
            text += &(words::resolve_now() + "\n");
        }
        text
    }
}

fn write_branch(text: &mut String, branch: &Branch) -> std::fmt::Result {
    let Branch { gid, module, database, age_s, .. } = branch;
    writeln!(text, "{gid}")?;
    writeln!(text, "  {}", words::branch(module, database, format!("{age_s:.1}")))?;
    writeln!(text, "  {}", words::coordinator(coordinator(branch)))?;
    writeln!(text, "  {}", words::decision(decision(branch.decision)))?;
    let locks: Vec<String> = branch
        .locks
        .iter()
        .map(|lock| match lock.count {
            1 => format!("{} {}", lock.on, lock.mode),
            count => format!("{count} × {} {}", lock.on, lock.mode),
        })
        .collect();
    writeln!(text, "  {}", words::locks(locks.join(", ")))?;
    if branch.waiters.is_empty() {
        writeln!(text, "  {}", words::no_waiters())?;
    }
    for waiter in &branch.waiters {
        let behind = match waiter.behind {
            0 => String::new(),
            behind => words::behind(behind),
        };
        let waiting_s = format!("{:.1}", waiter.waiting_s);
        writeln!(text, "  {}", words::waiter(waiter.pid, waiting_s, behind, &waiter.statement))?;
    }
    match &branch.outcome {
        None => {}
        Some(Resolution::Committed) => writeln!(text, "  {}", words::committed())?,
        Some(Resolution::RolledBack) => writeln!(text, "  {}", words::rolled_back())?,
        Some(Resolution::Left(reason)) => writeln!(text, "  {}", words::left(reason))?,
    }
    writeln!(text)
}

fn coordinator(branch: &Branch) -> String {
    let Coordinator { name, alive, epoch } = &branch.coordinator;
    match (alive, epoch) {
        (Some(true), Some(epoch)) if *epoch <= branch.epoch => words::alive(name),
        (Some(true), _) => words::alive_again(name),
        (Some(false), _) => words::not_running(name),
        (None, _) => words::not_looked_into(name),
    }
}

fn decision(decision: Decision) -> String {
    match decision {
        Decision::Commit => words::commit(),
        Decision::Abort => words::abort(),
        Decision::None => words::none(),
        Decision::Unknown => words::unknown(),
    }
}
