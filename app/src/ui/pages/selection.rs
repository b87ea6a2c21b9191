//! What is done to companies that were selected on the page M365 companies: tags, and putting them away.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::Right,
    ui::{
        browser::document,
        components::{Empty, Field, Form, LeftOutList, Link, LoadFailed, Skeleton, names_shown},
        routes::Page,
        search::how_many,
        selection::{Archiving, Tagging, selected},
        session::Session,
        state::Load,
    },
};

const REFUSED: &str = "Your role may not change companies";

const FAILED: &str = "The companies could not be read";

/// The id of the field for tags that are added.
const ADD: &str = "add-tags";

/// The page for tags.
#[component]
pub fn TagSelected() -> impl IntoView {
    document::set_title("Change tags");
    view! {
        <Frame path=&["Settings", "Companies", "Change tags"]>
            <h1>"Change tags"</h1>
            <ForRight right=Right::ManageCompanies title=REFUSED page=tags />
        </Frame>
    }
}

/// The page for putting companies away.
#[component]
pub fn ArchiveSelected() -> impl IntoView {
    document::set_title("Archive companies");
    view! {
        <Frame path=&["Settings", "Companies", "Archive companies"]>
            <h1>"Archive companies"</h1>
            <ForRight right=Right::ManageCompanies title=REFUSED page=archive />
        </Frame>
    }
}

fn nothing_selected() -> AnyView {
    view! {
        <Empty title="No company is selected">
            <p>"Select some on the page M365 companies."</p>
            <Link to=Page::HOME class="button">
                "Go to M365 companies"
            </Link>
        </Empty>
    }
    .into_any()
}

fn way_back() -> AnyView {
    view! {
        <p>
            <Link to=Page::HOME class="">
                "Go back to M365 companies"
            </Link>
        </p>
    }
    .into_any()
}

fn tags() -> AnyView {
    let companies = selected();
    if companies.is_empty() {
        return nothing_selected();
    }
    let tagging = Tagging::read(companies, expect_context::<Session>());
    (move || match tagging.load().get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => {
            let on_retry = Callback::new(move |()| tagging.read_again());
            view! { <LoadFailed title=FAILED error on_retry /> }.into_any()
        }
        Load::Done => tag_form(tagging),
    })
    .into_any()
}

fn tag_form(tagging: Tagging) -> AnyView {
    let (add, remove) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let on_submit = Callback::new(move |()| tagging.save(ADD, add.get_untracked(), remove.get_untracked()));
    let found = tagging.tags().get_untracked();
    let companies = how_many(found.companies as usize);
    let tag = |(tag, count): (String, u32)| view! { <li>{tag} " (" {count} ")"</li> };
    let present = if found.tags.is_empty() {
        view! { <p>"They have no tags now."</p> }.into_any()
    } else {
        view! {
            <div>
                <p>"The tags that they have now, and how many have each:"</p>
                <ul class="recipients" aria-label="Tags" tabindex="0">
                    {found.tags.into_iter().map(tag).collect_view()}
                </ul>
            </div>
        }
        .into_any()
    };
    view! {
        <p class="page-lead">"For " {companies} " that you selected."</p>
        <div class="company-form">
            <LeftOutList title="Not changed:" companies=found.left_out />
            {present}
            <Form submit="Change tags" form=tagging.form on_submit>
                <Field
                    id=ADD
                    label="Add tags"
                    kind="text"
                    autocomplete="off"
                    value=add
                    optional=true
                    rules="With commas between them."
                />
                <Field id="remove-tags" label="Remove tags" kind="text" autocomplete="off" value=remove optional=true />
            </Form>
            {way_back()}
        </div>
    }
    .into_any()
}

fn archive() -> AnyView {
    let companies = selected();
    if companies.is_empty() {
        return nothing_selected();
    }
    let archiving = Archiving::read(companies, expect_context::<Session>());
    (move || match archiving.load().get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => {
            let on_retry = Callback::new(move |()| archiving.read_again());
            view! { <LoadFailed title=FAILED error on_retry /> }.into_any()
        }
        Load::Done => farewell(archiving),
    })
    .into_any()
}

fn farewell(archiving: Archiving) -> AnyView {
    let found = archiving.farewell().get_untracked();
    let none = found.names.is_empty();
    let (count, connected, links) = (found.names.len(), found.connected, found.links);
    let what = [
        Some("They leave the list, and their tenants are not read any more. Nothing is deleted.".to_owned()),
        Some("Each can be restored at any time, as it is now.".to_owned()),
        match connected {
            0 => None,
            1 => Some("1 of them is connected. The connection is kept, and not used.".to_owned()),
            _ => Some(format!("{connected} of them are connected. The connections are kept, and not used.")),
        },
        match links {
            0 => None,
            1 => Some("1 of them has a live link. The link is withdrawn.".to_owned()),
            _ => Some(format!("{links} of them have a live link. The links are withdrawn.")),
        },
    ];
    let question = (!none).then(|| {
        let on_submit = Callback::new(move |()| archiving.archive());
        view! {
            {names_shown(found.names)}
            <Form submit="Archive" form=archiving.form on_submit>
                <ul class="steps">{what.into_iter().flatten().map(|words| view! { <li>{words}</li> }).collect_view()}</ul>
            </Form>
        }
    });
    view! {
        <p class="page-lead">{how_many(count)} " that you selected."</p>
        <div class="company-form">
            <LeftOutList title="Not archived:" companies=found.left_out />
            {question}
            {way_back()}
        </div>
    }
    .into_any()
}
