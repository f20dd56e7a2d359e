//! Where every choice of a simulation comes from.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

/// Random numbers that are the same on every machine and with every release of the library: the generator is one that
/// `rand` promises by name, and the range is made here, because how the library makes ranges may change.
pub struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// Dice that fall the same way for the same seed. `stream` keeps those for different uses apart.
    pub fn new(seed: u64, stream: u64) -> Dice {
        Dice(Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_mul(2).wrapping_add(stream)))
    }

    /// A number from 0 to `n - 1`.
    pub fn below(&mut self, n: u32) -> u32 {
        let high = (u128::from(self.0.next_u64()) * u128::from(n)) >> 64;
        u32::try_from(high).expect("less than n")
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u32) -> bool {
        self.below(n) == 0
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(u32::try_from(of.len()).expect("a short list")) as usize]
    }
}

/// A schedule: one number a step. Once it is used up every choice is 0, which is always what a shop without faults
/// would do next; so every schedule ends.
pub struct Choices {
    source: Source,
    taken: Vec<u32>,
}

enum Source {
    Drawn { dice: Dice, left: u32 },
    Given(std::vec::IntoIter<u32>),
}

impl Choices {
    /// So many choices, drawn.
    pub fn drawn(dice: Dice, length: u32) -> Choices {
        Choices { source: Source::Drawn { dice, left: length }, taken: Vec::new() }
    }

    /// These choices.
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

    /// What was chosen, up to the end of the schedule.
    pub fn taken(self) -> Vec<u32> {
        self.taken
    }
}
