//! How does the line read that users see while a tool runs?

/// The most characters of a call's arguments that the line has.
const MOST_ARGUMENTS: usize = 300;

/// A line with places to fill in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationFormat {
    parts: Vec<Part>,
    icon: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Icon,
    Tool,
    Arguments,
}

/// The names of the places.
const PLACES: [(&str, Part); 3] =
    [("icon", Part::Icon), ("tool_name", Part::Tool), ("tool_args", Part::Arguments)];

impl NotificationFormat {
    /// Reads a line such as `{icon} Executing tool: {tool_name}`; `{{` and `}}` stand for braces.
    /// With `shows_arguments`, a line without a place for them has them at its end.
    ///
    /// # Errors
    /// What is wrong, to follow the name of the setting.
    pub(super) fn parse(format: &str, icon: &str, shows_arguments: bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                text.push_str(brace);
                rest = after;
                continue;
            }
            let name = rest.split_once('}').filter(|_| brace == "{");
            let Some((name, after)) = name else {
                return Err("has a brace without its other; write {{ or }} for a brace".to_owned());
            };
            let Some((_, part)) = PLACES.iter().find(|(place, _)| *place == name) else {
                return Err(format!(
                    "has {{{name}}}, which stands for nothing; there are {{icon}}, {{tool_name}} and \
                     {{tool_args}}"
                ));
            };
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(part.clone());
            rest = after;
        }
        text.push_str(rest);
        parts.push(Part::Text(text));
        match (parts.contains(&Part::Arguments), shows_arguments) {
            (true, false) => {
                return Err(
                    "has {tool_args} although show_args is false; set one of them differently"
                        .to_owned(),
                );
            }
            (false, true) => parts.extend([Part::Text(" ".to_owned()), Part::Arguments]),
            _ => {}
        }
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(Self { parts, icon: icon.to_owned() })
    }

    /// The line for a call, as the model wrote its arguments.
    pub fn line(&self, tool: &str, arguments: &str) -> String {
        let mut line = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => line.push_str(text),
                Part::Icon => line.push_str(&self.icon),
                Part::Tool => line.push_str(tool),
                Part::Arguments => {
                    let mut characters = arguments.chars();
                    line.extend(characters.by_ref().take(MOST_ARGUMENTS));
                    if characters.next().is_some() {
                        line.push('…');
                    }
                }
            }
        }
        line
    }
}
