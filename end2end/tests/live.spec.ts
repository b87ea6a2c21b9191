// The page is up to date, whatever happens to the way news travels.
import type { BrowserContext, Page } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { COMPANIES, CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

/** Somebody else's browser: nothing but the server connects it with the page. */
async function elsewhere(
  context: BrowserContext,
  app: App,
  use: (companies: CompaniesPage, page: Page) => Promise<void>,
): Promise<void> {
  const other = await context.browser()!.newContext({ baseURL: app.url, locale: "en-US" });
  await app.signIn(other);
  try {
    const page = await other.newPage();
    await use(await CompaniesPage.open(page), page);
  } finally {
    await other.close();
  }
}

test("without the event stream the page is up to date within 5 seconds", async ({ app, page, context }) => {
  await context.route("**/api/events", (route) => route.abort());
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  const [own, others] = app.tenants as [Tenant, Tenant];

  await test.step("what this page began", async () => {
    const popup = new MicrosoftWindow(await companies.signIn(own));
    await popup.complete(account(own));
    await expect(companies.row(own).getByText(/^(Verifying…|Connected)$/)).toBeVisible({ timeout: 5_000 });
    await companies.expectStatus(own, "Connected");
  });

  await test.step("what somebody else did", async () => {
    await elsewhere(context, app, async (there) => {
      const popup = new MicrosoftWindow(await there.signIn(others));
      await companies.expectStatus(others, "Signing in…", 5_000);
      await popup.complete(account(others));
      await there.expectStatus(others, "Connected");
      await companies.expectStatus(others, "Connected", 5_000);
      await companies.expectProgress(2, app.companies.length, 5_000);
    });
  });
  await companies.expectNotReloaded();
});

test("what events tell while the whole list is on its way stays", async ({ page }) => {
  const add = async (name: string): Promise<void> => {
    expect((await page.request.post("/api/companies/add", { data: { texts: { name } } })).status()).toBe(200);
  };
  // More companies than are sent first.
  for (let number = 10; number < 30; number += 1) await add(`Zed ${number}`);
  let [onRead, release] = [(): void => {}, (): void => {}];
  const read = new Promise<void>((resolve) => (onRead = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route("**/api/companies/folded?", async (route) => {
    const response = await route.fetch();
    onRead();
    await released;
    await route.fulfill({ response });
  });
  await page.goto(COMPANIES);
  await read;
  await add("Aaron Added Meanwhile");
  const added = page.getByRole("row", { name: /^Aaron Added Meanwhile/ });
  await expect(added).toBeVisible();
  release();

  const search = page.getByRole("searchbox", { name: "Search companies" });
  await search.fill("Zed 29");
  await expect(page.getByRole("row", { name: /^Zed 29/ })).toBeVisible();
  await search.fill("");
  await expect(added).toBeVisible();
});

test("a change made in another browser appears by itself", async ({ app, page, context }) => {
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  const [tenant] = app.tenants as [Tenant];
  await elsewhere(context, app, async (there) => {
    const popup = new MicrosoftWindow(await there.signIn(tenant));
    await companies.expectStatus(tenant, "Signing in…", 3_000);
    await popup.complete(account(tenant));
  });
  await companies.expectStatus(tenant, "Connected");
  await companies.expectProgress(1, app.companies.length);
  await companies.expectNotReloaded();
});

test("a second tab of the same browser follows too", async ({ app, page, context }) => {
  const companies = await CompaniesPage.open(page);
  const second = await CompaniesPage.open(await context.newPage());
  const [tenant] = app.tenants as [Tenant];
  await page.bringToFront();
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await second.expectStatus(tenant, "Signing in…");
  await popup.complete(account(tenant));
  await second.expectStatus(tenant, "Connected");
});

test("the server is killed while somebody signs in; page and sign-in go on when it is back", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  const [tenant] = app.tenants as [Tenant];
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await popup.enter(account(tenant));
  await expect(popup.page.getByRole("button", { name: "Accept" })).toBeVisible();

  await app.kill();
  await app.restart();

  const closed = popup.page.waitForEvent("close");
  await popup.accept();
  await closed;
  await companies.expectStatus(tenant, "Connected", 30_000);
  await companies.expectProgress(1, app.companies.length);
  await companies.expectNotReloaded();
});
