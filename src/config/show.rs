//! The settings in force as text or JSON, for `config show`. Does not print, and shows no secret.

use std::fmt::Write;

use super::Loaded;
use super::check::group_path;
use super::keys::{GROUP_KEYS, GroupDraft, KEYS, TARGET_GROUP};
use super::origin::Origin;

/// One key with its value in force.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Its table; target groups follow each other as `target_group[0]`, `target_group[1]`.
    pub table: String,
    /// Its bare name.
    pub name: &'static str,
    /// The value as a file would hold it.
    pub value: toml::Value,
    /// Where it came from.
    pub origin: Origin,
}

impl Loaded {
    /// Every key in force, in the order of the default file; target groups last. Of a group only
    /// what is said or has a default.
    pub fn shown(&self) -> Vec<Shown> {
        let ordinary = KEYS.iter().map(|key| Shown {
            table: key.table.to_owned(),
            name: key.name,
            value: (key.show)(&self.settings),
            origin: self.origins.of(&key.path()),
        });
        let groups = self.settings.membership.groups.iter().enumerate().flat_map(|(index, group)| {
            let (table, draft) = (group_path(index), GroupDraft::from(group));
            GROUP_KEYS.iter().map(move |key| Shown {
                value: (key.show)(&draft),
                origin: self.origins.of(&format!("{table}.{}", key.name)),
                name: key.name,
                table: table.clone(),
            })
        });
        let unsaid = toml::Value::String(String::new());
        ordinary.chain(groups.filter(|shown| shown.value != unsaid)).collect()
    }

    /// The settings in force as a file that, loaded again, gives the same settings.
    pub fn to_toml(&self) -> String {
        self.render(false)
    }

    /// The same with the origin of each value as a comment.
    pub fn to_toml_with_origins(&self) -> String {
        self.render(true)
    }

    /// The settings in force as JSON: `{"health": {"interval": {"value": …, "origin": …}}}`;
    /// `target_group` is a list of such tables.
    pub fn to_json(&self) -> serde_json::Value {
        let mut root = serde_json::Map::new();
        let mut groups = vec![serde_json::Map::new(); self.settings.membership.groups.len()];
        for Shown { table, name, value, origin } in self.shown() {
            let cell = serde_json::json!({ "value": value, "origin": origin.to_string() });
            let group = groups.iter_mut().enumerate().find(|(index, _)| group_path(*index) == table);
            if let Some((_, group)) = group {
                group.insert(name.to_owned(), cell);
            } else {
                put(&mut root, table.split('.').chain([name]), cell);
            }
        }
        root.insert(TARGET_GROUP.to_owned(), groups.into());
        root.into()
    }

    fn render(&self, with_origins: bool) -> String {
        let shown = self.shown();
        let width = shown.iter().map(|key| line(key).chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        let mut table = "";
        for key in &shown {
            if key.table != table {
                let gap = if table.is_empty() { "" } else { "\n" };
                table = &key.table;
                let header =
                    if table.starts_with(TARGET_GROUP) { "[[target_group]]".to_owned() } else { format!("[{table}]") };
                // Writing to a String cannot fail.
                let _ = writeln!(text, "{gap}{header}");
            }
            let line = line(key);
            let _ =
                if with_origins { writeln!(text, "{line:width$}  # {}", key.origin) } else { writeln!(text, "{line}") };
        }
        if self.settings.rundeck.environment_token.is_some() {
            text.push_str("\n# a token is set by environment RUNDECK_TOKEN (never shown)\n");
        }
        text
    }
}

/// Puts a value at the end of a path of tables, which are made as needed.
fn put<'a>(
    table: &mut serde_json::Map<String, serde_json::Value>,
    mut path: impl Iterator<Item = &'a str>,
    value: serde_json::Value,
) {
    let mut table = table;
    let Some(mut name) = path.next() else { return };
    for next in path {
        let inner = table.entry(name).or_insert_with(|| serde_json::json!({}));
        let Some(inner) = inner.as_object_mut() else { return };
        (table, name) = (inner, next);
    }
    table.insert(name.to_owned(), value);
}

fn line(key: &Shown) -> String {
    format!("{} = {}", key.name, key.value)
}
