//! The document for people: plain HTML of what is in it, without scripts.

use app::domain::Scope;
use axum::{http::header, response::IntoResponse};
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;

use super::{super::page::FOR_A_WHILE, DOCS_STYLE_PATH, DOCUMENT_PATH, document::RULES, problem::Code};

/// How the page looks.
pub async fn stylesheet() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, FOR_A_WHILE)];
    (headers, include_str!("docs.css"))
}

/// The page.
pub fn page(document: &Value) -> String {
    let about = text(&document["info"]["description"]).split("\n\n").next().unwrap_or_default();
    let title = "Tenantry API, version 1";
    let operations = operations(document);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href=(DOCS_STYLE_PATH);
            }
            body {
                header {
                    h1 { (title) }
                    p { (rich(about)) }
                    p { a href=(DOCUMENT_PATH) { "The same as an OpenAPI 3.1 document" } }
                }
                nav aria-label="Contents" {
                    ul {
                        @for (heading, _) in RULES { li { a href={ "#" (slug(heading)) } { (heading) } } }
                        li { a href="#scopes" { "Scopes" } }
                        @for tag in list(&document["tags"]) {
                            li {
                                a href={ "#" (slug(text(&tag["name"]))) } { (text(&tag["name"])) }
                                ul {
                                    @for operation in of_tag(&operations, text(&tag["name"])) {
                                        li { a href={ "#" (operation.id()) } { (operation.summary()) } }
                                    }
                                }
                            }
                        }
                        li { a href="#events" { "Events" } }
                        li { a href="#objects" { "Objects" } }
                        li { a href="#codes" { "Codes of problems" } }
                    }
                }
                main {
                    @for (heading, words) in RULES {
                        section aria-labelledby=(slug(heading)) {
                            h2 id=(slug(heading)) { (heading) }
                            p { (rich(words)) }
                        }
                    }
                    section aria-labelledby="scopes" {
                        h2 id="scopes" { "Scopes" }
                        dl {
                            @for scope in Scope::ALL {
                                dt { code { (scope.key()) } }
                                dd { (scope.label()) "." }
                            }
                        }
                    }
                    @for tag in list(&document["tags"]) {
                        section aria-labelledby=(slug(text(&tag["name"]))) {
                            h2 id=(slug(text(&tag["name"]))) { (text(&tag["name"])) }
                            p { (rich(text(&tag["description"]))) }
                            @for operation in of_tag(&operations, text(&tag["name"])) { (operation.render()) }
                        }
                    }
                    section aria-labelledby="events" {
                        h2 id="events" { "Events" }
                        p { "What webhooks are sent, which an owner names under Settings › Notifications." }
                        @for (name, item) in fields(&document["webhooks"]) { (event(name, &item["post"])) }
                    }
                    section aria-labelledby="objects" {
                        h2 id="objects" { "Objects" }
                        @for (name, schema) in fields(&document["components"]["schemas"]) { (object(name, schema)) }
                    }
                    section aria-labelledby="codes" {
                        h2 id="codes" { "Codes of problems" }
                        dl {
                            @for code in Code::ALL {
                                dt id=(code.key()) { code { (code.key()) } " " (code.status().as_u16()) }
                                dd { (code.title()) "." }
                            }
                        }
                    }
                }
            }
        }
    }
    .into_string()
}

/// One operation of the document.
struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    is: &'a Value,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    fields(&document["paths"])
        .flat_map(|(path, methods)| {
            fields(methods).map(move |(method, is)| Operation { path: path.as_str(), method: method.as_str(), is })
        })
        .collect()
}

fn of_tag<'a>(operations: &'a [Operation<'a>], tag: &'a str) -> impl Iterator<Item = &'a Operation<'a>> {
    operations.iter().filter(move |operation| operation.is["tags"][0] == tag)
}

impl Operation<'_> {
    fn id(&self) -> &str {
        text(&self.is["operationId"])
    }

    fn summary(&self) -> &str {
        text(&self.is["summary"])
    }

    fn render(&self) -> Markup {
        let scope = text(&self.is["security"][0]["token"][0]);
        let body = &self.is["requestBody"]["content"]["application/json"]["schema"];
        let responses = || fields(&self.is["responses"]);
        let problems: Vec<&str> = responses()
            .filter(|(_, response)| response["$ref"].is_string())
            .map(|(status, _)| status.as_str())
            .collect();
        html! {
            article class="operation" aria-labelledby=(self.id()) {
                h3 id=(self.id()) { (self.summary()) }
                p class="request" { code { b { (self.method.to_uppercase()) } " " (self.path) } }
                @if self.is["description"].is_string() { p { (rich(text(&self.is["description"]))) } }
                p { "Needs the scope " code { (scope) } "." }
                @if !list(&self.is["parameters"]).is_empty() {
                    h4 { "Parameters" }
                    dl {
                        @for parameter in list(&self.is["parameters"]) {
                            dt {
                                code { (text(&parameter["name"])) } " "
                                span class="quiet" { (type_of(&parameter["schema"])) ", " (text(&parameter["in"])) }
                            }
                            dd { (rich(text(&parameter["description"]))) (limits(&parameter["schema"])) }
                        }
                    }
                }
                @if !body.is_null() {
                    h4 { "Body" }
                    p { (type_of(body)) }
                }
                h4 { "Answers" }
                dl {
                    @for (status, response) in responses().filter(|(_, response)| !response["$ref"].is_string()) {
                        dt { code { (status) } " " (type_of(&response["content"]["application/json"]["schema"])) }
                        dd { (rich(text(&response["description"]))) }
                    }
                    dt { @for status in &problems { code { (status) } " " } }
                    dd { "A " a href="#object-Problem" { "Problem" } "." }
                }
            }
        }
    }
}

fn event(name: &str, is: &Value) -> Markup {
    html! {
        article class="operation" aria-labelledby={ "event-" (name) } {
            h3 id={ "event-" (name) } { code { (name) } }
            p { (text(&is["summary"])) ". The body is an " a href="#object-Event" { "Event" } "." }
            details {
                summary { "How it is signed" }
                p { (rich(text(&is["description"]))) }
                dl {
                    @for parameter in list(&is["parameters"]) {
                        dt { code { (text(&parameter["name"])) } }
                        dd { (rich(text(&parameter["description"]))) }
                    }
                }
            }
        }
    }
}

fn object(name: &str, schema: &Value) -> Markup {
    let mut parts = vec![schema];
    parts.extend(list(&schema["allOf"]));
    let required = |part: &Value, field: &str| list(&part["required"]).iter().any(|name| name == field);
    html! {
        article class="operation" aria-labelledby={ "object-" (name) } {
            h3 id={ "object-" (name) } { (name) }
            @if schema["description"].is_string() { p { (rich(text(&schema["description"]))) } }
            @if schema["type"] != "object" && schema["allOf"].is_null() {
                p { (type_of(schema)) (limits(schema)) }
            }
            @for part in parts {
                @if let Some(target) = part["$ref"].as_str() { p { "All of " (link(target)) ", and:" } }
                @if part["properties"].is_object() {
                    dl {
                        @for (field, is) in fields(&part["properties"]) {
                            dt {
                                code { (field) } " "
                                span class="quiet" {
                                    (type_of(is))
                                    @if required(part, field) { ", always there" }
                                }
                            }
                            dd { (rich(text(&is["description"]))) (limits(is)) }
                        }
                    }
                }
            }
        }
    }
}

/// What kind of value it is, in a few words.
fn type_of(schema: &Value) -> Markup {
    let or_null = |is: Markup| html! { (is) " or null" };
    if let Some(target) = schema["$ref"].as_str() {
        return link(target);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let some: Vec<&Value> = choices.iter().filter(|choice| choice["type"] != "null").collect();
        if let [only] = some.as_slice() {
            return or_null(type_of(only));
        }
    }
    if let Some(only) = list(&schema["type"]).iter().find(|name| **name != "null") {
        let mut one = schema.clone();
        one["type"] = only.clone();
        return or_null(type_of(&one));
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("array"), _) => html! { "list of " (type_of(&schema["items"])) },
        (Some(name), Some(format)) if !format.starts_with("int") && format != "double" => {
            html! { (name) " (" (format) ")" }
        }
        (Some(name), _) => html! { (name) },
        (None, _) => html! {},
    }
}

/// Between which bounds it is, and what it can be.
fn limits(schema: &Value) -> Markup {
    let words: Vec<String> = [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "characters, at least"),
        ("maxLength", "characters, at most"),
        ("maxItems", "entries, at most"),
        ("default", "if left out,"),
    ]
    .into_iter()
    .filter(|(key, _)| !schema[*key].is_null())
    .map(|(key, words)| format!("{words} {}", schema[key]))
    .collect();
    html! {
        @if !words.is_empty() { span class="quiet" { " " (words.join("; ")) "." } }
        @if schema["enum"].is_array() {
            " One of: "
            @for (place, value) in list(&schema["enum"]).iter().enumerate() {
                @if place > 0 { ", " }
                code { (text(value)) }
            }
            "."
        }
    }
}

fn link(target: &str) -> Markup {
    let name = target.rsplit('/').next().unwrap_or_default();
    html! { a href={ "#object-" (name) } { (name) } }
}

/// Text with words in backticks set as code, and paragraphs run together.
fn rich(words: &str) -> Markup {
    html! {
        @for (place, part) in words.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn slug(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::document;

    #[test]
    fn every_way_within_the_page_leads_somewhere_and_no_two_places_have_one_name() {
        let page = super::page(&document());
        let values = |before: &'static str| {
            page.split(before).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned)
        };
        let ids: Vec<String> = values(" id=\"").collect();
        let places: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(places.len(), ids.len(), "{ids:?}");
        for target in values("href=\"#").chain(values("labelledby=\"")) {
            assert!(places.contains(&target), "{target}");
        }
        for operation in ["list_companies", "make_link", "show_secure_score", "event-link.requested", "object-Problem"]
        {
            assert!(places.contains(&operation.to_owned()), "{operation}");
        }
        assert!(!page.contains("<script") && !page.contains("style="));
    }
}
