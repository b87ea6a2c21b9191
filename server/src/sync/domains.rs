//! Reads the domain names of the tenant.

use super::{Connection, Graph, ReadError, Store};

pub(super) async fn read(store: &Store, connection: &Connection, graph: &Graph) -> Result<(), ReadError> {
    let domains = graph.domains().await?;
    Ok(store.put_domains(connection, &domains).await?)
}
