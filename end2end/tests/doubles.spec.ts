// What is odd about companies: seen in the row and on the company's page, mended, or said to be meant so.
import type { Page } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { tabTo } from "../fixtures/keyboard.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

/** Adds a company past the pages. */
async function add(app: App, page: Page, name: string, domain: string): Promise<void> {
  const added = await page.request.post(`${app.url}/api/companies/add`, { data: { texts: { name, domain } } });
  expect(added.ok(), await added.text()).toBe(true);
}

const notice = (page: Page, name: string) => page.getByRole("region", { name });

test("two companies with one domain are shown live, lead to each other, and are left alone once that is intended", async ({
  app,
  page,
}) => {
  const [north, south] = [{ name: "Aaa North" }, { name: "Aaa South" }];
  await add(app, page, north.name, "shared.test");
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  await expect(companies.row(north)).toBeVisible();
  await add(app, page, south.name, "shared.test");
  await expect(companies.row(north).getByText(`Domain shared with ${south.name}`).first()).toBeVisible();
  await expect(companies.row(south).getByText(`Domain shared with ${north.name}`).first()).toBeVisible();
  await companies.expectNotReloaded();

  await companies.row(north).getByRole("link", { name: north.name }).click();
  const shared = notice(page, `Domain shared with ${south.name}`);
  await expect(shared).toContainText("archive one of them");
  await shared.getByRole("link", { name: south.name }).click();
  await expect(page.getByRole("heading", { level: 1, name: south.name })).toBeVisible();
  const back = notice(page, `Domain shared with ${north.name}`);
  await expectAccessible(page, () => expect(back).toBeVisible());
  await tabTo(page, back.getByRole("button", { name: "This is intended" }));
  await page.keyboard.press("Enter");
  await expect(back).toHaveCount(0);
  await expect(page.locator("main")).toBeFocused();
  await companies.expectAnnounced("Marked as intended");
  await page.getByRole("tab", { name: "Activity" }).click();
  await expect(page.getByRole("row").filter({ hasText: "shared.test is shared with" })).toHaveCount(1);

  await CompaniesPage.open(page);
  await expect(companies.row(north)).toBeVisible();
  await expect(companies.row(north).getByText("Domain shared with")).toHaveCount(0);
  await add(app, page, "Aaa West", "shared.test");
  await expect(companies.row(north).getByText("Domain shared with 2 companies").first()).toBeVisible();
});

test("a domain that is not the tenant's, and a tenant that was renamed", async ({ app, page }) => {
  test.slow();
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await new MicrosoftWindow(await companies.signIn(tenant)).complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");
  await expect(companies.figure(tenant, /%/)).not.toHaveCount(0, { timeout: 30_000 });
  await app.sandbox.rename(tenant, "Renamed AG");
  await companies.choose(tenant, "Sync now");
  await expect(companies.row(tenant).getByText("Tenant was renamed").first()).toBeVisible();

  await companies.row(tenant).getByRole("link", { name: tenant.name }).click();
  const renamed = notice(page, "Tenant was renamed");
  await expect(renamed).toContainText("Now it calls itself Renamed AG");
  await renamed.getByRole("button", { name: "Keep the new name" }).click();
  await expect(renamed).toHaveCount(0);
  await page.goto(`${new URL(page.url()).pathname}/edit`);
  await page.getByLabel("Primary domain").fill("foreign.test");
  await page.getByRole("button", { name: "Save" }).click();
  await companies.expectAnnounced(`${tenant.name} saved`);
  await CompaniesPage.open(page);
  await expect(companies.row(tenant).getByText("Domain is not the tenant's").first()).toBeVisible();
  await companies.row(tenant).getByRole("link", { name: tenant.name }).click();
  const foreign = notice(page, "Domain is not the tenant's");
  await expect(foreign).toContainText(tenant.domain);
  await foreign.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Primary domain").fill(tenant.domain);
  await page.getByRole("button", { name: "Save" }).click();
  await companies.expectAnnounced(`${tenant.name} saved`);
  await CompaniesPage.open(page);
  await expect(companies.row(tenant).getByText("Domain is not the tenant's")).toHaveCount(0);
});
