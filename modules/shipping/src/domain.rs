//! Shipping's rules, on plain values.

use contracts::{Error, RefusalCode, Region};

/// The regions that are served. Orders to any other region are refused.
pub const SERVED: [&str; 8] = ["seoul", "busan", "incheon", "daegu", "daejeon", "gwangju", "ulsan", "sejong"];

/// Refuses a region that is not served.
pub fn schedule(region: &Region) -> Result<(), Error> {
    if SERVED.contains(&region.as_str()) {
        return Ok(());
    }
    let detail = format!("{region} is not served; served regions are {}", SERVED.join(", "));
    Err(Error::refused(RefusalCode::RegionNotServed, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_served_regions_are_served() {
        assert!(SERVED.iter().all(|region| schedule(&region.parse().unwrap()).is_ok()));
        for elsewhere in ["atlantis", "Seoul", "seoul."] {
            assert!(schedule(&elsewhere.parse().unwrap()).is_err(), "{elsewhere}");
        }
    }
}
