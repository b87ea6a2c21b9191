// Sign-ins that must not connect anything.
import { expect, test } from "../fixtures/app.ts";
import { CompaniesPage } from "../fixtures/companies-page.ts";
import { MicrosoftWindow } from "../fixtures/microsoft-window.ts";
import { account, type Tenant } from "../fixtures/sandbox.ts";

test("declined consent: the popup says so, the row goes back", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await popup.enter(account(tenant));
  await popup.cancel();

  await popup.expectHeading("Consent was declined");
  await expect(popup.page.getByText(/Nothing changed\./)).toBeVisible();
  await expect(popup.page.getByText("You can close this window")).toBeVisible();
  await companies.expectStatus(tenant, "Not connected");
  await companies.expectProgress(0, app.companies.length);

  await test.step("and another try connects", async () => {
    await popup.page.close();
    const again = new MicrosoftWindow(await companies.signIn(tenant));
    await again.complete(account(tenant));
    await companies.expectStatus(tenant, "Connected");
  });
});

test("somebody who is no administrator stays at Microsoft, and the row offers Cancel", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await popup.enter(account(tenant, "User"));
  await popup.expectHeading("Need admin approval");
  await companies.expectStatus(tenant, "Signing in…");

  await companies.row(tenant).getByRole("button", { name: "Cancel" }).click();
  await companies.expectStatus(tenant, "Not connected");
  await companies.expectProgress(0, app.companies.length);
});

test("a wrong password stays at Microsoft", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant] = app.tenants as [Tenant];
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await popup.enter({ ...account(tenant), password: "not the password" });
  await expect(popup.page.getByRole("alert")).toContainText("password is incorrect");
  await companies.expectStatus(tenant, "Signing in…");
  await companies.expectProgress(0, app.companies.length);
});

test("an administrator of another organisation than the domain's is turned away", async ({ app, page }) => {
  const companies = await CompaniesPage.open(page);
  const [tenant, other] = app.tenants as [Tenant, Tenant];
  const popup = new MicrosoftWindow(await companies.signIn(tenant));
  await popup.enter(account(other));
  await expect(popup.page.getByRole("alert")).toContainText("does not exist in tenant");
  await companies.row(tenant).getByRole("button", { name: "Cancel" }).click();
  await companies.expectStatus(tenant, "Not connected");
  await companies.expectStatus(other, "Not connected");
  await companies.expectProgress(0, app.companies.length);
});

test.describe("companies without a domain", () => {
  const first = { name: "First Company" };
  const second = { name: "Second Company" };
  test.use({ companies: { list: [first, second] } });

  test("a tenant belongs to one company: the second one is told which has it", async ({ app, page }) => {
    const companies = await CompaniesPage.open(page);
    const [tenant] = app.tenants as [Tenant];
    const popup = new MicrosoftWindow(await companies.signIn(first));
    await popup.complete(account(tenant));
    await companies.expectStatus(first, "Connected");

    const taken = new MicrosoftWindow(await companies.signIn(second));
    await taken.enter(account(tenant));
    await taken.accept();
    await taken.expectHeading("This organisation is connected already");
    await expect(taken.page.getByText(`${tenant.name} is connected to the company ${first.name}.`)).toBeVisible();
    await companies.expectStatus(second, "Not connected");
    await companies.expectStatus(first, "Connected");
    await companies.expectProgress(1, 2);
  });

  test("a personal account is turned away", async ({ page }) => {
    const companies = await CompaniesPage.open(page);
    const popup = new MicrosoftWindow(await companies.signIn(first));
    await popup.enter({ email: "someone@outlook.test", password: "sandbox-password" });
    await expect(popup.page.getByRole("alert")).toContainText("personal account");
    await companies.row(first).getByRole("button", { name: "Cancel" }).click();
    await companies.expectStatus(first, "Not connected");
    await companies.expectProgress(0, 2);
  });
});
