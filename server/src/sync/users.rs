//! Reads people and guests: everybody at first, then what changed.

use super::{Connection, Graph, GraphError, ReadError, Store};
use crate::{
    microsoft::{Link, LinkGuard, UsersCursor, UsersNext},
    store::tenant_data::UsersRound,
};

pub(super) async fn read(store: &Store, connection: &Connection, graph: &Graph) -> Result<(), ReadError> {
    let state = store.users_state(connection).await?;
    if let Some(link) = state.delta_link {
        let round = UsersRound::Changes { generation: state.generation };
        match follow(store, connection, graph, round, UsersCursor::Changes(link)).await {
            Err(ReadError::Graph(GraphError::Resync(_))) => tracing::info!("Microsoft asks for everybody again"),
            done => return done,
        }
    }
    let round = store.begin_full_round(connection).await?;
    follow(store, connection, graph, round, UsersCursor::First).await
}

async fn follow(
    store: &Store,
    connection: &Connection,
    graph: &Graph,
    round: UsersRound,
    mut cursor: UsersCursor,
) -> Result<(), ReadError> {
    let mut guard = LinkGuard::default();
    loop {
        let page = graph.users(&cursor).await?;
        store.put_users(connection, round, page.users).await?;
        let link: Link = match page.next {
            UsersNext::Done(link) => return Ok(store.finish_users(connection, round, &link).await?),
            UsersNext::Page(link) => link,
        };
        guard.admit(&link)?;
        cursor = UsersCursor::Page(link);
    }
}
