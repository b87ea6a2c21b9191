//! Reads what the tenant calls itself.

use super::{Connection, Graph, ReadError, Store};

pub(super) async fn read(store: &Store, connection: &Connection, graph: &Graph) -> Result<(), ReadError> {
    let organisation = graph.organisation().await?;
    Ok(store.put_organisation(connection, &organisation).await?)
}
