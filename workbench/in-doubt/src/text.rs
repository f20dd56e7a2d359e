//! What is in doubt, for people.

use std::fmt::Write;

use super::{Branch, Coordinator, Decision, InDoubt, Outcome};

impl InDoubt {
    /// For the terminal: one paragraph per branch.
    pub fn text(&self) -> String {
        if self.branches.is_empty() {
            return format!("Nothing is in doubt in {}.\n", self.databases.join(", "));
        }
        let mut text = String::new();
        for branch in &self.branches {
            // Writing to a string does not fail.
            let _ = write_branch(&mut text, branch);
        }
        if self.branches.iter().any(|branch| branch.outcome.is_none()) {
            text += "A monolith finishes what it has left behind when it starts again; `cleave in-doubt --resolve` does \
                     it now.\n";
        }
        text
    }
}

fn write_branch(text: &mut String, branch: &Branch) -> std::fmt::Result {
    let Branch { gid, module, database, age_s, .. } = branch;
    writeln!(text, "{gid}")?;
    writeln!(text, "  {module}'s branch, in the database {database}, prepared {age_s:.1} s ago")?;
    writeln!(text, "  coordinator: {}", coordinator(branch))?;
    writeln!(text, "  decision: {}", decision(branch.decision))?;
    let locks: Vec<String> = branch
        .locks
        .iter()
        .map(|lock| match lock.count {
            1 => format!("{} {}", lock.on, lock.mode),
            count => format!("{count} × {} {}", lock.on, lock.mode),
        })
        .collect();
    writeln!(text, "  locks: {}", locks.join(", "))?;
    if branch.waiters.is_empty() {
        writeln!(text, "  nobody waits for it")?;
    }
    for waiter in &branch.waiters {
        let behind = match waiter.behind {
            0 => String::new(),
            behind => format!(", and {behind} behind it"),
        };
        let (pid, waiting_s, statement) = (waiter.pid, waiter.waiting_s, &waiter.statement);
        writeln!(text, "  session {pid} has waited for it for {waiting_s:.1} s{behind}: {statement}")?;
    }
    match &branch.outcome {
        None => {}
        Some(Outcome::Committed) => writeln!(text, "  resolved: committed")?,
        Some(Outcome::RolledBack) => writeln!(text, "  resolved: rolled back")?,
        Some(Outcome::Left(reason)) => writeln!(text, "  not resolved: {reason}")?,
    }
    writeln!(text)
}

fn coordinator(branch: &Branch) -> String {
    let Coordinator { name, alive, epoch } = &branch.coordinator;
    match (alive, epoch) {
        (Some(true), Some(epoch)) if *epoch <= branch.epoch => format!("{name}, which is alive"),
        (Some(true), _) => format!("{name}, alive again since this was prepared"),
        (Some(false), _) => format!("{name}, which is not running"),
        (None, _) => format!("{name}, whose database was not looked into"),
    }
}

fn decision(decision: Decision) -> &'static str {
    match decision {
        Decision::Commit => "commit",
        Decision::Abort => "abort",
        Decision::None => "none on record, which means abort",
        Decision::Unknown => "unknown; it is in the database of the orders",
    }
}
