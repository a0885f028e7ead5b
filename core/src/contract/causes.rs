//! What each cause of a drain means, as one table; docs/SEMANTICS.md shows it to people.

use super::words::Cause;

/// What follows from who wants the node out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meaning {
    /// The node could as well stay: refused where an Auto Scaling group would replace it, and over with the permission.
    pub(crate) choice: bool,
    /// The agent exits when the drain is over.
    pub(crate) exits: bool,
    /// It goes on after a restart of the agent in the same boot.
    pub(crate) goes_on: bool,
    /// `resume` with these causes takes it back; with none: only the agent's next start ends it.
    pub(crate) taken_back_by: &'static [Cause],
}

impl Cause {
    /// The table.
    pub(crate) const fn meaning(self) -> Meaning {
        match self {
            Cause::Operator => Meaning { choice: true, exits: false, goes_on: true, taken_back_by: &[Cause::Operator] },
            // An operator's word ends all but a stopping agent.
            Cause::RundeckStopping => Meaning {
                choice: false,
                exits: false,
                goes_on: false,
                taken_back_by: &[Cause::RundeckStopping, Cause::Operator],
            },
            Cause::AgentStopping => Meaning { choice: false, exits: true, goes_on: false, taken_back_by: &[] },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yes(it: bool) -> &'static str {
        if it { "yes" } else { "no" }
    }

    #[test]
    fn the_page_shows_the_table() {
        let page = include_str!("../../../docs/SEMANTICS.md");
        for cause in Cause::ALL {
            let Meaning { choice, exits, goes_on, taken_back_by } = cause.meaning();
            let ended: Vec<String> = taken_back_by.iter().map(|by| format!("`{by}`")).collect();
            let ended = if ended.is_empty() { "nobody".to_owned() } else { ended.join(", ") };
            let row = format!("| `{cause}` | {} | {} | {} | {ended} |", yes(choice), yes(exits), yes(goes_on));
            assert!(page.contains(&row), "docs/SEMANTICS.md lacks: {row}");
        }
    }
}
