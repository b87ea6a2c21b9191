// The way from page to page, within a program of the web app and between the two.
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";

/** Follows an entry of the account's menu. */
async function choose(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByRole("menuitem", { name }).click();
}

test("links and the Back button lead through all pages", async ({ page }) => {
  const loads: string[] = [];
  page.on("domcontentloaded", () => loads.push(new URL(page.url()).pathname));
  const team = page.getByRole("table", { name: "Team" });
  const activity = page.getByRole("table", { name: "Activity" });
  const companies = await CompaniesPage.open(page);
  await page.getByRole("radio", { name: "Dark" }).check({ force: true });

  await choose(page, "Team");
  await expect(team).toBeVisible();
  await expect(page).toHaveTitle("Team · Tenantry");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.getByRole("radio", { name: "Dark" })).toBeChecked();
  await choose(page, "Activity");
  await expect(activity).toBeVisible();
  await expect(page.locator("main")).toBeFocused();
  await page.goBack();
  await expect(team).toBeVisible();
  await page.goBack();
  await expect(companies.rows.first()).toBeVisible();
  await expect(page).toHaveTitle("M365 companies · Tenantry");
  await page.goForward();
  await expect(team).toBeVisible();
  await page.getByRole("link", { name: "Tenantry" }).click();
  await expect(companies.rows.first()).toBeVisible();

  // Between Team and Activity nothing was loaded anew.
  const list = "/settings/integrations/microsoft-365/companies";
  expect(loads).toEqual([list, "/settings/team", list, "/settings/team", list]);
});

test("an address that is no page says so, and leads back", async ({ page }) => {
  await page.goto("/no/such/page");
  await expect(page.getByRole("heading", { name: "Page not found" })).toBeVisible();
  await page.getByRole("link", { name: "Go to M365 companies" }).click();
  await expect(page.getByRole("heading", { name: "M365 companies" })).toBeVisible();
});
