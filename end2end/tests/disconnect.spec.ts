// Disconnect: the grant is forgotten, what was read stays or goes, and the access is seen gone.
import type { Page } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { allowClipboard, clipboard } from "../fixtures/clipboard.ts";
import { accountOf } from "../fixtures/colleague.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

/** Connects the sandbox's first tenant, and waits for its data. */
async function connectOne(app: App, page: Page): Promise<[CompaniesPage, Tenant]> {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await new MicrosoftWindow(await companies.signIn(tenant)).complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");
  await expect(companies.figure(tenant, users(tenant)).first()).toBeVisible();
  return [companies, tenant];
}

function users(tenant: Tenant): RegExp {
  return new RegExp(`^${tenant.users.toLocaleString("en-US")}$`);
}

/** Goes to where the company is disconnected. */
async function leave(companies: CompaniesPage, tenant: Tenant): Promise<void> {
  await companies.choose(tenant, "Disconnect");
  await expect(companies.page.getByRole("heading", { name: `Disconnect ${tenant.name}` })).toBeVisible();
}

async function confirm(page: Page, tenant: Tenant): Promise<void> {
  await page.getByRole("textbox", { name: `Type ${tenant.name} to confirm` }).fill(tenant.name);
  await page.getByRole("button", { name: "Disconnect" }).click();
  await expect(page.getByRole("heading", { name: `${tenant.name} is disconnected` })).toBeVisible();
}

test("the name is typed, the steps are there to copy, the access is seen gone, and the company connects again", async ({
  app,
  page,
}) => {
  test.slow();
  await allowClipboard(page, "granted");
  const [companies, tenant] = await connectOne(app, page);
  await leave(companies, tenant);
  const name = page.getByRole("textbox", { name: `Type ${tenant.name} to confirm` });

  await name.fill("another company");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText(`as it is written: ${tenant.name}`);
  await expect(name).toBeFocused();

  await name.fill(tenant.name);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: `${tenant.name} is disconnected` })).toBeVisible();
  await expect(page.locator("main")).toBeFocused();
  await companies.expectAnnounced(`${tenant.name}: disconnected`);
  await expect(page.getByRole("group", { name: "Access" })).toContainText("still lets the app in");

  const script = page.getByRole("region", { name: "PowerShell" });
  await expect(script).toContainText(`Connect-MgGraph -TenantId ${tenant.id}`);
  await page.getByRole("button", { name: "Copy script" }).click();
  await companies.expectAnnounced("Copy script: copied");
  expect(await clipboard(page)).toBe(await script.textContent());

  await app.sandbox.revokeConsent(tenant);
  await page.getByRole("button", { name: "Check now" }).click();
  await expect(page.getByRole("group", { name: "Access" })).toContainText("The access is gone.");
  await companies.expectAnnounced("The access is gone.");
  await expect(page.getByRole("heading", { name: "Remove the app from the tenant" })).toHaveCount(0);

  await page.getByRole("link", { name: "Back to the company" }).click();
  await expect(page.getByRole("tabpanel")).toContainText(`It was disconnected from ${tenant.name}`);
  await page.getByRole("tab", { name: "Users" }).click();
  await expect(page.getByText(`${tenant.users.toLocaleString("en-US")} users`)).toBeVisible();
  await page.getByRole("tab", { name: "Activity" }).click();
  await expect(page.getByRole("row").filter({ hasText: "Access seen gone" })).toHaveCount(1);

  await CompaniesPage.open(page);
  await companies.expectStatus(tenant, "Not connected");
  await expect(companies.figure(tenant, users(tenant)).first()).toBeVisible();
  await new MicrosoftWindow(await companies.signIn(tenant)).complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");
});

test("what was read is deleted if that is chosen", async ({ app, page }) => {
  test.slow();
  const [companies, tenant] = await connectOne(app, page);
  await leave(companies, tenant);
  await page.getByRole("radio", { name: "Delete it" }).check();
  await confirm(page, tenant);
  await expect(page.getByText("What was read was deleted.")).toBeVisible();
  await CompaniesPage.open(page);
  await companies.expectStatus(tenant, "Not connected");
  await expect(companies.figure(tenant, users(tenant))).toHaveCount(0);
  await companies.row(tenant).getByRole("button", { name: "More actions" }).click();
  await expect(page.getByRole("menuitem", { name: "Disconnect" })).toHaveCount(0);
});

test("who may not connect companies may not disconnect them either, and is told so", async ({ app, page, context }) => {
  test.slow();
  const [, tenant] = await connectOne(app, page);
  const colleague = await accountOf(app, page, context, "technician");
  await colleague.row(tenant).getByRole("button", { name: "More actions" }).click();
  await expect(colleague.page.getByRole("menuitem", { name: "Disconnect" })).toBeDisabled();
  const path = await colleague.row(tenant).getByRole("link", { name: tenant.name }).getAttribute("href");
  await colleague.page.goto(`${path}/disconnect`);
  await expect(colleague.page.getByRole("heading", { name: "Your role may not disconnect companies" })).toBeVisible();
});

test("nothing to complain about for axe, before and after", async ({ app, page }) => {
  test.slow();
  const [companies, tenant] = await connectOne(app, page);
  await leave(companies, tenant);
  await expectAccessible(page, () => expect(page.getByRole("button", { name: "Disconnect" })).toBeVisible());
  await confirm(page, tenant);
  await expectAccessible(page, () => expect(page.getByRole("button", { name: "Check now" })).toBeVisible());
});
