//! The OpenAPI document as a page: every operation with its parameters, members and answers.

use askama::Template;
use serde_json::Value;

/// All that the page shows.
#[derive(Template)]
#[template(path = "reference.html")]
pub(super) struct Reference<'a> {
    title: &'a str,
    version: &'a str,
    description: &'a str,
    groups: Vec<Group<'a>>,
    objects: Vec<Object<'a>>,
}

/// Where the examples go; the page is shown with the address that it was asked at instead.
pub(super) const EXAMPLE_BASE: &str = "http://127.0.0.1:8000";

/// What requests and answers are made of.
struct Object<'a> {
    name: &'a str,
    description: &'a str,
    members: Vec<Member<'a>>,
}

struct Group<'a> {
    name: &'a str,
    description: &'a str,
    operations: Vec<Operation<'a>>,
}

struct Operation<'a> {
    method: String,
    path: &'a str,
    summary: &'a str,
    description: &'a str,
    parameters: Vec<Member<'a>>,
    members: Vec<Member<'a>>,
    answers: Vec<Answer<'a>>,
    curl: String,
}

struct Member<'a> {
    name: &'a str,
    kind: String,
    required: bool,
    description: &'a str,
}

struct Answer<'a> {
    status: &'a str,
    description: &'a str,
    kind: String,
}

impl<'a> Reference<'a> {
    /// The page for an OpenAPI document.
    pub(super) fn of(document: &'a Value) -> Self {
        let groups = list(&document["tags"])
            .iter()
            .map(|tag| group(document, tag))
            .collect();
        let objects = document["components"]["schemas"]
            .as_object()
            .into_iter()
            .flatten();
        let object = |(name, schema): (&'a String, &'a Value)| Object {
            name,
            description: text(&schema["description"]),
            members: members(document, schema),
        };
        let info = &document["info"];
        Self {
            title: text(&info["title"]),
            version: text(&info["version"]),
            description: text(&info["description"]),
            groups,
            objects: objects.map(object).collect(),
        }
    }
}

fn group<'a>(document: &'a Value, tag: &'a Value) -> Group<'a> {
    let name = text(&tag["name"]);
    let paths = document["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        // HEAD is the GET beside it without a body.
        let shown = methods.filter(|(method, _)| *method != "head");
        shown.map(move |(method, operation)| (path, method, operation))
    });
    let in_group =
        operations.filter(|(_, _, operation)| list(&operation["tags"]).iter().any(|tag| tag == name));
    Group {
        name,
        description: text(&tag["description"]),
        operations: in_group
            .map(|(path, method, it)| operation(document, path, method, it))
            .collect(),
    }
}

fn operation<'a>(document: &'a Value, path: &'a str, method: &str, operation: &'a Value) -> Operation<'a> {
    let body = resolve(
        document,
        &operation["requestBody"]["content"]["application/json"]["schema"],
    );
    Operation {
        method: method.to_uppercase(),
        path,
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        parameters: list(&operation["parameters"])
            .iter()
            .map(|it| parameter(document, it))
            .collect(),
        members: members(document, body),
        answers: operation["responses"]
            .as_object()
            .into_iter()
            .flatten()
            .map(answer)
            .collect(),
        curl: curl(method, path, body),
    }
}

fn parameter<'a>(document: &Value, parameter: &'a Value) -> Member<'a> {
    Member {
        name: text(&parameter["name"]),
        kind: kind(document, &parameter["schema"]),
        required: parameter["required"] == true,
        description: text(&parameter["description"]),
    }
}

fn members<'a>(document: &Value, schema: &'a Value) -> Vec<Member<'a>> {
    let member = |(name, member): (&'a String, &'a Value)| Member {
        name,
        kind: kind(document, member),
        required: list(&schema["required"]).iter().any(|required| required == name),
        description: text(&member["description"]),
    };
    schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(member)
        .collect()
}

fn answer<'a>((status, answer): (&'a String, &'a Value)) -> Answer<'a> {
    let schema = answer["content"]
        .as_object()
        .and_then(|content| content.values().next())
        .map(|media| &media["schema"]);
    let kind = schema.map_or_else(String::new, |schema| match text(&schema["items"]["$ref"]) {
        "" => last_segment(text(&schema["$ref"])).to_owned(),
        items => format!("list of {}", last_segment(items)),
    });
    Answer {
        status,
        description: text(&answer["description"]),
        kind,
    }
}

/// A schema in a few words.
fn kind(document: &Value, schema: &Value) -> String {
    match &resolve(document, schema)["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        _ => String::new(),
    }
}

fn curl(method: &str, path: &str, body: &Value) -> String {
    let method_flag = if method == "get" {
        String::new()
    } else {
        format!("-X {} ", method.to_uppercase())
    };
    let members = body["properties"].as_object().into_iter().flatten();
    let examples: serde_json::Map<_, _> = members
        .filter(|(_, member)| !member["example"].is_null())
        .map(|(name, member)| (name.clone(), member["example"].clone()))
        .collect();
    let data = if examples.is_empty() {
        String::new()
    } else {
        format!(
            " -H 'Content-Type: application/json' -d '{}'",
            Value::Object(examples)
        )
    };
    format!("curl {method_flag}'{EXAMPLE_BASE}{path}'{data}")
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix('#'))
    {
        Some(pointer) => document.pointer(pointer).unwrap_or(schema),
        None => schema,
    }
}

fn last_segment(reference: &str) -> &str {
    reference.rsplit('/').next().unwrap_or(reference)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
