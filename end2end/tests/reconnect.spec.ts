// Access that is lost: why, what to do, and doing it for many companies at once.
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { allowClipboard, clipboard } from "../fixtures/clipboard.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { LinkPage } from "../fixtures/link-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

test.use({ settings: { TENANTRY_MSP_NAME: "Acme IT" } });

/** Connects three tenants. Two of them remove the app, one disables it. */
async function loseThree(app: App, page: Page): Promise<[CompaniesPage, Tenant, Tenant, Tenant]> {
  const companies = await CompaniesPage.open(page);
  const [one, two, disabled] = app.tenants as [Tenant, Tenant, Tenant];
  for (const tenant of [one, two, disabled]) {
    await new MicrosoftWindow(await companies.signIn(tenant)).complete(account(tenant));
    await companies.expectStatus(tenant, "Connected");
  }
  await page.getByRole("button", { name: "Sync all" }).click();
  await companies.expectAnnounced("Syncing 3 companies");
  await app.sandbox.revokeConsent(one);
  await app.sandbox.revokeConsent(two);
  await app.sandbox.fault({ match: "/*/oauth2/v2.0/token", tenant: disabled.id, code: 7_000_112, times: 1 });
  for (const tenant of [one, two, disabled]) {
    await companies.choose(tenant, "Sync now");
    await companies.expectStatus(tenant, "Needs reconnect");
  }
  return [companies, one, two, disabled];
}

function group(page: Page, words: string): ReturnType<Page["getByRole"]> {
  return page.getByRole("region", { name: "Needs attention" }).getByRole("button", { name: words, exact: true });
}

test("each row says why, since when and what fits; groups are shown alone, and those that can be are checked again", async ({
  app,
  page,
}) => {
  test.slow();
  const [companies, one, two, disabled] = await loseThree(app, page);
  const region = page.getByRole("region", { name: "Needs attention" });
  await expect(region).toContainText("3 companies need reconnecting:");
  await expect(companies.row(one).getByRole("time").filter({ hasText: /just now|minute/ }).first()).toBeVisible();
  await expect(companies.row(one).getByRole("button", { name: "Reconnect" })).toBeVisible();
  await expect(companies.row(one).getByRole("button", { name: "Check again" })).toHaveCount(0);
  await companies.row(disabled).getByRole("button", { name: "App disabled" }).click();
  await expect(page.getByText("“Assignment required”")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(companies.row(disabled).getByRole("button", { name: "Reconnect" })).toBeVisible();

  const removed = group(page, "2 app removed");
  await removed.focus();
  await page.keyboard.press("Enter");
  await expect(removed).toHaveAttribute("aria-pressed", "true");
  await expect(companies.rows).toHaveCount(2);
  await companies.expectAnnounced("2 companies: app removed");
  await page.keyboard.press("Enter");
  await expect(removed).toHaveAttribute("aria-pressed", "false");
  await expect(companies.row(disabled)).toBeVisible();

  // What the company's administrator has mended is seen by looking again.
  await group(page, "1 app disabled").click();
  await expect(companies.rows).toHaveCount(1);
  await region.getByRole("button", { name: "Check 1 company again" }).click();
  await companies.expectStatus(disabled, "Connected");
  await expect(group(page, "1 app disabled")).toHaveCount(0);
  await expect(companies.row(two)).toBeVisible();
  await expect(region).toContainText("2 companies need reconnecting:");

  // Mended one by one, with the same data, until nobody needs anything. A row stays in its group while somebody signs in.
  await group(page, "2 app removed").click();
  for (const [tenant, words] of [[one, "2 app removed"], [two, "1 app removed"]] as const) {
    const popup = page.waitForEvent("popup");
    await companies.row(tenant).getByRole("button", { name: "Reconnect" }).click();
    const microsoft = new MicrosoftWindow(await popup);
    await companies.expectStatus(tenant, "Signing in…");
    await expect(companies.row(tenant).getByRole("button", { name: "Cancel" })).toBeVisible();
    await expect(group(page, words)).toHaveAttribute("aria-pressed", "true");
    await microsoft.complete(account(tenant));
    await expect(group(page, words)).toHaveCount(0);
  }
  for (const tenant of [one, two]) await companies.expectStatus(tenant, "Connected");
  await expect(region).toHaveCount(0);
});

test("links for a group are made together, a live one is replaced only if that is said, and a client connects with one", async ({
  app,
  page,
  context,
}) => {
  test.slow();
  await allowClipboard(page, "granted");
  const [companies, one, two] = await loseThree(app, page);
  await companies.choose(two, "Link with a note");
  await page.getByRole("dialog").getByRole("button", { name: "Generate Link" }).click();
  await expect(page.getByRole("textbox", { name: "Authentication link" })).toBeVisible();
  const before = await page.getByRole("textbox", { name: "Authentication link" }).inputValue();
  await page.keyboard.press("Escape");

  await group(page, "2 app removed").click();
  await page.getByRole("link", { name: "Generate links for 2 companies" }).click();
  await expect(page.getByRole("heading", { name: "Generate links" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Generate 1 link" })).toBeVisible();
  await page.getByRole("checkbox", { name: "Replace the live links of 1 company too" }).check();
  await page.getByRole("button", { name: "Generate 2 links" }).click();
  const table = page.getByRole("table", { name: "Links" });
  await expect(table.getByRole("row")).toHaveCount(3);
  await companies.expectAnnounced("2 links made");
  await expect(page.getByRole("region", { name: "Links that were made" })).toBeFocused();

  const line = table.getByRole("row").filter({ hasText: one.name });
  await line.getByRole("button", { name: `Copy link: ${one.name}` }).click();
  await companies.expectAnnounced(`Copy link: ${one.name}: copied`);
  const link = await clipboard(page);
  expect(link.startsWith(`${app.url}/c/`)).toBe(true);
  await line.getByText("Show the message").click();
  await expect(line.getByText("please connect the Microsoft 365 of")).toContainText(link);
  await page.getByRole("button", { name: "Copy all" }).click();
  await companies.expectAnnounced("Copy all: copied");
  expect(await clipboard(page)).toContain(`${one.name}: ${link}\n`);
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download CSV" }).click();
  const sheet = readFileSync(await (await downloading).path(), "utf8");
  expect(sheet).toContain(`"${one.name}"`);
  expect(sheet).toContain(`"${link}"`);

  const other = await context.browser()!.newContext({ locale: "en-US" });
  const client = await other.newPage();
  await (await LinkPage.open(client, before)).expectHeading("This link was withdrawn");
  await (await LinkPage.open(client, link)).complete(one, account(one));
  await CompaniesPage.open(page);
  await companies.expectStatus(one, "Connected");
});

test("nothing to complain about for axe, with groups and with links", async ({ app, page }) => {
  test.slow();
  await loseThree(app, page);
  await group(page, "2 app removed").click();
  await expectAccessible(page, () => expect(group(page, "2 app removed")).toBeVisible());
  await page.getByRole("link", { name: "Generate links for 2 companies" }).click();
  await expectAccessible(page, () => expect(page.getByRole("button", { name: "Generate 2 links" })).toBeVisible());
  await page.getByRole("button", { name: "Generate 2 links" }).click();
  await expectAccessible(page, () => expect(page.getByRole("table", { name: "Links" })).toBeVisible());
});
