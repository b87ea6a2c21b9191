// Tokens of other programs: the page where owners make and revoke them, and the document of what they can do.
import type { APIRequestContext, Page } from "@playwright/test";
import { expect, test } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { allowClipboard, clipboard } from "../fixtures/clipboard.ts";
import { accountOf } from "../fixtures/colleague.ts";

const PAGE = "/settings/api";

/** Makes a token by the page, and answers it. The dialog stays open. */
async function make(page: Page, name: string, ...scopes: string[]): Promise<string> {
  await page.getByRole("textbox", { name: "Name" }).fill(name);
  for (const scope of scopes) await page.getByRole("checkbox", { name: scope }).check();
  await page.getByRole("button", { name: "Make token" }).click();
  return page.getByRole("dialog", { name: `Token for ${name}` }).getByRole("textbox", { name: "Token" }).inputValue();
}

async function companies(request: APIRequestContext, token: string): Promise<number> {
  const answer = await request.get("/api/v1/companies", { headers: { authorization: `Bearer ${token}` } });
  return answer.status();
}

test("a token is made, shown once, used and revoked", async ({ page, playwright, app }) => {
  await allowClipboard(page, "granted");
  await page.goto("/settings/team");
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name: "API" }).click();
  await expect(page).toHaveURL(PAGE);
  await expect(page.getByRole("heading", { name: "No tokens" })).toBeVisible();

  const token = await make(page, "PSA", "See companies, with contacts and notes");
  expect(token).toMatch(/^tny_[\w-]{43}$/);
  const dialog = page.getByRole("dialog", { name: "Token for PSA" });
  await expect(dialog.getByText("Copied to clipboard")).toBeVisible();
  expect(await clipboard(page)).toBe(token);
  await dialog.getByRole("button", { name: "Close" }).click();
  await expect(dialog).toBeHidden();

  const row = page.getByRole("table", { name: "Tokens" }).getByRole("row").filter({ hasText: "PSA" });
  await expect(row).toContainText("companies:read");
  await expect(row).toContainText("never");
  await expect(row).toContainText("in 90 days");

  const program = await playwright.request.newContext({ baseURL: app.url });
  expect(await companies(program, token)).toBe(200);
  const refused = await program.get("/api/v1/links", { headers: { authorization: `Bearer ${token}` } });
  expect(refused.status()).toBe(403);
  await expect(async () => {
    await page.reload();
    await expect(row).toContainText("just now", { timeout: 1_000 });
  }).toPass();
  expect(await page.content()).not.toContain(token);

  await row.getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog", { name: "Revoke the token PSA?" }).getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByRole("heading", { name: "No tokens" })).toBeVisible();
  expect(await companies(program, token)).toBe(401);
  await program.dispose();
});

test("a token without a purpose is not made, and the form says why", async ({ page }) => {
  await page.goto(PAGE);
  await page.getByRole("textbox", { name: "Name" }).fill("PSA");
  await page.getByRole("button", { name: "Make token" }).click();
  await expect(page.getByRole("alert")).toContainText("Choose at least one thing");
  await expect(page.getByRole("group", { name: "What it lets do" })).toBeFocused();
});

test("everything is done with the keyboard, and the focus goes back", async ({ page }) => {
  await page.goto(PAGE);
  await page.getByRole("textbox", { name: "Name" }).focus();
  await page.keyboard.type("Robot");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: "Token for Robot" });
  await expect(dialog.getByRole("textbox", { name: "Token" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  const revoke = page.getByRole("row").filter({ hasText: "Robot" }).getByRole("button", { name: "Revoke" });
  await revoke.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog", { name: "Revoke the token Robot?" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(revoke).toBeFocused();

  await make(page, "Script", "See live links");
  await page.keyboard.press("Escape");
  const script = page.getByRole("row").filter({ hasText: "Script" });
  await expect(script).toBeVisible();
  await revoke.press("Enter");
  await page.getByRole("dialog", { name: "Revoke the token Robot?" }).getByRole("button", { name: "Revoke" }).press("Enter");
  await expect(revoke).toHaveCount(0);
  await expect(script.locator(".name")).toBeFocused();
});

test("nobody but an owner sees tokens", async ({ app, page, context }) => {
  const { page: other } = await accountOf(app, page, context, "settings");
  await other.goto(PAGE);
  await expect(other.getByRole("heading", { name: "Only an owner may make tokens" })).toBeVisible();
  expect((await other.request.get("/api/api-tokens/list")).status()).toBe(403);
});

test("the page is accessible, empty and with tokens", async ({ page }) => {
  await page.goto(PAGE);
  await expectAccessible(page, () => expect(page.getByRole("heading", { name: "No tokens" })).toBeVisible());
  await make(page, "PSA", "See live links", "Make and withdraw links");
  await expectAccessible(page, () => expect(page.getByRole("dialog", { name: "Token for PSA" })).toBeVisible());
  await page.keyboard.press("Escape");
  await expectAccessible(page, () => expect(page.getByRole("table", { name: "Tokens" })).toBeVisible());
});

test("the document is a page that needs nobody signed in", async ({ browser, app }) => {
  const stranger = await browser.newContext({ baseURL: app.url });
  const page = await stranger.newPage();
  await page.goto("/api/v1/docs");
  const heading = page.getByRole("heading", { name: "Tenantry API, version 1" });
  await expect(heading).toBeVisible();
  await page.getByRole("navigation", { name: "Contents" }).getByRole("link", { name: "Make a link" }).click();
  await expect(page.getByRole("heading", { name: "Make a link" })).toBeInViewport();
  expect(await page.locator("script").count()).toBe(0);
  await stranger.close();
});
