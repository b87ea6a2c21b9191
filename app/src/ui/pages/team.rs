//! Team: who works here, what they may do, and who is to come.

use leptos::prelude::*;

use super::{ForRight, Frame};
use crate::{
    domain::{AccountId, AccountRow, Right, Role, Timestamp},
    ui::{
        browser::{clock, document},
        components::{
            Confirm, Dialog, Field, Form, LinkOffer, LoadFailed, Problem, RoleList, Select, Skeleton, TeamAction,
            TeamTable,
        },
        session::Session,
        state::{Load, Submission, Voice},
        team::{self, who},
    },
};

/// The id of the field of the address to invite.
const EMAIL: &str = "invite-email";

/// The page.
#[component]
pub fn Team() -> impl IntoView {
    document::set_title("Team");
    view! {
        <Frame path=&["Settings", "Team"]>
            <div class="page-head">
                <div>
                    <h1>"Team"</h1>
                    <p class="page-lead">"Who may sign in to Tenantry, and what they may do."</p>
                </div>
            </div>
            <ForRight right=Right::ManageAccounts title="Only an owner may manage the team" page=for_owners />
        </Frame>
    }
}

/// What somebody is asked before it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Question {
    row: AccountRow,
    action: TeamAction,
    is_me: bool,
}

impl Question {
    /// Whether to ask: about what ends somebody's sessions, and about one's own role.
    fn of(row: AccountRow, action: TeamAction, me: Option<AccountId>) -> Result<Self, (AccountRow, TeamAction)> {
        let is_me = me == Some(row.id);
        match action {
            TeamAction::Deactivate => Ok(Self { row, action, is_me }),
            TeamAction::Role(_) if is_me => Ok(Self { row, action, is_me }),
            _ => Err((row, action)),
        }
    }

    /// The question, what follows, and the words of the button.
    fn words(&self) -> (String, &'static str, &'static str) {
        match (self.action, self.is_me) {
            (TeamAction::Role(role), _) => (
                format!("Change your own role to {}?", role.label()),
                "Only another owner can change it back.",
                "Change role",
            ),
            (_, true) => (
                "Deactivate your own account?".into(),
                "You are signed out at once, and can't sign in until another owner activates your account.",
                "Deactivate",
            ),
            (_, false) => (
                format!("Deactivate {}?", who(&self.row)),
                "They are signed out everywhere at once, the API tokens that they made end, and they can't sign in \
                 until their account is activated again.",
                "Deactivate",
            ),
        }
    }
}

fn for_owners() -> AnyView {
    let session: Session = expect_context();
    let voice: Voice = expect_context();
    let team = team::Team::read(session, voice);
    let now = clock::minutes();
    let me = session.me().with_untracked(|me| me.as_ref().map(|me| me.id));
    let question = RwSignal::new(None::<Question>);

    let run = move |row: &AccountRow, action| match action {
        TeamAction::Role(role) => team.change_role(row, role),
        TeamAction::Deactivate => team.set_active(row, false),
        TeamAction::Activate => team.set_active(row, true),
        TeamAction::NewLink => team.invite_again(row),
    };
    let on_action = Callback::new(move |(row, action)| match Question::of(row, action, me) {
        Ok(asked) => question.set(Some(asked)),
        Err((row, action)) => run(&row, action),
    });
    let on_answered = Callback::new(move |()| {
        question.set(None);
        team.show_again();
    });

    view! {
        <Invite team />
        <Problem words=team.refused() />
        {move || match team.load().get() {
            Load::Loading => view! { <Skeleton /> }.into_any(),
            Load::Failed(error) => {
                let on_retry = Callback::new(move |()| team.read_list());
                view! { <LoadFailed title="The team could not be read" error on_retry /> }.into_any()
            }
            Load::Done => view! { <TeamTable people=team.people() me now on_action /> }.into_any(),
        }}
        {move || {
            question
                .get()
                .map(|asked| {
                    let (title, text, action) = asked.words();
                    let on_confirm = Callback::new(move |()| run(&asked.row, asked.action));
                    view! { <Confirm title text action on_confirm on_close=on_answered /> }
                })
        }}
        {move || {
            team.made()
                .get()
                .map(|made| {
                    view! {
                        <Dialog
                            title=format!("Invitation for {}", made.email)
                            on_close=Callback::new(move |()| team.made().set(None))
                        >
                            <LinkOffer label="Invitation link" handover=made.handover validity />
                        </Dialog>
                    }
                })
        }}
    }
    .into_any()
}

fn validity(_: Option<Timestamp>) -> String {
    "Valid 7 days, for one account. It is shown only now.".into()
}

#[component]
fn Invite(team: team::Team) -> impl IntoView {
    let email = RwSignal::new(String::new());
    let role = StoredValue::new(Role::Technician);
    let form = Submission::default();
    let on_submit = Callback::new(move |()| {
        team.invite(form, EMAIL, &email.get_untracked(), role.get_value(), move || email.set(String::new()));
    });
    view! {
        <section class="invite" aria-labelledby="invite-title">
            <div>
                <h2 id="invite-title">"Invite somebody"</h2>
                <Form submit="Invite" form on_submit>
                    <Field id=EMAIL label="Email" kind="email" autocomplete="off" value=email />
                    <div class="field">
                        <span aria-hidden="true">"Role"</span>
                        <Select
                            label="Role".to_owned()
                            options=Role::ALL.map(Role::label).to_vec()
                            chosen=1
                            on_choose=Callback::new(move |place: usize| role.set_value(Role::ALL[place]))
                        />
                    </div>
                </Form>
            </div>
            <RoleList />
        </section>
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::AccountState;

    fn row(number: u128, name: &str) -> AccountRow {
        AccountRow {
            id: AccountId::from_uuid(Uuid::from_u128(number)),
            email: "kim@example.com".into(),
            name: name.into(),
            role: Role::Owner,
            state: AccountState::Active,
            last_sign_in: None,
        }
    }

    #[test]
    fn nobody_loses_access_or_their_own_role_by_accident() {
        let me = Some(row(1, "Kim").id);
        let asked = |number, action| Question::of(row(number, "Kim"), action, me).is_ok();
        assert!(asked(1, TeamAction::Deactivate) && asked(2, TeamAction::Deactivate));
        assert!(asked(1, TeamAction::Role(Role::Viewer)));
        assert!(!asked(2, TeamAction::Role(Role::Viewer)));
        assert!(!asked(2, TeamAction::Activate) && !asked(2, TeamAction::NewLink));
    }

    #[test]
    fn who_has_not_told_their_name_is_called_by_their_address() {
        let question = Question { row: row(2, ""), action: TeamAction::Deactivate, is_me: false };
        assert_eq!(question.words().0, "Deactivate kim@example.com?");
    }
}
