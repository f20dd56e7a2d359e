//! Student's distribution.

use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

/// The `t` for which a Student-t variable of so many degrees of freedom lies in `-t..t` with this
/// probability. Bisection on the angle, `t = √ν tan θ`, which maps the infinite range to a finite one.
pub fn student_t(probability: f64, freedom: usize) -> f64 {
    let (mut low, mut high) = (0.0, FRAC_PI_2);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if student_t_within(middle, freedom) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    (freedom as f64).sqrt() * low.tan()
}

/// The probability of `-t..t` for `t = √ν tan θ`: for whole degrees of freedom a finite sum (Abramowitz and
/// Stegun, *Handbook of Mathematical Functions*, 26.7.3 and 26.7.4).
fn student_t_within(angle: f64, freedom: usize) -> f64 {
    let (sin, cos) = angle.sin_cos();
    let odd = freedom % 2 == 1;
    let mut term = if odd { cos } else { 1.0 };
    let mut sum = 0.0;
    for n in (if odd { 3 } else { 2 }..=freedom).step_by(2) {
        sum += term;
        term *= cos * cos * (n - 1) as f64 / n as f64;
    }
    if odd { FRAC_2_PI * (angle + sin * sum) } else { sin * sum }
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
