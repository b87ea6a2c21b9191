// A company's page, and the lists of all companies: what was read from the tenants.
import { readFileSync } from "node:fs";
import { type Locator, type Page } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { sidewaysScroll } from "../fixtures/axe.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

async function connect(page: Page, ...tenants: Tenant[]): Promise<void> {
  const companies = await CompaniesPage.open(page);
  for (const tenant of tenants) {
    await new MicrosoftWindow(await companies.signIn(tenant)).complete(account(tenant));
    await companies.expectStatus(tenant, "Connected");
  }
}

/** The tenant with the most users, and another. */
function largest(app: App): [Tenant, Tenant] {
  return [...app.tenants].sort((one, next) => next.users - one.users) as [Tenant, Tenant];
}

/** Connects those. */
async function connectTwo(app: App, page: Page): Promise<[Tenant, Tenant]> {
  const [large, other] = largest(app);
  await connect(page, large, other);
  return [large, other];
}

/** Follows the company's name. */
async function open(page: Page, tenant: Tenant): Promise<void> {
  await new CompaniesPage(page).row(tenant).getByRole("link", { name: tenant.name }).click();
  await expect(page.getByRole("heading", { level: 1, name: tenant.name })).toBeVisible();
}

function rows(table: Locator): Locator {
  return table.getByRole("row").filter({ hasNot: table.page().getByRole("columnheader") });
}

async function download(page: Page): Promise<string[]> {
  const downloading = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download CSV" }).click();
  return readFileSync(await (await downloading).path(), "utf8").trim().split("\n");
}

test("a connected company is opened, and each of its tabs tells what was read and when", async ({ app, page }) => {
  test.slow();
  const [tenant] = await connectTwo(app, page);
  await open(page, tenant);
  await expect(page).toHaveTitle(`${tenant.name} · Tenantry`);
  const panel = page.getByRole("tabpanel");
  await expect(panel.getByText(account(tenant).email)).toBeVisible();
  const data = panel.getByRole("table", { name: "Data" });
  for (const name of ["Organisation", "Users", "Licences", "Domains", "Secure Score"]) {
    await expect(data.getByRole("row").filter({ hasText: name })).toContainText("Up to date", { timeout: 30_000 });
  }

  // By hand and by keyboard; each has an address of its own.
  await page.getByRole("tab", { name: "Users" }).click();
  await expect(page).toHaveURL(/\/companies\/[\w-]+\/users$/);
  await expect(panel.getByText(`${tenant.users.toLocaleString("en-US")} users`)).toBeVisible();
  await expect(panel.getByText(/^As of/)).toContainText(/just now|minute/);
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "Licences", selected: true })).toBeFocused();
  const licences = panel.getByRole("table", { name: "Licences" });
  await expect(licences.getByText(/Microsoft 365|Office 365/).first()).toBeVisible();
  await expect(licences.getByRole("img", { name: /^[\d,]+ of [\d,]+ used$/ }).first()).toBeVisible();
  await page.keyboard.press("ArrowRight");
  const domains = panel.getByRole("table", { name: "Domains" });
  await expect(domains.getByRole("row").filter({ hasText: new RegExp(`^${tenant.domain}`) }).first()).toContainText("Default");
  await page.keyboard.press("ArrowRight");
  await expect(panel.getByRole("img", { name: /^From \d+% on .* to \d+% on/ })).toBeVisible();
  await panel.getByText("Show as a table").click();
  await expect(rows(panel.getByRole("table", { name: "Secure Score by day" })).first()).toContainText("%");
  await expect(panel.getByText("All organisations")).toBeVisible();
  const control = panel.getByRole("listitem").filter({ has: page.locator("details.control") }).first();
  await control.locator("summary").click();
  await expect(control).toContainText("follow the recommendation");
  await expect(control).not.toContainText("<");
  await page.keyboard.press("Home");
  await page.getByRole("tab", { name: "Activity" }).click();
  await expect(panel.getByRole("table", { name: "Activity" }).getByText("Connected").first()).toBeVisible();

  // Deep links and the way back.
  await page.goBack();
  await expect(page.getByRole("tab", { name: "Secure Score", selected: true })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("tab", { name: "Secure Score", selected: true })).toBeVisible();
});

test("users are searched, narrowed down, sorted and taken away as a file", async ({ app, page }) => {
  test.slow();
  const [tenant, other] = await connectTwo(app, page);
  await open(page, tenant);
  await page.getByRole("tab", { name: "Users" }).click();
  const users = page.getByRole("table", { name: "Users" });
  await expect(rows(users)).toHaveCount(50);
  await page.getByRole("button", { name: "Load more" }).click();
  await expect(rows(users)).toHaveCount(100);

  const name = (await rows(users).nth(7).locator(".name").textContent())!;
  await page.keyboard.press("/");
  await page.keyboard.type(name.toUpperCase());
  await expect(rows(users).first()).toContainText(name);
  await expect(rows(users)).not.toHaveCount(100);
  const found = await rows(users).count();
  const lines = await download(page);
  expect(lines).toHaveLength(found + 1);
  expect(lines[0]).toMatch(/^company,name,sign_in,/);
  expect(lines.slice(1).every((line) => line.includes(tenant.name))).toBe(true);

  await page.getByRole("button", { name: "Clear search" }).click();
  await page.getByLabel("Type").selectOption({ label: "Guests" });
  await expect(rows(users).first()).toContainText("Guest");
  await expect(users.getByRole("cell", { name: "Member" })).toHaveCount(0);
  await page.getByLabel("Type").selectOption({ label: "All types" });
  const sort = users.getByRole("columnheader", { name: "Name" });
  await expect(sort).toHaveAttribute("aria-sort", "ascending");
  await sort.getByRole("button").click();
  await expect(sort).toHaveAttribute("aria-sort", "descending");
  await expect(rows(users).first()).not.toContainText("Aaron");

  await page.getByRole("searchbox", { name: "Search users" }).fill("nobody is called this");
  await expect(page.getByText("Nothing matches")).toBeVisible();
  await page.getByRole("button", { name: "Show all" }).click();
  await expect(rows(users)).toHaveCount(50);

  // Of all companies.
  await page.getByRole("link", { name: "All companies" }).click();
  await page.getByRole("navigation", { name: "Microsoft 365" }).getByRole("link", { name: "Users" }).click();
  await expect(page).toHaveURL(/\/microsoft-365\/users$/);
  await page.getByRole("searchbox", { name: "Search users" }).fill(`@${other.domain}`);
  await expect(rows(users).first().getByRole("link", { name: other.name })).toBeVisible();
  await expect(users.getByRole("link", { name: tenant.name })).toHaveCount(0);
  for (const [topic, table] of [["Licences", "Licences"], ["Domains", "Domains"], ["Secure Score", "Secure Score"]] as const) {
    await page.getByRole("navigation", { name: "Microsoft 365" }).getByRole("link", { name: topic }).click();
    await expect(rows(page.getByRole("table", { name: table })).first()).toBeVisible();
    expect((await download(page)).length).toBeGreaterThan(2);
  }
});

test("a list that is open shows what a sync brings", async ({ app, page }) => {
  test.slow();
  const tenant = app.tenants.find(({ users }) => users < 48)!;
  await connect(page, tenant);
  await open(page, tenant);
  await page.getByRole("tab", { name: "Users" }).click();
  const users = rows(page.getByRole("table", { name: "Users" }));
  await expect(users).toHaveCount(tenant.users);
  await app.sandbox.addUsers(tenant, 2);
  await page.getByRole("button", { name: "Sync now" }).click();
  await expect(users).toHaveCount(tenant.users + 2);
});

test("a list that grew stays: when the next page can't be read, and when the company is read again", async ({ app, page }) => {
  test.slow();
  const [tenant] = largest(app);
  await connect(page, tenant);
  await open(page, tenant);
  const data = page.getByRole("table", { name: "Data" }).getByRole("row");
  await expect(data.filter({ hasText: "Up to date" })).toHaveCount(5, { timeout: 30_000 });
  await page.getByRole("tab", { name: "Users" }).click();
  const users = rows(page.getByRole("table", { name: "Users" }));
  const more = page.getByRole("button", { name: "Load more" });
  const said = (text: string) => page.getByRole("status").filter({ hasText: text });
  await expect(users).toHaveCount(50);

  await page.route("**/api/users/list", (route) => route.abort());
  await more.click();
  await expect(said("could not be reached")).not.toHaveCount(0);
  await expect(users).toHaveCount(50);
  await expect(more).toBeFocused();
  await page.unroute("**/api/users/list");
  await more.click();
  await expect(users).toHaveCount(100);

  const asOf = page.locator(".freshness time").first();
  const before = (await asOf.getAttribute("datetime"))!;
  await page.getByRole("button", { name: "Sync now" }).click();
  await expect(said(`${tenant.name} synced`)).not.toHaveCount(0);
  await expect(asOf).not.toHaveAttribute("datetime", before);
  // Had it been read again, it would be shorter.
  await more.click();
  await expect(users).toHaveCount(150);

  // Another question is asked anew; where there is no answer, no rows are shown that answer another one.
  await page.route("**/api/users/list", (route) => route.abort());
  await page.getByLabel("Type").selectOption({ label: "Guests" });
  await expect(page.getByRole("heading", { name: "The list could not be read" })).toBeVisible();
  await page.unroute("**/api/users/list");
  await page.getByRole("button", { name: "Retry" }).click();
  await expect(users.first()).toContainText("Guest");
});

test("what could not be read says so, and mends itself", async ({ app, page }) => {
  test.slow();
  const [tenant] = app.tenants as [Tenant];
  await app.sandbox.fault({ match: "/v1.0/domains", status: 200, cut_body: true, times: 2 });
  const companies = await CompaniesPage.open(page);
  await new MicrosoftWindow(await companies.signIn(tenant)).complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");
  await open(page, tenant);
  const domains = page.getByRole("table", { name: "Data" }).getByRole("row").filter({ hasText: "Domains" });
  await expect(domains).toContainText(/Not updated|Up to date/, { timeout: 30_000 });
  await expect(async () => {
    if (!(await domains.textContent())!.includes("Up to date")) {
      await page.getByRole("button", { name: "Sync now" }).click({ timeout: 1_000 });
    }
    await expect(domains).toContainText("Up to date", { timeout: 3_000 });
  }).toPass({ timeout: 40_000 });
});

test("a company that was never connected says what to do, and an unknown one that it is none", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await companies.row(tenant).getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Open" }).click();
  await expect(page.getByRole("heading", { level: 1, name: tenant.name })).toBeVisible();
  await expect(page.getByRole("heading", { level: 2, name: "Not connected" })).toBeVisible();
  await page.getByRole("tab", { name: "Users" }).click();
  await expect(page.getByText("This company is not connected.")).toBeVisible();
  await page.goto("/companies/01890000-0000-7000-8000-000000000000");
  await expect(page.getByRole("heading", { name: "Company not found" })).toBeVisible();
});

test.describe("west of Greenwich", () => {
  test.use({ timezoneId: "America/New_York" });

  test("a day of Secure Score is the one that Microsoft measured", async ({ app, page }) => {
    const [tenant] = app.tenants as [Tenant];
    await connect(page, tenant);
    await open(page, tenant);
    await page.getByRole("tab", { name: "Secure Score" }).click();
    await page.getByText("Show as a table").click();
    const days = rows(page.getByRole("table", { name: "Secure Score by day" }));
    await expect(days.first()).toContainText("%");
    const company = new URL(page.url()).pathname.split("/")[2];
    const told = await page.request.post("/api/secure-score/show", { data: { company } });
    const report = (await told.json()) as { days: { measured_at: number }[] };
    const latest = new Date(report.days.at(-1)!.measured_at);
    expect(latest.getUTCHours()).toBe(0);
    const day = new Intl.DateTimeFormat("en-US", { dateStyle: "medium", timeZone: "UTC" }).format(latest);
    await expect(days.first()).toContainText(day);
  });
});

test.describe("for everybody", () => {
  test("at 390 px a company's page does not scroll sideways, and every tab is reached", async ({ app, page }) => {
    test.slow();
    const [tenant] = await connectTwo(app, page);
    await page.setViewportSize({ width: 390, height: 844 });
    await open(page, tenant);
    for (const tab of ["Users", "Secure Score", "Activity"]) {
      await page.getByRole("tab", { name: tab }).click();
      await expect(page.getByRole("tab", { name: tab, selected: true })).toBeInViewport();
      expect(await sidewaysScroll(page)).toBe(0);
    }
  });
});
