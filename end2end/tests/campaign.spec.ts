// Links for many companies at once: made, sent, followed until each company is connected.
import type { Browser, Page } from "@playwright/test";
import { type App, expect, test as base } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { allowClipboard, clipboard } from "../fixtures/clipboard.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { expectFocusKept } from "../fixtures/keyboard.ts";
import { LinkPage } from "../fixtures/link-page.ts";
import { MailServer } from "../fixtures/mail-server.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

/** How many links are made. */
const MANY = 40;

/** How many people at clients are busy at once. */
const AT_ONCE = 4;

const test = base.extend<{ mails: MailServer }>({
  mails: async ({}, use) => {
    const mails = await MailServer.start();
    await use(mails);
    mails.stop();
  },
  settings: async ({ mails }, use) => use({ TENANTRY_MSP_NAME: "Acme IT", ...mails.settings }),
  companies: async ({}, use) => use({ list: [] }),
});

type Client = { tenant: Tenant; id: string; email: string };

/** Companies, each with a tenant and somebody to write to. */
async function clientsOf(app: App, page: Page, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  for (let number = 0; number < count; number += 1) {
    const [name, domain] = [`Client ${String(number).padStart(2, "0")}`, `client-${number}.test`];
    const made = await page.request.post(`${app.sandbox.url}/_sandbox/tenants`, { data: { name, domain, users: 1 } });
    const email = `kim@${domain}`;
    const added = await page.request.post("/api/companies/add", { data: { texts: { name, domain, email } } });
    expect(added.ok(), await added.text()).toBe(true);
    clients.push({ tenant: (await made.json()) as Tenant, id: (await added.json()) as string, email });
  }
  return clients;
}

/** Goes to a page with these companies selected. */
async function withSelected(page: Page, path: string, clients: { id: string }[]): Promise<void> {
  await page.goto("/settings/links");
  await page.evaluate((ids) => sessionStorage.setItem("selected-companies", ids), clients.map(({ id }) => id).join(","));
  await page.goto(path);
}

/** Does something for each, a few at a time. */
async function each<T>(all: T[], what: (one: T) => Promise<void>): Promise<void> {
  const rest = [...all];
  const one = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await what(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

/** The browser of somebody at a client. */
async function elsewhere(browser: Browser, what: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({ locale: "en-US", javaScriptEnabled: false });
  await what(await context.newPage());
  await context.close();
}

const states = (page: Page) => page.getByRole("group", { name: "States" });

async function expectStates(page: Page, expected: Record<string, number>): Promise<void> {
  const all = Object.values(expected).reduce((sum, count) => sum + count, 0);
  const words = Object.entries(expected).map(([state, count]) => `${state} ${count}`);
  await expect(states(page).getByRole("button")).toHaveText([`All ${all}`, ...words]);
}

const row = (page: Page, { tenant }: Client) => page.getByRole("row", { name: tenant.name });

test("forty links at once: each is sent to its company, opened and used in its own browser, and told once", async ({
  app,
  page,
  browser,
  mails,
}) => {
  test.slow();
  const clients = await clientsOf(app, page, MANY);
  await withSelected(page, "/settings/links/new?of=selected", clients);
  await page.getByLabel("Name of the campaign").fill("Spring");
  await page.getByRole("button", { name: `Generate ${MANY} links` }).click();
  const made = page.getByRole("table", { name: "Links" });
  await expect(made.getByRole("row")).toHaveCount(MANY + 1);
  const links = new Map<string, string>();
  for (const client of clients) {
    const link = await made.getByRole("row").filter({ hasText: client.tenant.name }).locator("code").innerText();
    expect(link.startsWith(`${app.url}/c/`)).toBe(true);
    links.set(client.id, link);
  }
  expect(new Set(links.values()).size).toBe(MANY);
  const linkOf = (client: Client): string => links.get(client.id)!;

  // From here on no answer of the server's holds one of them.
  const tokens = [...links.values()].map((link) => link.split("/").at(-1)!);
  const answers: Promise<string>[] = [];
  page.on("response", (response) => {
    if (response.url().includes("/api/")) answers.push(response.text().catch(() => ""));
  });
  await page.getByRole("link", { name: "Send and follow them" }).click();
  await expect(page.getByRole("heading", { name: "Spring" })).toBeVisible();
  await expectStates(page, { "Not sent": MANY });

  await test.step("sent", async () => {
    await page.getByRole("button", { name: "Preview" }).click();
    await expect(page.getByRole("status", { name: "Preview" })).toContainText(`To ${clients[0]!.email}`);
    await page.getByRole("button", { name: `Send ${MANY} e-mails` }).click();
    await expectStates(page, { Sent: MANY });
    expect(mails.taken.map(({ to }) => to).sort()).toEqual(clients.map(({ email }) => email).sort());
    for (const client of clients) {
      const mail = mails.taken.find(({ to }) => to === client.email)!;
      expect(mail.text).toContain(linkOf(client));
      expect(tokens.filter((token) => mail.text.includes(token))).toHaveLength(1);
    }
  });

  await test.step("opened", async () => {
    const [first, ...others] = clients as [Client, ...Client[]];
    const open = (client: Client) =>
      elsewhere(browser, async (there) => {
        await (await LinkPage.open(there, linkOf(client))).expectHeading(`Connect ${client.tenant.name} to Acme IT`);
      });
    await open(first);
    await expectStates(page, { Sent: MANY - 1, Opened: 1 });
    await expect(row(page, first)).toContainText("Opened");
    await each(others, open);
    await expectStates(page, { Opened: MANY });
  });

  await test.step("one is withdrawn, asked for, and sent anew", async () => {
    const client = clients[7]!;
    await row(page, client).getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: "Withdraw", exact: true }).click();
    await expectStates(page, { Opened: MANY - 1, Withdrawn: 1 });
    await elsewhere(browser, async (there) => {
      await (await LinkPage.open(there, linkOf(client))).expectHeading("This link was withdrawn");
      await there.getByRole("button", { name: "Ask Acme IT for a new link" }).click();
      await expect(there.getByText("Acme IT was asked for a new link")).toBeVisible();
    });
    await expectStates(page, { Opened: MANY - 1, "Asked for a new one": 1 });
    await row(page, client).getByRole("button", { name: "Generate new link and send" }).click();
    await expectStates(page, { Sent: 1, Opened: MANY - 1 });
    expect(mails.taken).toHaveLength(MANY + 1);
    const again = mails.taken.at(-1)!;
    expect(again.to).toBe(client.email);
    const link = new RegExp(`${app.url}/c/[\\w-]+`).exec(again.text)![0];
    expect(link).not.toBe(linkOf(client));
    links.set(client.id, link);
    tokens.push(link.split("/").at(-1)!);
  });

  await test.step("connected", async () => {
    const connect = (client: Client) =>
      elsewhere(browser, async (there) => {
        await (await LinkPage.open(there, linkOf(client))).complete(client.tenant, account(client.tenant));
      });
    await connect(clients[0]!);
    await expect(row(page, clients[0]!)).toContainText("Connected");
    await each(clients.slice(1), connect);
    await expectStates(page, { Connected: MANY });
  });

  await page.reload();
  await expectStates(page, { Connected: MANY });
  const html = await page.content();
  const told = (await Promise.all(answers)).filter((text) => tokens.some((token) => text.includes(token)));
  expect(told).toEqual([]);
  expect(tokens.filter((token) => html.includes(token))).toEqual([]);
  expect(answers.length).toBeGreaterThan(5);

  await page.getByRole("link", { name: "All campaigns" }).click();
  await expect(page.getByRole("table", { name: "Campaigns" }).getByRole("row", { name: "Spring" })).toContainText(
    `${MANY} of ${MANY} connected`,
  );
});

test("a text without the link is refused, who has no address is named, and a slip ends no link", async ({ app, page, mails }) => {
  const clients = await clientsOf(app, page, 2);
  const added = await page.request.post("/api/companies/add", { data: { texts: { name: "Mute" } } });
  const mute = { id: (await added.json()) as string };
  await withSelected(page, "/settings/links/new?of=selected", [...clients, mute, { id: crypto.randomUUID() }]);
  await expect(page.getByRole("region", { name: "No link can be made for these:" })).toContainText("It was deleted.");
  await page.getByRole("button", { name: "Generate 3 links" }).click();
  await page.getByRole("link", { name: "Send and follow them" }).click();
  await expect(page.getByText("1 link can’t be sent, for no address of a contact is written down: Mute")).toBeVisible();

  const text = page.getByRole("textbox", { name: "Text" });
  await text.fill("Hello {contact}");
  await page.getByRole("button", { name: "Send 2 e-mails" }).click();
  await expect(page.getByRole("alert")).toContainText("The text lacks {link}");
  await expect(text).toBeFocused();
  await text.fill("Hello {contact}: {link} {firma}");
  await page.getByRole("button", { name: "Send 2 e-mails" }).click();
  await expect(page.getByRole("alert")).toContainText("{firma}");
  await text.fill("Hello {contact}: {link}");
  await page.getByRole("button", { name: "Send 2 e-mails" }).click();
  await expectStates(page, { "Not sent": 1, Sent: 2 });

  // A colleague writes another text meanwhile. Whoever did not touch it here sends that.
  const texts = { subject: "Theirs", body: "From a colleague: {link}", remind_days: null };
  const kept = await page.request.post("/api/campaigns/send", {
    data: { campaign: page.url().split("/").at(-1), texts, companies: [], again: false },
  });
  expect(kept.ok(), await kept.text()).toBe(true);
  await row(page, clients[0]!).getByRole("button", { name: "Send again" }).click();
  await expect.poll(() => mails.taken.length).toBe(3);
  expect(mails.taken.at(-1)!.text).toContain("From a colleague");
  await expect(text).toHaveValue(texts.body);
  await expectStates(page, { "Not sent": 1, Sent: 2 });

  const there = page.getByRole("row", { name: "Mute" });
  await there.getByRole("button", { name: "Mark as sent" }).click();
  await expectStates(page, { Sent: 3 });
  const main = there.getByRole("button", { name: "Generate new link" });
  await expect(main).toBeFocused();
  // The second half of a double click hits what the button has become.
  await page.mouse.down({ clickCount: 2 });
  await page.mouse.up({ clickCount: 2 });
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await main.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Link for Mute" });
  const link = dialog.getByRole("textbox", { name: "Authentication link" });
  await expect(link).toHaveValue(new RegExp(`^${app.url}/c/`));
  await allowClipboard(page, "granted");
  await dialog.getByRole("button", { name: "Copy" }).click();
  await expect(dialog.getByText("Copied to clipboard")).toBeVisible();
  await expect(link).toBeFocused();
  expect(await clipboard(page)).toBe(await link.inputValue());
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(main).toBeHidden();
  await expectStates(page, { "Not sent": 1, Sent: 2 });
  await states(page).getByRole("button", { name: "Not sent 1" }).click();
  await expect(page.getByRole("table", { name: "Companies" }).getByRole("row")).toHaveCount(2);
  await there.getByRole("button", { name: "Mark as sent" }).press("Enter");
  await expect(there).toHaveCount(0);
  await expectFocusKept(page);
});

test("tags are changed for all that are selected, and the page M365 companies says so", async ({ app, page }) => {
  const clients = await clientsOf(app, page, 3);
  await withSelected(page, "/settings/companies/tags", clients);
  await expect(page.getByText("They have no tags now.")).toBeVisible();
  await page.getByRole("button", { name: "Change tags" }).click();
  await expect(page.getByRole("alert")).toContainText("at least one tag");
  await page.getByLabel("Add tags").fill("gold, dental");
  await page.getByLabel("Add tags").press("Enter");
  await expect(page.getByRole("heading", { name: "M365 companies" })).toBeVisible();
  await expect(page.getByRole("status")).toContainText("Tags of 3 companies changed");
  await page.goto("/settings/companies/tags");
  await expect(page.getByRole("list", { name: "Tags" })).toContainText("gold (3)");
});

test("what is selected is put away at once, after one question that names it", async ({ app, page }) => {
  const clients = await clientsOf(app, page, 3);
  const made = await page.request.post("/api/links/create", { data: { company: clients[0]!.id, note: null } });
  expect(made.ok()).toBe(true);
  await withSelected(page, "/settings/companies/archive", clients.slice(0, 2));
  await expect(page.getByRole("list", { name: "Companies" })).toContainText(clients[1]!.tenant.name);
  await expect(page.getByText("1 of them has a live link.")).toBeVisible();
  await page.getByRole("button", { name: "Archive", exact: true }).click();
  await expect(page.getByRole("status")).toContainText("2 companies archived");
  const companies = new CompaniesPage(page);
  await expect(companies.row(clients[2]!.tenant)).toBeVisible();
  await expect(companies.row(clients[0]!.tenant)).toHaveCount(0);
});

test("nothing to complain about for axe on the pages for many companies", async ({ app, page }) => {
  test.slow();
  const clients = await clientsOf(app, page, 3);
  await withSelected(page, "/settings/links/new?of=selected", clients);
  const generate = page.getByRole("button", { name: "Generate 3 links" });
  await expectAccessible(page, () => expect(generate).toBeVisible());
  await generate.click();
  await page.getByRole("link", { name: "Send and follow them" }).click();
  await expectAccessible(page, () => expectStates(page, { "Not sent": 3 }));
  await page.getByRole("link", { name: "All campaigns" }).click();
  await expectAccessible(page, () => expect(page.getByRole("table", { name: "Campaigns" })).toBeVisible());
  for (const [path, button] of [["tags", "Change tags"], ["archive", "Archive"]] as const) {
    await page.goto(`/settings/companies/${path}`);
    await expectAccessible(page, () => expect(page.getByRole("button", { name: button, exact: true })).toBeVisible());
  }
});
