//! What a prepared branch is called. PostgreSQL takes a gid as text only, never as a bound parameter, so it is built
//! from parts that are checked, and from nothing else (rule 35).

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::modules::Module;

/// What every gid of ours begins with.
const PREFIX: &str = "cleave";

/// The longest name of a coordinator. PostgreSQL allows 199 bytes for a gid, of which the rest needs less than 100.
const LONGEST: usize = 32;

/// The name of a coordinator: small letters, digits and dashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the gids of its branches begin with.
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
        Err(format!("a coordinator's name is 1 to {LONGEST} small letters, digits and dashes, as monolith-2"))
    }
}

/// One branch: whose it is, of which start of it, of which transaction, in which module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gid {
    /// Who decides.
    pub coordinator: Name,
    /// The start of the coordinator that began the transaction.
    pub epoch: i64,
    /// The transaction.
    pub transaction: Uuid,
    /// The module whose branch it is.
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
        let stranger = || format!("{text:?} is not the name of a branch of ours");
        let [PREFIX, coordinator, epoch, transaction, module] = text.split(':').collect::<Vec<_>>()[..]
        else {
            return Err(stranger());
        };
        let gid = Gid {
            coordinator: coordinator.parse()?,
            epoch: epoch.parse().map_err(|_| stranger())?,
            transaction: transaction.parse().map_err(|_| stranger())?,
            module: module.parse()?,
        };
        // Numbers and UUIDs have several spellings, and only one of them is the name.
        if gid.to_string() == text { Ok(gid) } else { Err(stranger()) }
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
