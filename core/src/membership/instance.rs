//! Which machine this is, by instance metadata: its identity, and the tag that names target groups.
//!
//! Losing instance metadata changes nothing that is known already (fail static), and neither does an answer that lacks
//! what is known: a machine keeps its primary private IPv4 address for as long as it exists (Amazon EC2 User Guide,
//! "IP addressing").

use crate::contract::{Call, Finding, Identity, MembershipPolicy, Moment, Span, Target};
use crate::desk::{Backoff, Desk, Pace, Topic};

/// Limit of one question to instance metadata: the client's own tries end within it.
const LIMIT: Span = Span::secs(10);
/// First wait after a failed question, doubling up to `MOST_WAIT`.
const FIRST_WAIT: Span = Span::secs(1);
const MOST_WAIT: Span = Span::secs(60);
/// Between two looks at the tag, which may change, and at an address that is missing.
const LOOK: Span = Span::secs(60);
/// A tag that is gone takes the node out of its groups: it is asked about again after this before it is believed.
const LOOK_AGAIN: Span = Span::secs(5);

#[derive(Clone, Debug)]
pub(super) struct Instance {
    identity: Option<Identity>,
    /// Groups named by the tag; `None`: not answered yet.
    tag: Option<Option<String>>,
    /// The last answer was that there is no tag, which the one before did not say.
    tag_gone: bool,
    identity_pace: Pace,
    tag_pace: Pace,
    /// Between two looks at the tag: what it names is looked at as often.
    tag_look: Span,
    identity_backoff: Backoff,
    tag_backoff: Backoff,
}

impl Instance {
    pub(super) fn new(now: Moment, policy: &MembershipPolicy) -> Instance {
        Instance {
            identity: None,
            tag: None,
            tag_gone: false,
            identity_pace: Pace::from(now),
            tag_pace: Pace::from(now),
            tag_look: LOOK.min(policy.reconcile_interval),
            identity_backoff: Backoff::new(FIRST_WAIT, MOST_WAIT),
            tag_backoff: Backoff::new(FIRST_WAIT, MOST_WAIT),
        }
    }

    pub(super) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// This machine has registered such a target before: if that is an address (with dots or colons; an instance's id
    /// has neither), and metadata leave out the one of its family, it is that one. It was borne here then, and what was
    /// known stays.
    pub(super) fn was(&mut self, Target { id, .. }: &Target) {
        let Some(identity) = &mut self.identity else { return };
        let known = match id {
            id if id.contains(':') => &mut identity.ipv6,
            id if id.contains('.') => &mut identity.private_ip,
            _ => return,
        };
        if known.get_or_insert_with(|| id.clone()) == id
            && let Some(borne) = &mut identity.borne
        {
            borne.insert(id.clone());
        }
    }

    /// What the tag says, empty where it is not there; `None`: not answered yet.
    pub(super) fn tag(&self) -> Option<&str> {
        self.tag.as_ref().map(|tag| tag.as_deref().unwrap_or_default())
    }

    /// The target has the id or the address of this machine: anything else may be another's by now.
    pub(super) fn is(&self, target: &Target) -> bool {
        self.identity.as_ref().is_some_and(|identity| identity.is(&target.id))
    }

    /// Somebody leaves: an address that metadata have left out is asked for now, for it may be a target.
    pub(super) fn ask_soon(&mut self, now: Moment) {
        self.identity_pace.hasten(now);
    }

    /// Which machine this is was asked in vain.
    pub(super) fn identity_failed(&self) -> bool {
        self.identity_backoff.failing()
    }

    /// The tag was asked for in vain.
    pub(super) fn tag_failed(&self) -> bool {
        self.tag_backoff.failing()
    }

    /// `unfit`: some group has no place for this machine as it is known.
    pub(super) fn step(&mut self, policy: &MembershipPolicy, unfit: bool, desk: &mut Desk) {
        let asks = match &self.identity {
            None => desk.due(&self.identity_pace),
            // An address may only have been left out of the answer, or come up late.
            Some(Identity { private_ip: None, ipv6: None, .. }) => desk.worth(&self.identity_pace),
            Some(_) => unfit && desk.worth(&self.identity_pace),
        };
        if asks {
            desk.ask(&mut self.identity_pace, Topic::Identity, Call::AskIdentity, LIMIT);
        }
        if let Some(tag) = wanted_tag(policy)
            && desk.worth(&self.tag_pace)
        {
            let call = Call::AskTag(tag.clone());
            desk.ask(&mut self.tag_pace, Topic::Tag, call, LIMIT);
        }
    }

    pub(super) fn on_identity(&mut self, answer: Result<Identity, String>, desk: &mut Desk) {
        let wait = desk.wait_or(answer.is_err(), &mut self.identity_backoff, LOOK);
        self.identity_pace.done(desk.now() + wait);
        match (answer, &mut self.identity) {
            (Ok(identity), None) => {
                desk.cured(Finding::MetadataUnreachable);
                self.identity = Some(identity);
            }
            (Ok(identity), Some(known)) if identity.instance_id == known.instance_id => learn(known, identity),
            (Ok(_) | Err(_), Some(_)) => {}
            (Err(why), None) => desk.finding(
                Finding::MetadataUnreachable,
                format!("{why}: registration waits for the instance id; /health is served all the same"),
            ),
        }
    }

    pub(super) fn on_tag(&mut self, answer: Result<Option<String>, String>, desk: &mut Desk) {
        let wait = desk.wait_or(answer.is_err(), &mut self.tag_backoff, self.tag_look);
        let doubted = answer == Ok(None) && self.tag != Some(None) && !self.tag_gone;
        self.tag_pace.done(desk.now() + if doubted { LOOK_AGAIN } else { wait });
        match answer {
            Ok(tag) => {
                desk.cured(Finding::InstanceTagUnreadable);
                self.tag_gone = tag.is_none();
                if !doubted {
                    self.tag = Some(tag);
                }
            }
            // Before the identity is known its own finding says more.
            Err(why) if self.identity.is_some() => {
                desk.finding(Finding::InstanceTagUnreadable, format!("{why}: the target groups are not known"))
            }
            Err(_) => {}
        }
    }
}

/// What is known stays, and what is told anew beside it is known, too.
fn learn(known: &mut Identity, told: Identity) {
    let Identity { private_ip, ipv6, partition, account, vpc, borne, .. } = told;
    known.private_ip = known.private_ip.take().or(private_ip);
    known.ipv6 = known.ipv6.take().or(ipv6);
    known.partition = known.partition.take().or(partition);
    known.account = known.account.take().or(account);
    known.vpc = known.vpc.take().or(vpc);
    if let Some(known) = &mut known.borne {
        known.extend(borne.into_iter().flatten());
    }
}

/// The tag that names the groups, where the configuration names none.
fn wanted_tag(policy: &MembershipPolicy) -> Option<&String> {
    policy.discover_tag.as_ref().filter(|_| policy.groups.is_empty())
}
