//! The text of a dialogue as steps.

/// One step: a line and the indented lines below it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The line in the file, from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
    /// The lines below, without the indentation of the first of them.
    pub(crate) below: Vec<String>,
}

/// Reads a dialogue.
pub(crate) fn steps(text: &str, first_line: usize) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = first_line + index;
        if line.starts_with('#') {
            continue;
        }
        if line.starts_with([' ', '\t']) || line.trim().is_empty() {
            if let Some(step) = steps.last_mut() {
                step.below.push(line.to_owned());
            } else if !line.trim().is_empty() {
                return Err(format!("{number}: an indented line needs a step above it"));
            }
            continue;
        }
        steps.push(Step {
            line: number,
            text: line.trim().to_owned(),
            below: Vec::new(),
        });
    }
    for step in &mut steps {
        while step.below.last().is_some_and(|line| line.trim().is_empty()) {
            step.below.pop();
        }
        let indent = step
            .below
            .first()
            .map_or(0, |line| line.len() - line.trim_start().len());
        for line in &mut step.below {
            *line = line.get(indent..).unwrap_or(line.trim_start()).to_owned();
        }
    }
    Ok(steps)
}

/// The words of a step, taken from the front.
#[derive(Debug)]
pub(crate) struct Words<'a>(std::iter::Peekable<std::str::SplitWhitespace<'a>>);

impl<'a> Words<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(text.split_whitespace().peekable())
    }

    /// The next word.
    pub(crate) fn next(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    /// The next word, which must be there.
    pub(crate) fn need(&mut self, what: &str) -> Result<&'a str, String> {
        self.0.next().ok_or_else(|| format!("{what} is missing"))
    }

    /// The next word, which must be something that can be read from text.
    pub(crate) fn parse<T: std::str::FromStr>(&mut self, what: &str) -> Result<T, String> {
        let word = self.need(what)?;
        word.parse().map_err(|_| format!("{word} is not {what}"))
    }

    /// Steps over the next word if it is this one.
    pub(crate) fn take(&mut self, word: &str) -> bool {
        self.0.next_if_eq(&word).is_some()
    }

    /// All that is left.
    pub(crate) fn rest(self) -> String {
        self.0.collect::<Vec<_>>().join(" ")
    }
}

/// Reads `300ms`, `1.8s`, `2m`, `1h`.
pub(crate) fn duration(text: &str) -> Result<std::time::Duration, String> {
    let units = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    for (unit, seconds) in units {
        if let Some(number) = text.strip_suffix(unit)
            && let Ok(number) = number.parse::<f64>()
        {
            let seconds = std::time::Duration::from_secs_f64(number * seconds);
            // Half a nanosecond of rounding would put a step on the wrong side of a deadline.
            let microseconds = (seconds.as_nanos() + 500) / 1000;
            let microseconds = u64::try_from(microseconds).map_err(|error| error.to_string())?;
            return Ok(std::time::Duration::from_micros(microseconds));
        }
    }
    Err(format!("{text} is not a duration"))
}
