//! The Secure Score of a company.

use leptos::{prelude::*, task::spawn_local};

use super::Freshness;
use crate::{
    api::secure_scores::show_score,
    domain::{
        DataSet, ScoreReport, Timestamp,
        secure_score::{Comparison, Points, TREND_DAYS},
    },
    error::AppError,
    ui::{
        company::Viewed,
        components::{ControlList, Empty, LoadFailed, ScoreChart, Skeleton, point_words},
        session::Session,
    },
};

/// How many measures are shown at first.
const FIRST: usize = 10;

/// The tab.
#[component]
pub fn SecureScore(
    /// The company.
    viewed: Viewed,
    /// The present, as far as this page is concerned.
    now: ReadSignal<Timestamp>,
) -> impl IntoView {
    let session: Session = expect_context();
    let report = RwSignal::new(None::<Result<ScoreReport, AppError>>);
    let read = move || {
        spawn_local(async move {
            let answer = show_score(viewed.id).await.inspect_err(|error| {
                session.heed(error);
            });
            report.try_set(Some(answer));
        });
    };
    let status = viewed.status(DataSet::SecureScore);
    let version = Memo::new(move |_| status.with(|status| status.as_ref().and_then(|status| status.as_of)));
    Effect::new(move |_| {
        // A memo that is tracked and never read follows nothing.
        version.with(|_| ());
        read();
    });
    view! {
        <Freshness status now />
        {move || match report.get() {
            None => view! { <Skeleton /> }.into_any(),
            Some(Err(error)) => {
                let on_retry = Callback::new(move |()| read());
                view! { <LoadFailed title="The score could not be read" error on_retry /> }.into_any()
            }
            Some(Ok(report)) if report.days.is_empty() => view! {
                <Empty title="No score yet">
                    <p>"Microsoft measures a tenant once a day, and takes a few days for a new one."</p>
                </Empty>
            }
            .into_any(),
            Some(Ok(report)) => shown(report),
        }}
    }
}

fn shown(report: ScoreReport) -> AnyView {
    let ScoreReport { days, comparisons, mut controls, .. } = report;
    let latest = days.last().map(|day| day.points);
    let percent = latest.and_then(Points::percent);
    let own = percent.map(|percent| Comparison { with: "This company".to_owned(), percent: percent.into() });
    let bar = |comparison: Comparison| {
        let percent = comparison.percent.clamp(0.0, 100.0).round();
        view! {
            <li>
                <span>{comparison.with}</span>
                <span class="use-bar" aria-hidden="true" style:--percent=percent.to_string()></span>
                <span class="data-figure">{format!("{percent}%")}</span>
            </li>
        }
    };
    let rest = if controls.len() > FIRST { controls.split_off(FIRST) } else { Vec::new() };
    let more = (!rest.is_empty()).then(|| {
        let words = format!("Show {} more", rest.len());
        view! {
            <details class="more-controls">
                <summary>{words}</summary>
                <ControlList controls=rest />
            </details>
        }
    });
    view! {
        <div class="score-head">
            <section class="panel" aria-labelledby="score-title">
                <h2 id="score-title">"Secure Score"</h2>
                <p class="score-figure">
                    <strong>{percent.map(|percent| format!("{percent}%"))}</strong>
                    <span class="data-quiet">{latest.map(|points| point_words(points) + " points")}</span>
                </p>
                <h3>"Compared with"</h3>
                <ul class="comparisons">
                    {own.map(bar)} {comparisons.into_iter().map(bar).collect_view()}
                </ul>
            </section>
            <section class="panel" aria-labelledby="trend-title">
                <h2 id="trend-title">{format!("The last {TREND_DAYS} days")}</h2>
                <ScoreChart days />
            </section>
        </div>
        <section class="panel" aria-labelledby="controls-title">
            <h2 id="controls-title">"Most points to gain"</h2>
            <ControlList controls />
            {more}
        </section>
    }
    .into_any()
}
