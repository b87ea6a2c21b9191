// A consent that takes effect later than the sign-in.
import { expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

test("while a consent of half a minute ago is not in effect, the row says Verifying…, then Connected", async ({ app, page }) => {
  test.setTimeout(180_000);
  await app.sandbox.fault({ kind: "consent_delay", delay_ms: 30_000 });
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  const [tenant] = app.tenants as [Tenant];
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await popup.complete(account(tenant));

  await companies.expectStatus(tenant, "Verifying…");
  await companies.expectProgress(0, app.companies.length);
  await companies.expectStatus(tenant, "Connected", 120_000);
  await companies.expectProgress(1, app.companies.length);
  await expect(companies.figure(tenant, /%/)).not.toHaveCount(0);
  await companies.expectNotReloaded();
});
