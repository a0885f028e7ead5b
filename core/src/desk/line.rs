//! Who waits for a bucket of calls to AWS: whoever came first is served first, and nobody overtakes.
//!
//! Without it what is asked most often would take each call that comes back, and what is asked rarely, or takes several
//! calls at once, none for ever. It does not know how a bucket refills, nor what is asked.

use super::Topic;
use super::budget::Bucket;
use crate::contract::Moment;

/// Somebody waits.
#[derive(Clone, Copy, Debug)]
struct Place {
    topic: Topic,
    /// So many calls together.
    calls: usize,
    /// When it is expected to ask again.
    at: Moment,
}

/// Those who were told to wait, the first in front.
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Vec<Place>);

impl Line {
    /// A turn has ended at this moment: whoever could have asked again and did not wants nothing any more.
    pub(super) fn end_turn(&mut self, now: Moment) {
        self.0.retain(|place| place.at > now);
    }

    /// Takes so many calls about this, beyond those for whom is waited in front of it; or says when to ask again.
    pub(super) fn take(&mut self, topic: Topic, calls: usize, bucket: &mut Bucket, now: Moment) -> Result<(), Moment> {
        let found = self.0.iter().position(|place| place.topic == topic);
        let before = self.0.iter().take(found.unwrap_or(self.0.len()));
        let ahead: usize = before.map(|place| place.calls).sum();
        let taken = bucket.has(ahead + calls, now).and_then(|()| bucket.take(calls, now));
        match (taken, found) {
            (Ok(()), Some(at)) => drop(self.0.remove(at)),
            (Ok(()), None) => {}
            (Err(at), Some(place)) => self.0[place] = Place { topic, calls, at },
            (Err(at), None) => self.0.push(Place { topic, calls, at }),
        }
        taken
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Span;

    const A: Topic = Topic::Target(1);
    const B: Topic = Topic::Target(2);

    /// An empty bucket that gets one call a second.
    fn empty() -> (Line, Bucket) {
        let mut bucket = Bucket::new(10, Span::secs(1), Moment(0));
        assert_eq!(bucket.take(10, Moment(0)), Ok(()));
        (Line::default(), bucket)
    }

    fn second(seconds: u64) -> Moment {
        Moment(seconds * 1000)
    }

    #[test]
    fn who_came_first_is_served_first_though_another_asks_before_it() {
        let (mut line, mut bucket) = empty();
        assert_eq!(line.take(B, 1, &mut bucket, Moment(0)), Err(second(1)));
        assert_eq!(line.take(A, 1, &mut bucket, second(1)), Err(second(2)), "one is there, and it is another's");
        assert_eq!(line.take(B, 1, &mut bucket, second(1)), Ok(()));
        assert_eq!(line.take(B, 1, &mut bucket, second(1)), Err(second(3)), "behind the other one now");
        assert_eq!(line.take(A, 1, &mut bucket, second(2)), Ok(()));
        assert_eq!((line.take(B, 1, &mut bucket, second(3)), line.waiting()), (Ok(()), 0));
    }

    #[test]
    fn several_calls_at_once_come_together_while_others_wait() {
        let (mut line, mut bucket) = empty();
        assert_eq!(line.take(Topic::Groups, 4, &mut bucket, Moment(0)), Err(second(4)));
        assert_eq!(line.take(A, 1, &mut bucket, second(3)), Err(second(5)));
        assert_eq!(line.take(Topic::Groups, 4, &mut bucket, second(4)), Ok(()));
        assert_eq!(line.take(A, 1, &mut bucket, second(5)), Ok(()));
        assert_eq!(line.take(Topic::Groups, 99, &mut bucket, second(15)), Ok(()), "more than it ever holds");
    }

    #[test]
    fn who_does_not_come_back_keeps_nobody_waiting() {
        let (mut line, mut bucket) = empty();
        assert_eq!(line.take(A, 5, &mut bucket, Moment(0)), Err(second(5)));
        line.end_turn(Moment(4_999));
        assert_eq!(line.take(B, 1, &mut bucket, second(5)), Err(second(6)));
        line.end_turn(second(5));
        assert_eq!(line.take(B, 1, &mut bucket, second(6)), Ok(()));
    }
}
