//! The changelog tells each change once: branches that are joined bring their entries along, and some of them twice.

use super::source::File;

const PAGE: &str = "CHANGELOG.md";

/// Entries that stand on the page more than once.
pub fn findings(files: &[File]) -> Vec<String> {
    let pages = files.iter().filter(|file| file.path == PAGE);
    pages.flat_map(|page| twice(&page.text)).collect()
}

fn twice(page: &str) -> Vec<String> {
    let mut told: Vec<String> = Vec::new();
    let mut findings = Vec::new();
    // A paragraph or a heading ends the last entry of a list.
    for block in page.split("\n\n") {
        for entry in format!("\n{block}").split("\n- ").skip(1) {
            let entry = entry.split_whitespace().collect::<Vec<_>>().join(" ");
            if told.contains(&entry) {
                findings.push(format!("{PAGE} tells twice: {entry}"));
            } else {
                told.push(entry);
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_stands_twice_is_found_however_it_is_broken() {
        assert_eq!(twice("# Log\n\n- One\n  thing.\n- Another.\n\n## Fixed\n\n- One\n  more.\n"), [""; 0]);
        let again = [format!("{PAGE} tells twice: One thing.")];
        assert_eq!(twice("- One\n  thing.\n- Another.\n- One thing."), again);
        assert_eq!(twice("## Added\n\n- One thing.\n\n## Fixed\n\n- One\n  thing.\n"), again);
    }
}
