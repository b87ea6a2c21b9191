// Sign in with Microsoft, in a popup, and the row follows by itself.
import type { Page } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

async function expectFigures(companies: CompaniesPage, tenant: Tenant): Promise<void> {
  const users = tenant.users.toLocaleString("en-US");
  await expect(companies.figure(tenant, new RegExp(`(?<![\\d,])${users}(?![\\d,])`))).not.toHaveCount(0);
  await expect(companies.figure(tenant, /[\d,]+ of [\d,]+/)).not.toHaveCount(0);
  await expect(companies.figure(tenant, /(?<!\d)\d{1,3}%/)).not.toHaveCount(0);
}

async function connectFive(app: App, page: Page): Promise<void> {
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  const total = app.companies.length;
  await companies.expectProgress(0, total);

  const five = scored(app).slice(0, 5);
  for (const [index, tenant] of five.entries()) {
    await companies.expectStatus(tenant, "Not connected");
    const popup = new MicrosoftWindow(await companies.signIn(tenant));
    await companies.expectStatus(tenant, "Signing in…");
    await popup.complete(account(tenant));
    await companies.expectStatus(tenant, "Connected");
    await companies.expectAnnounced(`${tenant.name} connected`);
    await companies.expectProgress(index + 1, total);
  }
  for (const tenant of five) await expectFigures(companies, tenant);
  await companies.expectNotReloaded();
}

/** Tenants that are old enough to have a Secure Score. */
function scored(app: App): Tenant[] {
  return app.tenants.filter(({ users }) => users >= 9);
}

test("a company connects in a popup that closes itself, and the row fills without a reload", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  const [tenant] = scored(app) as [Tenant];
  await companies.expectProgress(0, app.companies.length);

  const popup = await companies.signIn(tenant);
  await companies.expectStatus(tenant, "Signing in…");
  expect(new URL(popup.url()).origin).not.toBe(app.url);
  const microsoft = new MicrosoftWindow(popup);
  await microsoft.complete(account(tenant));

  await companies.expectStatus(tenant, "Connected");
  await companies.expectAnnounced(`${tenant.name} connected`);
  await companies.expectProgress(1, app.companies.length);
  await expectFigures(companies, tenant);
  await expect(companies.signInButton(tenant)).toHaveCount(0);
  await companies.expectNotReloaded();
});

test("Microsoft's consent page lists what the page needs", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = scored(app) as [Tenant];
  const microsoft = new MicrosoftWindow(await companies.signIn(tenant));
  await microsoft.enter(account(tenant));
  for (const permission of [
    "Organization.Read.All",
    "User.Read.All",
    "LicenseAssignment.Read.All",
    "Domain.Read.All",
    "SecurityEvents.Read.All",
  ]) {
    await expect(microsoft.page.getByText(permission)).toBeVisible();
  }
});

test("five companies connect one after the other", async ({ app, page }) => {
  test.slow();
  await connectFive(app, page);
});

test("two popups are open at once, and both companies connect", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  const [first, second] = scored(app) as [Tenant, Tenant];
  const firstPopup = new MicrosoftWindow(await companies.signIn(first));
  const secondPopup = new MicrosoftWindow(await companies.signIn(second));
  expect(secondPopup.page).not.toBe(firstPopup.page);
  await companies.expectStatus(first, "Signing in…");
  await companies.expectStatus(second, "Signing in…");

  await firstPopup.enter(account(first));
  await secondPopup.enter(account(second));
  const closed = Promise.all([firstPopup.page.waitForEvent("close"), secondPopup.page.waitForEvent("close")]);
  await secondPopup.accept();
  await firstPopup.accept();
  await closed;

  await companies.expectStatus(first, "Connected");
  await companies.expectStatus(second, "Connected");
  await companies.expectProgress(2, app.companies.length);
  await companies.expectNotReloaded();
});

test.describe("with delegated access", () => {
  test.use({ access: "delegated" });

  test("five companies connect one after the other", async ({ app, page }) => {
    test.slow();
    await connectFive(app, page);
  });
});
