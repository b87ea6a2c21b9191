// Companies are added, changed, put away, brought back and deleted.
import { type App, expect, test } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { COMPANIES, CompaniesPage } from "../fixtures/companies-page.ts";

/** The id of a company of this name. */
async function idOf(companies: CompaniesPage, company: { name: string }): Promise<string> {
  const id = await companies.row(company).getAttribute("data-company");
  expect(id).not.toBeNull();
  return id!;
}

async function choose(companies: CompaniesPage, company: { name: string }, item: string): Promise<void> {
  await companies.row(company).getByRole("button", { name: "More actions" }).click();
  await companies.page.getByRole("menuitem", { name: item, exact: true }).click();
}

const first = (app: App) => app.companies[0] as { name: string; domain: string };

test("companies are added one after the other, and wrong fields are named", async ({ page }) => {
  await CompaniesPage.open(page);
  await page.getByRole("link", { name: "Add company" }).click();
  await expect(page.getByRole("heading", { name: "Add company" })).toBeVisible();
  await page.getByLabel("Name").fill("Zebra");
  await page.getByLabel("Primary domain").fill("zebra");
  await page.getByLabel("E-mail").fill("kim");
  await page.getByRole("button", { name: "Add company" }).click();
  await expect(page.getByRole("alert")).toHaveText(
    "“zebra” is not a domain name such as contoso.com. “kim” is not an e-mail address such as kim@contoso.com.",
  );
  await expect(page.getByLabel("Primary domain")).toBeFocused();
  await page.getByLabel("Primary domain").fill("https://www.zebra.test/about");
  await page.getByLabel("E-mail").fill("kim@zebra.test");
  await page.getByLabel("External id").fill("Z-1");
  await page.getByLabel("Tags").fill("gold, dental");
  await page.getByLabel("Tags").press("Enter");
  await expect(page.getByRole("status")).toContainText("Zebra added");
  await expect(page.getByLabel("Name")).toBeFocused();
  await expect(page.getByLabel("Name")).toHaveValue("");

  await page.getByLabel("Name").fill("Yak");
  await page.getByLabel("External id").fill("Z-1");
  await page.getByRole("button", { name: "Add company" }).click();
  await expect(page.getByRole("alert")).toContainText("Zebra has this external id already");
  await page.getByLabel("External id").fill("");
  await page.getByRole("button", { name: "Add company" }).click();
  await expect(page.getByRole("status")).toContainText("Yak added");

  await page.getByRole("link", { name: "Go to M365 companies" }).click();
  const companies = new CompaniesPage(page);
  await expect(companies.row({ name: "Zebra" })).toContainText("zebra.test");
  await expect(companies.row({ name: "Yak" })).toBeVisible();
});

test("two people edit a company at once: the second sees what the first did", async ({ app, page, context }) => {
  const company = first(app);
  const companies = await CompaniesPage.open(page);
  const id = await idOf(companies, company);
  await choose(companies, company, "Edit");
  await expect(page.getByRole("heading", { name: `Edit ${company.name}` })).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue(company.name);

  const other = await context.newPage();
  await other.goto(`/companies/${id}/edit`);
  await other.getByLabel("Name").fill("Renamed");
  await other.getByRole("button", { name: "Save" }).click();
  await expect(other.getByRole("status")).toContainText("Renamed saved");

  await page.getByLabel("Note").fill("Calls on Mondays\nand Fridays");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("alert")).toContainText(`Name: ${company.name} → Renamed`);
  await page.getByRole("button", { name: "Load again" }).click();
  await expect(page.getByLabel("Name")).toHaveValue("Renamed");
  await page.getByLabel("Note").fill("Calls on Mondays\nand Fridays");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByRole("status")).toContainText("Renamed saved");
  await page.reload();
  await expect(page.getByLabel("Note")).toHaveValue("Calls on Mondays\nand Fridays");
});

test("a company that is archived leaves every open page, and comes back when it is restored", async ({ app, page, context }) => {
  const company = first(app);
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  const colleague = await CompaniesPage.open(await context.newPage());
  const total = app.companies.length;

  await choose(colleague, company, "Archive");
  await expect(colleague.page.getByRole("heading", { name: `Archive ${company.name}?` })).toBeVisible();
  await colleague.page.getByRole("button", { name: "Archive", exact: true }).click();
  await expect(colleague.page).toHaveURL(new RegExp(`${COMPANIES}$`));
  await colleague.expectAnnounced(`${company.name} archived`);
  await companies.expectProgress(0, total - 1);
  await expect(companies.row(company)).toHaveCount(0);

  const page2 = colleague.page;
  await page2.goto("/settings/companies/archived");
  const row = page2.getByRole("table", { name: "Archived companies" }).getByRole("row", { name: company.name });
  await row.getByRole("button", { name: "Restore" }).click();
  await expect(page2.getByRole("heading", { name: "No archived companies" })).toBeVisible();
  await expect(page2.locator("main")).toBeFocused();
  await companies.expectProgress(0, total);
  await expect(companies.row(company)).toBeVisible();
  await companies.expectNotReloaded();
});

test("a company is deleted by who types its name", async ({ app, page, context }) => {
  const company = first(app);
  const companies = await CompaniesPage.open(page);
  const id = await idOf(companies, company);
  const archived = await context.request.post(`${app.url}/api/companies/archive`, { data: { company: id } });
  expect(archived.ok()).toBe(true);
  await page.goto("/settings/companies/archived");
  await page.getByRole("button", { name: "Delete…" }).click();
  const dialog = page.getByRole("dialog", { name: `Delete ${company.name}?` });
  await dialog.getByLabel("Name of the company").fill("Another");
  await dialog.getByRole("button", { name: "Delete for good" }).click();
  await expect(dialog.getByRole("alert")).toContainText(`The company is called ${company.name}`);
  await dialog.getByLabel("Name of the company").fill(company.name);
  await dialog.getByRole("button", { name: "Delete for good" }).click();
  await expect(dialog).toBeHidden();
  await expect(page.getByRole("heading", { name: "No archived companies" })).toBeVisible();
  await page.goto(`/companies/${id}/edit`);
  await expect(page.getByText("There is no such company.")).toBeVisible();
});

test("nothing to complain about for axe when a company is deleted for good", async ({ app, page, context }) => {
  const companies = await CompaniesPage.open(page);
  const id = await idOf(companies, first(app));
  await context.request.post(`${app.url}/api/companies/archive`, { data: { company: id } });
  await page.goto("/settings/companies/archived");
  await page.getByRole("button", { name: "Delete…" }).click();
  await expectAccessible(page, () => expect(page.getByRole("dialog")).toBeVisible());
});
