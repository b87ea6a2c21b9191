// The main stories with the keyboard alone. How a company connects so is in companies.spec.ts.
import { expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { expectFocusKept, tabTo } from "../fixtures/keyboard.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

test("a link: made, copied, and the focus comes back to the button", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await page.keyboard.press("/");
  await page.keyboard.type(tenant.name);
  await expect(companies.rows).toHaveCount(1);
  const button = companies.row(tenant).getByRole("button", { name: "Generate Link" });
  await tabTo(page, button);
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: `Link for ${tenant.name}` });
  await expect(dialog.getByRole("textbox", { name: "Authentication link" })).toBeFocused();
  // Nothing outside of the dialog is reached from it.
  for (let step = 0; step < 8; step++) {
    await page.keyboard.press("Tab");
    const outside = await page.evaluate(() => {
      const active = document.activeElement;
      return active !== null && active !== document.body && active.closest("dialog") === null;
    });
    expect(outside).toBe(false);
  }
  await tabTo(page, dialog.getByRole("button", { name: "Close" }));
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expectFocusKept(page);
  await companies.expectStatus(tenant, "Link sent");
});

test("the search, the rows and the menu of one: arrows, Enter, Esc, and the focus is never lost", async ({ page }) => {
  const companies = await CompaniesPage.open(page);
  await page.keyboard.press("/");
  await expect(companies.search).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(companies.rows.first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(companies.rows.nth(1)).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(companies.rows.first()).toBeFocused();

  const more = companies.rows.first().getByRole("button", { name: "More actions" });
  await tabTo(page, more);
  await page.keyboard.press("Enter");
  const items = page.getByRole("menuitem");
  await expect(items.first()).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(items.nth(1)).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await expect(items.last()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(items.first()).toBeHidden();
  await expect(more).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(items.first()).toBeFocused();
  await page.keyboard.press("Enter");
  // Another program: the browser begins at the top, as after any navigation.
  await expect(page.getByRole("heading", { level: 2, name: "Not connected" })).toBeVisible();
});

test("the account's menu and the theme", async ({ page }) => {
  await CompaniesPage.open(page);
  const menu = page.getByRole("button", { name: "Account" });
  await tabTo(page, menu);
  await page.keyboard.press("Space");
  await expect(page.getByRole("menuitem").first()).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(menu).toBeFocused();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitem", { name: "Change password" }).focus();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/settings\/password$/);
  await tabTo(page, page.getByLabel("Current password"));
});

test("a company is disconnected", async ({ app, page }) => {
  test.slow();
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await new MicrosoftWindow(await companies.signIn(tenant)).complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");
  await companies.row(tenant).focus();
  await tabTo(page, companies.row(tenant).getByRole("button", { name: "More actions" }));
  await page.keyboard.press("Enter");
  const item = page.getByRole("menuitem", { name: "Disconnect" });
  await expect(async () => {
    await page.keyboard.press("ArrowDown");
    await expect(item).toBeFocused({ timeout: 200 });
  }).toPass();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: `Disconnect ${tenant.name}` })).toBeVisible();
  await tabTo(page, page.getByRole("textbox", { name: `Type ${tenant.name} to confirm` }));
  await page.keyboard.type(tenant.name);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: `${tenant.name} is disconnected` })).toBeVisible();
  await expectFocusKept(page);
  await tabTo(page, page.getByRole("link", { name: "Back to the company" }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("tabpanel")).toContainText("It was disconnected");
});

test("a file is imported: chosen, its columns named, its wrong row mended, confirmed", async ({ page }) => {
  await page.goto("/settings/companies/import");
  const field = page.getByLabel("Drop a file here, or choose one");
  await tabTo(page, field);
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("Enter");
  const buffer = Buffer.from("Titel,domain\nAcme,no domain\nBeta,beta.test\n");
  await (await chooser).setFiles({ name: "clients.csv", mimeType: "text/csv", buffer });
  const shown = (words: string) => page.getByRole("heading", { level: 2, name: words });
  await expect(page.getByText("Say which column is the name.")).toBeVisible();
  await expectFocusKept(page);
  const column = page.getByLabel("Titel");
  await tabTo(page, column);
  // The first of the fields that begins so.
  await page.keyboard.press("n");
  await expect(shown("clients.csv: 1 new, 1 wrong")).toBeVisible();
  await expect(column).toBeFocused();
  await tabTo(page, page.getByRole("textbox", { name: "Primary domain, line 2" }));
  await page.keyboard.press("Control+A");
  await page.keyboard.type("acme.test");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("checkbox", { name: "Leave out line 2" })).toBeFocused();
  const check = page.getByRole("button", { name: "Check mended rows" });
  await expect(async () => {
    await page.keyboard.press("Shift+Tab");
    await expect(check).toBeFocused({ timeout: 200 });
  }).toPass();
  await page.keyboard.press("Enter");
  await expect(shown("clients.csv: 2 new")).toBeFocused();
  await tabTo(page, page.getByRole("button", { name: "Confirm import" }));
  await page.keyboard.press("Enter");
  await expect(shown("2 companies added, 0 companies changed")).toBeFocused();
});

test("the tabs of a company are gone through with arrows", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  await companies.row(app.tenants[0]!).getByRole("link").first().focus();
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("tab", { name: "Overview" }));
  for (const name of ["Users", "Licences", "Domains", "Secure Score", "Activity"]) {
    await page.keyboard.press("ArrowRight");
    await expect(page.getByRole("tab", { name, selected: true })).toBeFocused();
  }
});
