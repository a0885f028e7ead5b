//! The chance of one schedule: a finite string of bytes, made from the seed.
//!
//! Every decision of the world is read from here, so one schedule is one string, and a smaller failure is a shorter
//! string. Past its end it gives zeros, and zero always means "nothing special": a world without faults.

/// SplitMix64, as in the heart: small, seeded, good enough to spread decisions.
pub struct SplitMix(pub u64);

impl SplitMix {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// The decisions of one schedule, read from front to back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tape {
    bytes: Vec<u8>,
    at: usize,
    /// From now on everything is calm, whatever is left.
    healed: bool,
}

impl Tape {
    pub fn new(bytes: Vec<u8>) -> Tape {
        Tape { bytes, at: 0, healed: false }
    }

    pub fn from_seed(seed: u64, len: usize) -> Tape {
        let mut mix = SplitMix(seed);
        let mut bytes = Vec::with_capacity(len + 8);
        while bytes.len() < len {
            bytes.extend_from_slice(&mix.next().to_le_bytes());
        }
        bytes.truncate(len);
        Tape::new(bytes)
    }

    pub fn heal(&mut self) {
        self.healed = true;
    }

    /// The next decision, raw; zero is the calm one.
    pub fn byte(&mut self) -> u8 {
        if self.healed {
            return 0;
        }
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    /// True in `n` of 256 cases.
    pub fn chance(&mut self, n: u8) -> bool {
        u16::from(self.byte()) >= 256 - u16::from(n)
    }

    /// From 0 to `most`, of two bytes.
    pub fn upto(&mut self, most: u64) -> u64 {
        let raw = u64::from(self.byte()) | (u64::from(self.byte()) << 8);
        raw * most / 0xffff
    }

    /// One of the list; the first is the calm choice.
    pub fn pick<T: Clone>(&mut self, list: &[T], calm: T) -> T {
        list.get(usize::from(self.byte()) % list.len().max(1)).cloned().unwrap_or(calm)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Bytes that were looked at: what comes later decided nothing.
    pub fn used(&self) -> usize {
        self.at.min(self.bytes.len())
    }
}
