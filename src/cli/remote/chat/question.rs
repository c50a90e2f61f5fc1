//! How is a question of a server answered on lines? Pure.

use serde_json::{Map, Value, json};

/// One thing that a server wants to know.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    name: String,
    schema: Value,
    is_needed: bool,
}

/// What a server wants to know, in the order in which it names it.
pub(super) fn fields(schema: &Value) -> Vec<Field> {
    let needed = schema["required"].as_array();
    let is_needed = |name: &str| needed.is_some_and(|names| names.iter().any(|one| one == name));
    let Some(properties) = schema["properties"].as_object() else { return Vec::new() };
    let field = |(name, schema): (&String, &Value)| Field {
        name: name.clone(),
        schema: schema.clone(),
        is_needed: is_needed(name),
    };
    properties.iter().map(field).collect()
}

/// What may be chosen, if that is named.
fn choices(schema: &Value) -> Vec<String> {
    let listed = schema["enum"].as_array().into_iter().flatten();
    let meant = schema["oneOf"].as_array().into_iter().flatten().map(|one| &one["const"]);
    listed.chain(meant).filter_map(Value::as_str).map(str::to_owned).collect()
}

impl Field {
    /// The words that ask for it.
    pub(super) fn prompt(&self) -> String {
        let mut about = Vec::new();
        let choices = choices(&self.schema);
        if !choices.is_empty() {
            about.push(choices.join(", "));
        } else if let Some(kind) = self.schema["type"].as_str() {
            about.push(if kind == "boolean" { "yes or no".to_owned() } else { kind.to_owned() });
        }
        if !self.is_needed {
            about.push("empty leaves it out".to_owned());
        }
        let said = self.schema["description"].as_str().or(self.schema["title"].as_str());
        let said = said.map(|said| format!(" – {said}")).unwrap_or_default();
        format!("{}{said} ({}): ", self.name, about.join("; "))
    }

    /// Puts what was typed into the answer; the error is a sentence.
    pub(super) fn take(&self, line: &str, answer: &mut Map<String, Value>) -> Result<(), String> {
        let line = line.trim();
        let name = &self.name;
        if line.is_empty() {
            let why = || format!("{name} is needed; /decline answers with no");
            return if self.is_needed { Err(why()) } else { Ok(()) };
        }
        let choices = choices(&self.schema);
        if !choices.is_empty() && !choices.iter().any(|choice| choice == line) {
            return Err(format!("{name} must be one of {}", choices.join(", ")));
        }
        let value = match self.schema["type"].as_str() {
            Some("boolean") => match line.to_ascii_lowercase().as_str() {
                "y" | "yes" | "true" => json!(true),
                "n" | "no" | "false" => json!(false),
                _ => return Err(format!("{name} must be yes or no")),
            },
            Some("integer") => {
                let number: i64 =
                    line.parse().map_err(|_| format!("{name} must be a whole number"))?;
                json!(number)
            }
            Some("number") => {
                let number: Option<f64> =
                    line.parse().ok().filter(|number: &f64| number.is_finite());
                json!(number.ok_or_else(|| format!("{name} must be a number"))?)
            }
            Some("string") | None => json!(line),
            Some(_) => serde_json::from_str(line).map_err(|_| format!("{name} must be JSON"))?,
        };
        answer.insert(name.clone(), value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_becomes_what_the_schema_names() {
        let schema = json!({
            "properties": {
                "branch": { "type": "string", "description": "Where" },
                "size": { "enum": ["small", "large"] },
                "count": { "type": "integer" },
                "share": { "type": "number" },
                "sure": { "type": "boolean" },
                "tags": { "type": "array" },
            },
            "required": ["branch", "sure"],
        });
        let asked = fields(&schema);
        let by_name = |name: &str| asked.iter().find(|field| field.name == name).unwrap();
        assert_eq!(by_name("branch").prompt(), "branch – Where (string): ");
        assert_eq!(by_name("size").prompt(), "size (small, large; empty leaves it out): ");
        let mut answer = Map::new();
        for (name, line) in [
            ("branch", " main "),
            ("size", "small"),
            ("count", "3"),
            ("share", "0.5"),
            ("sure", "Yes"),
            ("tags", "[1]"),
        ] {
            by_name(name).take(line, &mut answer).unwrap();
        }
        let expected = json!({
            "branch": "main", "size": "small", "count": 3, "share": 0.5, "sure": true, "tags": [1],
        });
        assert_eq!(Value::Object(answer), expected);
        let mut empty = Map::new();
        for (name, line, why) in [
            ("branch", "", "branch is needed; /decline answers with no"),
            ("size", "huge", "size must be one of small, large"),
            ("count", "1.5", "count must be a whole number"),
            ("share", "inf", "share must be a number"),
            ("sure", "maybe", "sure must be yes or no"),
            ("tags", "[", "tags must be JSON"),
        ] {
            assert_eq!(by_name(name).take(line, &mut empty).unwrap_err(), why);
        }
        by_name("count").take("", &mut empty).unwrap();
        assert!(empty.is_empty());
    }
}
