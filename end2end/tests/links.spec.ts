// Generate Link: somebody else, or another browser, connects a company.
import type { BrowserContext, Page } from "@playwright/test";
import { type App, expect, test } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { allowClipboard, clipboard } from "../fixtures/clipboard.ts";
import { accountOf } from "../fixtures/colleague.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { LinkDialog } from "../fixtures/link-dialog.ts";
import { LinkPage } from "../fixtures/link-page.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

test.use({ settings: { TENANTRY_MSP_NAME: "Acme IT" } });

/** The browser of somebody at the client, who is not signed in to anything. */
async function clientOf(context: BrowserContext, options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
  const other = await context.browser()!.newContext({ locale: "en-US", ...options });
  return other.newPage();
}

/** The browser of a colleague. */
async function colleagueOf(app: App, context: BrowserContext): Promise<CompaniesPage> {
  const other = await context.browser()!.newContext({ baseURL: app.url, locale: "en-US" });
  await app.signIn(other);
  return CompaniesPage.open(await other.newPage());
}

/** What stands under the row's state. */
async function expectNote(companies: CompaniesPage, company: { name: string }, words: string | RegExp): Promise<void> {
  await expect(companies.row(company).getByText(words).first()).toBeVisible();
}

test("one click makes a link and copies it; opened and completed in another browser, the row follows", async ({
  app,
  page,
  context,
}) => {
  await allowClipboard(page, "granted");
  const companies = await CompaniesPage.open(page);
  await companies.mark();
  const [tenant] = app.tenants as [Tenant];
  await companies.expectStatus(tenant, "Not connected");

  const made = await LinkDialog.make(companies, tenant);
  await expect(made.dialog.getByText("Copied to clipboard")).toBeVisible();
  await expect(made.dialog.getByRole("button", { name: "Copy" })).toHaveCount(0);
  const link = await made.link();
  expect(link.startsWith(`${app.url}/c/`)).toBe(true);
  expect(await clipboard(page)).toBe(link);
  await expect(made.field).toBeFocused();
  expect(await made.selected()).toBe(link);
  const week = new Date(Date.now() + 7 * 24 * 3_600_000).toLocaleDateString("en-US", { dateStyle: "full" });
  await expect(made.dialog.getByText(week)).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(made.dialog).toBeHidden();
  await expect(companies.row(tenant).getByRole("button", { name: "Generate Link" })).toBeFocused();
  await companies.expectStatus(tenant, "Link sent");
  await expectNote(companies, tenant, "not opened yet, expires in 7 days");

  const client = await clientOf(context);
  const complaints: string[] = [];
  client.on("console", (message) => {
    if (message.type() === "error" && message.location().url.startsWith(app.url)) complaints.push(message.text());
  });
  const there = await LinkPage.open(client, link);
  await there.expectHeading(`Connect ${tenant.name} to Acme IT`);
  await expectNote(companies, tenant, "opened 1 time, expires in 7 days");
  await there.complete(tenant, account(tenant));
  await expect(client.getByText("You can close this window")).toBeVisible();
  expect(complaints).toEqual([]);

  await companies.expectStatus(tenant, "Connected");
  await companies.expectAnnounced(`${tenant.name} connected`);
  await companies.expectProgress(1, app.companies.length);
  await companies.expectNotReloaded();

  await (await LinkPage.open(client, link)).expectHeading("This link has already been used");
});

test("without the clipboard the dialog shows the link selected, offers Copy, and does not claim to have copied", async ({
  app,
  page,
}) => {
  await allowClipboard(page, "denied");
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const made = await LinkDialog.make(companies, tenant);
  const copy = made.dialog.getByRole("button", { name: "Copy" });
  await expect(copy).toBeVisible();
  await expect(made.dialog.getByText("Copied to clipboard")).toHaveCount(0);
  const link = await made.link();
  expect(await made.selected()).toBe(link);
  await copy.click();
  await expect(made.field).toBeFocused();
  await expect(made.dialog.getByText("Copied to clipboard")).toHaveCount(0);

  await test.step("until it is allowed", async () => {
    await allowClipboard(page, "granted");
    await copy.click();
    await expect(made.dialog.getByText("Copied to clipboard")).toBeVisible();
    expect(await clipboard(page)).toBe(link);
  });
});

test("a withdrawn link says so; who asks for a new one is seen at once", async ({ app, page, context }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const made = await LinkDialog.make(companies, tenant);
  const link = await made.link();
  await made.close();
  await companies.expectStatus(tenant, "Link sent");

  await companies.choose(tenant, "Withdraw link");
  await companies.expectStatus(tenant, "Not connected");
  await companies.expectAnnounced(`${tenant.name}: link withdrawn`);
  await expect(companies.row(tenant).getByRole("button", { name: "Generate new link" })).toBeVisible();
  await companies.row(tenant).getByRole("button", { name: "More actions" }).click();
  await expect(page.getByRole("menuitem", { name: "Withdraw link" })).toHaveCount(0);
  await page.keyboard.press("Escape");

  const client = await clientOf(context);
  const there = await LinkPage.open(client, link);
  await there.expectHeading("This link was withdrawn");
  await client.getByRole("button", { name: "Ask Acme IT for a new link" }).click();
  await expect(client.getByText("Acme IT was asked for a new link")).toBeVisible();
  await expectNote(companies, tenant, "New link requested");
  await companies.expectAnnounced(`${tenant.name}: new link requested`);

  const again = await LinkDialog.make(companies, tenant, "Generate new link");
  const newer = await again.link();
  expect(newer).not.toBe(link);
  await again.close();
  await companies.expectStatus(tenant, "Link sent");
  await expect(companies.row(tenant).getByText("New link requested")).toHaveCount(0);
  await (await LinkPage.open(client, newer)).expectHeading(`Connect ${tenant.name} to Acme IT`);
});

test("the link's page works without JavaScript, from the first look to the connection", async ({ app, page, context }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const made = await LinkDialog.make(companies, tenant);
  const link = await made.link();
  await made.close();

  const client = await clientOf(context, { javaScriptEnabled: false });
  const there = await LinkPage.open(client, link);
  await there.expectHeading(`Connect ${tenant.name} to Acme IT`);
  for (const words of ["owner of Acme IT asks you", /Global Administrator/, /not.* read/, /valid until/i]) {
    await expect(client.locator("main")).toContainText(words);
  }
  await there.complete(tenant, account(tenant));
  await companies.expectStatus(tenant, "Connected");
});

test("an administrator of another tenant is refused, and the link stays good for the right one", async ({
  app,
  page,
  context,
}) => {
  const companies = await CompaniesPage.open(page);
  const [tenant, other] = app.tenants as [Tenant, Tenant];
  const made = await LinkDialog.make(companies, tenant);
  const link = await made.link();
  await made.close();

  const client = await clientOf(context);
  const there = await LinkPage.open(client, link);
  await there.enter(account(other));
  await expect(client.getByRole("alert")).toContainText("does not exist in tenant");
  await companies.expectStatus(other, "Not connected");

  await (await LinkPage.open(client, link)).complete(tenant, account(tenant));
  await companies.expectStatus(tenant, "Connected");
  await companies.expectProgress(1, app.companies.length);
});

test("declined by the client: the link stays, the row says that the try failed, another try connects", async ({
  app,
  page,
  context,
}) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const made = await LinkDialog.make(companies, tenant);
  const link = await made.link();
  await made.close();

  const client = await clientOf(context);
  const microsoft = await (await LinkPage.open(client, link)).enter(account(tenant));
  await companies.expectStatus(tenant, "Signing in…");
  await microsoft.cancel();
  await microsoft.expectHeading("Consent was declined");
  await companies.expectStatus(tenant, "Link sent");
  await expectNote(companies, tenant, "last try failed, expires in 7 days");

  await client.getByRole("link", { name: "Try again" }).click();
  await new LinkPage(client).complete(tenant, account(tenant));
  await companies.expectStatus(tenant, "Connected");
});

test("the alert about a blocked pop-up offers a link", async ({ app, page, context }) => {
  await page.addInitScript(() => {
    window.open = () => null;
  });
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await companies.signInButton(tenant).click();
  const alert = page.getByRole("alert").filter({ hasText: "Your browser blocked the pop-up" });
  await alert.getByRole("button", { name: "Generate Link" }).click();
  const made = new LinkDialog(page, tenant);
  const link = await made.link();
  await expect(alert).toHaveCount(0);
  await made.close();
  // What was pressed is gone with the alert.
  await expect(companies.row(tenant)).toBeFocused();

  await (await LinkPage.open(await clientOf(context), link)).complete(tenant, account(tenant));
  await companies.expectStatus(tenant, "Connected");
});

test("a double click makes one link, also while the server takes its time", async ({ app, page }) => {
  const asked: string[] = [];
  let answer = (): void => {};
  const held = new Promise<void>((done) => (answer = done));
  await page.route("**/api/links/create", async (route) => {
    asked.push(route.request().url());
    await held;
    await route.continue();
  });
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const button = companies.row(tenant).getByRole("button", { name: "Generate Link" });
  await button.dblclick();
  const made = new LinkDialog(page, tenant);
  await expect(made.dialog.getByText("Making the link…")).toBeVisible();
  await expect(made.field).toHaveCount(0);

  // Put away while it is being made, and asked for again.
  await page.keyboard.press("Escape");
  await expect(made.dialog).toBeHidden();
  await button.click();
  await expect(made.dialog.getByText("Making the link…")).toBeVisible();
  answer();
  await made.link();
  expect(asked).toHaveLength(1);
});

test("without an answer nothing is claimed, and another try makes the link", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await page.route("**/api/links/create", (route) => route.abort());
  const made = await LinkDialog.make(companies, tenant);
  await expect(made.dialog.getByRole("alert")).toContainText("could not be reached");
  await expect(made.field).toHaveCount(0);
  await companies.expectStatus(tenant, "Not connected");

  await page.unroute("**/api/links/create");
  await made.dialog.getByRole("button", { name: "Try again" }).click();
  await made.link();
  await made.close();
  await companies.expectStatus(tenant, "Link sent");
});

test("two people make a link at once: who has the older one is told", async ({ app, page, context }) => {
  const companies = await CompaniesPage.open(page);
  const colleague = await colleagueOf(app, context);
  const [tenant] = app.tenants as [Tenant];
  const mine = await LinkDialog.make(companies, tenant);
  const older = await mine.link();
  await colleague.expectStatus(tenant, "Link sent");
  const theirs = await LinkDialog.make(colleague, tenant);
  const newer = await theirs.link();
  await expect(theirs.dialog.getByText("The link before this one leads nowhere any more.")).toBeVisible();
  await expect(mine.dialog.getByRole("alert")).toContainText("Somebody made a newer link");

  const client = await clientOf(context);
  await (await LinkPage.open(client, older)).expectHeading("This link was withdrawn");
  await (await LinkPage.open(client, newer)).expectHeading(`Connect ${tenant.name} to Acme IT`);
});

test("a message for the client holds the link, to copy or to open in the mail program", async ({ app, page }) => {
  await allowClipboard(page, "granted");
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const made = await LinkDialog.make(companies, tenant);
  const link = await made.link();
  const message = page.getByRole("textbox", { name: "Message" });
  await made.dialog.getByRole("button", { name: "Message for the client" }).click();
  await expect(message).toBeFocused();
  await page.getByRole("link", { name: "Back to M365 companies" }).click();

  await companies.choose(tenant, "Message for the client");
  await expect(message).toHaveValue(new RegExp(`\n${link}\n`));
  await expect(message).toBeFocused();
  const mail = page.getByRole("link", { name: "Open in mail program" });
  const sent = new URL((await mail.getAttribute("href"))!);
  expect(sent.protocol).toBe("mailto:");
  expect(sent.searchParams.get("body")).toContain(`\r\n${link}\r\n`);
  expect(sent.searchParams.get("subject")).toContain(tenant.name);

  await message.fill(`Hi,\n${link}`);
  await expect(mail).toHaveAttribute("href", new RegExp(`body=Hi%2C%0D%0A${encodeURIComponent(link)}$`));
  await page.getByRole("button", { name: "Copy" }).click();
  await expect(page.getByText("Copied to clipboard")).toBeVisible();
  expect(await clipboard(page)).toBe(`Hi,\n${link}`);
});

test("a link with a note is found on the page Live links, and withdrawn there", async ({ app, page, context }) => {
  await allowClipboard(page, "granted");
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await companies.choose(tenant, "Link with a note");
  const made = new LinkDialog(page, tenant);
  const note = made.dialog.getByRole("textbox", { name: "Note" });
  await note.fill("x".repeat(101));
  await note.press("Enter");
  await expect(made.dialog.getByRole("alert")).toContainText("longer than 100 characters");
  await note.fill("#4711");
  await made.dialog.getByRole("button", { name: "Generate Link" }).click();
  const link = await made.link();
  await expect(made.dialog.getByText("Copied to clipboard")).toBeVisible();
  expect(await clipboard(page)).toBe(link);
  await made.close();
  const all = (await (await page.request.get("/api/companies/list")).json()) as { rows: { id: string; name: string }[] };
  for (const { id } of all.rows.filter(({ name }) => name !== tenant.name).slice(0, 2)) {
    expect((await page.request.post("/api/links/create", { data: { company: id, note: null } })).ok()).toBe(true);
  }
  await companies.row(tenant).getByRole("button", { name: /expires in 7 days/ }).click();
  await expect(page.getByText("Note: #4711")).toBeVisible();
  await page.keyboard.press("Escape");

  const colleague = await colleagueOf(app, context);
  await colleague.expectStatus(tenant, "Link sent");
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Live links" }).click();
  const table = page.getByRole("table", { name: "Live links" });
  const row = table.getByRole("row").filter({ hasText: tenant.name });
  await expect(row).toContainText("#4711");
  await expect(row).toContainText("not yet");
  await expectAccessible(page, () => expect(row).toBeVisible());
  // The next row comes under the pointer, and gets the focus: neither the second half of a double click nor Enter that is
  // held down withdraws its link.
  const buttons = table.getByRole("button", { name: "Withdraw link" });
  await row.getByRole("button", { name: "Withdraw link" }).click();
  await expect(buttons).toHaveCount(2);
  await page.mouse.down({ clickCount: 2 });
  await page.mouse.up({ clickCount: 2 });
  // The row goes before the server has answered, and the reload below would break that off.
  const withdrawn = page.waitForResponse("**/api/links/withdraw");
  await buttons.first().focus();
  for (let repeat = 0; repeat < 4; repeat++) await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  await expect(buttons).toHaveCount(1);
  await expect(table.locator(".name")).toBeFocused();
  await withdrawn;
  await page.reload();
  await buttons.first().press("Enter");
  await expect(page.getByText("No live links")).toBeVisible();
  await expect(page.locator("main")).toBeFocused();
  await colleague.expectStatus(tenant, "Not connected");
  await (await LinkPage.open(await clientOf(context), link)).expectHeading("This link was withdrawn");
});

test("a technician sends links and may not connect; a viewer may neither, and is told why", async ({ app, page, context }) => {
  const [tenant] = app.tenants as [Tenant];
  const technician = await accountOf(app, page, context, "technician");
  await expect(technician.signInButton(tenant)).toBeDisabled();
  const made = await LinkDialog.make(technician, tenant);
  const link = await made.link();
  await made.close();

  const viewer = await accountOf(app, page, context, "viewer");
  const button = viewer.row(tenant).getByRole("button", { name: "Generate Link" });
  await expect(button).toBeDisabled();
  await expect(button).toHaveAccessibleDescription(/Your role may not send links/);
  await viewer.row(tenant).getByRole("button", { name: "More actions" }).click();
  await expect(viewer.page.getByRole("menuitem", { name: "Withdraw link" })).toHaveAttribute("aria-disabled", "true");
  const company = (await (await viewer.page.request.get("/api/companies/list")).json()).rows[0].id;
  for (const deed of ["create", "withdraw", "message"]) {
    expect((await viewer.page.request.post(`/api/links/${deed}`, { data: { company } })).status()).toBe(403);
  }
  expect((await viewer.page.request.get("/api/links/list")).status()).toBe(403);
  await viewer.page.goto("/settings/links");
  await expect(viewer.page.getByRole("heading", { name: "Your role may not send links" })).toBeVisible();

  await (await LinkPage.open(await clientOf(context), link)).complete(tenant, account(tenant));
  await technician.expectStatus(tenant, "Connected");
});

test("a row goes back by itself when its link expires", async ({ app, page }) => {
  await page.clock.install();
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const made = await LinkDialog.make(companies, tenant);
  await made.link();
  await made.close();
  await companies.expectStatus(tenant, "Link sent");
  await page.clock.fastForward(169 * 3_600_000);
  await companies.expectStatus(tenant, "Not connected");
  await expectNote(companies, tenant, "Link expired, never opened");
  await expect(companies.row(tenant).getByRole("button", { name: "Generate new link" })).toBeVisible();

  // What somebody reads stays open while the time that it tells passes.
  await companies.row(tenant).getByRole("button", { name: "Link expired, never opened" }).click();
  const explanation = page.getByText("It leads nowhere any more.");
  await expect(explanation).toBeVisible();
  await page.clock.fastForward(3_600_000);
  await expect(companies.row(tenant).getByText("2 hours ago")).toBeVisible();
  await expect(explanation).toBeVisible();
});

test.describe("for everybody", () => {
  test("nothing to complain about for axe in the link's dialog and in the rows", async ({ app, page, context }) => {
    test.slow();
    await allowClipboard(page, "denied");
    const companies = await CompaniesPage.open(page);
    const [tenant, another] = app.tenants as [Tenant, Tenant];
    const withdrawn = await LinkDialog.make(companies, another);
    const dead = await withdrawn.link();
    await withdrawn.close();
    await companies.choose(another, "Withdraw link");
    await companies.expectAnnounced(`${another.name}: link withdrawn`);
    const client = await clientOf(context);
    await LinkPage.open(client, dead);
    await client.getByRole("button", { name: "Ask Acme IT for a new link" }).click();
    await expectNote(companies, another, "New link requested");

    const made = await LinkDialog.make(companies, tenant);
    await made.link();
    await expectAccessible(page, () => expect(made.field).toBeVisible());
    await made.close();
    await expectAccessible(page, () => companies.expectStatus(tenant, "Link sent"));
  });

  test("nothing to complain about for axe in the message for the client", async ({ app, page }) => {
    test.slow();
    const companies = await CompaniesPage.open(page);
    const [tenant] = app.tenants as [Tenant];
    const made = await LinkDialog.make(companies, tenant);
    await made.dialog.getByRole("button", { name: "Message for the client" }).click();
    await expectAccessible(page, () => expect(page.getByRole("textbox", { name: "Message" })).toBeVisible());
  });

  test("nothing to complain about for axe on the link's page, alive and dead", async ({ app, page, context }) => {
    test.slow();
    const companies = await CompaniesPage.open(page);
    const [tenant] = app.tenants as [Tenant];
    const made = await LinkDialog.make(companies, tenant);
    const link = await made.link();
    await made.close();
    const client = await clientOf(context);
    const there = await LinkPage.open(client, link);
    await expectAccessible(client, () => expect(there.continueButton).toBeVisible());
    await companies.choose(tenant, "Withdraw link");
    await companies.expectAnnounced(`${tenant.name}: link withdrawn`);
    await client.reload();
    await expectAccessible(client, () => there.expectHeading("This link was withdrawn"));
  });
});
