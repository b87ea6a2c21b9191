//! Reads people and guests: everybody at first, then what changed; page by page, and a slice of the pages at a time.

use super::{Connection, Graph, GraphError, ReadError, Store};
use crate::{
    microsoft::{UsersCursor, UsersNext, UsersPage},
    store::users::{Users, Walk},
};

/// After so many pages the connection is handed back, and goes on when those have had their turn who waited longer: a
/// tenant of 50,000 users does not hold up small ones.
const SLICE: u32 = 20;

/// Reads as much as its turn allows. What is read is stored, also if what follows fails.
pub(super) async fn read(store: &Store, connection: &Connection, graph: &Graph, users: Users) -> Result<(), ReadError> {
    let (cursor, mut walk) = match users {
        Users::Unknown(walk) => (UsersCursor::First, walk),
        Users::Complete(link, walk) => (UsersCursor::Changes(link), walk),
        Users::UnderWay(link, walk) => (UsersCursor::Page(link), walk),
    };
    let fresh = cursor == UsersCursor::First;
    match follow(store, connection, graph, &mut walk, &cursor).await {
        Err(ReadError::Graph(GraphError::Resync(_))) if !fresh => {
            tracing::info!("Microsoft asks for everybody again");
            let mut walk = store.anew(&walk);
            follow(store, connection, graph, &mut walk, &UsersCursor::First).await
        }
        done => done,
    }
}

async fn follow(
    store: &Store,
    connection: &Connection,
    graph: &Graph,
    walk: &mut Walk,
    cursor: &UsersCursor,
) -> Result<(), ReadError> {
    let mut page = graph.users(cursor).await?;
    for _ in 1..SLICE {
        let UsersPage { users, next } = page;
        let link = match next {
            UsersNext::Done(link) => return Ok(store.put_last_users(connection, walk, users, &link).await?),
            UsersNext::Page(link) => link,
        };
        if let Err(error) = graph.admit(&link).and_then(|()| walk.guard.admit(&link)) {
            // A link that is not to be followed is not to be stored either: the next round begins anew.
            store.put_users(connection, walk, users, None).await?;
            return Err(error.into());
        }
        // One page is written while the next one is on its way: there are never more than two in memory.
        let cursor = UsersCursor::Page(link.clone());
        let (stored, fetched) =
            tokio::join!(store.put_users(connection, walk, users, Some(&link)), graph.users(&cursor));
        stored?;
        page = fetched?;
    }
    end_slice(store, connection, graph, walk, page).await
}

/// The last page of a slice: nothing is fetched meanwhile.
async fn end_slice(
    store: &Store,
    connection: &Connection,
    graph: &Graph,
    walk: &mut Walk,
    UsersPage { users, next }: UsersPage,
) -> Result<(), ReadError> {
    let link = match next {
        UsersNext::Done(link) => return Ok(store.put_last_users(connection, walk, users, &link).await?),
        UsersNext::Page(link) => link,
    };
    let admitted = graph.admit(&link).and_then(|()| walk.guard.admit(&link));
    store.put_users(connection, walk, users, admitted.is_ok().then_some(&link)).await?;
    Ok(admitted?)
}
