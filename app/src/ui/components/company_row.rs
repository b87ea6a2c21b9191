//! One company in the table, as markup.

use super::{
    Html, Shape,
    html::Markup,
    microsoft_button::{MARK, WORDS},
    status_badge,
};
use crate::{
    domain::{Action, CompanyId, Status, Timestamp},
    ui::{
        browser::locale,
        may::Reasons,
        note::Note,
        routes::{Page, Tab},
        state::{Entry, Wish},
    },
};

/// The id of the sentence that says what the role may not do. Without it, it is not in the document.
pub const ROLE_NOTE: &str = "role-note";

/// The same, for links.
pub const LINK_ROLE_NOTE: &str = "link-role-note";

/// The attribute of an element that says what a click on it does.
pub const DOES: &str = "data-does";

/// What selects the company.
pub const SELECT: &str = "select";

/// What opens the menu.
pub const MENU: &str = "menu";

/// What actions are called in the markup.
const ACTIONS: [(&str, Action); 8] = [
    ("sign-in", Action::SignIn),
    ("cancel", Action::Cancel),
    ("reconnect", Action::Reconnect),
    ("link", Action::GenerateLink),
    ("link-note", Action::GenerateLinkWithNote),
    ("withdraw", Action::WithdrawLink),
    ("message", Action::WriteToClient),
    ("sync", Action::SyncNow),
];

/// The action that is called like this.
pub fn action(does: &str) -> Option<Action> {
    ACTIONS.into_iter().find(|(name, _)| *name == does).map(|(_, action)| action)
}

fn does(action: Action) -> &'static str {
    ACTIONS.into_iter().find(|(_, other)| *other == action).map_or("", |(name, _)| name)
}

/// The id of a company's row in the document.
pub fn element_id(company: CompanyId) -> String {
    format!("company-{company}")
}

/// What changes in a row: the insides of these elements, in their order.
pub type Parts = [Markup; 7];

/// The parts of a company's row.
pub fn parts(entry: &Entry, id: &str, now: Timestamp, reasons: &Reasons) -> Parts {
    let status = entry.status(now);
    let row = &entry.row;
    let written = |number: u32| locale::number(number as usize);
    let licences = row.figures.licences;
    [
        name(entry, id),
        state(entry, &status, id, now),
        figure(row.figures.users.map(written), row.first_sync),
        figure(
            licences.map(|licences| written(licences.used) + " of " + &written(licences.assignable)),
            row.first_sync,
        ),
        figure(row.figures.secure_score.map(|percent| percent.to_string() + "%"), row.first_sync),
        last_sync(entry),
        buttons(entry, &status, id, now, reasons),
    ]
}

/// The whole inside of a row with these parts.
pub fn row(entry: &Entry, id: &str, parts: &Parts) -> Markup {
    let mut html = Html::default();
    html.markup("<td role=\"cell\" class=\"company-select\"><label><input type=\"checkbox\"")
        .attribute(DOES, SELECT)
        .attribute("aria-label", &select_label(entry))
        .markup("></label></td>");
    let cells = [
        ("company-name", None),
        ("company-status", None),
        ("company-figure company-users", Some("Users")),
        ("company-figure company-licences", Some("Licences")),
        ("company-figure company-score", Some("Secure Score")),
        ("company-synced", None),
    ];
    let (buttons, parts) = (&parts[6], &parts[..6]);
    for ((class, label), part) in cells.into_iter().zip(parts) {
        html.markup("<td role=\"cell\" data-part")
            .attribute("class", class)
            .attribute_if("data-label", label)
            .markup(">")
            .part(part)
            .markup("</td>");
    }
    html.markup("<td role=\"cell\" class=\"company-actions\"><span data-part>").part(buttons).markup("</span>");
    // The menu is filled when it is opened.
    html.markup("<button type=\"button\" class=\"button button-quiet button-icon\" aria-label=\"More actions\"")
        .markup(" aria-haspopup=\"menu\" aria-expanded=\"false\"")
        .attribute(DOES, MENU)
        .attribute("popovertarget", &(id.to_owned() + "-menu"))
        .attribute("aria-describedby", &(id.to_owned() + "-name"))
        .markup(">")
        .icon(Shape::Dots)
        .markup("</button><div class=\"popover menu\" popover=\"auto\" role=\"menu\" aria-label=\"More actions\"")
        .attribute("id", &(id.to_owned() + "-menu"))
        .markup("></div></td>");
    html.finish()
}

/// What selects the company is called like this.
pub fn select_label(entry: &Entry) -> String {
    "Select ".to_owned() + &entry.row.name
}

/// The name, below it the domain, the tenant's name where it says more than the company's, and the tags.
fn name(entry: &Entry, id: &str) -> Markup {
    let row = &entry.row;
    let mut html = Html::default();
    html.markup("<a class=\"name\" data-does=\"open\"")
        .attribute("id", &(id.to_owned() + "-name"))
        .attribute("href", &Page::Company(row.id, Tab::Overview).path())
        .markup(">")
        .text(&row.name)
        .markup("</a><span class=\"subtitle\">");
    let tenant = row.tenant.as_deref().filter(|tenant| *tenant != row.name);
    for (place, text) in [row.domain.as_deref(), tenant].into_iter().flatten().enumerate() {
        html.markup(if place == 0 { "" } else { " · " }).text(text);
    }
    for tag in row.tags() {
        html.markup(" ").span("tag", tag);
    }
    html.markup("</span>");
    html.finish()
}

fn state(entry: &Entry, status: &Status, id: &str, now: Timestamp) -> Markup {
    let (class, shape) = status_badge::look(status);
    let mut html = Html::default();
    html.markup("<span").attribute("class", class).markup(">").icon(shape);
    html.markup("<span").attribute("id", &(id.to_owned() + "-status")).markup(">").text(status.word());
    html.markup("</span></span>");
    let Some(note) = Note::of(entry, now) else { return html.finish() };
    if note.explanation.is_empty() {
        html.span("note", &note.words);
        return html.finish();
    }
    let panel = id.to_owned() + "-note";
    html.markup("<div class=\"note-line\"><button type=\"button\" class=\"hint\" data-does=\"explain\"")
        .attribute("popovertarget", &panel)
        .markup(">")
        .span("hint-words", &note.words)
        .icon(Shape::Question)
        .markup("</button><div class=\"popover hint-panel\" popover=\"auto\"")
        .attribute("id", &panel)
        .markup("><strong>")
        .text(&note.words)
        .markup("</strong>");
    let until = note.until.map(|until| ["It can be used until ", &locale::time(until), "."].concat());
    for paragraph in note.explanation.into_iter().chain(until) {
        html.markup("<p>").text(&paragraph).markup("</p>");
    }
    if let Some(at) = note.at {
        html.markup("<p>");
        time(&mut html, at);
        html.markup("</p>");
    }
    html.markup("</div>");
    if let Some(since) = note.since {
        time(&mut html, since);
    }
    html.markup("</div>");
    html.finish()
}

fn figure(text: Option<String>, awaited: bool) -> Markup {
    let mut html = Html::default();
    match text {
        Some(text) => html.span("figure", &text),
        None if awaited => html.span("figure figure-awaited", "Syncing…"),
        None => html.markup(
            "<span class=\"figure figure-none\"><span aria-hidden=\"true\">—</span>\
             <span class=\"visually-hidden\">No data</span></span>",
        ),
    };
    html.finish()
}

fn last_sync(entry: &Entry) -> Markup {
    let mut html = Html::default();
    match (entry.syncing(), entry.row.synced_at) {
        (true, _) => {
            html.markup("<span class=\"syncing\">").icon(Shape::Spinner).markup("Syncing…</span>");
        }
        (false, Some(at)) => time(&mut html, at),
        (false, None) => return figure(None, false),
    }
    html.finish()
}

/// A time. How long ago that is, is written into it as it passes.
fn time(html: &mut Html, at: Timestamp) {
    html.markup("<time")
        .attribute("datetime", &locale::machine_time(at))
        .attribute("title", &locale::time(at))
        .attribute(AT, &at.as_millis().to_string())
        .markup("></time>");
}

/// The attribute of an element whose text is how long ago that is.
pub const AT: &str = "data-at";

fn buttons(entry: &Entry, status: &Status, id: &str, now: Timestamp, reasons: &Reasons) -> Markup {
    let mut html = Html::default();
    let name = id.to_owned() + "-name";
    let mut button = |action: Action, class: &str, role_note: &str, inside: &dyn Fn(&mut Html)| {
        let reason = reasons.of(action);
        html.markup("<button type=\"button\"")
            .attribute("class", class)
            .attribute(DOES, does(action))
            .attribute("aria-describedby", &[&name, role_note].join(" "))
            .attribute_if("title", reason);
        if reason.is_some() {
            html.markup(" disabled");
        }
        html.markup(">");
        inside(&mut html);
        html.markup("</button>");
    };
    let main = |is_main: bool| if is_main { "button button-main" } else { "button" };
    let leads_with = |action| status.actions().first() == Some(&action);
    if status.allows(Action::SignIn) {
        button(Action::SignIn, "microsoft-button", ROLE_NOTE, &|html| {
            html.markup(MARK).markup(WORDS);
        });
    }
    if leads_with(Action::SyncNow) && matches!(status, Status::NeedsReconnect { .. }) {
        button(Action::SyncNow, main(true), "", &|html| {
            html.markup("Check again");
        });
    }
    if status.allows(Action::Reconnect) {
        button(Action::Reconnect, "button", ROLE_NOTE, &|html| {
            html.markup(MARK).markup("Reconnect");
        });
    }
    if status.allows(Action::Cancel) && entry.wish() != Some(Wish::Cancel) {
        button(Action::Cancel, "button button-quiet", ROLE_NOTE, &|html| {
            html.markup("Cancel");
        });
    }
    if has_link_button(status) {
        let label = entry.generate_link_label(now);
        button(Action::GenerateLink, main(leads_with(Action::GenerateLink)), LINK_ROLE_NOTE, &|html| {
            html.markup(label);
        });
    }
    html.finish()
}

/// Whether making a link is among the buttons. Where there is something more urgent, it is in the menu.
const fn has_link_button(status: &Status) -> bool {
    match status {
        Status::NotConnected | Status::LinkSent => true,
        Status::NeedsReconnect { reason, .. } => reason.remedy().renews(),
        _ => false,
    }
}

/// What is in the menu of a company's row.
pub fn menu(entry: &Entry, id: &str, now: Timestamp, reasons: &Reasons) -> Markup {
    let company = entry.row.id;
    let mut items = Items { html: Html::default(), id, count: 0 };
    items.page(Page::Company(company, Tab::Overview), "Open", Shape::Open, None);
    let link = (Action::GenerateLink, entry.generate_link_label(now), Shape::Link);
    let all = [
        (Action::SyncNow, "Sync now", Shape::Sync),
        (Action::WriteToClient, "Message for the client", Shape::Mail),
        link,
        (Action::GenerateLinkWithNote, "Link with a note", Shape::Note),
        (Action::WithdrawLink, "Withdraw link", Shape::Cross),
    ];
    let in_row = has_link_button(&entry.status(now));
    for (action, label, shape) in all {
        if entry.allows(action, now) && !(in_row && action == Action::GenerateLink) {
            items.action(action, label, shape, reasons.of(action));
        }
    }
    if entry.row.tenant.is_some() {
        items.page(Page::Disconnect(company), "Disconnect", Shape::Leave, reasons.connecting());
    }
    items.page(Page::EditCompany(company), "Edit", Shape::Note, reasons.managing());
    items.page(Page::ArchiveCompany(company), "Archive", Shape::Archive, reasons.managing());
    items.html.finish()
}

struct Items<'a> {
    html: Html,
    id: &'a str,
    count: usize,
}

impl Items<'_> {
    /// What leads to a page, unless there is a reason against it.
    fn page(&mut self, to: Page, label: &'static str, shape: Shape, reason: Option<&'static str>) {
        if reason.is_some() {
            return self.button("", label, shape, reason);
        }
        self.html.markup("<a role=\"menuitem\" tabindex=\"-1\"").attribute("href", &to.path()).markup(">");
        self.html.icon(shape).markup("<span>").markup(label).markup("</span></a>");
    }

    fn action(&mut self, action: Action, label: &'static str, shape: Shape, reason: Option<&'static str>) {
        self.button(does(action), label, shape, reason);
    }

    fn button(&mut self, does: &str, label: &'static str, shape: Shape, reason: Option<&'static str>) {
        self.count += 1;
        let reason_id = [self.id, "-reason-", &self.count.to_string()].concat();
        let html = &mut self.html;
        html.markup("<button type=\"button\" role=\"menuitem\" tabindex=\"-1\"").attribute("aria-label", label);
        match reason {
            Some(_) => html.markup(" aria-disabled=\"true\"").attribute("aria-describedby", &reason_id),
            None => html.attribute(DOES, does),
        };
        html.markup(">").icon(shape).markup("<span>").markup(label);
        if let Some(reason) = reason {
            html.markup("<small").attribute("id", &reason_id).markup(">").markup(reason).markup("</small>");
        }
        html.markup("</span></button>");
    }
}
