//! XML as the versions before 5.0 write it, built from elements.
//!
//! Only what the endpoints here need: no namespaces, no declarations.

use std::fmt::Write;

/// An element: its attributes, then its text or its children.
pub(super) struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    text: String,
    children: Vec<Element>,
}

impl Element {
    pub(super) fn new(name: &'static str) -> Self {
        Element { name, attributes: Vec::new(), text: String::new(), children: Vec::new() }
    }

    /// An element with text only.
    pub(super) fn text(name: &'static str, text: impl ToString) -> Self {
        Element { text: text.to_string(), ..Element::new(name) }
    }

    pub(super) fn attribute(mut self, name: &'static str, value: impl ToString) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    pub(super) fn with(mut self, children: impl IntoIterator<Item = Element>) -> Self {
        self.children.extend(children);
        self
    }

    pub(super) fn render(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        let attributes: String =
            self.attributes.iter().map(|(name, value)| format!(" {name}='{}'", escaped(value))).collect();
        // Writing to a string cannot fail.
        let _ = write!(out, "<{}{attributes}", self.name);
        if self.text.is_empty() && self.children.is_empty() {
            out.push_str(" />");
            return;
        }
        let _ = write!(out, ">{}", escaped(&self.text));
        for child in &self.children {
            child.write(out);
        }
        let _ = write!(out, "</{}>", self.name);
    }
}

/// Text that is safe in an element and in a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\'', "&apos;")
}
