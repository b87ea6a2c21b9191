// Finding companies, in any order, keeping what was looked for, and doing something with many of them.
import type { Page, Request } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { expectAccessible, sidewaysScroll } from "../fixtures/axe.ts";
import { accountOf } from "../fixtures/colleague.ts";
import { COMPANIES, CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

const FIVE = [
  { name: "Alder Dental", domain: "alder.test", externalId: "PSA-1001", contact: "Kim King", tags: "VIP, North" },
  { name: "Alder Mills", email: "zoe@mills.test", contact: "Zoë Zhang", tags: "north" },
  { name: "Birch & <b>Sons</b>", externalId: "PSA-1002" },
  { name: "Café Zürich", domain: "zuerich.test", tags: "VIP" },
  { name: "Dune Tours" },
];
const [DENTAL, MILLS, BIRCH, CAFE, DUNE] = FIVE as [{ name: string }, { name: string }, { name: string }, { name: string }, { name: string }];

function namesOf(companies: { name: string }[]): string[] {
  return companies.map(({ name }) => name);
}

async function connect(companies: CompaniesPage, tenant: Tenant): Promise<void> {
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await popup.complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");
  await expect(companies.figure(tenant, new RegExp(`^${tenant.users.toLocaleString("en-US")}$`))).not.toHaveCount(0);
}

/** The tenants in the order of the list. */
async function inOrder(companies: CompaniesPage, app: App): Promise<Tenant[]> {
  const names = await companies.names();
  return names.map((name) => app.tenants.find((tenant) => tenant.name === name)!);
}

function query(page: Page): Record<string, string> {
  return Object.fromEntries(new URL(page.url()).searchParams);
}

test.describe("of five companies", () => {
  test.use({ companies: { list: FIVE } });

  test("each is found by everything that is written down about it", async ({ page }) => {
    const companies = await CompaniesPage.open(page);
    await companies.expectNames(namesOf(FIVE));
    for (const [text, expected] of [
      ["alder", [DENTAL, MILLS]],
      ["dental ALDER", [DENTAL]],
      ["zuerich.t", [CAFE]],
      ["zurich cafe", [CAFE]],
      ["psa-1002", [BIRCH]],
      ["king kim", [DENTAL]],
      ["zoe zhang", [MILLS]],
      ["@mills", [MILLS]],
      ["<b>", [BIRCH]],
    ] as const) {
      await companies.search.fill(text);
      await companies.expectNames(namesOf([...expected]));
    }
  });

  test("what is looked for stands in the address, and Back leads to what was chosen before", async ({ page }) => {
    const companies = await CompaniesPage.open(page);
    const tag = page.getByRole("combobox", { name: "Tag" });
    await companies.search.fill("alder");
    await expect.poll(() => query(page)).toEqual({ q: "alder" });
    await tag.selectOption("VIP");
    await companies.expectNames([DENTAL.name]);
    await companies.head("Company").getByRole("button").click();
    await expect.poll(() => query(page)).toEqual({ q: "alder", tag: "VIP", sort: "-name" });
    await page.getByRole("radio", { name: /Not connected/ }).check({ force: true });
    await expect.poll(() => query(page)).toEqual({ q: "alder", tag: "VIP", sort: "-name", show: "not-connected" });

    await page.reload();
    await companies.expectNames([DENTAL.name]);
    await expect(companies.search).toHaveValue("alder");
    await expect(tag).toHaveValue("VIP");
    await expect(page.getByRole("radio", { name: /Not connected/ })).toBeChecked();
    await expect(companies.head("Company")).toHaveAttribute("aria-sort", "descending");

    await page.goBack();
    await expect(page.getByRole("radio", { name: /All/ })).toBeChecked();
    await page.goBack();
    await expect(companies.head("Company")).toHaveAttribute("aria-sort", "ascending");
    await page.goBack();
    await companies.expectNames([DENTAL.name, MILLS.name]);
    await expect(tag).toHaveValue("");
    await expect(companies.search).toHaveValue("alder");
    await page.goForward();
    await companies.expectNames([DENTAL.name]);
  });

  test("what an address says that is not known is ignored", async ({ page }) => {
    const companies = await CompaniesPage.open(page, "?show=nothing&access=other&sort=-age&tag=gone&x=y");
    await companies.expectNames(namesOf(FIVE));
    await expect(companies.head("Company")).toHaveAttribute("aria-sort", "ascending");
  });

  test("tags narrow the list, whatever their case, and stand in the rows", async ({ page }) => {
    const companies = await CompaniesPage.open(page);
    const tag = page.getByRole("combobox", { name: "Tag" });
    await expect(tag.getByRole("option")).toHaveText(["Any tag", "North", "VIP"]);
    await tag.selectOption("North");
    await companies.expectNames([DENTAL.name, MILLS.name]);
    await expect(companies.row(DENTAL)).toContainText("VIP");
    await expect(page.getByRole("radio", { name: /All/ })).toHaveAccessibleName(/2$/);
    await tag.selectOption("Any tag");
    await companies.expectNames(namesOf(FIVE));
  });

  test("many are selected, with the mouse and with the keyboard", async ({ page }) => {
    const companies = await CompaniesPage.open(page);
    const bar = page.getByRole("region", { name: "Selected companies" });
    const all = page.getByRole("checkbox", { name: "Select all that are shown" });
    await expect(bar).toHaveCount(0);
    await companies.checkbox(MILLS).click();
    await expect(bar).toContainText("1 selected");
    await companies.checkbox(CAFE).click({ modifiers: ["Shift"] });
    for (const company of [MILLS, BIRCH, CAFE]) await expect(companies.checkbox(company)).toBeChecked();
    for (const company of [DENTAL, DUNE]) await expect(companies.checkbox(company)).not.toBeChecked();
    await expect(bar).toContainText("3 selected");
    await expect(all).toBeChecked({ indeterminate: true });

    // Another order and another list leave it as it is.
    await companies.head("Company").getByRole("button").click();
    await companies.expectNames(namesOf(FIVE).reverse());
    await expect(bar).toContainText("3 selected");
    await companies.search.fill("alder");
    await expect(bar).toContainText("3 selected, 2 of them not shown");
    await all.click();
    await expect(all).toBeChecked();
    await expect(bar).toContainText("4 selected, 2 of them not shown");
    await companies.search.press("Escape");
    await expect(all).toBeChecked({ indeterminate: true });

    // From the search down into the rows.
    await companies.search.press("ArrowDown");
    await expect(companies.row(DUNE)).toBeFocused();
    await page.keyboard.press("Space");
    await expect(bar).toContainText("5 selected");
    // The row has the focus, and no checkbox that says it.
    await companies.expectAnnounced("5 selected");
    await expect(all).toBeChecked();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Shift+Space");
    await expect(bar).toContainText("2 selected");
    await page.keyboard.press(".");
    await expect(bar).toBeFocused();
    await bar.getByRole("button", { name: "Clear" }).press("Enter");
    await expect(bar).toHaveCount(0);
    await expect(page.locator("main")).toBeFocused();
    await expect(all).not.toBeChecked();
  });

  test("the companies that are selected go along to where something is done with them", async ({ page }) => {
    for (const path of ["/settings/links/new", "/settings/companies/tags", "/settings/companies/archive"]) {
      await page.route(`**${path}*`, (route) => route.fulfill({ contentType: "text/html", body: "<h1>There</h1>" }));
    }
    for (const [name, to] of [
      ["Generate links", "/settings/links/new?of=selected"],
      ["Tag", "/settings/companies/tags"],
      ["Archive", "/settings/companies/archive"],
    ] as const) {
      const companies = await CompaniesPage.open(page);
      const ids = new Set<string | null>();
      for (const company of [DENTAL, CAFE]) {
        await companies.checkbox(company).check();
        ids.add(await companies.row(company).getAttribute("data-company"));
      }
      const bar = page.getByRole("region", { name: "Selected companies" });
      await bar.getByRole("button", { name, exact: true }).click();
      await expect(page.getByRole("heading", { name: "There" })).toBeVisible();
      await expect(page).toHaveURL(to);
      const handed = await page.evaluate(() => sessionStorage.getItem("selected-companies"));
      expect(new Set(handed?.split(","))).toEqual(ids);
    }
  });

  test("the companies that are selected are exported by what a form sends", async ({ page }) => {
    const sent: Request[] = [];
    await page.route("**/api/companies.*", async (route) => {
      sent.push(route.request());
      await route.fulfill({ status: 204 });
    });
    const companies = await CompaniesPage.open(page);
    await companies.checkbox(DENTAL).check();
    await companies.checkbox(DUNE).check();
    const bar = page.getByRole("region", { name: "Selected companies" });
    for (const [name, path] of [
      ["Export CSV", "/api/companies.csv"],
      ["Export Excel", "/api/companies.xlsx"],
    ] as const) {
      await bar.getByRole("button", { name }).click();
      await expect.poll(() => sent.at(-1)?.url()).toContain(path);
      expect(sent.at(-1)!.method()).toBe("POST");
      const ids = new URLSearchParams(sent.at(-1)!.postData() ?? "").get("companies")?.split(",") ?? [];
      const expected = [DENTAL, DUNE].map((company) => companies.row(company).getAttribute("data-company"));
      expect(new Set(ids)).toEqual(new Set(await Promise.all(expected)));
    }
    for (const name of ["Export all as CSV", "Export all as Excel"]) await expect(page.getByRole("link", { name })).toBeVisible();
  });

  test("a viewer is told why nothing can be done with them but an export", async ({ app, page, context }) => {
    const viewer = await accountOf(app, page, context, "viewer");
    await viewer.checkbox(DENTAL).check();
    const bar = viewer.page.getByRole("region", { name: "Selected companies" });
    for (const name of ["Generate links", "Sync now", "Tag", "Archive"]) {
      const button = bar.getByRole("button", { name, exact: true });
      await expect(button).toBeDisabled();
      await expect(button).toHaveAttribute("title", /Your role may not/);
    }
    for (const name of ["Export CSV", "Export Excel", "Clear"]) await expect(bar.getByRole("button", { name })).toBeEnabled();
    await expect(viewer.page.getByRole("button", { name: "Connect next" })).toBeDisabled();
  });

  test("nothing to complain about for axe, with some selected, and nothing scrolls sideways", async ({ page }) => {
    test.slow();
    const companies = await CompaniesPage.open(page);
    await companies.checkbox(MILLS).check();
    await expectAccessible(page, () => expect(companies.rows.first()).toBeVisible());
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await sidewaysScroll(page)).toBe(0);
    await companies.head("Company").getByRole("button").click();
    await companies.expectNames(namesOf(FIVE).reverse());
  });
});

test("every column orders the list both ways, and what is not known comes last", async ({ app, page }) => {
  test.slow();
  const companies = await CompaniesPage.open(page);
  const byUsers = [...app.tenants].filter(({ users }) => users >= 9).sort((one, other) => one.users - other.users);
  const [few, many] = [byUsers[0]!, byUsers.at(-1)!];
  await connect(companies, many);
  await connect(companies, few);
  const byName = await companies.names();
  const others = byName.filter((name) => ![few.name, many.name].includes(name));

  const expectOrder = async (column: string, direction: string, first: string[]): Promise<void> => {
    await companies.head(column).getByRole("button").press("Enter");
    await expect(companies.head(column)).toHaveAttribute("aria-sort", direction);
    await expect(page.locator("[aria-sort]")).toHaveCount(1);
    await companies.expectNames([...first, ...others]);
  };
  await expectOrder("Users", "ascending", [few.name, many.name]);
  await expectOrder("Users", "descending", [many.name, few.name]);
  await expect.poll(() => query(page)).toEqual({ sort: "-users" });
  // What the first two rows say in this column, as numbers.
  const said = async (column: string): Promise<number[]> => {
    const place = ["Select", "Company", "Status", "Users", "Licences", "Secure Score", "Last sync"].indexOf(column);
    const cells = [0, 1].map((number) => companies.rows.nth(number).getByRole("cell").nth(place));
    if (column !== "Last sync") return Promise.all(cells.map(async (cell) => parseInt((await cell.innerText()).replaceAll(",", ""), 10)));
    return Promise.all(cells.map(async (cell) => Date.parse((await cell.locator("time").getAttribute("datetime")) ?? "")));
  };
  for (const column of ["Licences", "Secure Score", "Last sync"]) {
    for (const [direction, sign] of [["ascending", 1], ["descending", -1]] as const) {
      await companies.head(column).getByRole("button").click();
      await expect(companies.head(column)).toHaveAttribute("aria-sort", direction);
      await expect.poll(async () => (await companies.names()).slice(2)).toEqual(others);
      const [first, second] = (await said(column)) as [number, number];
      expect((second - first) * sign, `${column}, ${direction}: ${first}, ${second}`).toBeGreaterThanOrEqual(0);
    }
  }
  await companies.head("Status").getByRole("button").click();
  const connected = byName.filter((name) => !others.includes(name));
  await companies.expectNames([...others, ...connected]);
  await companies.head("Status").getByRole("button").click();
  await companies.expectNames([...connected, ...others]);
});

test("a company is found by its tenant's name and id, and by how it is read", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const access = page.getByRole("combobox", { name: "Access" });
  await expect(access).toBeHidden();
  await connect(companies, tenant);
  for (const beginning of [tenant.id, tenant.id.slice(0, 13).toUpperCase(), `{${tenant.id}}`]) {
    await companies.search.fill(beginning);
    await companies.expectNames([tenant.name]);
    await companies.search.fill("no such company");
    await companies.expectNames([]);
  }
  await companies.search.fill("");
  await access.selectOption("Application access");
  await companies.expectNames([tenant.name]);
  // None of those that are shown can be connected.
  await expect(page.getByRole("button", { name: "Connect next" })).toBeDisabled();
  await access.selectOption("Delegated access");
  await companies.expectNames([]);
  await page.getByRole("button", { name: "Show all companies" }).click();
  await expect(companies.rows).toHaveCount(app.companies.length);
  await expect(page).toHaveURL(COMPANIES);
});

test("those of the selected that are connected are synced at once", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant, other] = app.tenants as [Tenant, Tenant];
  await connect(companies, tenant);
  await companies.checkbox(tenant).check();
  await companies.checkbox(other).check();
  const asked = page.waitForRequest("**/api/connections/sync-many");
  await page.getByRole("region", { name: "Selected companies" }).getByRole("button", { name: "Sync now" }).click();
  expect(((await asked).postDataJSON() as { companies: string[] }).companies).toHaveLength(1);
  await companies.expectAnnounced("Syncing 1 company, 1 not connected");
});

test.describe("Connect next", () => {
  test("leads through the list with the keyboard alone", async ({ app, page }) => {
    test.slow();
    const companies = await CompaniesPage.open(page);
    const tenants = await inOrder(companies, app);
    await page.getByRole("button", { name: "Connect next" }).press("Enter");
    for (const [place, tenant] of tenants.slice(0, 3).entries()) {
      await expect(companies.signInButton(tenant)).toBeFocused();
      const opened = page.waitForEvent("popup");
      await page.keyboard.press("Enter");
      const popup = new MicrosoftWindow(await opened);
      await popup.complete(account(tenant));
      const next = tenants[place + 1]!;
      await expect(companies.signInButton(next)).toBeFocused();
      await companies.expectAnnounced(`Next: ${next.name}`);
    }
    await companies.expectProgress(3, app.companies.length);
  });

  test("goes on where the company leaves the list, and after the last one from the first", async ({ app, page }) => {
    const companies = await CompaniesPage.open(page, "?show=not-connected");
    const tenants = await inOrder(companies, app);
    const [first, second, third] = tenants as [Tenant, Tenant, Tenant];
    const last = tenants.at(-1)!;
    for (const [tenant, next] of [
      [second, third],
      [last, first],
    ] as const) {
      const popup = new MicrosoftWindow(await companies.signIn(tenant));
      await popup.complete(account(tenant));
      await expect(companies.row(tenant)).toHaveCount(0);
      await expect(companies.signInButton(next)).toBeFocused();
    }
  });

  test("takes the focus from nobody who is elsewhere", async ({ app, page }) => {
    const companies = await CompaniesPage.open(page);
    const [tenant, another] = (await inOrder(companies, app)) as [Tenant, Tenant];
    const popup = new MicrosoftWindow(await companies.signIn(tenant));
    await companies.search.focus();
    await popup.complete(account(tenant));
    await companies.expectStatus(tenant, "Connected");
    await expect(companies.search).toBeFocused();

    // Nor from who is at another company.
    const second = new MicrosoftWindow(await companies.signIn(another));
    await companies.row(tenant).focus();
    await second.complete(account(another));
    await companies.expectStatus(another, "Connected");
    await expect(companies.row(tenant)).toBeFocused();
  });
});
