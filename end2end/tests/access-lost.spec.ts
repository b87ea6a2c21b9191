// Access that is lost: noticed, explained, and mended.
import type { Page } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

async function connect(companies: CompaniesPage, tenant: Tenant): Promise<void> {
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await popup.complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");
  await expect(users(companies, tenant)).not.toHaveCount(0);
}

function users(companies: CompaniesPage, tenant: Tenant) {
  return companies.figure(tenant, new RegExp(`(?<![\\d,])${tenant.users.toLocaleString("en-US")}(?![\\d,])`));
}

async function syncNow(companies: CompaniesPage, tenant: Tenant): Promise<void> {
  await companies.row(tenant).getByRole("button", { name: "More actions" }).click();
  await companies.page.getByRole("menuitem", { name: "Sync now" }).click();
}

async function isLostAndMended(
  app: App,
  page: Page,
  lose: (tenant: Tenant) => Promise<void>,
  reason: RegExp,
  mend: (popup: MicrosoftWindow, tenant: Tenant) => Promise<void>,
): Promise<void> {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await connect(companies, tenant);
  await companies.mark();

  await lose(tenant);
  await syncNow(companies, tenant);
  await companies.expectStatus(tenant, "Needs reconnect");
  await expect(companies.row(tenant)).toContainText(reason);
  await expect(users(companies, tenant), "the data stay").not.toHaveCount(0);

  const opened = page.waitForEvent("popup");
  await companies.row(tenant).getByRole("button", { name: "Reconnect" }).click();
  await mend(new MicrosoftWindow(await opened), tenant);
  await companies.expectStatus(tenant, "Connected");
  await expect(users(companies, tenant)).not.toHaveCount(0);
  await companies.expectNotReloaded();
}

test("consent is revoked: the row says so after a sync, and Reconnect mends it", async ({ app, page }) => {
  const lose = (tenant: Tenant) => app.sandbox.revokeConsent(tenant);
  await isLostAndMended(app, page, lose, /removed/, (popup, tenant) => popup.complete(account(tenant)));
});

test.describe("with delegated access", () => {
  test.use({ access: "delegated" });

  test("the sign-in expires: the row says so after a sync, and Reconnect mends it", async ({ app, page }) => {
    const lose = (tenant: Tenant) => app.sandbox.expireRefreshTokens(tenant);
    await isLostAndMended(app, page, lose, /expired/, (popup) => popup.completeAgain());
  });
});

test("our own secret expires: a banner, no company changes, and all is well by itself after it is mended", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant, other] = app.tenants as [Tenant, Tenant];
  await connect(companies, tenant);
  await connect(companies, other);
  await companies.mark();

  const banner = page.getByRole("region", { name: /client secret .* has expired/ });
  await expect(banner).toHaveCount(0);
  await app.sandbox.expireClientSecret(true);
  await syncNow(companies, tenant);
  await expect(banner).toBeVisible();
  await expect(banner).toContainText("TENANTRY_M365_CLIENT_SECRET_FILE");
  await expect(banner).toContainText("AADSTS7000222");
  for (const company of [tenant, other]) await companies.expectStatus(company, "Connected");

  await app.sandbox.expireClientSecret(false);
  // Somebody who does not wait for the next try.
  await syncNow(companies, other);
  await expect(banner).toHaveCount(0);
  for (const company of [tenant, other]) await companies.expectStatus(company, "Connected");
  await companies.expectNotReloaded();
});
