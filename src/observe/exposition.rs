//! Prometheus' text format, version 0.0.4.

use std::fmt::Display;

use super::Durations;

/// What the body is to be called.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a metric does over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process starts anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Durations, in buckets.
    Histogram,
}

/// A page of metrics in the making.
#[derive(Debug, Default)]
pub struct Exposition(String);

/// One metric of the page, to which samples are added.
#[derive(Debug)]
pub struct Family<'a> {
    page: &'a mut Exposition,
    name: &'static str,
}

impl Exposition {
    /// Begins a metric. It is named even if it turns out to have no samples, so that a page always tells all there is.
    pub fn family(&mut self, name: &'static str, kind: Kind, help: &'static str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let head = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
        self.0.push_str(&head);
        Family { page: self, name }
    }

    /// The page.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl Family<'_> {
    /// Adds a sample.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.line("", labels, value);
    }

    /// Adds the samples of a histogram, in seconds.
    pub fn durations(&mut self, labels: &[(&str, &str)], durations: &Durations) {
        let counted = durations.counted();
        let mut bucket = |bound: &str, count: u64| {
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound)]).collect();
            self.line("_bucket", &labels, count);
        };
        for (bound, count) in counted.at_most {
            bucket(&bound.as_secs_f64().to_string(), count);
        }
        bucket("+Inf", counted.count);
        self.line("_sum", labels, counted.sum.as_secs_f64());
        self.line("_count", labels, counted.count);
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        let name = self.name;
        let line = format!("{name}{suffix}{labels} {value}\n");
        self.page.0.push_str(&line);
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', r"\\")
        .replace('"', "\\\"")
        .replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_page_is_written_as_prometheus_reads_it() {
        let mut page = Exposition::default();
        let mut orders = page.family("orders", Kind::Gauge, "Orders.");
        orders.sample(&[], 1);
        orders.sample(&[("site", "uk"), ("odd", "a\"b\\c\nd")], 0.5);
        page.family("none_total", Kind::Counter, "None.");
        assert_eq!(
            page.into_text(),
            "# HELP orders Orders.\n# TYPE orders gauge\norders 1\n\
             orders{site=\"uk\",odd=\"a\\\"b\\\\c\\nd\"} 0.5\n\
             # HELP none_total None.\n# TYPE none_total counter\n"
        );
    }

    #[test]
    fn a_histogram_ends_in_all_there_were() {
        let durations = Durations::default();
        durations.record(Duration::from_millis(3));
        durations.record(Duration::from_secs(60));
        let mut page = Exposition::default();
        page.family("took_seconds", Kind::Histogram, "Time.")
            .durations(&[("result", "hit")], &durations);
        let text = page.into_text();
        for line in [
            "took_seconds_bucket{result=\"hit\",le=\"0.0005\"} 0\n",
            "took_seconds_bucket{result=\"hit\",le=\"0.005\"} 1\n",
            "took_seconds_bucket{result=\"hit\",le=\"10\"} 1\n",
            "took_seconds_bucket{result=\"hit\",le=\"+Inf\"} 2\n",
            "took_seconds_sum{result=\"hit\"} 60.003\n",
            "took_seconds_count{result=\"hit\"} 2\n",
        ] {
            assert!(text.contains(line), "{line} is not in {text}");
        }
    }
}
