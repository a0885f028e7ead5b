//! The table: samples to medians, rows to aligned Markdown.

/// Measured values, in order of size.
pub struct Sample(Vec<f64>);

impl Sample {
    /// At least one value; none at all counts as not a number.
    pub fn new(mut values: Vec<f64>) -> Sample {
        values.sort_by(f64::total_cmp);
        Sample(values)
    }

    /// The value below which this share of the others lies; `0.5` is the median.
    pub fn quantile(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1) as f64;
        self.0.get((last * share).round() as usize).copied().unwrap_or(f64::NAN)
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

/// One figure.
pub struct Row([String; 6]);

impl Row {
    /// The median of a sample with its extremes.
    pub fn of(figure: &str, sample: &Sample, unit: &Unit) -> Row {
        let middle = sample.quantile(0.5);
        let range = match sample.count() {
            1 => String::new(),
            _ => format!("{} to {}", unit.number(sample.quantile(0.0)), unit.number(sample.quantile(1.0))),
        };
        let aim = match unit.aim {
            Some(aim) if middle <= aim => format!("≤ {aim} {}", unit.word),
            Some(aim) => format!("≤ {aim} {} MISSED", unit.word),
            None => String::new(),
        };
        let value = format!("{} {}", unit.number(middle), unit.word);
        Row([figure.into(), value.trim_end().into(), range, sample.count().to_string(), aim, String::new()])
    }

    /// A figure that needs one look only.
    pub fn once(figure: &str, value: f64, unit: &Unit) -> Row {
        Row::of(figure, &Sample::new(vec![value]), unit)
    }

    /// How it was measured, in a few words.
    pub fn remark(mut self, text: &str) -> Row {
        let [.., remark] = &mut self.0;
        *remark = text.into();
        self
    }

    /// A figure that could not be had here, and why.
    pub fn skipped(figure: &str, why: &str) -> Row {
        let row = Row([figure.into(), "-".into(), String::new(), "0".into(), String::new(), String::new()]);
        row.remark(why.lines().next().unwrap_or_default())
    }
}

/// How a value is written, and what it should be at most.
pub struct Unit {
    word: &'static str,
    digits: usize,
    aim: Option<f64>,
}

impl Unit {
    /// With so many digits after the point.
    pub const fn new(word: &'static str, digits: usize) -> Unit {
        Unit { word, digits, aim: None }
    }

    /// With an aim, in the same unit.
    pub const fn at_most(self, aim: f64) -> Unit {
        Unit { aim: Some(aim), ..self }
    }

    fn number(&self, value: f64) -> String {
        format!("{value:.*}", self.digits)
    }
}

/// All rows as a Markdown table whose columns stand in line.
pub fn render(rows: &[Row]) -> String {
    let head = ["figure", "median", "min to max", "runs", "aim", "how"].map(String::from);
    let widths: [usize; 6] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| &row.0).chain([&head]).filter_map(|cells| cells.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    });
    let line = |cells: &[String; 6]| {
        let cells = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    let rule = widths.map(|width| "-".repeat(width));
    [&head, &rule].into_iter().chain(rows.iter().map(|row| &row.0)).map(line).collect::<Vec<_>>().join("\n")
}
