//! Student's distribution.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// The `t` for which a Student-t variable with `freedom` degrees of freedom lies in `-t..t` with this probability.
pub fn student_t(probability: f64, freedom: usize) -> f64 {
    let standard = StudentsT::new(0.0, 1.0, freedom as f64).expect("a comparison has degrees of freedom");
    standard.inverse_cdf(f64::midpoint(probability, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two-sided 95 % and 99.5 % points from the usual tables.
    #[test]
    fn student_t_agrees_with_the_tables() {
        let table = [
            (1, 12.706, 127.321),
            (2, 4.303, 14.089),
            (3, 3.182, 7.453),
            (4, 2.776, 5.598),
            (5, 2.571, 4.773),
            (9, 2.262, 3.690),
            (10, 2.228, 3.581),
            (30, 2.042, 3.030),
            (120, 1.980, 2.860),
        ];
        for (freedom, at_95, at_995) in table {
            assert!((student_t(0.95, freedom) - at_95).abs() < 0.001, "{freedom} degrees, 95 %");
            assert!((student_t(0.995, freedom) - at_995).abs() < 0.001, "{freedom} degrees, 99.5 %");
        }
    }
}
