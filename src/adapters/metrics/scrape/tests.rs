//! Pages as targets write them, and as they should not.

use proptest::prelude::*;

use super::exposition::Sample;
use super::*;
use crate::ids::{GateId, ModelId};

fn samples(page: &str, format: Format) -> Result<Vec<Sample<'_>>, PageError> {
    let mut samples = Vec::new();
    exposition::read(page, format, |sample| samples.push(sample))?;
    Ok(samples)
}

/// What a line holds, written plainly.
fn shown(line: &str, format: Format) -> String {
    let end = if format == Format::OpenMetrics { "# EOF\n" } else { "" };
    let page = format!("{line}\n{end}");
    let samples = samples(&page, format).unwrap_or_else(|error| panic!("{line}: {error}"));
    let [sample] = samples.as_slice() else { panic!("{line}: {samples:?}") };
    let labels: Vec<_> =
        sample.labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{} [{}] {} {:?}", sample.name, labels.join(","), sample.value, sample.at_ms)
}

#[test]
fn lines_of_both_formats_are_read() {
    use Format::{OpenMetrics, Text};
    for (line, format, expected) in [
        ("a 1", Text, "a [] 1 None"),
        ("a:b_c2{} 1.5e3 ", Text, "a:b_c2 [] 1500 None"),
        (
            "\ta { b = \"c\" , d=\"e\", }\t+Inf  1700000000123",
            Text,
            "a [b=c,d=e] inf Some(1700000000123)",
        ),
        (r#"a{b="x\\y\"z\nw\q é}"} NaN -5"#, Text, "a [b=x\\y\"z\nw\\q é}] NaN Some(-5)"),
        (
            "a_total{b=\"c\"} 17 1700000000.1234",
            OpenMetrics,
            "a_total [b=c] 17 Some(1700000000123)",
        ),
        (
            "a_bucket{le=\"0.5\"} 3 # {trace=\"x y\"} 0.4 1.5",
            OpenMetrics,
            "a_bucket [le=0.5] 3 None",
        ),
        ("a_bucket{le=\"1\"} 3 7 # {} 0.4", OpenMetrics, "a_bucket [le=1] 3 Some(7000)"),
        ("{\"a.b\",c=\"d\"} 1", Text, "a.b [c=d] 1 None"),
        ("a 1\r", Text, "a [] 1 None"),
    ] {
        assert_eq!(shown(line, format), expected, "{line}");
    }
}

#[test]
fn what_is_no_page_is_refused_at_its_line() {
    for (line, what) in [
        ("<html>", "a name is expected"),
        ("a", "a number is expected"),
        ("a one", "a number is expected"),
        ("a{b=\"c} 1", "the text has no closing quote"),
        ("a{b=\"c\\", "the text has no closing quote"),
        ("a{b} 1", "= is expected"),
        ("a{b=c} 1", "a text in quotes is expected"),
        ("a{b=\"c\" d=\"e\"} 1", "a comma or } is expected"),
        ("a 1 soon", "a time in milliseconds is expected"),
        ("a 1 2 3", "the end of the line is expected"),
        ("1a 1", "a name is expected"),
        ("{b=\"c\"} 1", "a name is expected"),
    ] {
        let page = format!("# HELP x\n\n{line}\n");
        let refused = samples(&page, Format::Text).unwrap_err();
        assert_eq!(refused, PageError::Line { line: 3, what }, "{line}");
    }
    let refused = samples("a 1 1e300\n# EOF\n", Format::OpenMetrics).unwrap_err();
    assert_eq!(refused, PageError::Line { line: 1, what: "a time in seconds is expected" });
}

#[test]
fn a_page_that_is_cut_off_is_refused() {
    assert_eq!(samples("a 1\nb 17", Format::Text).unwrap_err(), PageError::Cut("a line feed"));
    assert_eq!(samples("a 1\n", Format::OpenMetrics).unwrap_err(), PageError::Cut("# EOF"));
    assert_eq!(samples("a 1\n# EOF", Format::OpenMetrics).unwrap().len(), 1);
    assert_eq!(samples("", Format::Text).unwrap(), vec![]);
}

#[test]
fn a_page_that_is_none_is_refused_by_its_type() {
    assert_eq!(format_of(None), Ok(Format::Text));
    assert_eq!(format_of(Some("text/plain; version=0.0.4; charset=utf-8")), Ok(Format::Text));
    let open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(format_of(Some(open)), Ok(Format::OpenMetrics));
    assert!(format_of(Some("text/html")).is_err());
}

#[test]
fn ids_stand_in_the_path_and_the_query_only() {
    let with = |template: &str, gate: &str| {
        let (model, gate) = (ModelId::parse("m:1").unwrap(), GateId::parse(gate).unwrap());
        PageUrl::parse(template).unwrap().with(&model, &gate).map(String::from)
    };
    let template = "http://h:1/$__gate/metrics?m=$__model&x=%20";
    assert_eq!(with(template, "canary").unwrap(), "http://h:1/canary/metrics?m=m:1&x=%20");
    assert!(with(template, "..").is_err());
    let refused = |text| PageUrl::parse(text).map(drop).unwrap_err();
    assert_eq!(refused("http://$__gate.example/metrics"), PageUrlError::Host);
    assert_eq!(refused("http://h:$__model/metrics"), PageUrlError::Host);
    assert_eq!(refused("http://h/$__window"), PageUrlError::Unknown);
    for text in ["h/metrics", "ftp://h/m", "http://u:p@h/m", "http://h/m#$__gate", ""] {
        assert_eq!(refused(text), PageUrlError::NoUrl, "{text}");
    }
    assert_eq!(PageUrl::parse(template).unwrap().origin().as_str(), "http://h:1/");
}

proptest! {
    /// Whatever a target writes, reading ends without a panic.
    #[test]
    fn any_page_is_read_or_refused(page in "[a-z_:{}=\",\\\\# \\t\\n0-9.+eNaIf\u{e9}-]{0,200}") {
        for format in [Format::Text, Format::OpenMetrics] {
            drop(samples(&page, format));
        }
    }

    /// What is written by the rules is read as it was meant.
    #[test]
    fn labels_survive_their_escapes(value in any::<String>(), number in any::<u32>()) {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let page = format!("a{{b=\"{escaped}\",c=\"\"}} {number}\n# EOF\n");
        for format in [Format::Text, Format::OpenMetrics] {
            let samples = samples(&page, format).unwrap();
            prop_assert_eq!(samples[0].labels[0].1.as_ref(), value.as_str());
            prop_assert_eq!(samples[0].value.to_bits(), f64::from(number).to_bits());
        }
    }
}

/// Reading takes time in proportion to the length, however a page is made.
#[test]
fn long_lines_take_no_longer_than_many() {
    let long = |count: usize| {
        let labels: Vec<_> = (0..count).map(|n| format!("l{n}=\"\\\\\\\\\\n\"")).collect();
        format!("a{{{}}} 1\n", labels.join(","))
    };
    let time = |page: &str| {
        let began = std::time::Instant::now();
        assert_eq!(samples(page, Format::Text).unwrap().len(), 1);
        began.elapsed()
    };
    let (short, long) = (long(2_000), long(64_000));
    let least = |page: &str| (0..5).map(|_| time(page)).min().unwrap();
    let (short, long) = (least(&short), least(&long));
    // 32 times the length; the square would be a thousand times the time.
    assert!(long < short * 200, "{short:?}, then {long:?}");
}
