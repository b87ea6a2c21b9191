// Before anything is painted: the theme that was chosen.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {}
// What a program needs first is on its way while the program loads; it takes the answers from the window.
const ask = (path) => {
  const answer = fetch(`/api/${path}?`, { headers: { Accept: "application/json" } });
  answer.catch(() => {});
  return answer;
};
