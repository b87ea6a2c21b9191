//! Numbers that look random: repeatable ones for the seed, unguessable ones for secrets.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::rand_core::{CryptoRng, Error, RngCore, impls};
use uuid::Uuid;

/// A repeatable stream of numbers: the same seed and label give the same stream on every machine.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// A stream of its own for each label, so that adding a draw in one place moves nothing elsewhere.
    pub fn new(seed: u64, label: &str) -> Self {
        let mut state = mix(seed);
        for byte in label.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        Self(state)
    }

    /// The next number of the stream (`SplitMix64`).
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number from 0 up to, not including, `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit.max(1)
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A version 4 UUID.
    pub fn uuid(&mut self) -> Uuid {
        let bytes = u128::from(self.roll()) << 64 | u128::from(self.roll());
        uuid::Builder::from_random_bytes(bytes.to_be_bytes()).into_uuid()
    }
}

impl RngCore for Dice {
    fn next_u32(&mut self) -> u32 {
        (self.roll() >> 32) as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.roll()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        impls::fill_bytes_via_next(self, dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

/// The sandbox's signing keys are made from its seed on purpose: they protect nothing.
impl CryptoRng for Dice {}

/// Spreads a number over all 64 bits.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

/// An unguessable text with a recognisable beginning, so that a leak can be searched for.
pub fn secret(prefix: &str) -> String {
    let bytes: [u8; 48] = rand::random();
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}

/// A random version 4 UUID.
pub fn random_uuid() -> Uuid {
    uuid::Builder::from_random_bytes(rand::random()).into_uuid()
}
