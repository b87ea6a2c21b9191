//! Links that were made together, the latest first.

use leptos::{prelude::*, task::spawn_local};

use super::{session::Session, state::Load};
use crate::{api::campaigns::list_campaigns, domain::CampaignSummary};

/// The campaigns.
#[derive(Clone, Copy, Debug)]
pub struct Campaigns {
    session: Session,
    rows: RwSignal<Vec<CampaignSummary>>,
    load: RwSignal<Load>,
}

impl Campaigns {
    /// Reads which there are.
    pub fn read(session: Session) -> Self {
        let campaigns = Self { session, rows: RwSignal::default(), load: RwSignal::default() };
        campaigns.read_list();
        campaigns
    }

    /// The latest first.
    pub fn rows(self) -> ReadSignal<Vec<CampaignSummary>> {
        self.rows.read_only()
    }

    /// Whether the list is there.
    pub fn load(self) -> ReadSignal<Load> {
        self.load.read_only()
    }

    /// Reads the list, again or for the first time.
    pub fn read_list(self) {
        spawn_local(async move {
            let answer = list_campaigns().await;
            // The page may be gone by now.
            if self.load.try_get_untracked().is_none() {
                return;
            }
            match answer {
                Ok(rows) => {
                    self.rows.set(rows);
                    // Said once: the table would be made anew, and the focus in it be lost.
                    if self.load.with_untracked(|load| *load != Load::Done) {
                        self.load.set(Load::Done);
                    }
                }
                Err(error) => {
                    self.session.heed(&error);
                    // A list that is there stays, rather than going because one answer is missing.
                    if self.load.with_untracked(|load| *load != Load::Done) {
                        self.load.set(Load::Failed(error));
                    }
                }
            }
        });
    }
}

/// How far a campaign is, in words.
pub fn progress(summary: &CampaignSummary) -> String {
    let CampaignSummary { companies, connected, waiting, .. } = summary;
    let waiting = match waiting {
        0 => String::new(),
        1 => ", 1 waits for you".to_owned(),
        waiting => format!(", {waiting} wait for you"),
    };
    format!("{connected} of {companies} connected{waiting}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{CampaignId, CampaignState, Timestamp};

    #[test]
    fn a_campaign_says_how_far_it_is() {
        let mut summary = CampaignSummary {
            id: CampaignId::from_uuid(uuid::Uuid::nil()),
            name: String::new(),
            made_by: String::new(),
            made_at: Timestamp::from_millis(0),
            companies: 0,
            connected: 0,
            waiting: 0,
        };
        for state in [CampaignState::Connected, CampaignState::Sent] {
            summary.count(state);
        }
        assert_eq!(progress(&summary), "1 of 2 connected");
        summary.count(CampaignState::Asked);
        assert_eq!(progress(&summary), "1 of 3 connected, 1 waits for you");
        summary.count(CampaignState::Failed);
        assert_eq!(progress(&summary), "1 of 4 connected, 2 wait for you");
    }
}
