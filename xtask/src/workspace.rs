//! Where the workspace and its target folder are, as cargo itself says, and how cargo is called from within cargo.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::process::Command;

/// The workspace that this task belongs to.
pub struct Workspace {
    /// The folder of the root `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target folder, wherever `CARGO_TARGET_DIR` or a configuration file put it.
    pub target: PathBuf,
    /// Package names by the path of their manifest.
    packages: BTreeMap<PathBuf, String>,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// Cargo cannot be run, or cannot read the manifests.
    pub async fn find() -> Result<Workspace, String> {
        let here = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let mut command = cargo(&here);
        let output = command.args(["metadata", "--no-deps", "--format-version", "1"]).output().await;
        let output = output.map_err(|error| format!("cargo metadata: {error}"))?;
        if !output.status.success() {
            return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let metadata: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
        Workspace::read(&metadata)
            .ok_or_else(|| "cargo metadata: no workspace_root, target_directory or packages in its answer".to_owned())
    }

    fn read(metadata: &Value) -> Option<Workspace> {
        let path = |key: &str| metadata[key].as_str().map(PathBuf::from);
        let mut packages = BTreeMap::new();
        for package in metadata["packages"].as_array()? {
            packages.insert(PathBuf::from(package["manifest_path"].as_str()?), package["name"].as_str()?.to_owned());
        }
        Some(Workspace { root: path("workspace_root")?, target: path("target_directory")?, packages })
    }

    /// Where parts that need no root are kept.
    pub fn parts(&self) -> PathBuf {
        self.target.join("parts")
    }

    /// The package whose manifest this is.
    pub fn package(&self, manifest: &Path) -> Option<&str> {
        self.packages.get(manifest).map(String::as_str)
    }

    /// A call of cargo in this workspace.
    pub fn cargo(&self) -> Command {
        cargo(&self.root)
    }
}

/// The cargo that runs us, without what it told us about ourselves: build scripts that watch those variables
/// (ring's does) would otherwise be built again with each change between `cargo` and `cargo xtask`.
fn cargo(folder: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|prefix| name.starts_with(prefix))
        {
            command.env_remove(name.as_ref());
        }
    }
    command
}
