//! How failed sign-ins slow the next ones down.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use app::domain::Timestamp;

/// How much may fail, and what follows.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// This many failures cost nothing.
    pub free: u32,
    /// How long to wait after the next one. It doubles with each that follows.
    pub first_wait: Duration,
    /// The longest wait.
    pub longest_wait: Duration,
    /// One failure is forgiven each time this long passes without another.
    pub forgive_every: Duration,
}

/// For one account. People mistype; whoever guesses gets a hundred tries a day.
pub const ACCOUNT: Budget = Budget {
    free: 5,
    first_wait: Duration::from_secs(1),
    longest_wait: Duration::from_mins(15),
    forgive_every: Duration::from_mins(30),
};

/// For one address. A whole office may be behind it.
pub const ADDRESS: Budget = Budget {
    free: 50,
    first_wait: Duration::from_secs(1),
    longest_wait: Duration::from_mins(5),
    forgive_every: Duration::from_mins(1),
};

/// What failed so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// How often, as of the last time.
    pub count: u32,
    /// When it failed last.
    pub last: Option<Timestamp>,
}

impl Budget {
    /// Counts one more try, or says how long to wait for it. A try that has to wait does not make the wait longer:
    /// else whoever keeps trying would lock the account's owner out.
    pub fn admit(&self, failures: Failures, now: Timestamp) -> Result<Failures, Duration> {
        let Some(last) = failures.last else {
            return Ok(Failures { count: 1, last: Some(now) });
        };
        let passed = now.since(last);
        let forgiven = passed.as_millis() / self.forgive_every.as_millis().max(1);
        let count = failures.count.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX));
        match self.wait_after(count).checked_sub(passed) {
            Some(left) if !left.is_zero() => Err(left),
            // Beyond the longest wait there is nothing to count: it would only take longer to be forgiven.
            _ if self.wait_after(count) >= self.longest_wait => Ok(Failures { count, last: Some(now) }),
            _ => Ok(Failures { count: count.saturating_add(1), last: Some(now) }),
        }
    }

    fn wait_after(&self, count: u32) -> Duration {
        let Some(over) = count.checked_sub(self.free) else { return Duration::ZERO };
        self.first_wait.saturating_mul(1_u32.checked_shl(over).unwrap_or(u32::MAX)).min(self.longest_wait)
    }
}

/// What counts as one address: one household or office has a whole /64 of IPv6 addresses.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    /// Tries again and again, as soon as it is allowed, and adds up the waits.
    fn tries(budget: Budget, number: u32) -> (Failures, Vec<u64>) {
        let (mut failures, mut now, mut waits) = (Failures::default(), START, Vec::new());
        for _ in 0..number {
            let wait = budget.admit(failures, now).err().unwrap_or_default();
            waits.push(wait.as_secs());
            now = now.plus(wait);
            failures = budget.admit(failures, now).unwrap_or_else(|wait| panic!("{wait:?} more"));
        }
        (failures, waits)
    }

    #[test]
    fn a_few_tries_are_free_and_then_waits_double_up_to_a_limit() {
        let (_, waits) = tries(ACCOUNT, 18);
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    }

    #[test]
    fn a_try_that_has_to_wait_changes_nothing() {
        let (failures, _) = tries(ACCOUNT, 10);
        let now = failures.last.unwrap_or(START);
        for seconds in [0, 1, 5, 31] {
            let wait = ACCOUNT.admit(failures, now.plus(Duration::from_secs(seconds))).err();
            assert_eq!(wait, Some(Duration::from_secs(32 - seconds)));
        }
        assert!(ACCOUNT.admit(failures, now.plus(Duration::from_secs(32))).is_ok());
    }

    #[test]
    fn failures_are_forgiven_with_time() {
        let (failures, _) = tries(ACCOUNT, 12);
        let last = failures.last.unwrap_or(START);
        let later = last.plus(ACCOUNT.forgive_every * 3);
        assert_eq!(ACCOUNT.admit(failures, later).map(|failures| failures.count), Ok(10));
        let much_later = last.plus(ACCOUNT.forgive_every * 12);
        assert_eq!(ACCOUNT.admit(failures, much_later).map(|failures| failures.count), Ok(1));
    }

    #[test]
    fn any_number_of_failures_and_any_clock_is_survived() {
        let failures = Failures { count: u32::MAX, last: Some(START.plus(Duration::from_hours(1))) };
        assert_eq!(ACCOUNT.admit(failures, START), Err(ACCOUNT.longest_wait));
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one() {
        let network = |text: &str| network(text.parse().unwrap_or(IpAddr::from([0; 4]))).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
