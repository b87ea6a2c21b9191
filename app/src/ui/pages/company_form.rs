//! What is written down about a company: a new one, or one that is there. And the question before it is put away.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::{CompanyField, CompanyId, Right},
    ui::{
        browser::{document, location},
        company_archive::archive,
        company_form::{CompanyForm, KnownCompany},
        components::{Empty, Field, Form, Link, LoadFailed, Skeleton},
        routes::{Page, Tab},
        session::Session,
        state::{Load, Submission, Voice},
    },
};

const REFUSED: &str = "Your role may not change companies";

/// The page for a new company.
#[component]
pub fn NewCompany() -> impl IntoView {
    document::set_title("Add company");
    view! {
        <Frame path=&["Settings", "Companies", "Add company"]>
            <Head title="Add company".to_owned() lead="Only the name is needed. With a domain, only an administrator of its tenant can connect the company." />
            <ForRight right=Right::ManageCompanies title=REFUSED page=new_company />
        </Frame>
    }
}

/// The page of a company that is there.
#[component]
pub fn EditCompany() -> impl IntoView {
    document::set_title("Edit company");
    view! {
        <Frame path=&["Settings", "Companies", "Edit company"]>
            <ForRight right=Right::ManageCompanies title=REFUSED page=edit_company />
        </Frame>
    }
}

/// The question before a company is put away.
#[component]
pub fn ArchiveCompany() -> impl IntoView {
    document::set_title("Archive company");
    view! {
        <Frame path=&["Settings", "Companies", "Archive company"]>
            <ForRight right=Right::ManageCompanies title=REFUSED page=ask_to_archive />
        </Frame>
    }
}

#[component]
fn Head(title: String, lead: &'static str) -> impl IntoView {
    view! {
        <div class="page-head">
            <div>
                <h1>{title}</h1>
                <p class="page-lead">{lead}</p>
            </div>
        </div>
    }
}

fn new_company() -> AnyView {
    let form = CompanyForm::new(expect_context::<Session>(), expect_context::<Voice>());
    view! {
        <div class="company-form">
            <Form submit="Add company" form=form.form on_submit=Callback::new(move |()| form.add())>
                {fields(form)}
            </Form>
            <p>
                <Link to=Page::HOME class="">
                    "Go to M365 companies"
                </Link>
            </p>
        </div>
    }
    .into_any()
}

fn fields(form: CompanyForm) -> impl IntoView {
    let [name, domain, external_id, contact, email, note, tags] = form.texts;
    let note_id = CompanyField::Note.key();
    view! {
        <Field id="name" label="Name" kind="text" autocomplete="off" value=name />
        <Field id="domain" label="Primary domain" kind="text" autocomplete="off" value=domain optional=true />
        <Field
            id="external_id"
            label="External id"
            kind="text"
            autocomplete="off"
            value=external_id
            optional=true
            rules="Its id in another program, such as a PSA. An import finds the company by it."
        />
        <Field id="contact" label="Contact" kind="text" autocomplete="off" value=contact optional=true />
        <Field id="email" label="E-mail" kind="text" autocomplete="off" value=email optional=true />
        <div class="field">
            <label for=note_id>"Note"</label>
            <textarea
                id=note_id
                rows="4"
                prop:value=note
                on:input:target=move |event| note.set(event.target().value())
            ></textarea>
        </div>
        <Field
            id="tags"
            label="Tags"
            kind="text"
            autocomplete="off"
            value=tags
            optional=true
            rules="With commas between them."
        />
    }
}

/// The company of the address, once it is there.
fn known(then: fn(CompanyId, KnownCompany) -> AnyView) -> AnyView {
    let Some(Page::EditCompany(company) | Page::ArchiveCompany(company)) = Page::at(&location::path()) else {
        return ().into_any();
    };
    let known = KnownCompany::read(company, expect_context::<Session>(), expect_context::<Voice>());
    let is_archived = Memo::new(move |_| known.card().with(|card| card.as_ref().is_some_and(|card| card.archived)));
    let on_retry = Callback::new(move |()| known.read_again());
    (move || match known.load().get() {
        Load::Loading => view! { <Skeleton /> }.into_any(),
        Load::Failed(error) => view! { <LoadFailed title="The company could not be read" error on_retry /> }.into_any(),
        Load::Done if is_archived.get() => view! {
            <Empty title="This company is archived">
                <p>"It can be changed once it is restored."</p>
                <Link to=Page::ArchivedCompanies class="button">
                    "Go to archived companies"
                </Link>
            </Empty>
        }
        .into_any(),
        Load::Done => then(company, known),
    })
    .into_any()
}

fn edit_company() -> AnyView {
    known(|company, known| {
        let form = known.form;
        view! {
            <Head title=format!("Edit {}", known.name()) lead="A domain that changes is another tenant to sign in to, once it is connected again." />
            <div class="company-form">
                <Form submit="Save" form=form.form on_submit=Callback::new(move |()| known.save())>
                    {fields(form)}
                </Form>
                {move || {
                    known
                        .stale()
                        .get()
                        .then(|| {
                            view! {
                                <button type="button" class="button" on:click=move |_| known.read_again()>
                                    "Load again"
                                </button>
                            }
                        })
                }}
                <p>
                    <Link to=Page::Company(company, Tab::Overview) class="">
                        "Go to the company"
                    </Link>
                </p>
            </div>
        }
        .into_any()
    })
}

fn ask_to_archive() -> AnyView {
    known(|company, known| {
        let session: Session = expect_context();
        let form = Submission::default();
        let name = known.name().clone();
        let on_submit = Callback::new(move |()| archive(company, name.clone(), form, session));
        view! {
            <Head title=format!("Archive {}?", known.name()) lead="It can be restored at any time, as it is now." />
            <div class="company-form">
                <Form submit="Archive" form on_submit>
                    <p>
                        "It leaves the list, its live link is withdrawn, and its tenant is not read any more. Nothing is deleted."
                    </p>
                </Form>
                <p>
                    <Link to=Page::HOME class="">
                        "Go back to M365 companies"
                    </Link>
                </p>
            </div>
        }
        .into_any()
    })
}
