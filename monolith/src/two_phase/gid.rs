//! The gid: the name of a prepared branch. PostgreSQL does not accept it as a bound parameter, only as text in the
//! statement. So it is built from validated parts and nothing else: rule 35 (gid).

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::modules::Module;

/// The prefix of every gid of the shop.
const PREFIX: &str = "cleave";

/// The maximum length of a coordinator's name. PostgreSQL allows 199 bytes for a gid; the other parts need less than
/// 100.
const LONGEST: usize = 32;

/// The name of a coordinator: lower-case letters, digits and dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The prefix of its branches' gids.
    pub fn prefix(&self) -> String {
        format!("{PREFIX}:{self}:")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if (1..=LONGEST).contains(&text.len()) && text.chars().all(allowed) {
            return Ok(Name(text.to_owned()));
        }
        Err(format!(
            "a coordinator's name must be 1 to {LONGEST} lower-case letters, digits or dashes, such as monolith-2"
        ))
    }
}

/// A gid: the coordinator, the epoch, the transaction and the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gid {
    /// The coordinator that began the transaction.
    pub coordinator: Name,
    /// The coordinator's epoch when it began the transaction.
    pub epoch: i64,
    pub transaction: Uuid,
    /// The module that works in the branch.
    pub module: Module,
}

impl fmt::Display for Gid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Gid { coordinator, epoch, transaction, module } = self;
        write!(f, "{PREFIX}:{coordinator}:{epoch}:{transaction}:{module}")
    }
}

impl FromStr for Gid {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("{text:?} is not the name of a branch of the shop");
        let [PREFIX, coordinator, epoch, transaction, module] = text.split(':').collect::<Vec<_>>()[..]
        else {
            return Err(unknown());
        };
        let gid = Gid {
            coordinator: coordinator.parse()?,
            epoch: epoch.parse().map_err(|_| unknown())?,
            transaction: transaction.parse().map_err(|_| unknown())?,
            module: module.parse()?,
        };
        // Numbers and UUIDs can be written in several ways, but only one of them is the gid.
        if gid.to_string() == text { Ok(gid) } else { Err(unknown()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_fits() {
        let coordinator: Name = "x".repeat(LONGEST).parse().unwrap();
        for module in Module::ALL {
            let gid =
                Gid { coordinator: coordinator.clone(), epoch: i64::MAX, transaction: Uuid::max(), module };
            let text = gid.to_string();
            assert!(text.len() < 200 && text.starts_with(&coordinator.prefix()), "{text}");
            assert_eq!(text.parse(), Ok(gid));
        }
    }

    #[test]
    fn nothing_else_is_read() {
        let uuid = "00000000-0000-0000-0000-000000000000";
        assert!(format!("cleave:monolith:1:{uuid}:orders").parse::<Gid>().is_ok());
        for bad in [
            String::new(),
            "cleave:monolith:1".into(),
            format!("other:monolith:1:{uuid}:orders"),
            format!("cleave:Monolith:1:{uuid}:orders"),
            format!("cleave:mono'lith:1:{uuid}:orders"),
            format!("cleave:monolith:+1:{uuid}:orders"),
            format!("cleave:monolith:1:{}:orders", uuid.replace('-', "")),
            format!("cleave:monolith:1:{uuid}:order"),
            format!("cleave:monolith:1:{uuid}:orders:"),
        ] {
            assert!(bad.parse::<Gid>().is_err(), "{bad}");
        }
        for bad in ["", "a:b", "A", "a b", "a'", &"x".repeat(LONGEST + 1)] {
            assert!(bad.parse::<Name>().is_err(), "{bad}");
        }
    }
}
