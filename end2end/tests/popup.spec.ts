// Popups that the browser blocks and popups that people close.
import { expect, test } from "../fixtures/app.ts";
import { COMPANIES, CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

test("with pop-ups blocked, Open in this tab connects and comes back to the page", async ({ app, page }) => {
  await page.addInitScript(() => {
    window.open = () => null;
  });
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  await companies.signInButton(tenant).click();

  const alert = page.getByRole("alert").filter({ hasText: "Your browser blocked the pop-up" });
  await expect(alert).toBeVisible();
  await companies.expectStatus(tenant, "Not connected");

  await alert.getByRole("link", { name: "Open in this tab" }).or(alert.getByRole("button", { name: "Open in this tab" })).click();
  const microsoft = new MicrosoftWindow(page);
  await microsoft.enter(account(tenant));
  await microsoft.accept();
  await page.waitForURL((url) => url.pathname === COMPANIES);
  await companies.expectAnnounced(`${tenant.name} connected`);
  await expect(page).toHaveURL(COMPANIES);
  await companies.expectStatus(tenant, "Connected");
  await companies.expectProgress(1, app.companies.length);

  await test.step("and a reload is not another arrival", async () => {
    await page.reload();
    await companies.expectStatus(tenant, "Connected");
    await expect(page.getByRole("status")).not.toContainText(tenant.name);
  });
});

test("the pop-up blocker of the browser itself is noticed", async ({ app, page }) => {
  const [tenant] = app.tenants as [Tenant];
  // A click by a script on a page that nobody has touched: Chromium does not open a window for it. Playwright's own
  // questions to the page count as somebody's touch for a few seconds, so the page asks by itself whether they are over,
  // and nothing is asked of it until then.
  await page.addInitScript((name) => {
    const press = (): void => {
      const row = [...document.querySelectorAll("tr")].find(({ textContent }) => textContent.includes(name));
      const button = [...(row?.querySelectorAll("button") ?? [])].find(({ textContent }) => /Sign in/.test(textContent));
      if (button && !navigator.userActivation.isActive) {
        button.click();
        console.log("pressed");
      } else {
        requestAnimationFrame(press);
      }
    };
    requestAnimationFrame(press);
  }, tenant.name);
  const pressed = page.waitForEvent("console", (message) => message.text() === "pressed");
  await page.goto(COMPANIES);
  await pressed;
  await expect(page.getByRole("alert").filter({ hasText: "Your browser blocked the pop-up" })).toBeVisible();
  expect(page.context().pages()).toHaveLength(1);
});

test("after the popup was closed the row offers another try, which connects", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const first = await companies.signIn(tenant);
  await companies.expectStatus(tenant, "Signing in…");
  await expect(first.getByRole("textbox", { name: "Email" })).toBeVisible();
  await first.close();
  await expect(companies.signInButton(tenant)).toBeFocused();

  await expect(companies.row(tenant).getByRole("button", { name: "Cancel" })).toBeVisible();
  const second = new MicrosoftWindow(await companies.signIn(tenant));
  await second.complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");
  await companies.expectProgress(1, app.companies.length);
});

test("Cancel puts the row back, and what the popup says then changes nothing", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await popup.enter(account(tenant));
  await expect(popup.page.getByRole("button", { name: "Accept" })).toBeVisible();

  await companies.row(tenant).getByRole("button", { name: "Cancel" }).click();
  await companies.expectStatus(tenant, "Not connected");
  await expect(companies.row(tenant).getByRole("button", { name: "Cancel" })).toHaveCount(0);
  await expect(companies.signInButton(tenant)).toBeVisible();
  await companies.expectAnnounced(`${tenant.name}: sign-in cancelled`);

  await popup.accept();
  await expect(popup.page.getByText("You can close this window")).toBeVisible();
  await companies.expectStatus(tenant, "Not connected");
  await companies.expectProgress(0, app.companies.length);
});

test("neither the second half of a double click on Cancel nor Enter that is held down does more than that", async ({
  app,
  page,
}) => {
  const links: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/api/links/create")) links.push(request.url());
  });
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const cancel = companies.row(tenant).getByRole("button", { name: "Cancel" });
  const first = await companies.signIn(tenant);
  await expect(first.getByRole("textbox", { name: "Email" })).toBeVisible();
  // "Generate Link" comes to where it was.
  await cancel.dblclick();
  await companies.expectAnnounced(`${tenant.name}: sign-in cancelled`);
  await companies.expectStatus(tenant, "Not connected");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(links).toEqual([]);
  await first.close();

  const second = await companies.signIn(tenant);
  await expect(second.getByRole("textbox", { name: "Email" })).toBeVisible();
  await second.close();
  await cancel.focus();
  await page.keyboard.down("Enter");
  // The row gets the focus, and signs in when Enter is pressed there.
  await expect(companies.row(tenant)).toBeFocused();
  for (let repeat = 0; repeat < 3; repeat++) await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  await companies.expectStatus(tenant, "Not connected");
  expect(page.context().pages()).toHaveLength(1);
});

test("of two tries for one company the earlier popup may finish as well", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const first = new MicrosoftWindow(await companies.signIn(tenant));
  await expect(first.page.getByRole("textbox", { name: "Email" })).toBeVisible();
  const second = new MicrosoftWindow(await companies.signIn(tenant));
  await expect(second.page.getByRole("textbox", { name: "Email" })).toBeVisible();

  // The same window may serve both tries; then there is nothing left to finish in the first.
  const earlier = first.page.isClosed() ? second : first;
  await earlier.complete(account(tenant));
  await companies.expectStatus(tenant, "Connected");
  await companies.expectProgress(1, app.companies.length);
});
