//! Where do traces go? Said by the variables that OpenTelemetry has for every program, and by
//! nothing else.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use url::Url;

use super::error::ConfigError;
use super::sources::Environment;

/// How long the collector may take when nobody says.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where traces go, and which.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// The whole address that spans are posted to.
    pub endpoint: Url,
    /// Headers of every post.
    pub headers: Vec<(String, SecretString)>,
    /// How long the collector may take to answer.
    pub timeout: Duration,
    /// How spans are written.
    pub encoding: TraceEncoding,
    /// Which traces are kept.
    pub sampler: TraceSampler,
    /// What the daemon is called, if not by its name.
    pub service: Option<String>,
    /// What else is said of the daemon, as names and values.
    pub attributes: Vec<(String, String)>,
}

/// How spans are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceEncoding {
    /// As protobuf.
    Protobuf,
    /// As JSON.
    Json,
}

/// Which traces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceSampler {
    /// Whether who calls decides, where it says so.
    pub follows_parent: bool,
    /// Which part of the others, from 0 to 1.
    pub ratio: f64,
}

/// The variables.
struct Variables<'a>(&'a Environment);

impl Variables<'_> {
    /// One that is set, and not to nothing.
    fn get(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        Ok(self.0.get(name)?.map(str::trim).filter(|value| !value.is_empty()))
    }

    /// The one for traces, else the one for everything, with its name.
    fn first(&self, names: [&'static str; 2]) -> Result<Option<(&'static str, &str)>, ConfigError> {
        for name in names {
            if let Some(value) = self.get(name)? {
                return Ok(Some((name, value)));
            }
        }
        Ok(None)
    }
}

fn invalid(variable: &'static str, problem: &str) -> ConfigError {
    let (place, problem) = ("environment".to_owned(), problem.to_owned());
    ConfigError::Invalid { setting: variable, place, problem }
}

impl TraceSettings {
    /// What the environment says; nothing where it names no address, or turns traces off.
    ///
    /// # Errors
    /// Traces are on, and what is said of them cannot be followed.
    pub(super) fn of(environment: &Environment) -> Result<Option<Self>, ConfigError> {
        let variables = Variables(environment);
        if variables.get("OTEL_SDK_DISABLED")?.is_some_and(|is| is.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let exporter = variables.get("OTEL_TRACES_EXPORTER")?.unwrap_or("otlp");
        if exporter == "none" {
            return Ok(None);
        }
        let Some(endpoint) = endpoint(&variables)? else { return Ok(None) };
        if exporter != "otlp" {
            return Err(invalid("OTEL_TRACES_EXPORTER", "must be otlp or none"));
        }
        Ok(Some(Self {
            endpoint,
            headers: headers(&variables)?,
            timeout: timeout(&variables)?,
            encoding: encoding(&variables)?,
            sampler: sampler(&variables)?,
            service: variables.get("OTEL_SERVICE_NAME")?.map(ToOwned::to_owned),
            attributes: attributes(&variables)?,
        }))
    }
}

fn endpoint(variables: &Variables<'_>) -> Result<Option<Url>, ConfigError> {
    const OWN: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    const OF_ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let Some((name, text)) = variables.first([OWN, OF_ALL])? else { return Ok(None) };
    let wrong = || {
        let problem = "must be the http or https address of an OTLP collector, without a name or \
                       password, such as http://127.0.0.1:4318";
        invalid(name, problem)
    };
    let mut url = Url::parse(text).map_err(|_| wrong())?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_plain {
        return Err(wrong());
    }
    if name == OF_ALL {
        let mut path = url.path_segments_mut().map_err(|()| wrong())?;
        path.pop_if_empty().extend(["v1", "traces"]);
    }
    Ok(Some(url))
}

fn headers(variables: &Variables<'_>) -> Result<Vec<(String, SecretString)>, ConfigError> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
    let Some((name, text)) = variables.first(names)? else { return Ok(Vec::new()) };
    let pairs = pairs(text).ok_or_else(|| {
        invalid(name, "must be name=value pairs with commas between them, percent-encoded")
    })?;
    Ok(pairs.into_iter().map(|(name, value)| (name, SecretString::from(value))).collect())
}

fn timeout(variables: &Variables<'_>) -> Result<Duration, ConfigError> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
    let Some((name, text)) = variables.first(names)? else { return Ok(TIMEOUT) };
    let milliseconds = text.parse::<u64>().ok().filter(|ms| (1..=60_000).contains(ms));
    let problem = "must be milliseconds from 1 to 60000";
    milliseconds.map(Duration::from_millis).ok_or_else(|| invalid(name, problem))
}

fn encoding(variables: &Variables<'_>) -> Result<TraceEncoding, ConfigError> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    match variables.first(names)? {
        None | Some((_, "http/protobuf")) => Ok(TraceEncoding::Protobuf),
        Some((_, "http/json")) => Ok(TraceEncoding::Json),
        Some((name, _)) => {
            let problem = "must be http/protobuf or http/json; name the port of the collector for \
                           HTTP, which mostly is 4318";
            Err(invalid(name, problem))
        }
    }
}

fn sampler(variables: &Variables<'_>) -> Result<TraceSampler, ConfigError> {
    const NAME: &str = "OTEL_TRACES_SAMPLER";
    const ARGUMENT: &str = "OTEL_TRACES_SAMPLER_ARG";
    let name = variables.get(NAME)?.unwrap_or("parentbased_always_on");
    let own = name.strip_prefix("parentbased_");
    let ratio = match own.unwrap_or(name) {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => {
            let text = variables.get(ARGUMENT)?.unwrap_or("1");
            let ratio = text.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            ratio.ok_or_else(|| invalid(ARGUMENT, "must be a number from 0 to 1"))?
        }
        _ => {
            let problem = "must be always_on, always_off or traceidratio, or one of them after \
                           parentbased_";
            return Err(invalid(NAME, problem));
        }
    };
    Ok(TraceSampler { follows_parent: own.is_some(), ratio })
}

fn attributes(variables: &Variables<'_>) -> Result<Vec<(String, String)>, ConfigError> {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let Some(text) = variables.get(NAME)? else { return Ok(Vec::new()) };
    pairs(text).ok_or_else(|| {
        invalid(NAME, "must be name=value pairs with commas between them, percent-encoded")
    })
}

/// Names and values as W3C baggage writes them.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let members = text.split(',').map(str::trim).filter(|member| !member.is_empty());
    members
        .map(|member| {
            let (name, value) = member.split_once('=')?;
            let decoded =
                |text: &str| Some(percent_decode_str(text.trim()).decode_utf8().ok()?.into());
            let (name, value): (String, String) = (decoded(name)?, decoded(value)?);
            (!name.is_empty()).then_some((name, value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<TraceSettings>, ConfigError> {
        TraceSettings::of(&variables.iter().copied().collect())
    }

    const AT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");

    #[test]
    fn without_an_address_or_turned_off_there_are_no_traces() {
        for variables in [
            &[][..],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", "")],
            &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_TRACES_SAMPLER", "odd")],
            &[AT, ("OTEL_SDK_DISABLED", "TRUE")],
            &[AT, ("OTEL_TRACES_EXPORTER", "none")],
        ] {
            assert!(read(variables).unwrap().is_none(), "{variables:?}");
        }
        assert!(read(&[AT, ("OTEL_SDK_DISABLED", "1")]).unwrap().is_some());
    }

    #[test]
    fn the_address_for_traces_is_taken_as_it_is_and_the_one_for_all_gets_a_path() {
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/x");
        for (variables, expected) in [
            (&[AT][..], "http://c:4318/v1/traces"),
            (&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c/a/")], "http://c/a/v1/traces"),
            (&[AT, own], "https://t/x"),
        ] {
            assert_eq!(read(variables).unwrap().unwrap().endpoint.as_str(), expected);
        }
    }

    #[test]
    fn what_is_said_of_traces_is_read() {
        let read = read(&[
            AT,
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=no"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "api-key=a%20b, x=1=2"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_SERVICE_NAME", "evals"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=a%2Cb,"),
        ]);
        let read = read.unwrap().unwrap();
        let headers: Vec<_> =
            read.headers.iter().map(|(name, value)| (&**name, value.expose_secret())).collect();
        assert_eq!(headers, [("api-key", "a b"), ("x", "1=2")]);
        assert_eq!(read.timeout, Duration::from_millis(2500));
        assert_eq!(read.encoding, TraceEncoding::Json);
        assert_eq!(read.sampler, TraceSampler { follows_parent: true, ratio: 0.25 });
        assert_eq!(read.service.as_deref(), Some("evals"));
        let environment = ("deployment.environment.name".to_owned(), "a,b".to_owned());
        assert_eq!(read.attributes, [environment]);
        assert!(!format!("{read:?}").contains("a b"));
    }

    #[test]
    fn what_cannot_be_followed_is_refused_by_the_name_of_its_variable() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4318"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:pass@c"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "unix:/x"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "GRPC"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "s3cret"),
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_TRACES_SAMPLER", "xray"),
            ("OTEL_RESOURCE_ATTRIBUTES", "=x"),
        ] {
            let variables =
                if name == AT.0 { vec![(name, value)] } else { vec![AT, (name, value)] };
            let why = read(&variables).unwrap_err().to_string();
            assert!(why.starts_with(name), "{name}={value}: {why}");
            assert!(!why.contains("s3cret") && !why.contains("pass@"), "{why}");
        }
        let ratio = [AT, ("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")];
        assert!(read(&ratio).unwrap_err().to_string().starts_with("OTEL_TRACES_SAMPLER_ARG"));
    }
}
