//! The source of every choice in a simulation.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// Random numbers that are the same on every machine and with every release of `rand`. The library promises
/// this generator by name. Ranges are computed here, because the library's way may change.
pub struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// The same seed gives the same numbers. `stream` separates different uses of one seed.
    pub fn new(seed: u64, stream: u64) -> Dice {
        Dice(Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(2).wrapping_add(stream)))
    }

    /// A number from 0 to `n - 1`.
    pub fn below(&mut self, n: u32) -> u32 {
        let high = (u128::from(self.0.next_u64()) * u128::from(n)) >> 64;
        u32::try_from(high).expect("less than n")
    }

    /// True in one of `n` cases.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(u32::try_from(of.len()).expect("a short list")) as usize]
    }
}

/// A schedule: one number per step. When it is used up, every choice is 0, which is what a shop without
/// faults would do next. So every schedule ends.
pub struct Choices {
    source: Source,
    taken: Vec<u32>,
}

enum Source {
    Drawn { dice: Dice, left: u32 },
    Given(std::vec::IntoIter<u32>),
}

impl Choices {
    /// A schedule of this length, drawn from the dice.
    pub fn drawn(dice: Dice, length: u32) -> Choices {
        Choices { source: Source::Drawn { dice, left: length }, taken: Vec::new() }
    }

    pub fn given(choices: Vec<u32>) -> Choices {
        Choices { source: Source::Given(choices.into_iter()), taken: Vec::new() }
    }

    /// A number from 0 to `n - 1`.
    pub fn choose(&mut self, n: u32) -> u32 {
        let choice = match &mut self.source {
            Source::Drawn { left: 0, .. } => return 0,
            Source::Drawn { dice, left } => {
                *left -= 1;
                dice.below(n)
            }
            Source::Given(choices) => match choices.next() {
                Some(choice) => choice % n,
                None => return 0,
            },
        };
        self.taken.push(choice);
        choice
    }

    /// The choices made, up to the end of the schedule.
    pub fn taken(self) -> Vec<u32> {
        self.taken
    }
}
