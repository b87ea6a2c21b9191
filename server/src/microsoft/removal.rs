//! How a client's administrator removes the app from their tenant: where to click, and the same for PowerShell.

use app::domain::TenantId;

use super::{Cloud, Microsoft};

impl Microsoft {
    /// The address of the admin center, and a script for Microsoft Graph PowerShell.
    pub fn removal(&self, tenant: TenantId) -> (&'static str, String) {
        let cloud = self.hosts().cloud();
        (cloud.admin_center(), script(cloud, tenant, &self.app().client_id))
    }
}

/// <https://learn.microsoft.com/powershell/microsoftgraph/authentication-commands>
fn script(cloud: Cloud, tenant: TenantId, client_id: &str) -> String {
    let environment = cloud.powershell_environment().map(|name| format!(" -Environment {name}")).unwrap_or_default();
    // A quotation mark in what somebody typed into the settings ends no string.
    let client_id = client_id.replace('\'', "''");
    format!(
        "Connect-MgGraph -TenantId {tenant} -Scopes Application.ReadWrite.All{environment}\n\
         $app = Get-MgServicePrincipal -Filter \"appId eq '{client_id}'\"\n\
         Remove-MgServicePrincipal -ServicePrincipalId $app.Id\n\
         Disconnect-MgGraph\n"
    )
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_script_goes_to_the_tenant_in_its_cloud_and_removes_our_app() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(7));
        let lines = |cloud| script(cloud, tenant, "my-app").lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(
            lines(Cloud::Global),
            [
                "Connect-MgGraph -TenantId 00000000-0000-0000-0000-000000000007 -Scopes Application.ReadWrite.All",
                "$app = Get-MgServicePrincipal -Filter \"appId eq 'my-app'\"",
                "Remove-MgServicePrincipal -ServicePrincipalId $app.Id",
                "Disconnect-MgGraph",
            ]
        );
        for (cloud, environment) in [(Cloud::GccHigh, "USGov"), (Cloud::Dod, "USGovDoD"), (Cloud::China, "China")] {
            assert!(lines(cloud)[0].ends_with(&format!(" -Environment {environment}")));
        }
    }
}
