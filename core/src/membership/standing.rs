//! Whether a target is ours to take out, and what is wanted of its group: the one wish, computed here for each.
//!
//! A target is ours from the moment in which it is about to be registered, or was seen in a group that is ours to act
//! in, until it was seen to be out (where it was seen in since), or AWS has confirmed it. What is ours and no longer
//! named is taken out, whatever the node does else. It knows nothing of other groups.

use super::group::{Group, Left, Standing};
use crate::contract::{Finding, GroupInputs, Moment, Owners, Ownership, Says, Span, Target, TargetState, Wish};
use crate::desk::Desk;

/// AWS may be wrong about a group, but for no longer than this: then what was registered there is forgotten.
const GONE_AFTER: Span = Span::secs(10 * 60);

/// Whether this agent acts in the target group of this ARN, where that is known. `self` says who registers, never
/// whether an Auto Scaling group has it: what one has attached is observed, whatever was configured.
pub(crate) fn owns(ownership: Ownership, arn: Option<&str>, owners: Owners<'_>) -> Says {
    let attached = arn.is_some_and(|arn| owners.attached.contains(arn));
    match ownership {
        Ownership::Own => Says::sure(!attached),
        Ownership::Observe => Says::No,
        Ownership::Auto if attached => Says::No,
        Ownership::Auto => match owners.others {
            Says::Yes => Says::No,
            Says::No => Says::Yes,
            Says::Unknown => Says::Unknown,
        },
    }
}

fn note(it_is: bool, word: Finding, subject: &str, what: String, desk: &mut Desk) {
    if it_is {
        desk.finding_of(word, subject, what);
    } else {
        desk.cured_of(word, subject);
    }
}

impl Group {
    /// Whether this agent acts in it. Where nobody knows, nothing is changed.
    pub(super) fn settle(&mut self, owned: Says) {
        (self.owned, self.settled) = (owned.or(false), owned != Says::Unknown);
    }

    /// Its ARN, as far as anybody knows which group is meant.
    pub(super) fn arn(&self) -> Option<&str> {
        let known = self.target.as_ref().map(|target| target.group.as_str());
        let read = || self.facts.as_ref().map(|facts| facts.arn.as_str());
        known.or_else(read).or(Some(self.wanted.group.as_str()).filter(|name| name.starts_with("arn:")))
    }

    /// What people expect of a group that an Auto Scaling group has attached, and does not come.
    pub(super) fn note_owner(&self, owners: Owners<'_>, desk: &mut Desk) {
        self.note_attached(self.arn().is_some_and(|arn| owners.attached.contains(arn)), desk);
    }

    fn note_attached(&self, attached: bool, desk: &mut Desk) {
        let name = self.configured_name();
        let conflict = attached && self.wanted.ownership == Ownership::Own;
        let what =
            format!("{name} is attached to the Auto Scaling group, which registers its instances: it is observed");
        note(conflict, Finding::OwnershipConflict, name, what, desk);
        let Some(port) = self.wanted.port else { return };
        let other = attached && self.facts.as_ref().is_some_and(|facts| facts.port != port);
        let what = format!("{name} is attached to the Auto Scaling group, which registers no port {port} there");
        note(other, Finding::PortNotRegistered, &format!("{name}:{port}"), what, desk);
    }

    /// What is wanted of the group. `node`: what the node wants of all that are named; `waits`: a drain waits until it
    /// is on disk.
    pub(super) fn wish(&self, node: Wish, waits: bool) -> Wish {
        match self.standing {
            Standing::Named if node == Wish::Eject => {
                if self.is_ejectable() {
                    Wish::Leave
                } else {
                    Wish::Hold
                }
            }
            Standing::Named if node == Wish::Away => Wish::Leave,
            Standing::Named => node,
            // Only a node that leaves anyway leaves what may still be named.
            Standing::Kept if node == Wish::Leave => Wish::Leave,
            Standing::Out if !waits => Wish::Leave,
            Standing::Kept | Standing::Out | Standing::Gone => Wish::Hold,
        }
    }

    /// Why something is changed, for the log.
    pub(super) fn why(&self, inputs: &GroupInputs<'_>) -> String {
        match self.standing {
            Standing::Out => "the group is no longer named".into(),
            _ if self.is_put_back() => "put back: somebody else had taken it out".into(),
            Standing::Named | Standing::Kept | Standing::Gone => inputs.why.into(),
        }
    }

    /// Whose the target is, by what is known now. `wish`: what is wanted of the group.
    pub(super) fn own(&mut self, inputs: &GroupInputs<'_>, wish: Wish, now: Moment) {
        let named = self.standing == Standing::Named;
        if named && self.wanted.ownership == Ownership::Observe {
            // It was handed over to somebody else.
            (self.ours, self.awaited) = (false, false);
            return;
        }
        let acts = named && self.owned && !inputs.dry_run;
        let joins = acts && wish == Wish::Join && self.wants_change(wish, inputs.refusing);
        let before = self.ours;
        self.ours = match self.state() {
            // What is under way may be done in spite of what was seen before.
            _ if self.change.is_open() => self.ours,
            None => self.ours || joins,
            Some(TargetState::Absent | TargetState::Leaving) => joins || self.ours && self.awaited,
            Some(_) => self.ours || acts,
        };
        self.awaited &= self.ours;
        if self.ours && !before {
            self.ours_since = now;
        }
    }

    /// An earlier run had registered it.
    pub(super) fn be_ours(&mut self, now: Moment) {
        if !self.ours {
            (self.ours, self.ours_since) = (true, now);
            // It was written down before it was asked for, and may take effect only now.
            self.awaited = matches!(self.state(), None | Some(TargetState::Absent | TargetState::Leaving));
        }
    }

    /// AWS says that there is no such group.
    pub(super) fn note_no_group(&mut self, now: Moment) {
        let since = *self.missing_since.get_or_insert(now);
        if self.standing != Standing::Named && now.since(since) >= GONE_AFTER {
            self.ours = false;
        }
    }

    /// The group is named no more. False where nothing is left to be remembered of it. `leaving`: a drain, whose
    /// receipt names what it has left.
    pub(super) fn retire(&mut self, leaving: bool, desk: &mut Desk) -> bool {
        self.note_attached(false, desk);
        self.forget_taken(desk);
        let left = leaving && matches!(self.left, Left::Confirmed(_));
        // What is under way is waited for: under another name it must not be asked for once more.
        let kept = self.ours || left || self.drains(desk) || self.change.is_open();
        if self.target.is_some() && kept {
            self.standing = Standing::Kept;
            self.double = false;
            return true;
        }
        self.disown(desk);
        false
    }

    /// Nobody can tell which group its name means.
    pub(super) fn is_open(&self) -> bool {
        self.facts.is_none() && self.target.is_none() && !self.double && !self.unfit
    }

    /// It is about a target that was registered: whether it is out for good. `unsure`: the group may still be named.
    pub(super) fn stands(&mut self, unsure: bool, leaving: bool, desk: &mut Desk) {
        self.standing = match self.standing {
            Standing::Named | Standing::Gone => self.standing,
            Standing::Kept | Standing::Out if !self.ours && !leaving && !self.change.is_open() => Standing::Gone,
            Standing::Kept | Standing::Out if unsure => Standing::Kept,
            Standing::Kept | Standing::Out => Standing::Out,
        };
        if self.standing == Standing::Gone {
            self.disown(desk);
        }
    }

    /// Its address may not come back yet.
    pub(super) fn drains(&self, desk: &Desk) -> bool {
        self.is_address() && self.drained.is_some_and(|until| !desk.reached(until))
    }

    /// It registers an address, not an instance.
    pub(super) fn is_address(&self) -> bool {
        self.target.as_ref().is_some_and(|Target { id, .. }| !id.starts_with("i-"))
    }

    /// Named again, under whatever name: what is known of the target goes on, and what is under way. The name was about
    /// no target before, so that nothing is lost with it.
    pub(super) fn take_over(&mut self, former: Group, desk: &Desk) {
        let facts = self.facts.take().or(former.facts);
        *self = Group { wanted: self.wanted.clone(), facts, standing: Standing::Named, told_dry: false, ..former };
        self.look_soon(desk.now());
    }
}
