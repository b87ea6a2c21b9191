// Who may come in, and what they may do there.
import type { BrowserContext, Page } from "@playwright/test";
import { type App, OWNER, expect, test } from "../fixtures/app.ts";
import { COMPANIES, CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { type Account, account, type Tenant } from "../fixtures/sandbox.ts";

const PASSWORD = "correct horse battery";

/** A browser of its own, as another person has one. */
async function browserOf(app: App, context: BrowserContext): Promise<Page> {
  const other = await context.browser()!.newContext({ baseURL: app.url, locale: "en-US" });
  return other.newPage();
}

async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Makes an account with a link, and ends on the companies page. */
async function join(page: Page, link: string, name: string): Promise<void> {
  await page.goto(link);
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { name: "M365 companies" })).toBeVisible();
}

/** Invites somebody, and answers the link. */
async function invite(page: Page, email: string, role: string): Promise<string> {
  await page.goto("/settings/team");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Role", { exact: true }).selectOption({ label: role });
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: `Invitation for ${email}` });
  const link = await dialog.getByRole("textbox", { name: "Invitation link" }).inputValue();
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(dialog).toBeHidden();
  return link;
}

test.describe("at first", () => {
  test.use({ signedIn: false });

  test("the link that the server prints makes the first owner, who invites a technician, who is promoted", async ({
    app,
    page,
    context,
  }) => {
    test.slow();
    const printed = /http:\/\/localhost:\d+\/join\/[\w-]+/.exec(app.log())?.[0];
    expect(printed).toBeDefined();
    await page.goto(printed!);
    await expect(page.getByRole("heading", { name: "Set up Tenantry" })).toBeVisible();
    await page.getByLabel("Name").fill("Olive Owner");
    await page.getByLabel("Email").fill("olive@msp.test");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page.getByRole("heading", { name: "M365 companies" })).toBeVisible();

    const link = await invite(page, "tess@msp.test", "Technician");
    const tess = await browserOf(app, context);
    await join(tess, link, "Tess Technician");

    const [tenant] = app.tenants as [Tenant];
    const companies = new CompaniesPage(tess);
    const button = companies.signInButton(tenant);
    await expect(button).toBeDisabled();
    await expect(tess.getByText("Your role may not connect companies")).toBeVisible();

    await page.goto("/settings/team");
    await page.getByLabel("Role of Tess Technician").selectOption({ label: "Settings access" });
    // Nobody reloads anything on the other side.
    await expect(button).toBeEnabled({ timeout: 10_000 });
    await new MicrosoftWindow(await companies.signIn(tenant)).complete(account(tenant));
    await companies.expectStatus(tenant, "Connected");

    // A link works once.
    const late = await browserOf(app, context);
    await late.goto(link);
    await expect(late.getByRole("heading", { name: "This link can't be used" })).toBeVisible();

    // The last owner stays.
    await page.getByLabel("Role of Olive Owner").selectOption({ label: "Viewer" });
    await page.getByRole("dialog").getByRole("button", { name: "Change role" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "last owner" })).toBeVisible();
  });
});

test("signing out ends the session, and signing in leads back", async ({ page, context }) => {
  await page.goto("/settings/team");
  await expect(page.getByRole("table", { name: "Team" })).toBeVisible();
  const stolen = await context.cookies();
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page).toHaveURL(/\/login/);

  // A cookie that somebody copied is worth nothing now.
  await context.addCookies(stolen);
  await page.goto("/settings/team");
  await expect(page).toHaveURL(/\/login\?next=/);
  await signIn(page, OWNER.email, "not the password");
  await expect(page.getByRole("alert").filter({ hasText: "wrong" })).toBeVisible();
  await signIn(page, OWNER.email, OWNER.password);
  await expect(page).toHaveURL(/\/settings\/team$/);
  await expect(page.getByRole("table", { name: "Team" })).toBeVisible();
});

test("a password is changed by who knows the one before, and only the new one lets in", async ({ page }) => {
  await page.goto("/settings/team");
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Change password" }).click();
  const change = async (current: string, next: string): Promise<void> => {
    await page.getByLabel("Current password").fill(current);
    await page.getByLabel("New password").fill(next);
    await page.getByRole("button", { name: "Change password" }).click();
  };
  await change("not the password", PASSWORD);
  await expect(page.getByRole("alert")).toBeVisible();
  await expect(page.getByLabel("Current password")).toBeFocused();
  await change(OWNER.password, "too short");
  await expect(page.getByRole("alert")).toContainText("at least 12 characters");
  await change(OWNER.password, PASSWORD);
  await expect(page.getByRole("status")).toContainText("Password changed");
  await expect(page.getByLabel("New password")).toHaveValue("");

  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await signIn(page, OWNER.email, OWNER.password);
  await expect(page.getByRole("alert").filter({ hasText: "wrong" })).toBeVisible();
  await signIn(page, OWNER.email, PASSWORD);
  await expect(page).not.toHaveURL(/\/login/);
});

test("a viewer sees and may not change, and is out at once when deactivated", async ({ app, page, context }) => {
  const link = await invite(page, "vic@msp.test", "Viewer");
  const vic = await browserOf(app, context);
  await join(vic, link, "Vic Viewer");
  const [tenant] = app.tenants as [Tenant];
  const companies = new CompaniesPage(vic);
  await expect(companies.row(tenant)).toBeVisible();

  // By hand, with the viewer's cookie.
  const company = (await (await vic.request.get("/api/companies/list")).json()).rows[0].id;
  const tried = await vic.request.post("/api/attempts/cancel", { data: { company } });
  expect(tried.status()).toBe(403);
  expect((await tried.json()).message).toMatch(/^Your role may not connect companies\./);
  await vic.goto("/settings/team");
  await expect(vic.getByText("Only an owner may manage the team")).toBeVisible();

  await page.goto("/settings/team");
  const row = page.getByRole("row", { name: /Vic Viewer/ });
  await row.getByRole("button", { name: /Deactivate/ }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Deactivate" }).click();
  await expect(row).toContainText("Deactivated");
  // The list was read again under the button that was pressed.
  await expect(row.getByRole("button", { name: "Activate", exact: true })).toBeFocused();
  expect((await vic.request.get("/api/companies/list")).status()).toBe(401);
  await vic.goto(COMPANIES);
  await expect(vic).toHaveURL(/\/login/);
});

test("what was done is told, by whom, and can be downloaded", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await new MicrosoftWindow(await companies.signIn(tenant)).complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");

  await page.goto("/settings/activity");
  const table = page.getByRole("table", { name: "Activity" });
  const connected = table.getByRole("row").filter({ hasText: tenant.name }).filter({ hasText: "Connected" });
  await expect(connected.first()).toContainText(OWNER.email);
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download CSV" }).click();
  expect((await download).suggestedFilename()).toMatch(/\.csv$/);
});

test("earlier activity that can't be read leaves what is shown, and the button for another try", async ({ page }) => {
  // As full as a page gets.
  await page.route("**/api/activity/list", async (route) => {
    const { filter } = route.request().postDataJSON() as { filter: { before?: string } };
    if (filter.before !== undefined) return route.abort();
    const [row] = (await (await route.fetch()).json()) as unknown[];
    return route.fulfill({ json: Array.from({ length: 100 }, () => row) });
  });
  await page.goto("/settings/activity");
  const rows = page.getByRole("table", { name: "Activity" }).getByRole("row");
  await expect(rows).toHaveCount(101);
  const more = page.getByRole("button", { name: "Load more" });
  await more.click();
  await expect(page.getByRole("status").filter({ hasText: "could not be reached" })).not.toHaveCount(0);
  await expect(rows).toHaveCount(101);
  await expect(more).toBeFocused();
  await page.unroute("**/api/activity/list");
  await more.click();
  await expect(more).toHaveCount(0);
  await expect(rows.nth(100)).toBeVisible();
});

test.describe("staff", () => {
  test.use({ staffTenant: true });

  test("somebody of our own tenant signs in with Microsoft; somebody of a client's does not", async ({ app, page, context }) => {
    const [ours, client] = app.tenants as [Tenant, Tenant];
    const kim = account(ours);
    await invite(page, kim.email, "Technician");

    const staff = await browserOf(app, context);
    const signInWithMicrosoft = async (person: Account): Promise<void> => {
      await staff.goto("/settings/integrations");
      await staff.getByRole("button", { name: "Sign in with Microsoft" }).click();
      await new MicrosoftWindow(staff).enter(person);
    };
    await signInWithMicrosoft(account(client));
    // Microsoft does not even let them through to us.
    await expect(staff.getByText(/does not exist in tenant/)).toBeVisible();
    expect((await staff.request.get("/api/sessions/me")).status()).toBe(401);

    await signInWithMicrosoft(kim);
    await new MicrosoftWindow(staff).accept();
    await expect(staff).toHaveURL(/\/settings\/integrations/);
    await staff.getByRole("button", { name: "Account" }).click();
    await expect(staff.getByText(kim.email)).toBeVisible();
  });
});
