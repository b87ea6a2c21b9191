// Access that is lost: noticed, explained, and mended.
import type { Page } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";
import { expectSettled } from "../fixtures/settled.ts";

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

/**
 * Opens the company's page. Answers what presses Sync now there, and waits until this was said so often and the button can be
 * pressed again.
 */
async function openPage(companies: CompaniesPage, tenant: Tenant): Promise<(words: RegExp, times: number) => Promise<void>> {
  const { page } = companies;
  await companies.row(tenant).getByRole("link", { name: tenant.name }).click();
  await expect(page.getByRole("heading", { level: 1, name: tenant.name })).toBeVisible();
  await expectSettled(page);
  const said = await companies.listen();
  const sync = page.getByRole("button", { name: "Sync now" });
  return async (words, times) => {
    await sync.click();
    await expect.poll(async () => (await said()).filter((text) => words.test(text)).length).toBe(times);
    await expect(sync).toHaveAttribute("aria-busy", "false");
  };
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

test("on a company's page, Sync now ends with its round, and what came of that is said", async ({ app, page }) => {
  test.slow();
  let companies = await CompaniesPage.open(page);
  const [lost, unanswered] = app.tenants as [Tenant, Tenant];
  for (const tenant of [lost, unanswered]) await connect(companies, tenant);

  await test.step("the round finds out that access is lost, and finds it lost again", async () => {
    const sync = await openPage(companies, lost);
    await app.sandbox.revokeConsent(lost);
    await sync(/: .*removed/, 1);
    await expect(page.locator("#company-status")).toContainText("Needs reconnect");
    await sync(/: .*removed/, 2);
  });

  await test.step("Microsoft does not answer, and asks to wait longer than this test does", async () => {
    companies = await CompaniesPage.open(page);
    const sync = await openPage(companies, unanswered);
    await app.sandbox.fault({ match: "/*/oauth2/v2.0/token", tenant: unanswered.id, status: 503, retry_after: 600 });
    await sync(/: nothing new could be read/, 1);
    await expect(page.locator("#company-status")).toContainText("Connected");
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
