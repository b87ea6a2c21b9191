//! Companies that are put away: brought back, or deleted for good.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::{ArchivedCompany, Right, Role},
    ui::{
        browser::{clock, document},
        company_archive::Archive,
        components::{ArchiveAction, ArchivedTable, Dialog, Empty, Field, Form, Link, LoadFailed, Problem, Skeleton},
        routes::Page,
        session::Session,
        state::{Load, Submission, Voice},
    },
};

/// The id of the field of the name.
const NAME: &str = "typed-name";

/// The page.
#[component]
pub fn ArchivedCompanies() -> impl IntoView {
    document::set_title("Archived companies");
    view! {
        <Frame path=&["Settings", "Companies", "Archived"]>
            <div class="page-head">
                <div>
                    <h1>"Archived companies"</h1>
                    <p class="page-lead">"They are in no list, and their tenants are not read. Restored, they are as they were."</p>
                </div>
            </div>
            <ForRight right=Right::ManageCompanies title="Your role may not change companies" page=archived />
        </Frame>
    }
}

fn archived() -> AnyView {
    let session: Session = expect_context();
    let archive = Archive::read(session, expect_context::<Voice>());
    let now = clock::minutes();
    let is_empty = Memo::new(move |_| archive.rows().with(Vec::is_empty));
    let deleting = RwSignal::new(None::<ArchivedCompany>);
    let may_delete = session.me().with_untracked(|me| me.as_ref().map(|me| me.role)).is_some_and(may_delete);
    let on_action = Callback::new(move |(company, action): (ArchivedCompany, ArchiveAction)| match action {
        ArchiveAction::Restore => archive.restore(&company),
        ArchiveAction::Delete => deleting.set(Some(company)),
    });
    view! {
        <Problem words=archive.refused() />
        {move || match archive.load().get() {
            Load::Loading => view! { <Skeleton /> }.into_any(),
            Load::Failed(error) => {
                let on_retry = Callback::new(move |()| archive.read_list());
                view! { <LoadFailed title="The companies could not be read" error on_retry /> }.into_any()
            }
            Load::Done if is_empty.get() => view! {
                <Empty title="No archived companies">
                    <p>"A company is archived from the menu of its row."</p>
                    <Link to=Page::HOME class="button">
                        "Go to M365 companies"
                    </Link>
                </Empty>
            }
            .into_any(),
            Load::Done => view! { <ArchivedTable rows=archive.rows() now may_delete on_action /> }.into_any(),
        }}
        {move || {
            deleting
                .get()
                .map(|company| {
                    let on_close = Callback::new(move |()| deleting.set(None));
                    view! { <Delete archive company on_close /> }
                })
        }}
    }
    .into_any()
}

fn may_delete(role: Role) -> bool {
    role.may(Right::DeleteCompanies)
}

#[component]
fn Delete(archive: Archive, company: ArchivedCompany, on_close: Callback<()>) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let form = Submission::default();
    let id = company.id;
    let on_submit = Callback::new(move |()| archive.delete(id, typed.get_untracked(), form, NAME));
    view! {
        <Dialog title=format!("Delete {}?", company.name) on_close>
            <p>"All that is known of it is deleted for good, but for what was done. Type its name to go on."</p>
            <Form submit="Delete for good" form in_dialog=true on_submit>
                <Field id=NAME label="Name of the company" kind="text" autocomplete="off" value=typed />
            </Form>
        </Dialog>
    }
}
