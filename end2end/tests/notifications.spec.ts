// Who is told what happens: the page where owners choose it.
import { createHmac } from "node:crypto";
import type { Locator, Page } from "@playwright/test";
import { expect, test } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { Receiver } from "../fixtures/receiver.ts";

const PAGE = "/settings/notifications";

test.use({ settings: { TENANTRY_WEBHOOK_PRIVATE_ADDRESSES: "true" } });

let receiver: Receiver;

test.beforeEach(async () => {
  receiver = await Receiver.start();
});

test.afterEach(() => receiver.stop());

/** Adds a webhook by the page, and answers its secret. */
async function addWebhook(page: Page, url: string): Promise<string> {
  await page.getByRole("button", { name: "Add a webhook" }).click();
  const form = page.getByRole("dialog", { name: "Add a webhook" });
  await form.getByLabel("Address").fill(url);
  await form.getByRole("button", { name: "Add", exact: true }).click();
  const shown = page.getByRole("dialog", { name: /^Secret for / });
  const secret = await shown.getByRole("textbox", { name: "Signing secret" }).inputValue();
  await shown.getByRole("button", { name: "Close" }).click();
  await expect(shown).toBeHidden();
  return secret;
}

function row(page: Page, url: string): Locator {
  return page.getByRole("table", { name: "Webhooks" }).getByRole("row").filter({ hasText: url });
}

async function choose(page: Page, url: string, action: string): Promise<void> {
  await row(page, url).getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: action }).click();
}

test("a webhook is added, tried out, and its secret shown once", async ({ page }) => {
  await page.goto("/settings/team");
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "Notifications" }).click();
  await expect(page).toHaveURL(PAGE);
  await expect(page.getByRole("heading", { name: "No webhooks" })).toBeVisible();
  const secret = await addWebhook(page, receiver.url);
  expect(secret).toMatch(/^whsec_[\w+/]{43}=$/);
  await expect(row(page, receiver.url)).toContainText("Active");

  await choose(page, receiver.url, "Send a test event");
  const log = page.getByRole("dialog", { name: `Deliveries to ${receiver.host}` });
  const delivery = log.getByRole("listitem").filter({ hasText: "notifications.test" });
  await expect(delivery).toContainText("Delivered");
  await expect(delivery).toContainText("Answer 204");
  const [{ headers, body }] = receiver.received as [Receiver["received"][number]];
  const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);

  // It is shown never again.
  await page.keyboard.press("Escape");
  await page.reload();
  await expect(row(page, receiver.url)).toContainText("Delivered");
  expect(await page.content()).not.toContain(secret);
});

test("a delivery that failed says why, and is tried again", async ({ page }) => {
  receiver.status = 500;
  await page.goto(PAGE);
  await addWebhook(page, receiver.url);
  await choose(page, receiver.url, "Send a test event");
  const delivery = page.getByRole("dialog").getByRole("listitem");
  await expect(delivery).toContainText("To be tried again");
  // Why it can't be tried again is said where it was asked for.
  await page.route("**/api/webhooks/retry", (route) => route.abort());
  await page.getByRole("dialog").getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toContainText("could not be reached");
  await page.unroute("**/api/webhooks/retry");
  await expect(delivery).toContainText("500 Internal Server Error");
  await expect(delivery).toContainText("Out of paper");
  receiver.status = 204;
  await delivery.getByRole("button", { name: "Try again" }).click();
  await expect(delivery).toContainText("Delivered");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await expect(row(page, receiver.url)).toContainText("Delivered");
});

test("a webhook is changed, paused, given a new secret, and deleted after a question", async ({ page }) => {
  await page.goto(PAGE);
  const secret = await addWebhook(page, receiver.url);

  await choose(page, receiver.url, "Edit");
  const form = page.getByRole("dialog", { name: `Webhook at ${receiver.host}` });
  await expect(form.getByRole("checkbox", { checked: true })).toHaveCount(8);
  for (const box of await form.getByRole("checkbox").all()) await box.uncheck();
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form.getByRole("alert")).toContainText("at least one");
  await form.getByRole("checkbox", { name: "A company needs reconnecting" }).check();
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form).toBeHidden();
  await expect(row(page, receiver.url)).toContainText("connection.needs_reconnect");

  await choose(page, receiver.url, "Pause");
  await expect(row(page, receiver.url)).toContainText("Paused");
  await expect(row(page, receiver.url).getByRole("button", { name: "More actions" })).toBeFocused();
  await choose(page, receiver.url, "Activate");
  await expect(row(page, receiver.url)).toContainText("Active");

  await choose(page, receiver.url, "Replace secret");
  await page.getByRole("dialog").getByRole("button", { name: "Replace secret" }).click();
  const shown = page.getByRole("dialog", { name: `Secret for ${receiver.host}` });
  expect(await shown.getByRole("textbox", { name: "Signing secret" }).inputValue()).not.toBe(secret);
  await shown.getByRole("button", { name: "Close" }).click();
  await expect(row(page, receiver.url)).toContainText("Old secret until");

  await choose(page, receiver.url, "Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  await expect(row(page, receiver.url)).toBeVisible();
  await choose(page, receiver.url, "Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(page.getByRole("heading", { name: "No webhooks" })).toBeVisible();
  await expect(page.getByRole("status").filter({ hasText: "Webhook deleted" })).not.toHaveCount(0);
});

test.describe("where private addresses are not allowed", () => {
  test.use({ settings: {} });

  test("one is refused, and the field has the focus", async ({ page }) => {
    await page.goto(PAGE);
    await page.getByRole("button", { name: "Add a webhook" }).click();
    const form = page.getByRole("dialog");
    await form.getByLabel("Address").fill("https://10.0.0.1/hook");
    await form.getByRole("button", { name: "Add", exact: true }).click();
    await expect(form.getByRole("alert")).toContainText("private network");
    await expect(form.getByLabel("Address")).toBeFocused();
  });

  test("without a mail server the page says what is missing, and addresses can be saved", async ({ page }) => {
    await page.goto(PAGE);
    const mail = page.getByRole("region", { name: "E-mail" });
    await expect(mail).toContainText("TENANTRY_SMTP_URL");
    await expect(mail.getByRole("button", { name: "Send a test mail" })).toBeHidden();
    await mail.getByLabel("Send to").fill("kim");
    await mail.getByRole("button", { name: "Save" }).click();
    await expect(mail.getByRole("alert")).toContainText("kim is not an e-mail address");
    await mail.getByLabel("Send to").fill("Kim@msp.test\nops@msp.test");
    await mail.getByLabel("When").selectOption({ label: "Once a day, at 07:00" });
    await mail.getByRole("checkbox", { name: "A client asks for a new link" }).uncheck();
    await mail.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("status").filter({ hasText: "E-mail settings saved" })).not.toHaveCount(0);
    await page.reload();
    await expect(mail.getByLabel("Send to")).toHaveValue("kim@msp.test\nops@msp.test");
    await expect(mail.getByLabel("When")).toHaveValue("Once a day, at 07:00");
    await expect(mail.getByRole("checkbox", { name: "A client asks for a new link" })).not.toBeChecked();
  });
});

test.describe("with a mail server that nobody answers at", () => {
  test.use({
    settings: {
      TENANTRY_SMTP_URL: "smtp://127.0.0.1:9?tls=none",
      TENANTRY_MAIL_FROM: "Tenantry <tenantry@msp.test>",
    },
  });

  test("a test mail says what is wrong", async ({ page }) => {
    await page.goto(PAGE);
    const mail = page.getByRole("region", { name: "E-mail" });
    await expect(mail).toContainText("From Tenantry <tenantry@msp.test>");
    await mail.getByLabel("Send to").fill("kim@msp.test");
    await mail.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("status").filter({ hasText: "E-mail settings saved" })).not.toHaveCount(0);
    await mail.getByRole("button", { name: "Send a test mail" }).click();
    await expect(mail.getByRole("alert")).toContainText("The mail server can't be reached");
  });
});

test("the page is accessible, in both themes, wide and narrow", async ({ page }, testInfo) => {
  test.slow();
  receiver.status = 500;
  await page.goto(PAGE);
  await addWebhook(page, receiver.url);
  await addWebhook(page, `${receiver.url}/another/with/a/long/address/that/has/to/be/broken`);
  await choose(page, `${receiver.url}/another`, "Pause");
  await expectAccessible(page, async () => {
    await expect(page.getByRole("table", { name: "Webhooks" })).toBeVisible();
    const { width } = page.viewportSize()!;
    const theme = await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches);
    await page.screenshot({ path: testInfo.outputPath(`page-${width}-${theme ? "dark" : "light"}.png`), fullPage: true });
  });
  await row(page, receiver.url).first().getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Send a test event" }).click();
  await expect(page.getByRole("dialog").getByRole("listitem")).toContainText("To be tried again");
  await expectAccessible(page, async () => {
    await expect(page.getByRole("dialog").getByRole("listitem")).toBeVisible();
    await page.screenshot({ path: testInfo.outputPath(`log-${page.viewportSize()!.width}.png`) });
  });
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Add a webhook" }).click();
  await expectAccessible(page, async () => {
    await expect(page.getByRole("dialog", { name: "Add a webhook" })).toBeVisible();
    await page.screenshot({ path: testInfo.outputPath(`add-${page.viewportSize()!.width}.png`) });
  });
});
