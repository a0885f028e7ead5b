//! The state directory: whether it is one, and whether what is kept there is this instance's. One that came with an
//! image holds another's targets and orders. Reads it, locks nothing and makes nothing.

use super::report::{Area, Part};
use super::word::Own;
use crate::effect::state::RegisteredFile;
use crate::store::registered_in;
use crate::watch::single::Single;
use rundeck_alb_core::Finding;
use std::io;
use std::path::{Path, PathBuf};

/// Looks at it; `instance`: which machine this is, where metadata told.
pub async fn look(directory: PathBuf, instance: Option<String>) -> Vec<Part> {
    let looked = Single::default().look(move || part(&directory, instance.as_deref())).await;
    vec![looked.unwrap_or_else(|| Part::not_tried(Area::State, "nobody tells"))]
}

fn part(directory: &Path, instance: Option<&str>) -> Part {
    let shown = directory.display();
    match std::fs::metadata(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Part::seen(Area::State, format!("{shown} is not there yet: it is made at the agent's start"));
        }
        Err(error) => return unusable(format!("{shown}: {error}")),
        Ok(found) if !found.is_dir() => return unusable(format!("{shown} is no directory")),
        Ok(_) => {}
    }
    let file = match registered_in(directory) {
        Ok(None) => return Part::seen(Area::State, format!("{shown}, no target was ever registered")),
        Ok(Some(bytes)) => serde_json::from_slice::<RegisteredFile>(&bytes),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Part::not_tried(Area::State, format!("{shown}: this user may not read it"));
        }
        Err(error) => return unusable(format!("{shown}/registered.json: {error}")),
    };
    let Ok(file) = file else { return unusable(format!("{shown}/registered.json cannot be understood")) };
    let seen = format!("{shown}, of {}", file.instance);
    match instance {
        Some(instance) if instance != file.instance => {
            let text = format!("{shown} is of {}, and this is {instance}: it came with an image", file.instance);
            Part::seen(Area::State, seen).wrong(Own::StateOfAnother, text)
        }
        Some(_) | None => Part::seen(Area::State, seen),
    }
}

fn unusable(text: String) -> Part {
    Part::seen(Area::State, "cannot be used").wrong(Finding::StateDirectory, text)
}

#[cfg(test)]
mod tests {
    use super::super::report::Level;
    use super::*;
    use std::fs;

    #[test]
    fn a_directory_of_another_instance_is_told_and_nothing_is_changed() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = folder.path().join("state");
        assert_eq!(part(&state, Some("i-1")).level(), Level::Fine);
        assert!(!state.exists(), "looked at, not made");
        fs::create_dir(&state).expect("made");
        assert_eq!(part(&state, Some("i-1")).level(), Level::Fine);
        fs::write(state.join("registered.json"), r#"{"version": 1, "instance": "i-1"}"#).expect("written");
        assert_eq!(part(&state, Some("i-1")).level(), Level::Fine);
        assert_eq!(part(&state, None).level(), Level::Fine);
        assert_eq!(part(&state, Some("i-2")).problems[0].word, Own::StateOfAnother.into());
        assert_eq!(fs::read_dir(&state).expect("read").count(), 1);
    }

    #[test]
    fn what_cannot_be_used_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        assert_eq!(part(&file, None).problems[0].word, Finding::StateDirectory.into());
        fs::write(folder.path().join("registered.json"), "{").expect("written");
        assert_eq!(part(folder.path(), None).problems[0].word, Finding::StateDirectory.into());
    }
}
