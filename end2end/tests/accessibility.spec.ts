// Every page: nothing for axe to complain about, in both themes, wide and narrow, and an order in which it can be read.
import { expect, test } from "../fixtures/app.ts";
import { expectAccessible } from "../fixtures/axe.ts";
import { PAGES, pagesOfTheApp, setScene, strangerPage } from "../fixtures/pages.ts";
import { expectOrderly, readingOrder } from "../fixtures/reading-order.ts";
import { expectSettled } from "../fixtures/settled.ts";

test("no page of the app is missing here", () => {
  const there = pagesOfTheApp();
  expect(there.length).toBeGreaterThan(10);
  expect(Object.keys(PAGES).sort()).toEqual(there.sort());
});

/** How many tests share the pages: each sets the scene once. */
const PARTS = 4;

for (let part = 0; part < PARTS; part += 1) {
  const names = Object.keys(PAGES).filter((_, place) => place % PARTS === part);
  test(`nothing to complain about for axe, and it reads well: ${names.join(", ")}`, async ({ app, page, context }) => {
    test.setTimeout(300_000);
    const scene = await setScene(app, page);
    const places = await Promise.all(names.map((name) => PAGES[name]!(scene)));
    for (const { path, ready, stranger, selected } of places.flat()) {
      await test.step(path, async () => {
        const there = stranger ? await strangerPage(app, context) : page;
        if (selected) await there.evaluate((ids) => sessionStorage.setItem("selected-companies", ids), selected);
        await there.setViewportSize({ width: 1440, height: 900 });
        await there.goto(path);
        const isReady = () => expect(ready(there).first()).toBeVisible();
        await isReady();
        await expectSettled(there);
        const wide = await readingOrder(there);
        expectOrderly(wide);
        await expectAccessible(there, isReady);
        // The last look was at a narrow one: the same headings, in the same order.
        const headings = (order: typeof wide) => order.filter(({ role }) => role === "heading").map(({ name }) => name);
        const narrow = await readingOrder(there);
        expectOrderly(narrow);
        expect(headings(narrow)).toEqual(headings(wide));
      });
    }
  });
}
